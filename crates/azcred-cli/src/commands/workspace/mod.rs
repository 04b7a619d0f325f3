//! `azcred workspace`: which workspaces this identity can see, and which one a folder names.

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
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(list::List),
    Show(show::Show),
    Use(use_it::Use),
}

impl Arguments {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        match self.command {
            Command::List(list) => list.run(output).await,
            Command::Show(show) => show.run(output).await,
            Command::Use(chosen) => chosen.run(output).await,
        }
    }
}
