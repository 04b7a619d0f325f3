//! The commands, one in each file.

mod account;
mod allowed;
mod audit;
mod az_default;
mod cache;
mod chain;
mod ci;
mod completions;
#[cfg(feature = "emulator")]
mod demo;
mod doctor;
#[cfg(feature = "emulator")]
mod emulator;
mod exec;
mod first_token;
mod install_az;
mod interrupt;
mod limits;
mod login;
mod logout;
mod reader;
mod role;
mod serve;
mod sp;
mod subscription;
mod target;
mod tenant;
mod token;
mod user_file;
mod whoami;
mod workspace;

use crate::{
    failure::Failure,
    output::Output,
    runtime::{self, finish},
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
    Role(role::RoleArguments),
    Sp(Box<sp::SpArguments>),
    Ci(ci::CiArguments),
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
        Command::Login(command) => finish(runtime::client()?, interruptible(command.run(output))),
        Command::Logout(command) => finish(runtime::client()?, interruptible(command.run(output))),
        Command::Account(command) => finish(runtime::client()?, interruptible(command.run(output))),
        Command::Cache(command) => finish(runtime::client()?, interruptible(command.run(output))),
        Command::Token(command) => finish(runtime::client()?, interruptible(command.run(output))),
        Command::Whoami(command) => finish(runtime::client()?, interruptible(command.run(output))),
        Command::Chain(command) => finish(runtime::client()?, interruptible(command.run(output))),
        Command::Doctor(command) => finish(runtime::client()?, interruptible(command.run(output))),
        Command::Exec(command) => finish(runtime::client()?, command.run(output)),
        Command::Serve(command) => finish(runtime::client()?, interruptible(command.run(output))),
        Command::Workspace(command) => {
            finish(runtime::client()?, interruptible(command.run(output)))
        }
        Command::Subscription(command) => {
            finish(runtime::client()?, interruptible(command.run(output)))
        }
        Command::Tenant(command) => finish(runtime::client()?, interruptible(command.run(output))),
        Command::Role(command) => finish(runtime::client()?, interruptible(command.run(output))),
        Command::Ci(command) => finish(runtime::client()?, interruptible(command.run(output))),
        Command::Sp(command) => finish(runtime::client()?, interruptible(command.run(output))),
        #[cfg(feature = "emulator")]
        Command::Demo(command) => finish(runtime::server()?, command.run(output)),
        #[cfg(feature = "emulator")]
        Command::Emulator(command) => finish(runtime::server()?, command.run(output)),
        Command::InstallAz(command) => command.run(output),
        Command::Completions(command) => command.run(complete, output),
    }
}
