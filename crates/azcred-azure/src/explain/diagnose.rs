//! One problem of a text in words: what it means and what fixes it, with the text's values.

use super::{
    Problem,
    find::{Found, Hit, is_of_role},
    flat::Flat,
    hide::hidden,
    unknown,
    values::Values,
};
use crate::{
    codes::{Names, Row, Speaker},
    refusal,
    text::between,
};
use azcred::{
    Fix, Saying, TrustToken,
    entra::{self, SentProof},
};

/// How far after a code its message is quoted and read, in bytes.
const MESSAGE: usize = 1500;
/// How far before a code the credential is named that sent the request.
const CREDENTIAL: usize = 400;
/// The audience of federated tokens in the public cloud.
const USUAL_AUDIENCE: &str = "api://AzureADTokenExchange";

/// The fix for a missing role of which nothing is known.
const WHOLE_ERROR: &str = "read the whole error: it names the identity, the action and the scope, which a role must allow";

/// What a code means and its fix, without a text.
pub(super) fn of_code(hit: &Hit) -> Problem {
    let nothing = Values::default();
    let (code, speaker, meaning, fix) = match hit {
        Hit::Entra(code) => {
            let (meaning, fix) = of_entra(*code, None, &nothing);
            (format!("AADSTS{code}"), Speaker::EntraId, meaning, fix)
        }
        Hit::Row(row) => {
            let names = unknown();
            let fix = match is_of_role(row) {
                true => WHOLE_ERROR.into(),
                false => row.fix(&names),
            };
            (row.code.to_owned(), row.speaker, row.means(&names), fix)
        }
        Hit::Saying(speaker, saying) => (
            saying.code.to_owned(),
            *speaker,
            saying.means.to_owned(),
            saying.fix.into(),
        ),
        Hit::Unknown(..) => (String::new(), Speaker::Sdk, String::new(), Fix::default()),
    };
    Problem {
        code,
        speaker,
        is_known: true,
        meaning,
        fix,
        values: Vec::new(),
        correlation_id: None,
        timestamp: None,
        line: None,
        quote: None,
    }
}

/// A problem of a text.
pub(super) fn of(flat: &Flat, found: &Found) -> Problem {
    let at = found.at;
    let values = Values::around(flat, at);
    let message = flat.part(at, at + MESSAGE);
    let mut problem = match found.hit {
        Hit::Entra(code) => {
            let proof = proof(flat, at);
            let (meaning, fix) = of_entra(code, proof, &values);
            Problem {
                meaning,
                fix,
                ..of_code(&found.hit)
            }
        }
        Hit::Row(row) => {
            let (meaning, fix) = of_row(row, flat, at, &values);
            Problem {
                meaning,
                fix,
                ..of_code(&found.hit)
            }
        }
        Hit::Saying(_, saying) => Problem {
            meaning: of_saying(found.hit, saying, &values),
            ..of_code(&found.hit)
        },
        Hit::Unknown(from, to) => of_unknown(flat.part(from, to), message),
    };
    problem.values = values.named();
    problem.correlation_id = values.correlation_id;
    problem.timestamp = values.timestamp;
    problem.line = Some(flat.line_of(at));
    problem.quote = Some(hidden(sentence(message)));
    problem
}

/// The first sentence of a message, and the next if that is short.
fn sentence(message: &str) -> &str {
    const SHORT: usize = 40;
    let ends = message.match_indices(". ").map(|(at, _)| at + 1);
    let end = ends.clone().find(|end| *end > SHORT);
    &message[..end.unwrap_or(message.len()).min(message.len())]
}

/// What was sent, by the credential that the text names before the code.
fn proof(flat: &Flat, at: usize) -> Option<SentProof> {
    use SentProof::{Certificate, FederatedToken, ManagedIdentity, Person, Secret, Tool};
    const CREDENTIALS: [(&str, SentProof); 17] = [
        ("ClientSecretCredential", Secret),
        ("EnvironmentCredential", Secret),
        ("client_secret", Secret),
        ("CertificateCredential", Certificate),
        ("WorkloadIdentityCredential", FederatedToken),
        ("ClientAssertionCredential", FederatedToken),
        ("AzurePipelinesCredential", FederatedToken),
        ("ManagedIdentityCredential", ManagedIdentity),
        ("InteractiveBrowserCredential", Person),
        ("DeviceCodeCredential", Person),
        ("SharedTokenCacheCredential", Person),
        ("UsernamePasswordCredential", Person),
        ("VisualStudioCodeCredential", Tool),
        ("AzureCliCredential", Tool),
        ("AzurePowerShellCredential", Tool),
        ("AzureDeveloperCliCredential", Tool),
        ("ERROR: ", Tool),
    ];
    let before = flat.part(at.saturating_sub(CREDENTIAL), at);
    let named = CREDENTIALS
        .iter()
        .filter_map(|(name, proof)| Some((before.rfind(name)?, *proof)));
    let named = named.max_by_key(|(at, _)| *at).map(|(_, proof)| proof);
    let message = flat.part(at, at + MESSAGE);
    // Entra ID also advises certificates to those that sent a secret.
    let is_by_certificate = message.contains("Thumbprint of key");
    match named {
        Some(Secret) if is_by_certificate => Some(Certificate),
        // Azure CLI's advice stands after Entra ID's text.
        None if message.contains("az login") => Some(Tool),
        named => named,
    }
}

