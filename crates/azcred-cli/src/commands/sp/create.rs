//! `azcred sp create`.

use super::{
    make::{Granted, GrantedEntry, Identity, grant, identity},
    replication::{LIMIT, Patience},
    unfinished::Unfinished,
};
use crate::{
    commands::role::place::{Where, role},
    failure::Failure,
    given,
    output::{
        Output,
        style::{STRONG, paint},
        table,
    },
    sign_in::Place,
};
use clap::Args;
use serde::Serialize;
use std::time::Duration;
use uuid::Uuid;

/// Create a service principal, and give it a role at the workspace
///
/// Creates an application with its service principal in this tenant, and assigns it a role at the
/// workspace. It says what it changes before it does. What is there already stays as it is: if the
/// command was interrupted, run it again to finish.
///
/// You need to be allowed to create applications, as most users are, and a role that may assign
/// roles, such as Owner, User Access Administrator or Role Based Access Control Administrator.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred sp create ci-train
  azcred sp create ci-report --role Reader --workspace WORKSPACE_ID")]
pub(super) struct CreateSp {
    /// The name of the application
    #[arg(value_name = "NAME", value_parser = given::text)]
    name: String,

    /// Use the application with this client id, though azcred did not make it
    #[arg(long, value_name = "ID", value_parser = given::guid)]
    client_id: Option<Uuid>,

    /// The role's name or id
    #[arg(long, value_name = "ROLE", value_parser = given::text, default_value = "AzureML Data Scientist")]
    role: String,

    /// Wait this long, at most, until all of Azure knows what is new [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = given::duration)]
    wait: Option<Duration>,

    #[command(flatten)]
    at: Where,
}

/// The output of `--output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreatedDocument<'a> {
    name: &'a str,
    client_id: Uuid,
    /// The application's object id.
    application_id: Uuid,
    /// The service principal's object id, which roles name.
    object_id: Uuid,
    tenant_id: Option<&'a str>,
    /// Whether this run created the application.
    is_new: bool,
    roles: Vec<GrantedEntry<'a>>,
}

struct Created {
    identity: Identity,
    tenant: Option<String>,
    roles: Vec<(Granted, bool)>,
}

impl CreateSp {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let scope = self.at.scope(&place)?;
        let spinner = output.spinner("Signing in");
        let mut unfinished = Unfinished::new();
        let work = async {
            let reader = self.at.identity.reader(&place, output).await?;
            let granted = Granted {
                role: role(&reader.manager, &scope, &self.role).await?,
                scope,
            };
            let patience = Patience {
                output,
                spinner: &spinner,
                limit: self.wait.unwrap_or(LIMIT),
            };
            let identity = identity(
                &reader,
                &self.name,
                self.client_id,
                patience,
                &mut unfinished,
            )
            .await?;
            let is_new = grant(&reader, &identity.principal, &granted, patience).await?;
            Ok::<_, Failure>(Created {
                identity,
                tenant: reader.tenant_id().map(str::to_owned),
                roles: vec![(granted, is_new)],
            })
        };
        let created = spinner.during(work).await?;
        unfinished.finish();
        if output.is_json() {
            output.json(&created.document());
            return Ok(0);
        }
        for line in created.lines() {
            output.line(line);
        }
        Ok(0)
    }
}

impl Created {
    fn document(&self) -> CreatedDocument<'_> {
        let Identity {
            application,
            principal,
            is_new,
        } = &self.identity;
        CreatedDocument {
            name: &application.name,
            client_id: application.app_id,
            application_id: application.id,
            object_id: principal.id,
            tenant_id: self.tenant.as_deref(),
            is_new: *is_new,
            roles: self
                .roles
                .iter()
                .map(|(granted, is_new)| GrantedEntry {
                    role: &granted.role.name,
                    scope: granted.scope.as_str(),
                    is_new: *is_new,
                })
                .collect(),
        }
    }

    fn lines(&self) -> Vec<String> {
        let Identity {
            application,
            principal,
            ..
        } = &self.identity;
        let mut rows = vec![
            ("Service principal", paint(STRONG, &application.name)),
            ("Client id", application.app_id.to_string()),
            ("Tenant", self.tenant.clone().unwrap_or_default()),
            ("Object id", principal.id.to_string()),
        ];
        for (granted, is_new) in &self.roles {
            let mark = match is_new {
                true => "",
                false => ", as before",
            };
            rows.push((
                "Role",
                format!(
                    "{} at {}{mark}",
                    granted.role.name,
                    granted.scope.describe()
                ),
            ));
        }
        let mut lines = vec![String::new()];
        lines.extend(table::pairs(&rows));
        lines
    }
}
