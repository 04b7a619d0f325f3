//! `azcred sp create`.

use super::{
    found::find,
    make::{Granted, GrantedEntry, Identity, grant, identity},
    permitted::{Denied, Planned, denied, for_roles},
    replication::{LIMIT, Patience},
    request::{Request, RequestDocument},
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

    /// Assign no role. The request to an administrator who may assign it is printed
    #[arg(long)]
    no_role: bool,

    /// Do not read first whether this account may do it
    #[arg(long)]
    no_check: bool,

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
    /// The request to an administrator, with `--no-role`.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestDocument>,
}

struct Created {
    identity: Identity,
    tenant: Option<String>,
    roles: Vec<(Granted, bool)>,
    /// The request for the roles that were left out.
    request: Option<Request>,
}

/// What came of the command.
enum Outcome {
    Created(Created),
    Denied(Denied),
}

impl CreateSp {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let scope = self.at.scope(&place)?;
        let spinner = output.spinner("Signing in");
        let mut unfinished = Unfinished::new();
        let work = async {
            let reader = self.at.identity.reader(&place, output).await?;
            let roles = [Granted {
                role: role(&reader.manager, &scope, &self.role).await?,
                scope,
            }];
            let found = find(&reader.graph, Some(&self.name), self.client_id).await?;
            if !self.no_check {
                let planned = Planned {
                    name: &self.name,
                    application: found.as_ref(),
                    roles: if self.no_role { &[] } else { &roles },
                };
                if let Some(denied) = denied(&reader, &planned).await? {
                    return Ok(Outcome::Denied(denied));
                }
            }
            let patience = Patience {
                output,
                spinner: &spinner,
                limit: self.wait.unwrap_or(LIMIT),
            };
            let identity = identity(&reader, &self.name, found, patience, &mut unfinished).await?;
            let mut created = Created {
                identity,
                tenant: reader.tenant_id().map(str::to_owned),
                roles: Vec::new(),
                request: None,
            };
            if self.no_role {
                created.request = Some(for_roles(&reader, &created.identity, &roles));
                return Ok(Outcome::Created(created));
            }
            for granted in roles {
                let principal = &created.identity.principal;
                let is_new = grant(&reader, principal, &granted, patience).await?;
                created.roles.push((granted, is_new));
            }
            Ok::<_, Failure>(Outcome::Created(created))
        };
        let created = match spinner.during(work).await? {
            Outcome::Created(created) => created,
            Outcome::Denied(denied) => return Ok(denied.show(output)),
        };
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
            request: self.request.as_ref().map(Request::document),
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
        if let Some(request) = &self.request {
            lines.push(String::new());
            lines.extend(request.lines());
        }
        lines
    }
}
