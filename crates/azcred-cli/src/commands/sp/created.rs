//! The result of `azcred sp create`, for people and for programs.

use super::{
    credential::{Credential, KeyEntry},
    federate::{Registered, RegisteredEntry},
    make::{Granted, Identity},
    proof::Proof,
    request::{Request, RequestDocument},
};
use crate::output::{
    Output,
    style::{STRONG, paint},
    table,
};
use azcred_azure::Report;
use serde::Serialize;
use uuid::Uuid;

/// What exists now.
pub(super) struct Created {
    pub(super) identity: Identity,
    pub(super) tenant: String,
    /// The roles, and whether this run assigned each.
    pub(super) roles: Vec<(Granted, bool)>,
    /// The request for the roles that were left out.
    pub(super) request: Option<Request>,
    /// What it trusts since this run, or did before.
    pub(super) trusted: Option<Registered>,
    /// What was handed over.
    pub(super) credential: Option<Credential>,
    /// The file of the workflow, and whether this run wrote it.
    pub(super) workflow: Option<(&'static str, bool)>,
    pub(super) proof: Option<Proof>,
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
    tenant_id: &'a str,
    is_new: bool,
    roles: Vec<RoleEntry<'a>>,
    /// The new secret or certificate; `null` if none was added.
    secret: Option<KeyEntry<'a>>,
    /// What the options name; `null` without them.
    federated_credential: Option<RegisteredEntry<'a>>,
    /// The file of the workflow, with `--for github`.
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow: Option<&'static str>,
    proof: ProofEntry<'a>,
    /// The request to an administrator, with `--no-role`.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestDocument>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RoleEntry<'a> {
    role: &'a str,
    scope: &'a str,
    is_new: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProofEntry<'a> {
    /// Whether the principal signed in.
    signed_in: bool,
    /// The doctor's report as the new principal; `null` without a workspace.
    report: Option<&'a Report>,
}

impl Created {
    /// Shows it. If standard output is the secret's, the text is on standard error.
    pub(super) fn tell(&self, stdout_is_taken: bool, output: &mut Output) {
        if output.is_json() {
            output.json(&self.document());
            return;
        }
        let (name, verbose) = (&self.identity.application.name, output.verbose);
        let proof = self.proof.iter();
        let proof = proof.flat_map(|proof| proof.lines(name, verbose));
        for line in proof.chain(self.lines()) {
            match stdout_is_taken {
                true => output.note(line),
                false => output.line(line),
            }
        }
        for remark in self.trusted.iter().flat_map(Registered::remarks) {
            output.remark(&remark);
        }
    }

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
            tenant_id: &self.tenant,
            is_new: *is_new,
            roles: self
                .roles
                .iter()
                .map(|(granted, is_new)| RoleEntry {
                    role: &granted.role.name,
                    scope: granted.scope.as_str(),
                    is_new: *is_new,
                })
                .collect(),
            secret: self.credential.as_ref().and_then(Credential::entry),
            federated_credential: self.trusted.as_ref().map(Registered::entry),
            workflow: self.workflow.map(|(file, _)| file),
            proof: ProofEntry {
                signed_in: self.proof.is_some(),
                report: self.proof.as_ref().and_then(Proof::report),
            },
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
            ("Tenant", self.tenant.clone()),
            ("Object id", principal.id.to_string()),
        ];
        for (granted, is_new) in &self.roles {
            let mark = match is_new {
                true => "",
                false => ", as before",
            };
            let at = granted.scope.describe();
            rows.push(("Role", format!("{} at {at}{mark}", granted.role.name)));
        }
        rows.extend(self.trusted.as_ref().map(|one| ("Trusts", one.subject())));
        rows.extend(self.credential.iter().flat_map(Credential::rows));
        rows.extend(self.workflow.map(|(file, is_new)| {
            let mark = if is_new { "" } else { ", as before" };
            ("Workflow", format!("{file}{mark}"))
        }));
        let mut lines = vec![String::new()];
        lines.extend(table::pairs(&rows));
        if let Some(request) = &self.request {
            lines.push(String::new());
            lines.extend(request.lines());
        }
        lines
    }
}
