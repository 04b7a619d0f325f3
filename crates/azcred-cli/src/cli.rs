//! What can be typed: the root of the command line and the options that every command has.

use crate::{
    commands::Command,
    failure::{Failure, Kind},
    output::{
        Format, Output, style,
        wrap::{Stream, wrap},
    },
};
use clap::{ArgAction, Parser, error::ErrorKind};
use std::{ffi::OsString, io::Write, process::ExitCode};

/// The line of a command that is not in every build.
const DEMO: &str = if cfg!(feature = "emulator") {
    "  azcred demo                     see it all, on a local Azure\n"
} else {
    ""
};

/// Gets any program into Azure Machine Learning as the right identity, and says exactly what is
/// wrong when it can't.
#[derive(Parser)]
#[command(
    name = "azcred",
    version,
    styles = style::HELP,
    arg_required_else_help = true,
    subcommand_required = true,
    max_term_width = 100,
    after_help = format!("\
Start here:
{DEMO}  azcred login                    sign in, once
  azcred chain                    see which identity this machine has, and why
  azcred doctor                   check the sign-in, and what it is good for
  azcred token                    get a token, for scripts

Exit codes:
  0 done        1 failed               2 wrong usage            3 not signed in
  4 refused by the identity provider   5 not permitted          6 unreachable

Results go to standard output, everything else to standard error.
NO_COLOR turns colours off; AZCRED_LOG=debug traces, as -vv does.")
)]
pub(crate) struct Arguments {
    /// The result's form: text for people, json for programs
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

    /// Say what is used; -vv every step, -vvv everything
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Options for every command")]
    pub(crate) verbose: u8,

    /// Never ask for anything: fail where a person would be asked
    #[arg(long, global = true, help_heading = "Options for every command")]
    pub(crate) no_input: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Reads the command line; where it can't be read, says so and gives the exit code.
pub(crate) fn parse() -> Result<Arguments, ExitCode> {
    Arguments::try_parse().map_err(|error| {
        let wrong = error.use_stderr();
        let asked_for_help = matches!(
            error.kind(),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        );
        if wrong && !asked_for_help && wants_json(std::env::args_os()) {
            let why = in_a_line(&error.to_string());
            let failure = Failure::new(Kind::Usage, "Read the command line", why)
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
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
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
