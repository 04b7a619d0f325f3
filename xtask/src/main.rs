//! `cargo xtask VERB`: what CI and developers run, in one place.
//!
//! A verb is a file. A part of a verb that can pass or fail is a [`step::Step`]. There are no shell
//! scripts, so that the same commands run on Linux, macOS and Windows.

mod bench;
mod bindings;
mod chromium;
mod command;
mod debian;
mod deny;
mod dist;
mod fuzz;
mod house;
mod interop;
mod lint;
mod live;
mod node;
mod python;
mod step;
mod test;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The chores of this repository.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Formatting, clippy, documentation, licences and advisories
    Lint(step::Selection<lint::Lint>),
    /// Everything: lint, all tests of all crates, feature combinations, third-party clients
    Test(step::Selection<test::Test>),
    /// Third-party clients (azure-identity, MSAL, azure-ai-ml, …) against the emulator
    Interop(interop::Arguments),
    /// azcred and the recorded facts against a real tenant; reads only
    Live(live::Arguments),
    /// The Python package, with azure-identity's clients, against the emulator
    Bindings(bindings::Arguments),
    /// azcred beside the published `azure_identity` and azure-identity for Python; ratios
    Bench,
    /// What a release consists of, for this machine: archive, manual pages, checksums
    Dist(dist::Arguments),
    /// Fuzz targets for everything that reads what others wrote, under libFuzzer
    Fuzz(fuzz::Arguments),
}

fn main() -> ExitCode {
    let done = match Cli::parse().verb {
        Verb::Lint(selection) => selection.run(),
        Verb::Test(selection) => selection.run(),
        Verb::Bench => bench::run_verb(),
        Verb::Dist(arguments) => dist::run_verb(&arguments),
        Verb::Interop(arguments) => interop::run_verb(&arguments),
        Verb::Live(arguments) => live::run_verb(&arguments),
        Verb::Bindings(arguments) => bindings::run_verb(&arguments),
        Verb::Fuzz(arguments) => fuzz::run_verb(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
