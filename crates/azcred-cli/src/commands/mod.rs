//! The commands, one in each file.

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
mod exec;
mod install_az;
mod interrupt;
mod limits;
mod login;
mod logout;
mod reader;
mod serve;
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

pub(crate) use exec::OWN_FAILURE;
pub(crate) use limits::end_at_a_limit;

/// The commands.
#[derive(Subcommand)]
pub(crate) enum Command {
    Login(login::Login),
    Logout(logout::Logout),
    Account(account::AccountArguments),
    Token(token::Token),
    Whoami(whoami::Whoami),
    Chain(chain::Chain),
    Doctor(doctor::Doctor),
    Exec(exec::Exec),
    Serve(serve::ServeArguments),
    Workspace(workspace::WorkspaceArguments),
    Subscription(subscription::SubscriptionArguments),
    Tenant(tenant::Tenant),
    Cache(cache::CacheArguments),
    #[cfg(feature = "emulator")]
    Emulator(emulator::EmulatorArguments),
    #[cfg(feature = "emulator")]
    Demo(demo::Demo),
    InstallAz(install_az::InstallAz),
    Completions(completions::Completions),
}

/// Runs a command to its end. Returns the exit code. A shell sets the variable
/// `complete` to request completions.
pub(crate) fn run(command: Command, complete: &str, output: &mut Output) -> Result<u8, Failure> {
    match command {
        Command::Login(command) => finish(client_runtime()?, interruptible(command.run(output))),
        Command::Logout(command) => finish(client_runtime()?, interruptible(command.run(output))),
        Command::Account(command) => finish(client_runtime()?, interruptible(command.run(output))),
        Command::Cache(command) => finish(client_runtime()?, interruptible(command.run(output))),
        Command::Token(command) => finish(client_runtime()?, interruptible(command.run(output))),
        Command::Whoami(command) => finish(client_runtime()?, interruptible(command.run(output))),
        Command::Chain(command) => finish(client_runtime()?, interruptible(command.run(output))),
        Command::Doctor(command) => finish(client_runtime()?, interruptible(command.run(output))),
        Command::Exec(command) => finish(client_runtime()?, command.run(output)),
        Command::Serve(command) => finish(client_runtime()?, interruptible(command.run(output))),
        Command::Workspace(command) => {
            finish(client_runtime()?, interruptible(command.run(output)))
        }
        Command::Subscription(command) => {
            finish(client_runtime()?, interruptible(command.run(output)))
        }
        Command::Tenant(command) => finish(client_runtime()?, interruptible(command.run(output))),
        #[cfg(feature = "emulator")]
        Command::Demo(command) => finish(server_runtime()?, command.run(output)),
        #[cfg(feature = "emulator")]
        Command::Emulator(command) => finish(server_runtime()?, command.run(output)),
        Command::InstallAz(command) => command.run(output),
        Command::Completions(command) => command.run(complete, output),
    }
}

/// A runtime for a command that sends requests: one thread, started in microseconds.
fn client_runtime() -> Result<tokio::runtime::Runtime, Failure> {
    runtime(&mut tokio::runtime::Builder::new_current_thread())
}

/// A runtime for a command that also serves requests.
#[cfg(feature = "emulator")]
fn server_runtime() -> Result<tokio::runtime::Runtime, Failure> {
    runtime(tokio::runtime::Builder::new_multi_thread().worker_threads(2))
}

/// Ends a runtime without waiting for its threads. A file server that never responds blocks a
/// thread, which must not block the process.
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
            "could not start",
            format!("the system provides no event queue: {error}"),
        )
        .fix(limits::RAISE)
    })
}
