//! `azcred whoami`: the identity in the token.

use super::target::Target;
use crate::{
    choice::Choice,
    failure::Failure,
    output::{
        Output,
        style::{STRONG, paint},
        table, time,
    },
    sign_in::{Chosen, Person, Place, sign_in},
};
use azcred::{Profile, Untrusted, Used, chain::Source};
use azcred_azure::Principal;
use clap::Args;
use serde::Serialize;

/// Show which account you are signed in as
///
/// Gets a token in the same way as `azcred token`, and shows what it contains: the account, the
/// tenant and the time it expires. At a terminal, it asks you to sign in if no account is found.
/// The token's signature is not verified.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred whoami

  # the object id, which `azcred role assign --to` needs
  azcred whoami --output json | jq -r .objectId

Exit codes: the same as for `azcred token`.")]
pub(crate) struct Whoami {
    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    choice: Choice,
}

/// The output of `--output json`: the token's claims and its source.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WhoamiDocument<'a> {
    /// The token's claims: `kind`, `name`, `userName`, `applicationId`, `objectId`, `tenantId`,
    /// `proof`, `audience`, `issuer`, `resourceId`, `issuedOn`, `expiresOn`; `null` for a claim
    /// that it lacks.
    #[serde(flatten)]
    principal: &'a Principal,
    /// The name of the tenant; `null` if this machine does not know it.
    tenant_name: Option<&'a Untrusted>,
    /// The source of the token, by its name in the Azure SDKs.
    credential: &'static str,
    /// The source of the token, by azcred's name.
    source: Source,
    /// What that source used, as text.
    using: String,
    /// What that source used, as values.
    used: &'a Used,
    /// The requested scope.
    scope: &'a str,
    /// The profile whose accounts are used.
    profile: &'a str,
}

impl Whoami {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let (scope, tenant) = (self.target.scope(), self.target.tenant.clone());
        let place = Place::here()?;
        let asked = sign_in(&place, &self.choice, scope, tenant, Person::of(output));
        let (sign_in, token, chosen) = output.waiting("Signing in", asked).await?;
        sign_in.show_notes(&token, output);
        let principal = Principal::from_token(&token)?;
        let tenant_name = sign_in.tenant_name(Some(&principal)).await;
        if output.is_json() {
            output.json(&WhoamiDocument {
                principal: &principal,
                tenant_name: tenant_name.as_ref(),
                credential: chosen.source.credential_name(),
                source: chosen.source,
                using: chosen.used.to_string(),
                used: &chosen.used,
                scope: sign_in.session.scope().as_str(),
                profile: sign_in.session.options().profile().name(),
            });
            return Ok(0);
        }
        let tenant_name = tenant_name.as_deref();
        let mut rows = rows(&principal, tenant_name, &chosen, token.expires_on());
        let profile = sign_in.session.options().profile();
        if *profile != Profile::default() {
            rows.push(("Profile", profile.to_string()));
        }
        for line in table::pairs(&rows) {
            output.line(line);
        }
        Ok(0)
    }
}

/// An id with its name, if it is known.
pub(super) fn with_name(name: Option<&str>, id: &str) -> String {
    match name {
        Some(name) => format!("{name} ({id})"),
        None => id.to_owned(),
    }
}

/// The application with which people sign in by default (Microsoft's page 'Application IDs of
/// commonly used Microsoft applications').
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// An identity as text: its name, then the ids that other tools need.
pub(super) fn rows(
    principal: &Principal,
    tenant_name: Option<&str>,
    chosen: &Chosen,
    expires_on: ::time::OffsetDateTime,
) -> Vec<(&'static str, String)> {
    let mut rows = vec![("You are", paint(STRONG, principal.describe()))];
    let mut add = |name, value: Option<&str>| {
        if let Some(value) = value {
            rows.push((name, value.to_owned()));
        }
    };
    add("Sign-in name", principal.user_name.as_deref());
    let application = principal.application_id.as_deref();
    let application = application.map(|id| match id.eq_ignore_ascii_case(AZURE_CLI) {
        true => format!("Azure CLI ({id})"),
        false => id.to_owned(),
    });
    add("Application", application.as_deref());
    add("Object id", principal.object_id.as_deref());
    let tenant = principal.tenant_id.as_deref();
    let tenant = tenant.map(|id| with_name(tenant_name, id));
    add("Tenant", tenant.as_deref());
    add("Resource", principal.resource_id.as_deref());
    add("Token for", principal.audience.as_deref());
    add("Source", Some(chosen.source.id()));
    let used = &chosen.used;
    // The application has its own row.
    let application = principal.application_id.as_deref();
    let using = match application.is_some_and(|id| used.is_of(id)) {
        true => used.without_application(),
        false => used.describe(),
    };
    add("Using", Some(&using));
    for other in &used.passed_over {
        add("", Some(&other.to_string()));
    }
    rows.push(("Expires", time::until(expires_on)));
    rows
}
