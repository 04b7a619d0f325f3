//! `azcred whoami`: who this machine is to Azure, as its token says.

use super::target::Target;
use crate::{
    failure::Failure,
    output::{
        Output,
        style::{STRONG, paint},
        table, time,
    },
    sign_in::SignIn,
};
use azcred::{Credential, system::RealSystem};
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
        let sign_in = SignIn::new(Arc::new(RealSystem), self.target.tenant.clone())?;
        let asked = sign_in.token(self.target.scope());
        let (scope, token) = output.waiting("Signing in", asked).await?;
        let principal = Principal::from_token(&token)?;
        if output.is_json() {
            output.json(&Document {
                principal: &principal,
                credential: sign_in.credential.name(),
                using: sign_in.credential.using(),
                scope: scope.as_str(),
            });
            return Ok(0);
        }
        for line in lines(&principal, sign_in.credential.using(), token.expires_on()) {
            output.line(line);
        }
        Ok(0)
    }
}

/// An identity for people: what it is, then the ids that other tools ask for.
pub(super) fn lines(
    principal: &Principal,
    using: &str,
    expires_on: ::time::OffsetDateTime,
) -> Vec<String> {
    let mut rows = vec![("You are", paint(STRONG, principal.describe()))];
    let mut add = |name, value: &Option<String>| {
        if let Some(value) = value {
            rows.push((name, value.clone()));
        }
    };
    add("Sign-in name", &principal.user_name);
    add("Application", &principal.application_id);
    add("Object id", &principal.object_id);
    add("Tenant", &principal.tenant_id);
    add("Resource", &principal.resource_id);
    let proof = match principal.proof {
        Proof::Secret => "a client secret: ",
        Proof::Assertion => "a certificate or another signed statement: ",
        _ => "",
    };
    rows.push(("Proved by", format!("{proof}{using}")));
    if let Some(audience) = &principal.audience {
        rows.push(("Token for", audience.clone()));
    }
    rows.push(("Good until", time::until(expires_on)));
    table::pairs(&rows)
}
