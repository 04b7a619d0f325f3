//! `azcred whoami`: who this machine is to Azure, as its token says.

use super::target::Target;
use crate::{
    failure::Failure,
    output::{
        Output,
        style::{STRONG, paint},
        table, time,
    },
    sign_in::sign_in,
};
use azcred::{Credential, EnvironmentCredential, system::RealSystem};
use azcred_azure::{Principal, Proof};
use clap::Args;
use serde::Serialize;
use std::sync::Arc;

/// Show who you are to Azure
///
/// Signs in as `azcred token` does and reads what the token says: which identity, which tenant, how it proved itself, for
/// how long. The token is read, not verified: only Azure decides what it is worth.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred whoami
  azcred whoami --output json | jq -r .objectId      the id that roles are assigned to")]
pub(crate) struct Whoami {
    #[command(flatten)]
    target: Target,
}

/// What `--output json` prints: what the token says of itself, and where it comes from.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The token's own words: `kind`, `name`, `userName`, `applicationId`, `objectId`, `tenantId`, `proof`, `audience`,
    /// `issuer`, `resourceId`, `issuedOn`, `expiresOn`; `null` where it does not say.
    #[serde(flatten)]
    principal: &'a Principal,
    /// The source that the token comes from.
    credential: &'static str,
    /// What that source used.
    using: &'a str,
    /// What was asked for.
    scope: &'a str,
}

impl Whoami {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let (scope, tenant) = (self.target.scope(), self.target.tenant.clone());
        let asked = sign_in(Arc::new(RealSystem), scope, tenant);
        let (source, token) = output.waiting("Signing in", asked).await?;
        let principal = Principal::from_token(&token)?;
        if output.is_json() {
            output.json(&Document {
                principal: &principal,
                credential: source.credential.name(),
                using: source.credential.using(),
                scope: source.scope.as_str(),
            });
            return Ok(0);
        }
        for line in table::pairs(&rows(&principal, &source.credential, token.expires_on())) {
            output.line(line);
        }
        Ok(0)
    }
}

/// An identity for people: what it is, then the ids that other tools ask for.
pub(super) fn rows(
    principal: &Principal,
    source: &EnvironmentCredential,
    expires_on: ::time::OffsetDateTime,
) -> Vec<(&'static str, String)> {
    let mut rows = vec![("You are", paint(STRONG, principal.describe()))];
    let mut add = |name, value: Option<&str>| {
        if let Some(value) = value {
            rows.push((name, value.to_owned()));
        }
    };
    add("Sign-in name", principal.user_name.as_deref());
    add("Application", principal.application_id.as_deref());
    add("Object id", principal.object_id.as_deref());
    add("Tenant", principal.tenant_id.as_deref());
    add("Resource", principal.resource_id.as_deref());
    add("Token for", principal.audience.as_deref());
    let [.., variable] = source.kind().variables();
    let proof = match principal.proof {
        Proof::Secret => format!("a client secret, from {variable}"),
        Proof::Assertion => format!("a certificate, from {variable}"),
        _ => variable.to_owned(),
    };
    add("Proved by", Some(&proof));
    for other in source.passed_over() {
        let [.., variable] = other.variables();
        add(
            "Not used",
            Some(&format!("{variable}, though it is set too")),
        );
    }
    rows.push(("Good until", time::until(expires_on)));
    rows
}
