//! `azcred role`: who has which role, what it allows, and changes to that.

mod assign;
mod check;
mod explain;
mod list;
pub(super) mod people;
pub(super) mod place;
mod remove;
mod verdicts;
mod words;

use crate::{failure::Failure, output::Output};
use clap::{Args, Subcommand};

/// Show, check, assign and remove roles in Azure
///
/// A role assignment permits a principal (a user, a group, a service principal or a managed
/// identity) to do what a role grants, at a scope and below it. The scope is the workspace of this
/// folder, unless you name another one.
#[derive(Args)]
#[command(
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "\
Examples:
  azcred role list --principal me
  azcred role check Microsoft.MachineLearningServices/workspaces/jobs/write
  azcred role assign 'AzureML Data Scientist' --to ada@contoso.com"
)]
pub(crate) struct RoleArguments {
    #[command(subcommand)]
    command: RoleCommand,
}

#[derive(Subcommand)]
enum RoleCommand {
    List(list::ListRoles),
    Check(check::CheckRole),
    Assign(assign::AssignRole),
    Remove(remove::RemoveRole),
    Explain(explain::ExplainRole),
}

impl RoleArguments {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        match self.command {
            RoleCommand::List(list) => list.run(output).await,
            RoleCommand::Check(check) => check.run(output).await,
            RoleCommand::Assign(assign) => assign.run(output).await,
            RoleCommand::Remove(remove) => remove.run(output).await,
            RoleCommand::Explain(explain) => explain.run(output).await,
        }
    }
}
