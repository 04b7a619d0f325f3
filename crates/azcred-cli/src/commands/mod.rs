//! One file a command.

mod account;
mod az_default;
mod cache;
mod chain;
mod completions;
#[cfg(feature = "emulator")]
mod demo;
mod doctor;
#[cfg(feature = "emulator")]
mod emulator;
mod interrupt;
mod login;
mod logout;
mod reader;
mod subscription;
mod target;
mod tenant;
mod token;
mod whoami;
mod workspace;

use crate::{
    failure::{Failure, Kind},
    output::Output,
};
use clap::Subcommand;
use interrupt::interruptible;

/// What can be asked for.
#[derive(Subcommand)]
pub(crate) enum Command {
    Login(login::Login),
    Logout(logout::Logout),
    Account(account::Arguments),
    Token(token::Token),
    Whoami(whoami::Whoami),
    Chain(chain::Chain),
    Doctor(doctor::Doctor),
    Workspace(workspace::Arguments),
    Subscription(subscription::Arguments),
    Tenant(tenant::Tenant),
    Cache(cache::Arguments),
    #[cfg(feature = "emulator")]
    Emulator(emulator::Arguments),
    #[cfg(feature = "emulator")]
    Demo(demo::Demo),
    Completions(completions::Completions),
}

/// Runs a command to its end and gives the exit code.
pub(crate) fn run(command: Command, output: &mut Output) -> Result<u8, Failure> {
    match command {
        Command::Login(command) => finish(light()?, interruptible(command.run(output))),
        Command::Logout(command) => finish(light()?, interruptible(command.run(output))),
        Command::Account(command) => finish(light()?, interruptible(command.run(output))),
        Command::Cache(command) => finish(light()?, interruptible(command.run(output))),
        Command::Token(command) => finish(light()?, interruptible(command.run(output))),
        Command::Whoami(command) => finish(light()?, interruptible(command.run(output))),
        Command::Chain(command) => finish(light()?, interruptible(command.run(output))),
        Command::Doctor(command) => finish(light()?, interruptible(command.run(output))),
        Command::Workspace(command) => finish(light()?, interruptible(command.run(output))),
        Command::Subscription(command) => finish(light()?, interruptible(command.run(output))),
        Command::Tenant(command) => finish(light()?, interruptible(command.run(output))),
        #[cfg(feature = "emulator")]
        Command::Demo(command) => finish(strong()?, command.run(output)),
        #[cfg(feature = "emulator")]
        Command::Emulator(command) => finish(strong()?, command.run(output)),
        Command::Completions(command) => command.run(output),
    }
}

/// A runtime for a command that asks and waits: one thread, up in microseconds.
fn light() -> Result<tokio::runtime::Runtime, Failure> {
    runtime(&mut tokio::runtime::Builder::new_current_thread())
}

/// A runtime for a command that serves as well.
#[cfg(feature = "emulator")]
fn strong() -> Result<tokio::runtime::Runtime, Failure> {
    runtime(tokio::runtime::Builder::new_multi_thread().worker_threads(2))
}

/// A command that is done has nobody to wait for: a file server that never answers keeps a thread
/// of the runtime's, and is not to keep the process.
fn finish(
    runtime: tokio::runtime::Runtime,
    command: impl Future<Output = Result<u8, Failure>>,
) -> Result<u8, Failure> {
    let done = runtime.block_on(command);
    runtime.shutdown_background();
    done
}

fn runtime(builder: &mut tokio::runtime::Builder) -> Result<tokio::runtime::Runtime, Failure> {
    builder.enable_all().build().map_err(|error| {
        Failure::new(
            Kind::Failed,
            "could not start a runtime",
            format!("the system provides no event queue: {error}"),
        )
    })
}
