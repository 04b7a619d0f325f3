//! `azcred sp delete`.

use super::{
    access::RolesEverywhere,
    found::existing,
    replication::{LIMIT, Patience},
};
use crate::{
    commands::reader::{As, Reader},
    failure::{Failure, Kind},
    given,
    output::{Output, table},
    prompt::line,
    sign_in::Place,
};
use azcred::{
    Profile,
    account::{Account, AccountKind, Accounts},
};
use azcred_azure::{
    Application, FederatedCredential, RoleAssignment, ServicePrincipal, describe_scope,
};
use clap::Args;
use serde::Serialize;
use uuid::Uuid;

/// Delete a service principal, its roles and its application
///
/// Deletes the role assignments of the service principal, the service principal itself, its
/// application with all secrets, certificates and federated credentials, and the accounts of it
/// that are stored on this machine. It shows what goes, and asks first. If the command is
/// interrupted, run it again to finish.
///
/// The directory keeps a deleted application for 30 days, in which it can be restored without its
/// roles.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred sp delete ci-train
  azcred sp delete ci-train --yes
  azcred sp delete --client-id CLIENT_ID")]
pub(super) struct DeleteSp {
    /// The name of an application that azcred made
    #[arg(value_name = "NAME", value_parser = given::text, required_unless_present = "client_id")]
    name: Option<String>,

    /// The client id of any application
    #[arg(long, value_name = "ID", value_parser = given::guid)]
    client_id: Option<Uuid>,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,

    /// Also remove it from the directory's deleted applications, so that it can't be restored
    #[arg(long)]
    purge: bool,

    #[command(flatten)]
    identity: As,
}

/// The output of `--output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeletedDocument<'a> {
    name: &'a str,
    client_id: Uuid,
    /// The ids of the role assignments that were removed.
    role_assignments: Vec<&'a str>,
    /// The profiles whose accounts were removed.
    profiles: Vec<&'a str>,
    is_purged: bool,
}

/// What goes.
struct Doomed {
    reader: Reader,
    application: Application,
    principal: Option<ServicePrincipal>,
    roles: Option<RolesEverywhere>,
    federated: Vec<FederatedCredential>,
    accounts: Vec<Account>,
}

impl DeleteSp {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let doomed = output
            .waiting("Looking what is there", self.read(&place, output))
            .await?;
        self.confirm(&doomed, &place, output).await?;
        let spinner = output.spinner("Deleting");
        let patience = Patience {
            output,
            spinner: &spinner,
            limit: LIMIT,
        };
        let work = doomed.delete(&place, self.purge, patience);
        spinner.during(work).await?;
        if output.is_json() {
            output.json(&DeletedDocument {
                name: &doomed.application.name,
                client_id: doomed.application.app_id,
                role_assignments: doomed.own_roles().map(|one| one.id.raw()).collect(),
                profiles: doomed.accounts.iter().map(|one| &*one.profile).collect(),
                is_purged: self.purge,
            });
            return Ok(0);
        }
        output.line(format!("Deleted {}.", doomed.application.name));
        Ok(0)
    }

    async fn read(&self, place: &Place, output: &Output) -> Result<Doomed, Failure> {
        let reader = self.identity.reader(place, output).await?;
        let graph = &reader.graph;
        let application = existing(graph, self.name.as_deref(), self.client_id).await?;
        let (principal, federated) = tokio::join!(
            graph.service_principal_of(application.app_id),
            graph.federated_credentials(application.id)
        );
        let principal = principal?;
        let roles = match &principal {
            Some(principal) => Some(RolesEverywhere::of(&reader, principal.id).await?),
            None => None,
        };
        let accounts = accounts(place, application.app_id).await?;
        Ok(Doomed {
            federated: federated?,
            reader,
            application,
            principal,
            roles,
            accounts,
        })
    }

    /// Shows what goes, and asks.
    async fn confirm(
        &self,
        doomed: &Doomed,
        place: &Place,
        output: &Output,
    ) -> Result<(), Failure> {
        if !output.is_json() {
            output.note("This will be deleted:");
            output.note("");
            for line in doomed.lines() {
                output.note(line);
            }
            output.note("");
        }
        for note in doomed.roles.iter().flat_map(|roles| &roles.notes) {
            output.remark(&format!(
                "{note}; role assignments there are not removed, and name the service principal by its object id afterwards"
            ));
        }
        if self.yes {
            return Ok(());
        }
        let what = format!("could not delete {}", doomed.application.name);
        if let Some(why) = output.why_not_ask(&*place.system) {
            return Err(Failure::new(
                Kind::Usage,
                what,
                format!("{why}, so azcred can't ask first"),
            )
            .fix("add `--yes` if all of this is to be deleted"));
        }
        let typed = line::ask("Delete all of it? [y/N] ").await?;
        match matches!(typed.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            true => Ok(()),
            false => Err(Failure::new(
                Kind::Failed,
                what,
                "the answer was not yes, so nothing was deleted",
            )),
        }
    }
}

