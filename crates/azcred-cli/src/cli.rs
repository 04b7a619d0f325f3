//! What can be typed: the root of the command line and the options that every command has.

use crate::{
    commands::Command,
    failure::{Failure, Kind},
    output::{
        Format, Output, style,
        wrap::{Stream, wrap},
    },
};
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, error::ErrorKind};
use std::{ffi::OsString, io::Write, process::ExitCode};

/// Signs you in to Azure, and says exactly why when that fails
#[derive(Parser)]
#[command(
    name = "azcred",
    version,
    styles = style::HELP,
    arg_required_else_help = true,
    subcommand_required = true,
    max_term_width = 100,
    after_help = "\
Start here:
  azcred login     sign in, once; not needed where `az login` is done
  azcred whoami    see which identity that is
  azcred token     print a token, for scripts

Exit codes:
  0  done                      4  refused by the identity provider
  1  failed                    5  not permitted
  2  wrong usage               6  unreachable
  3  not signed in

Results go to standard output, everything else to standard error.
Environment: NO_COLOR turns colours off, AZCRED_LOG=debug logs as -vv does."
)]
pub(crate) struct Arguments {
    /// Print the result as text for people or as json for programs
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true,
        help_heading = "Options for every command"
    )]
    pub(crate) output: Format,

    /// Explain more: -v every source, -vv every step, -vvv everything
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Options for every command")]
    pub(crate) verbose: u8,

    /// Never ask a person: fail where a sign-in or an answer is needed
    #[arg(long, global = true, help_heading = "Options for every command")]
    pub(crate) no_input: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands, by what people come for.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Sign in", &["login", "logout", "account"]),
    (
        "Get a token, and see where it comes from",
        &["token", "whoami", "chain", "doctor"],
    ),
    (
        "Find your way in Azure",
        &["workspace", "subscription", "tenant"],
    ),
    ("Try it without an Azure account", &["demo", "emulator"]),
    ("Manage azcred", &["cache", "completions"]),
];

/// The command line, with its commands in groups.
fn command() -> clap::Command {
    let command = Arguments::command();
    let listed: Vec<(&str, Vec<(&str, String)>)> = GROUPS
        .iter()
        .map(|(heading, names)| {
            let commands = names.iter().filter_map(|name| {
                let about = command.find_subcommand(name)?.get_about()?;
                Some((*name, about.to_string()))
            });
            (*heading, commands.collect::<Vec<_>>())
        })
        .filter(|(_, commands)| !commands.is_empty())
        .collect();
    let names = listed.iter().flat_map(|(_, commands)| commands);
    let widest = names.map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut groups = String::new();
    for (heading, commands) in listed {
        groups.push_str(&format!(
            "{}\n",
            style::paint(style::STRONG, format!("{heading}:"))
        ));
        for (name, about) in commands {
            let name = style::paint(style::CODE, format!("{name:<widest$}"));
            groups.push_str(&format!("  {name}  {about}\n"));
        }
        groups.push('\n');
    }
    command.help_template(format!(
        "{{about}}\n\n{{usage-heading}} {{usage}}\n\n{groups}{{options}}{{after-help}}"
    ))
}

/// Reads the command line; where it can't be read, says so and gives the exit code.
pub(crate) fn parse() -> Result<Arguments, ExitCode> {
    let read = command().try_get_matches();
    let read = read.and_then(|matches| Arguments::from_arg_matches(&matches));
    read.map_err(|error| {
        let wrong = error.use_stderr();
        let asked_for_help = matches!(
            error.kind(),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        );
        if wrong && !asked_for_help && wants_json(std::env::args_os()) {
            let why = in_a_line(&error.to_string());
            let failure = Failure::new(Kind::Usage, "could not read the command line", why)
                .fix("run `azcred --help`, or the command with --help");
            Output::new(Format::Json, false, true).failure(&failure);
        } else if wrong && !asked_for_help {
            let _ = write!(
                anstream::stderr(),
                "{}",
                fitted(&error.to_string(), Stream::Stderr.width())
            );
        } else {
            // A reader that has gone away needs no help.
            let _ = error.print();
        }
        ExitCode::from(if wrong { Kind::Usage.exit_code() } else { 0 })
    })
}

/// What is wrong with it, of all that clap says: the first paragraph, with what it lists.
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

/// What clap says of a command line that can't be read, which it does not wrap.
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

/// Whether JSON was asked for, in a command line that can't be read otherwise.
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

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
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
    fn what_is_wrong_with_a_command_line_fits_the_screen_between_words() {
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
    fn a_program_is_told_which_arguments_are_missing_and_which_values_there_are() {
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
    fn json_is_recognised_in_every_spelling_and_not_behind_a_double_dash() {
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
