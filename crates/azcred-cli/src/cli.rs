//! The command line: its root, and the options of every command.

use crate::{
    commands::Command,
    failure::{Failure, Kind},
    given::without_secrets,
    output::{
        Format, Output, door, style,
        wrap::{Stream, wrap},
    },
};
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, error::ErrorKind};
use clap_complete::CompleteEnv;
use std::{ffi::OsString, process::ExitCode};

/// Signs you in to Azure, and tells you exactly why when that fails
#[derive(Parser)]
#[command(
    name = "azcred",
    version,
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

/// The commands, grouped by purpose.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Sign in", &["login", "logout", "account"]),
    (
        "Get a token, and find out where it comes from",
        &["token", "whoami", "chain", "doctor"],
    ),
    (
        "Find your workspaces, subscriptions and tenants",
        &["workspace", "subscription", "tenant"],
    ),
    ("Try it without an Azure account", &["demo", "emulator"]),
    ("Manage azcred", &["cache", "completions"]),
];

/// The commands that a new user needs first.
const FIRST: [(&str, &str); 4] = [
    ("azcred login", "sign in; not needed after `az login`"),
    ("azcred whoami", "show which account is used"),
    (
        "azcred doctor",
        "check what this account may do in your workspace",
    ),
    ("azcred token", "print a token, for a script"),
];

/// Longest line of help, on any screen. Examples are laid out for this width.
const WIDEST: usize = 80;

/// The end of the help without arguments.
const MORE: &str = "\
Start with `azcred login`, then `azcred doctor`. `azcred --help` shows the
options and exit codes, `azcred COMMAND --help` explains a command.";

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
            "{{about}}\n\n{{usage-heading}} {{usage}}\n\n{groups}{more}"
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
        let asked_for_help = is_help(error.kind());
        if wrong && !asked_for_help {
            let (text, has_secret) = without_secrets(&error.to_string(), std::env::args_os());
            if wants_json(std::env::args_os()) {
                let why = in_a_line(&text);
                let failure = Failure::new(Kind::Usage, "could not read the command line", why)
                    .fix(match has_secret {
                        true => SECRET_FIX,
                        false => "run `azcred --help`, or the command with --help",
                    });
                Output::new(Format::Json, false, true).failure(&failure);
            } else {
                let text = match has_secret {
                    true => format!(
                        "{}\n\nOther users can see the arguments of a command: {SECRET_FIX}.\n",
                        text.trim_end()
                    ),
                    false => text,
                };
                let _ = door::stderr().write(&fitted(&text, Stream::Stderr.width()));
            }
        } else {
            // An error means that the reader has gone: it needs no help.
            let _ = error.print();
        }
        ExitCode::from(if wrong { Kind::Usage.exit_code() } else { 0 })
    })
}

/// The fix for a command line with a secret.
const SECRET_FIX: &str = "give a secret on standard input (`azcred login --service-principal … < FILE`), and a token or a \
                          certificate as the path of a file that only you can read";

