//! `azcred sp`: identities for machines, from their creation to their end.

mod access;
mod applications;
mod breadth;
mod certificate;
mod create;
mod created;
mod credential;
mod delete;
mod expiring;
mod federate;
mod found;
mod handover;
mod keys;
mod list;
mod make;
mod pending;
mod permitted;
mod proof;
mod replication;
mod request;
mod rotate;
mod show;
mod unfinished;

use crate::{failure::Failure, output::Output};
use clap::{Args, Subcommand};

pub(super) use federate::{application, not_found_out, sides};

/// Create service principals: identities for machines
///
/// A program that runs without a person, such as a CI job, signs in as a service principal: the
/// identity of an application in this tenant. azcred marks the applications that it makes, and
/// changes only those by their names. It changes others by their client ids.
#[derive(Args)]
#[command(
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "\
Examples:
  azcred sp create ci-train
  azcred sp federate ci-train --github contoso/ml --branch main"
)]
pub(crate) struct SpArguments {
    #[command(subcommand)]
    command: SpCommand,
}

#[derive(Subcommand)]
enum SpCommand {
    Create(Box<create::CreateSp>),
    Federate(Box<federate::FederateSp>),
    List(list::ListSp),
    Show(show::ShowSp),
    Expiring(expiring::ExpiringSp),
    Rotate(rotate::RotateSp),
    Delete(delete::DeleteSp),
}

impl SpArguments {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        match self.command {
            SpCommand::Create(create) => create.run(output).await,
            SpCommand::Federate(federate) => federate.run(output).await,
            SpCommand::List(list) => list.run(output).await,
            SpCommand::Show(show) => show.run(output).await,
            SpCommand::Expiring(expiring) => expiring.run(output).await,
            SpCommand::Rotate(rotate) => rotate.run(output).await,
            SpCommand::Delete(delete) => delete.run(output).await,
        }
    }
}
