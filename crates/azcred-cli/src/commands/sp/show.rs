//! `azcred sp show`.

use super::{
    access::{RoleEntry, RolesEverywhere},
    found::existing,
    keys::{KeyEntry, keys},
};
use crate::{
    commands::{reader::As, role::people::Person},
    failure::Failure,
    given,
    output::{
        Output,
        style::{BAD, STRONG, paint},
        table,
        time::ago,
        wrap::Stream,
    },
    sign_in::Place,
};
use azcred::Untrusted;
use azcred_azure::{Application, FederatedCredential, ServicePrincipal};
use clap::Args;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

/// Show a service principal: its keys, and what it may do
///
/// Shows the ids, the owners, the secrets, certificates and federated credentials with their ends,
/// and the roles in all subscriptions that you can see, also those that it has through groups.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred sp show ci-train
  azcred sp show --client-id CLIENT_ID
  azcred sp show ci-train -o json | jq -r .objectId")]
pub(super) struct ShowSp {
    /// The name of an application that azcred made
    #[arg(value_name = "NAME", value_parser = given::text, required_unless_present = "client_id")]
    name: Option<String>,

    /// The client id of any application
    #[arg(long, value_name = "ID", value_parser = given::guid)]
    client_id: Option<Uuid>,

    #[command(flatten)]
    identity: As,
}

/// The output of `--output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShowDocument<'a> {
    name: &'a Untrusted,
    client_id: Uuid,
    /// The application's object id.
    application_id: Uuid,
    /// The service principal's object id, which roles name; `null` without a service principal.
    object_id: Option<Uuid>,
    tenant_id: Option<&'a str>,
    /// Whether azcred made the application.
    is_made_by_azcred: bool,
    /// Whether it may sign in; `null` if the directory does not say.
    is_enabled: Option<bool>,
    #[serde(with = "time::serde::rfc3339::option")]
    created_on: Option<OffsetDateTime>,
    owners: &'a [Person],
    keys: &'a [KeyEntry],
    federated_credentials: Vec<FederatedEntry<'a>>,
    /// The roles; `null` if they can't be read.
    roles: Option<Vec<RoleEntry<'a>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FederatedEntry<'a> {
    id: Uuid,
    name: &'a Untrusted,
    issuer: &'a Untrusted,
    /// `null` if an expression matches the subject.
    subject: Option<&'a Untrusted>,
    audiences: &'a [Untrusted],
}

struct Shown {
    application: Application,
    principal: Option<ServicePrincipal>,
    tenant: Option<String>,
    owners: Vec<Person>,
    keys: Vec<KeyEntry>,
    federated: Vec<FederatedCredential>,
    roles: Option<RolesEverywhere>,
    notes: Vec<String>,
}

impl ShowSp {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let now: OffsetDateTime = place.system.now().into();
        let shown = output
            .waiting("Reading the application", self.read(&place, now, output))
            .await?;
        if output.is_json() {
            output.json(&shown.document());
            return Ok(0);
        }
        for line in shown.lines(now, Stream::Stdout.columns()) {
            output.line(line);
        }
        for note in &shown.notes {
            output.remark(note);
        }
        Ok(0)
    }

    async fn read(
        &self,
        place: &Place,
        now: OffsetDateTime,
        output: &Output,
    ) -> Result<Shown, Failure> {
        let reader = self.identity.reader(place, output).await?;
        let graph = &reader.graph;
        let application = existing(graph, self.name.as_deref(), self.client_id).await?;
        let (principal, owners, federated) = tokio::join!(
            graph.service_principal_of(application.app_id),
            graph.owners_of_application(application.id),
            graph.federated_credentials(application.id)
        );
        let (principal, mut notes) = (principal?, Vec::new());
        let owners = owners?.iter().map(Person::of).collect();
        let roles = match &principal {
            None => None,
            Some(principal) => match RolesEverywhere::of(&reader, principal.id).await {
                Ok(roles) => Some(roles),
                Err(failure) => {
                    notes.push(format!("its roles could not be read: {}", failure.why));
                    None
                }
            },
        };
        if let Some(roles) = &roles {
            notes.extend(roles.notes.iter().cloned());
        }
        Ok(Shown {
            keys: keys(&application, now),
            tenant: reader.tenant_id().map(str::to_owned),
            federated: federated?,
            application,
            principal,
            owners,
            roles,
            notes,
        })
    }
}

