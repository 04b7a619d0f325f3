//! `azcred token`: an access token, for scripts.

use super::target::Target;
use crate::{
    choice::Choice,
    failure::{Failure, Kind},
    output::{Output, time},
    sign_in::{Person, Place, SignIn},
};
use azcred::{AccessToken, Principal, Untrusted, chain::Source};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Args;
use serde::Serialize;

/// Print an access token
///
/// Only the token goes to standard output. Keep it secret: it works like a password
/// for about an hour.
///
/// The token is for the first account that is found here:
///   1. a service principal in the variables AZURE_*, or HIML_* of hi-ml
///   2. the identity of a Kubernetes pod, a CI job or an Azure ML job
///   3. a managed identity, on a machine in Azure
///   4. the account of `azcred login`
///   5. the account of `az login`, `Connect-AzAccount` or `azd auth login`
///   6. a managed identity, if azcred can't tell whether the machine is in Azure
///
/// If no account is found and you are at a terminal, azcred asks you to sign in.
/// It asks on standard error, so this also works inside `$(azcred token)`.
///
/// If an account is found but its sign-in fails, azcred reports the error. It does
/// not try another account. `azcred chain` shows what was found here, and why.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  azcred token
  azcred token --resource https://ml.azure.com
  azcred token --only azure-cli
  azcred token --output json | jq -r .expiresOn
  curl -H \"Authorization: Bearer $(azcred token)\" \\
    'https://management.azure.com/subscriptions?api-version=2022-12-01'

Exit codes:
  0  the token was printed
  1  failed; for example, the account is not the expected one
  2  wrong usage: the command line can't be read
  3  not signed in: no account was found
  4  the sign-in was rejected, for example because a secret is wrong
  6  no response from Azure"
)]
pub(crate) struct Token {
    #[command(flatten)]
    target: Target,

    /// Only after a service answered 401: the text between the quotes of claims="…" in the header
    /// WWW-Authenticate of its response
    #[arg(long, value_name = "CLAIMS", value_parser = claims)]
    claims: Option<String>,

    #[command(flatten)]
    choice: Choice,
}

/// The output of `--output json`. The names are those of `az account get-access-token`, whose
/// `expiresOn` is local time. Here it is UTC.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenDocument<'a> {
    /// The token.
    access_token: &'a str,
    /// When it expires: RFC 3339, UTC.
    expires_on: String,
    /// The same in seconds since 1970.
    #[serde(rename = "expires_on")]
    expires_on_unix: i64,
    /// The id of the tenant that issued it.
    tenant: Option<Untrusted>,
    /// The token's type, which is always `Bearer`.
    token_type: &'static str,
    /// The requested scope.
    scope: &'a str,
    /// The source of the token, by its name in the Azure SDKs.
    credential: &'static str,
    /// The source of the token, by azcred's name.
    source: Source,
}

impl Token {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let (scope, tenant) = (self.target.scope(), self.target.tenant.clone());
        let place = Place::here()?;
        let person = Person::of(output);
        let asked = async {
            let (choice, claims) = (&self.choice, self.claims);
            let sign_in = SignIn::answering(&place, choice, scope, tenant, claims, person).await?;
            let (token, chosen) = sign_in.token().await?;
            Ok::<_, Failure>((sign_in, token, chosen))
        };
        let signed_in = output.waiting("Signing in", asked).await;
        let (sign_in, token, chosen) = signed_in.map_err(|failure| match failure.kind {
            Kind::WrongAccount => {
                failure.titled("signed in as the wrong account; no token was printed")
            }
            _ => failure,
        })?;
        sign_in.show_notes(&token, output);
        if !output.is_json() {
            output.line(token.secret());
            if output.is_terminal() {
                warn(output, &token);
            }
            return Ok(0);
        }
        let tenant = Principal::from_token(&token)
            .ok()
            .and_then(|principal| principal.tenant_id)
            .or_else(|| self.target.tenant.map(|tenant| tenant.as_str().into()));
        output.json(&TokenDocument {
            access_token: token.secret(),
            expires_on: time::rfc3339(token.expires_on()).ok_or_else(|| {
                Failure::new(
                    Kind::Unexpected,
                    "could not read the token's times",
                    "it ends after the year 9999",
                )
            })?,
            expires_on_unix: token.expires_on().unix_timestamp(),
            tenant,
            token_type: "Bearer",
            scope: sign_in.session.scope().as_str(),
            credential: chosen.source.credential_name(),
            source: chosen.source,
        });
        Ok(0)
    }
}

/// The claims of a challenge: JSON, or base64 of it as in headers ('Claims challenges, claims
/// requests, and client capabilities').
fn claims(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_object = |text: &str| {
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok()
    };
    if is_object(text) {
        return Ok(text.to_owned());
    }
    let unpadded = text
        .trim_end_matches('=')
        .replace('+', "-")
        .replace('/', "_");
    URL_SAFE_NO_PAD
        .decode(unpadded)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .filter(|decoded| is_object(decoded))
        .ok_or_else(|| {
            "it is not a JSON object, nor base64 of one; give the text between the quotes of claims=\"…\"".to_owned()
        })
}

/// On a screen, other people can read the token, which works like a password.
fn warn(output: &Output, token: &AccessToken) {
    output.remark(&format!(
        "this token works like a password and expires {}. To use it unseen: `curl -H \"Authorization: Bearer $(azcred token)\" …`",
        time::in_time(token.expires_on())
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_accepted_as_json_and_in_both_kinds_of_base64() {
        const JSON: &str = r#"{"access_token":{"nbf":{"value":"~>?"}}}"#;
        let standard = base64::engine::general_purpose::STANDARD.encode(JSON);
        let unpadded = URL_SAFE_NO_PAD.encode(JSON);
        assert_ne!(standard, unpadded);
        for given in [JSON, &standard, &unpadded, &format!(" {standard}\n")] {
            assert_eq!(claims(given).as_deref(), Ok(JSON), "{given}");
        }
        for bad in ["", "[]", "{", "bm90IGpzb24", "claims=\"e30\""] {
            assert!(claims(bad).is_err(), "{bad}");
        }
    }
}
