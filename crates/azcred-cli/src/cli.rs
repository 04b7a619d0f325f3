//! The command line: its root, and the options of every command.

use crate::{
    commands::{Command, OWN_FAILURE},
    failure::Kind,
    output::{Format, Output, style},
    usage,
};
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, error::ErrorKind};
use clap_complete::CompleteEnv;
use std::{ffi::OsString, process::ExitCode};

/// Signs you in to Azure, and tells you exactly why when that fails
#[derive(Parser)]
#[command(
    name = "azcred",
    version = VERSION,
    styles = style::HELP,
    arg_required_else_help = true,
    subcommand_required = true,
    max_term_width = WIDEST,
    after_help = "\
Exit codes:
  0  done
  1  failed
  2  wrong usage: the command line can't be read
  3  not signed in
  4  the sign-in was rejected, for example because a secret is wrong
  5  signed in, but the account lacks a permission
  6  no response from Azure

`azcred COMMAND --help` explains a command, with examples. Results go to
standard output, messages to standard error."
)]
pub(crate) struct Arguments {
    /// Print text (the default), or json for programs
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true,
        hide_default_value = true,
        help_heading = "Options for every command"
    )]
    pub(crate) output: Format,

    /// Show more: -v sources, -vv steps, -vvv everything
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Options for every command")]
    pub(crate) verbose: u8,

    /// Never ask you to sign in or to choose: fail instead
    #[arg(long, global = true, help_heading = "Options for every command")]
    pub(crate) no_input: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The version, and the commit where it is known.
const VERSION: &str = env!("AZCRED_VERSION");

/// The commands, grouped by purpose.
const GROUPS: [(&str, &[&str]); 3] = [
    (
        "Sign in, find out which account is used, and run programs as it",
        &[
            "login", "logout", "account", "whoami", "chain", "doctor", "exec", "serve", "token",
        ],
    ),
    (
        "Find your workspaces, and manage who may use them: people, CI jobs, machines",
        &["workspace", "subscription", "tenant", "role", "sp", "ci"],
    ),
    (
        "Try it without an Azure account, and manage azcred",
        &["demo", "emulator", "cache", "install-az", "completions"],
    ),
];

/// The commands that a new user needs first.
const FIRST: [(&str, &str); 5] = [
    ("azcred login", "sign in; not needed after `az login`"),
    ("azcred whoami", "show which account is used"),
    (
        "azcred doctor",
        "check what this account may do in your workspace",
    ),
    ("azcred exec", "run a program as this account"),
    ("azcred token", "print a token, for a script"),
];

/// Longest line of help, on any screen. Examples are laid out for this width.
const WIDEST: usize = 80;

/// The end of the help without arguments.
const MORE: &str = "Start with `azcred login`, then `azcred doctor`. `azcred --help` shows more.";

/// The command line, with its help laid out. `is_short`: only the commands, which fit one screen.
fn command(is_short: bool) -> clap::Command {
    let command = Arguments::command().mut_subcommands(laid_out);
    let groups: String = GROUPS
        .iter()
        .map(|(heading, names)| {
            let commands = names.iter().filter_map(|name| {
                let about = command.find_subcommand(name)?.get_about()?;
                Some((*name, about.to_string()))
            });
            list(heading, &commands.collect::<Vec<_>>())
        })
        .collect();
    if is_short {
        let more = style::with_code(MORE);
        return command.help_template(format!(
            "{{about}}\n{{usage-heading}} {{usage}}\n\n{groups}{more}"
        ));
    }
    let first = list("Start here", &FIRST);
    let options = style::paint(style::STRONG, "Options:");
    command.help_template(format!(
        "{{about}}\n\n{{usage-heading}} {{usage}}\n\n{first}{groups}{options}\n{{options}}{{after-help}}"
    ))
}

/// A heading and two columns. Empty if there are no lines.
fn list(heading: &str, lines: &[(&str, impl std::fmt::Display)]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("{}\n", style::paint(style::STRONG, format!("{heading}:")));
    for (name, about) in lines {
        let name = style::paint(style::CODE, format!("{name:<13}"));
        text.push_str(&format!("  {name}  {about}\n"));
    }
    text.push('\n');
    text
}

/// A command whose `-h` is the same as `--help`. clap's long form would have an empty line after
/// each option.
fn laid_out(command: clap::Command) -> clap::Command {
    let details = command.get_long_about().map(ToString::to_string);
    let command = command
        .long_about(None::<&str>)
        .help_template("{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}")
        .mut_subcommands(laid_out);
    match details.as_deref().and_then(|text| text.split_once("\n\n")) {
        Some((_, details)) => command.before_help(details.to_owned()),
        None => command,
    }
}

/// The variable with which a shell requests completions: its name, for its syntax.
pub(crate) const COMPLETE: &str = "AZCRED_COMPLETE";

/// Answers a shell that completes a command line, and ends the process then.
pub(crate) fn complete() {
    if std::env::var_os(COMPLETE).is_some() {
        CompleteEnv::with_factory(Arguments::command)
            .var(COMPLETE)
            .complete();
    }
}