impl Shown {
    fn document(&self) -> ShowDocument<'_> {
        let application = &self.application;
        let principal = self.principal.as_ref();
        ShowDocument {
            name: &application.name,
            client_id: application.app_id,
            application_id: application.id,
            object_id: principal.map(|principal| principal.id),
            tenant_id: self.tenant.as_deref(),
            is_made_by_azcred: application.marks.is_own(),
            is_enabled: principal.and_then(|principal| principal.is_enabled),
            created_on: application.created_on,
            owners: &self.owners,
            keys: &self.keys,
            federated_credentials: self
                .federated
                .iter()
                .map(|one| FederatedEntry {
                    id: one.id,
                    name: &one.name,
                    issuer: &one.issuer,
                    subject: one.subject.as_ref(),
                    audiences: &one.audiences,
                })
                .collect(),
            roles: principal
                .zip(self.roles.as_ref())
                .map(|(principal, roles)| roles.entries(principal.id)),
        }
    }

    fn lines(&self, now: OffsetDateTime, width: usize) -> Vec<String> {
        let application = &self.application;
        let mut rows = vec![
            ("Application", paint(STRONG, &application.name)),
            ("Client id", application.app_id.to_string()),
        ];
        match &self.principal {
            Some(principal) => rows.push(("Object id", principal.id.to_string())),
            None => rows.push((
                "Object id",
                paint(BAD, "none: it has no service principal in this tenant"),
            )),
        }
        rows.extend(self.tenant.clone().map(|tenant| ("Tenant", tenant)));
        let by = match application.marks.is_own() {
            true => "by azcred",
            false => "not by azcred",
        };
        rows.push((
            "Made",
            match application.created_on {
                Some(time) => format!("{by}, {} ({})", ago(time), time.date()),
                None => by.to_owned(),
            },
        ));
        let owners: Vec<String> = self.owners.iter().map(Person::described).collect();
        rows.push((
            "Owners",
            match owners.is_empty() {
                true => "none".to_owned(),
                false => owners.join(", "),
            },
        ));
        let principal = self.principal.as_ref();
        if principal.and_then(|principal| principal.is_enabled) == Some(false) {
            rows.push(("Sign-in", paint(BAD, "an administrator has disabled it")));
        }
        let mut lines = table::pairs(&rows);
        lines.push(String::new());
        lines.extend(self.proofs(now, width));
        if let (Some(principal), Some(roles)) = (principal, &self.roles) {
            let rows = roles.rows(principal.id);
            lines.push(String::new());
            if rows.is_empty() {
                let none = "It has no role in the subscriptions that you can see.";
                lines.push(none.to_owned());
            } else {
                let head = ["Role", "at", "through", "but"];
                lines.extend(table::columns(head, &rows, width));
            }
        }
        lines
    }

    /// What it can sign in with.
    fn proofs(&self, now: OffsetDateTime, width: usize) -> Vec<String> {
        if self.keys.is_empty() && self.federated.is_empty() {
            return vec![
                "It can't sign in: it has no secret, certificate or federated credential."
                    .to_owned(),
            ];
        }
        let mut lines = Vec::new();
        if !self.keys.is_empty() {
            let rows: Vec<[String; 4]> = self
                .keys
                .iter()
                .map(|key| {
                    [
                        key.described(),
                        key.key_id.to_string(),
                        key.end(now),
                        match key.is_replaced {
                            true => "replaced".to_owned(),
                            false => String::new(),
                        },
                    ]
                })
                .collect();
            lines.extend(table::columns(["Key", "id", "ends", ""], &rows, width));
        }
        if !self.federated.is_empty() {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.push("Federated credentials:".to_owned());
            let rows: Vec<[String; 4]> = self
                .federated
                .iter()
                .map(|one| {
                    let audiences: Vec<String> =
                        one.audiences.iter().map(ToString::to_string).collect();
                    [
                        one.name.to_string(),
                        one.issuer.to_string(),
                        one.subject
                            .as_ref()
                            .map_or_else(|| "by an expression".to_owned(), ToString::to_string),
                        audiences.join(", "),
                    ]
                })
                .collect();
            lines.extend(table::columns(
                ["Name", "issuer", "subject", "audience"],
                &rows,
                width,
            ));
        }
        lines
    }
}