/// Whether clap answers with help. It is laid out for that alone: a token needs none, and scripts
/// run the binary in loops.
fn is_help(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// The first paragraph of clap's error, with the values that it lists.
fn in_a_line(text: &str) -> String {
    let mut lines = text.lines().take_while(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    let listed: Vec<&str> = lines.map(str::trim).collect();
    let line = format!(
        "{} {}",
        first.trim_start_matches("error: "),
        listed.join(", ")
    );
    line.trim_end().to_owned()
}

/// clap's error, wrapped: clap does not wrap it.
fn fitted(text: &str, width: usize) -> String {
    let mut lines = String::new();
    for line in text.lines() {
        let words = line.trim_start();
        let indent = line.len() - words.len();
        for words in wrap(words, width.saturating_sub(indent)) {
            let words = match words.strip_prefix("error:") {
                Some(rest) => format!("{}{rest}", style::paint(style::BAD, "error:")),
                None => words,
            };
            lines.push_str(format!("{:indent$}{words}", "").trim_end());
            lines.push('\n');
        }
    }
    lines
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

    /// Secrets as people paste them into a command line.
    const SECRETS: [&str; 7] = [
        "eyJhbGciOiJSUzI1NiJ9.TopSecretValue.s",
        "Bearer eyJhbGciOiJSUzI1NiJ9.TopSecretValue.s",
        "-----BEGIN PRIVATE KEY-----\nTopSecretValue\n-----END PRIVATE KEY-----",
        "MIIJqQIBAzCCCW8GTopSecretValue",
        "abc8Q~TopSecretValue.0123456789-abcdefgh",
        "kX8Q~TopSecretValue0123456789abcdefghijk",
        "https://user:TopSecretValue@proxy.example:8080",
    ];

    /// Each value of each command, as a command line up to it and the option's name.
    fn values_of(command: &clap::Command, line: &[String]) -> Vec<(Vec<String>, String)> {
        // A program inside the emulator has its own arguments.
        let own = command
            .get_arguments()
            .filter(|one| one.get_action().takes_values() && !one.is_trailing_var_arg_set());
        let mut found: Vec<_> = own
            .map(|one| {
                let option = one
                    .get_long()
                    .map_or(String::new(), |long| format!("--{long}"));
                (line.to_vec(), option)
            })
            .collect();
        for inner in command.get_subcommands() {
            if inner.get_name() != "help" {
                let line = [line, &[inner.get_name().to_owned()]].concat();
                found.extend(values_of(inner, &line));
            }
        }
        found
    }

    #[test]
    fn a_secret_in_place_of_any_value_is_refused_and_not_shown() {
        let mut command = Arguments::command();
        command.build();
        let found = values_of(&command, &["azcred".to_owned()]);
        assert!(found.len() > 60, "{}", found.len());
        let (mut refused, mut paths) = (0, 0);
        for (line, option) in found {
            for secret in SECRETS {
                let spellings = match option.as_str() {
                    "" => vec![vec![secret.to_owned()]],
                    option => vec![
                        vec![option.to_owned(), secret.to_owned()],
                        vec![format!("{option}={secret}")],
                    ],
                };
                for spelling in spellings {
                    let line = [&line[..], &spelling].concat();
                    let Err(error) = Arguments::try_parse_from(&line) else {
                        // It may be the name of something: only its form is random.
                        assert!(secret.starts_with("kX8Q"), "{line:?} is accepted");
                        continue;
                    };
                    refused += 1;
                    let arguments = line.iter().map(OsString::from);
                    let (text, has_secret) = without_secrets(&error.to_string(), arguments);
                    assert!(!text.contains("TopSecret"), "{line:?}: {text}");
                    assert!(!in_a_line(&text).contains("TopSecret"), "{line:?}: {text}");
                    if text.contains("must be the path of a file") {
                        paths += 1;
                        assert!(has_secret, "{line:?}: {text}");
                    }
                }
            }
        }
        assert!(refused > 500, "{refused}");
        assert!(paths > 40, "{paths}");
    }

    #[test]
    fn a_secret_of_an_option_that_does_not_exist_is_not_shown() {
        for secret in SECRETS {
            for line in [
                &[secret][..],
                &["login", secret],
                &["login", &format!("--password={secret}")],
                &["login", &format!("-p{secret}")],
                &["token", "--only", &format!("azure-cli,{secret}")],
            ] {
                let line = [&["azcred"], line].concat();
                let error = Arguments::try_parse_from(&line).err().expect("it is wrong");
                let arguments = line.iter().map(OsString::from);
                let (text, _) = without_secrets(&error.to_string(), arguments);
                assert!(!text.contains("TopSecret"), "{line:?}: {text}");
            }
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
    fn a_usage_error_is_wrapped_between_words() {
        let text = "error: invalid value 'x'\n  [possible values: environment, azure-cli]\n\nFor more, try '--help'.\n";
        let shown = anstream::adapter::strip_str(&fitted(text, 34)).to_string();
        assert_eq!(
            shown,
            "error: invalid value 'x'\n  [possible values: environment,\n  azure-cli]\n\nFor more, try '--help'.\n"
        );
        assert_eq!(
            anstream::adapter::strip_str(&fitted(text, usize::MAX)).to_string(),
            text
        );
    }

    #[test]
    fn the_json_error_has_missing_arguments_and_possible_values() {
        let why = |line: &str| {
            let read = Arguments::try_parse_from(line.split(' '));
            in_a_line(&read.err().expect("it is wrong").to_string())
        };
        assert_eq!(
            why("azcred login --service-principal"),
            "the following required arguments were not provided: --client-id <ID>, --tenant <TENANT>"
        );
        assert_eq!(why("azcred tokne"), "unrecognized subcommand 'tokne'");
        let preset = why("azcred token --preset x");
        assert!(
            preset.ends_with("[possible values: azcred, azure, kedro, hi-ml]"),
            "{preset}"
        );
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
