#![doc = include_str!("../README.md")]
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod az;
mod candidates;
mod choice;
mod cli;
mod commands;
mod failure;
mod given;
mod output;
mod process;
mod prompt;
mod runtime;
mod shell;
mod sign_in;
mod suggested;
mod trace;
mod usage;
mod words;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(arguments) = az::arguments() {
        return az::run(&arguments);
    }
    cli::complete();
    let arguments = match cli::parse() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let mut output =
        output::Output::new(arguments.output, arguments.verbose > 0, arguments.no_input);
    commands::end_at_a_limit(&output);
    let done = trace::start(arguments.verbose)
        .and_then(|()| commands::run(arguments.command, cli::COMPLETE, &mut output))
        .and_then(|code| output.finish().map(|()| code));
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.kind.exit_code())
        }
    }
}