/// The accounts of an application on this machine, in all profiles.
async fn accounts(place: &Place, client_id: Uuid) -> Result<Vec<Account>, Failure> {
    let options = place.options(Profile::default())?;
    let all = Accounts::new(&options)?.list_all().await?;
    let id = client_id.to_string();
    let is_of = |one: &Account| {
        let its = one.client_id.as_ref();
        one.kind != AccountKind::Person && its.is_some_and(|its| its.eq_ignore_ascii_case(&id))
    };
    Ok(all.into_iter().filter(is_of).collect())
}

impl Doomed {
    /// Its own role assignments, without those of its groups.
    fn own_roles(&self) -> impl Iterator<Item = &RoleAssignment> {
        let id = self.principal.as_ref().map(|principal| principal.id);
        let all = self.roles.iter().flat_map(RolesEverywhere::assignments);
        all.filter(move |one| Some(one.principal_id) == id)
    }

    /// What was made last goes first, and the application last: as long as it is there, the next
    /// run finds the rest.
    async fn delete(
        &self,
        place: &Place,
        purges: bool,
        patience: Patience<'_>,
    ) -> Result<(), Failure> {
        let graph = &self.reader.graph;
        for account in &self.accounts {
            patience.say(format!(
                "Removing its account of the profile {}",
                account.profile
            ));
            let options = place.options(Profile::new(&account.profile)?)?;
            Accounts::new(&options)?.remove(&account.id).await?;
        }
        for one in self.own_roles() {
            patience.say(format!(
                "Removing its role at {}",
                describe_scope(one.scope.raw())
            ));
            self.reader.manager.remove_role_assignment(one).await?;
        }
        if let Some(principal) = &self.principal {
            patience.say("Deleting the service principal".to_owned());
            graph.delete_service_principal(principal.id).await?;
        }
        patience.say("Deleting the application".to_owned());
        graph.delete_application(self.application.id).await?;
        if purges {
            patience.say("Removing it from the deleted applications".to_owned());
            let purge = async || graph.purge_application(self.application.id).await;
            // It may not be among them yet.
            let is_early = |result: &Result<bool, _>| matches!(result, Ok(false));
            patience
                .until("the deleted application", is_early, purge)
                .await?;
        }
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        let application = &self.application;
        let mut rows = vec![(
            "Application",
            format!("{} (client id {})", application.name, application.app_id),
        )];
        if let Some(principal) = &self.principal {
            rows.push(("Service principal", format!("object id {}", principal.id)));
        }
        let keys = [
            (application.secrets.len(), "secret"),
            (application.certificates.len(), "certificate"),
            (self.federated.len(), "federated credential"),
        ];
        let keys: Vec<String> = keys
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| match count {
                1 => format!("1 {word}"),
                count => format!("{count} {word}s"),
            })
            .collect();
        if !keys.is_empty() {
            rows.push(("Signs in with", keys.join(", ")));
        }
        if let (Some(roles), Some(principal)) = (&self.roles, &self.principal) {
            for [role, place, through, _] in roles.rows(principal.id) {
                // A role of a group stays the group's.
                if through.is_empty() {
                    rows.push(("Role", format!("{role} at {place}")));
                }
            }
        }
        for account in &self.accounts {
            rows.push((
                "Account here",
                format!("of the profile {}", account.profile),
            ));
        }
        table::pairs(&rows)
    }
}