fn of_entra(code: u32, proof: Option<SentProof>, values: &Values) -> (String, Fix) {
    let Some(meaning) = entra::explain(code) else {
        return (String::new(), Fix::default());
    };
    let names = [&values.client_id, &values.tenant, &values.resource].map(|name| name.as_deref());
    let (means, fix) = meaning.read_in_text(proof, names);
    let sign_in = || Fix::SignInToTool {
        command: match &values.tenant {
            Some(tenant) => format!("az login --tenant {tenant}"),
            None => "az login".to_owned(),
        },
    };
    let mut fix = fix.unwrap_or_else(sign_in);
    let means = match (&values.subject, &values.issuer) {
        (Some(subject), Some(issuer)) => format!("{means}: subject '{subject}', issuer '{issuer}'"),
        (Some(subject), None) => format!("{means}: '{subject}'"),
        (None, Some(issuer)) => format!("{means}: '{issuer}'"),
        (None, None) => means,
    };
    if let Some(trust) = trust(code, values) {
        fix = trust.or(fix);
    }
    (means, fix)
}

/// The federated credential that would match, if the text has its values.
fn trust(code: u32, values: &Values) -> Option<Fix> {
    if !matches!(code, 70_021 | 700_211 | 700_213) {
        return None;
    }
    let subject = values.subject.as_deref()?;
    let of_subject = [
        ("repo:", "https://token.actions.githubusercontent.com"),
        ("project_path:", "https://gitlab.com"),
    ];
    let known = of_subject
        .iter()
        .find(|(start, _)| subject.starts_with(start));
    let issuer = values
        .issuer
        .as_deref()
        .or(known.map(|(_, issuer)| *issuer))?;
    let audience = values.audience.as_deref().unwrap_or(USUAL_AUDIENCE);
    let client_id = values
        .client_id
        .clone()
        .unwrap_or_else(|| "CLIENT_ID".to_owned());
    let token = TrustToken::new(
        client_id,
        [issuer, subject, audience],
        audience == USUAL_AUDIENCE,
    );
    Some(Fix::TrustToken(Box::new(token)))
}

fn of_row(row: &Row, flat: &Flat, at: usize, values: &Values) -> (String, Fix) {
    let default = Names::default();
    let or = |value: &'_ Option<String>, other: &'static str| -> String {
        value.as_deref().unwrap_or(other).to_owned()
    };
    let (subscription, group) = (
        or(&values.subscription, default.subscription),
        or(&values.group, default.group),
    );
    let (account, vault) = (
        or(&values.account, default.account),
        or(&values.vault, default.vault),
    );
    let (registry, object) = (
        or(&values.registry, default.registry),
        or(&values.object_id, default.object),
    );
    let names = Names {
        subscription: &subscription,
        group: &group,
        audience: default.audience,
        tenant: values.tenant.as_deref(),
        account: &account,
        vault: &vault,
        registry: &registry,
        object: &object,
    };
    let means = row.means(&names);
    let message = flat.part(at, at + MESSAGE);
    if is_of_role(row) {
        // Only ids and names that are safe to show may come from the text.
        let message = hidden_message(message);
        let (why, fix) = refusal::not_permitted("", None, &message, &means);
        // A text that was cut names no action, and is not repeated: the rest may be anything.
        return match fix.is_empty() {
            true => (means, WHOLE_ERROR.into()),
            false => (why, fix),
        };
    }
    match row.code {
        "InvalidAuthenticationTokenTenant" => {
            let here = between(message, "wrong issuer 'https://sts.windows.net/", "/'");
            let here = here.filter(|tenant| crate::text::is_guid(tenant));
            if let Some(found) = refusal::wrong_tenant(message, None, here) {
                return found;
            }
        }
        "DenyAssignmentAuthorizationFailed" => {
            if let Some(name) = between(message, "deny assignment with name '", "'") {
                return (format!("{means}: '{}'", hidden(name)), row.fix(&names));
            }
        }
        _ => {}
    }
    (means, row.fix(&names))
}

/// A message whose quoted values are safe to show.
fn hidden_message(message: &str) -> String {
    let mut shown = String::new();
    for (number, part) in message.split('\'').enumerate() {
        if number > 0 {
            shown.push('\'');
        }
        // A log that was wrapped has a blank within a long id, which itself has none.
        let whole: String = match part.starts_with('/') && number % 2 == 1 {
            true => part.split(' ').collect(),
            false => part.to_owned(),
        };
        match super::hide::shown_value(&whole) {
            Some(value) if number % 2 == 1 => shown.push_str(&value),
            None if number % 2 == 1 => shown.push_str("****"),
            _ => shown.push_str(part),
        }
    }
    shown
}

fn of_saying(hit: Hit, saying: &Saying, values: &Values) -> String {
    match &values.host {
        Some(host) if hit.is_of_network() => format!("{} ({host})", saying.means),
        _ => saying.means.to_owned(),
    }
}

/// A code that is not known: what the other side says itself.
fn of_unknown(code: &str, message: &str) -> Problem {
    let is_entra = code
        .get(..6)
        .is_some_and(|start| start.eq_ignore_ascii_case("aadsts"));
    let (speaker, fix) = match is_entra {
        true => (
            Speaker::EntraId,
            "search the tenant's sign-in log for the correlation id",
        ),
        false => (
            Speaker::ResourceManager,
            "read the message beside the code; the activity log has the request by its correlation id",
        ),
    };
    let said = hidden(sentence(message));
    Problem {
        code: match is_entra {
            true => code.to_ascii_uppercase(),
            false => hidden(code),
        },
        speaker,
        is_known: false,
        meaning: format!("this code is not in the table; the text says: \"{said}\""),
        fix: fix.into(),
        ..of_code(&Hit::Unknown(0, 0))
    }
}