/// Parses the command line. If it is not valid, shows the error and returns the exit code.
pub(crate) fn parse() -> Result<Arguments, ExitCode> {
    // The process ends soon. To take the commands apart would take as long as to make them.
    let commands = Box::leak(Box::new(Arguments::command()));
    let read = match commands.try_get_matches_from_mut(std::env::args_os()) {
        Err(error) if is_help(error.kind()) => {
            let is_short = error.kind() != ErrorKind::DisplayHelp;
            command(is_short).try_get_matches()
        }
        read => read,
    };
    let read = read.and_then(|matches| Arguments::from_arg_matches(&matches));
    read.map_err(|error| {
        let wrong = error.use_stderr();
        if wrong && !is_help(error.kind()) {
            let format = match wants_json(std::env::args_os()) {
                true => Format::Json,
                false => Format::Text,
            };
            let failure = usage::failure(&error, &Arguments::command(), std::env::args_os());
            Output::new(format, false, true).failure(&failure);
        } else {
            // An error means that the reader has gone: it needs no help.
            let _ = error.print();
        }
        ExitCode::from(match wrong {
            true if runs_a_program() => OWN_FAILURE,
            true => Kind::Usage.exit_code(),
            false => 0,
        })
    })
}

/// Whether clap answers with help. It is laid out for that alone: a token needs none, and scripts
/// run the binary in loops.
fn is_help(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// Whether an invalid command line is one of `azcred exec`, whose other exit codes are its
/// program's.
fn runs_a_program() -> bool {
    let command = Arguments::command().ignore_errors(true);
    let read = command.try_get_matches_from(std::env::args_os());
    read.is_ok_and(|matches| matches.subcommand_name() == Some("exec"))
}

/// Whether an invalid command line requests JSON.
fn wants_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let mut before = OsString::new();
    for argument in arguments.take_while(|argument| argument != "--") {
        if argument == "--output=json"
            || argument == "-ojson"
            || argument == "-o=json"
            || (argument == "json" && (before == "--output" || before == "-o"))
        {
            return true;
        }
        before = argument;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::width::width_of;
    use std::path::PathBuf;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn no_line_of_help_is_wider_than_the_screen_and_no_example_is_broken() {
        fn check(command: &mut clap::Command) {
            let name = command.get_name().to_owned();
            let examples = command.get_after_help().map(ToString::to_string);
            let help = command.render_help().to_string();
            for line in help
                .lines()
                .chain(examples.as_deref().unwrap_or_default().lines())
            {
                assert!(width_of(line) <= WIDEST, "{name}: {line}");
            }
            for command in command.get_subcommands_mut() {
                check(command);
            }
        }
        for is_short in [false, true] {
            let mut command = command(is_short).term_width(WIDEST);
            command.build();
            check(&mut command);
        }
        let lines = command(true).render_help().to_string();
        assert!(lines.lines().count() <= 30, "one screen");
    }

    #[test]
    fn the_version_names_the_commit_of_a_checkout() {
        let version = VERSION.strip_prefix(env!("CARGO_PKG_VERSION")).unwrap();
        // A package without a repository has only the number.
        if let Some(commit) = version.strip_prefix(" (") {
            let commit = commit.strip_suffix(')').unwrap();
            assert_eq!(commit.len(), 9);
            assert!(commit.bytes().all(|b| b.is_ascii_hexdigit()), "{commit}");
        }
    }

    /// The manual pages of all commands. `MAN_DIR` names a folder to write them to.
    #[test]
    fn every_command_has_a_manual_page() {
        let own = tempfile::tempdir().unwrap();
        let folder = std::env::var_os("MAN_DIR").map_or(own.path().into(), PathBuf::from);
        clap_mangen::generate_to(Arguments::command(), &folder).unwrap();
        let pages = std::fs::read_dir(&folder).unwrap().map(|page| {
            let path = page.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            (path, text)
        });
        let pages: Vec<_> = pages.collect();
        assert!(pages.len() > 25, "{}", pages.len());
        for (path, text) in pages {
            assert!(text.contains(".SH NAME"), "{path:?}: {text}");
            assert!(!text.contains('\u{1b}'), "{path:?} has colors");
        }
    }

    #[test]
    fn every_command_is_in_one_group() {
        let command = Arguments::command();
        let mut all: Vec<&str> = command
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        let grouped = GROUPS.iter().flat_map(|(_, names)| names.iter().copied());
        let mut grouped: Vec<&str> = grouped.filter(|name| all.contains(name)).collect();
        all.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(all, grouped);
    }

    #[test]
    fn json_is_recognised_in_every_spelling_but_not_after_a_double_dash() {
        let wants = |line: &str| wants_json(line.split(' ').map(OsString::from));
        for yes in [
            "azcred x --output json",
            "azcred --output=json x",
            "azcred -o json",
            "azcred -ojson",
        ] {
            assert!(wants(yes), "{yes}");
        }
        for no in [
            "azcred x",
            "azcred --output text",
            "azcred x -- cmd --output json",
            "azcred json",
        ] {
            assert!(!wants(no), "{no}");
        }
    }
}
