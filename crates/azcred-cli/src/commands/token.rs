//! `azcred token`: an access token, for scripts.

use super::target::Target;
use crate::{
    choice::Choice,
    failure::{Failure, Kind},
    output::{
        Output,
        style::{WARN, paint, with_code},
        time,
    },
    sign_in::{Place, sign_in},
};
use azcred::{AccessToken, chain::Source};
use clap::Args;
use serde::Serialize;

/// Get an access token
///
/// Signs in as whoever this machine lets it be: a service principal in the environment (AZURE_* or HIML_*), the identity of
/// a workload, a CI job or an Azure ML job, a managed identity, or whoever is signed in to Azure CLI and its like. `azcred
/// chain` shows which, and why not the others.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred token
  azcred token --resource https://storage.azure.com
  azcred token --only azure-cli
  azcred token --output json
  curl -H \"Authorization: Bearer $(azcred token)\" \\
    'https://management.azure.com/subscriptions?api-version=2022-12-01'")]
pub(crate) struct Token {
    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    choice: Choice,
}

/// What `--output json` prints: the names of `az account get-access-token`, whose `expiresOn` is local time where ours is UTC.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The token.
    access_token: &'a str,
    /// When it ends: RFC 3339, UTC.
    expires_on: String,
    /// The same in seconds since 1970.
    #[serde(rename = "expires_on")]
    expires_on_unix: i64,
    /// The tenant that gave it: its id.
    tenant: Option<String>,
    /// How it is to be sent; always `Bearer`.
    token_type: &'static str,
    /// What was asked for.
    scope: &'a str,
    /// The source that it comes from, by its name in the Azure SDKs.
    credential: &'static str,
    /// The same, as options name it.
    source: Source,
}

impl Token {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let (scope, tenant) = (self.target.scope(), self.target.tenant.clone());
        let place = Place::here()?;
        let asked = sign_in(&place, &self.choice, scope, tenant);
        let (sign_in, token, chosen) = output.waiting("Signing in", asked).await?;
        if !output.is_json() {
            output.line(token.secret());
            if output.is_terminal() {
                warn(output, &token);
            }
            return Ok(0);
        }
        let tenant = token
            .unverified_claims()
            .ok()
            .and_then(|claims| claims.get("tid")?.as_str().map(str::to_owned))
            .or_else(|| self.target.tenant.map(|tenant| tenant.to_string()));
        output.json(&Document {
            access_token: token.secret(),
            expires_on: time::rfc3339(token.expires_on()).ok_or_else(|| {
                Failure::new(
                    Kind::Unexpected,
                    "Read the token's times",
                    "it ends after the year 9999",
                )
            })?,
            expires_on_unix: token.expires_on().unix_timestamp(),
            tenant,
            token_type: "Bearer",
            scope: sign_in.scope.as_str(),
            credential: chosen.source.credential_name(),
            source: chosen.source,
        });
        Ok(0)
    }
}

/// On a screen a token is a password that anybody may look at.
fn warn(output: &Output, token: &AccessToken) {
    let left = token.expires_on() - ::time::OffsetDateTime::now_utc();
    let left = time::span(left.whole_seconds());
    output.note(format!(
        "\n{} for the next {left} this token works like a password.\n{}",
        paint(WARN, "note:"),
        with_code("      To use it unseen: `curl -H \"Authorization: Bearer $(azcred token)\" …`")
    ));
}
