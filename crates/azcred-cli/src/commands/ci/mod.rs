//! `azcred ci`: workflows that sign in without a secret, written and checked.

mod azure_pipelines;
mod file;
mod github;
mod made;
mod of_identity;
mod pipeline;
mod template;
mod verdict;
mod workflow;

pub(super) use of_identity::IdentityWorkflow;

use crate::{failure::Failure, output::Output};
use clap::{Args, Subcommand};

/// Write or check CI workflows that sign in without a secret
///
/// The workflow installs azcred and your requirements, checks the identity, and runs the command as
/// the application. `azcred sp federate` lets the application trust the workflow's jobs.
#[derive(Args)]
#[command(
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "\
Examples:
  azcred ci github --for kedro
  azcred ci github --check --client-id CLIENT_ID
  azcred ci azure-pipelines --connection azure-ml -- python submit.py"
)]
pub(crate) struct CiArguments {
    #[command(subcommand)]
    command: CiCommand,
}

#[derive(Subcommand)]
#[command(rename_all = "kebab-case")]
enum CiCommand {
    #[command(name = "github")]
    GitHub(Box<github::CiGitHub>),
    AzurePipelines(Box<azure_pipelines::CiAzurePipelines>),
}

impl CiArguments {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        match self.command {
            CiCommand::GitHub(github) => github.run(output).await,
            CiCommand::AzurePipelines(pipelines) => pipelines.run(output).await,
        }
    }
}
