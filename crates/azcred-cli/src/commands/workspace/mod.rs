//! `azcred workspace`: the workspaces that the identity can see, and the workspace of a folder.

mod config_file;
mod list;
mod meant;
mod pick;
mod show;
mod use_it;

use crate::{failure::Failure, output::Output};
use clap::{Args, Subcommand};

/// List workspaces, show one, or choose one for this folder
///
/// These are Azure Machine Learning workspaces. The file config.json says which one a folder uses;
/// MLClient and hi-ml read it too.
#[derive(Args)]
#[command(
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "\
Examples:
  azcred workspace list
  azcred workspace use      choose from the list; writes config.json
  azcred workspace show     the workspace of this folder"
)]
pub(crate) struct WorkspaceArguments {
    #[command(subcommand)]
    command: WorkspaceCommand,
}

#[derive(Subcommand)]
enum WorkspaceCommand {
    List(list::ListWorkspaces),
    Show(show::ShowWorkspace),
    Use(use_it::UseWorkspace),
}

impl WorkspaceArguments {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        match self.command {
            WorkspaceCommand::List(list) => list.run(output).await,
            WorkspaceCommand::Show(show) => show.run(output).await,
            WorkspaceCommand::Use(chosen) => chosen.run(output).await,
        }
    }
}
