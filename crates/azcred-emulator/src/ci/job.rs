//! What the CI systems have in common: which applications trust their tokens, and whether a request
//! comes from a running job.

use crate::directory::{Application, Directory, FederatedCredential, IssuerKeys, SecretText};
use http::{HeaderMap, header};
use serde_json::{Map, Value, json};

/// The applications that trust an issuer for which the emulator signs, each with its federated
/// credential.
pub(super) fn trusting<'a>(
    directory: &'a Directory,
    is_issuer: impl Fn(&str) -> bool + 'a,
) -> impl Iterator<Item = (&'a Application, &'a FederatedCredential)> {
    let hosted = |url: &str| {
        let issuer = directory.issuers.get(url);
        issuer.is_some_and(|issuer| matches!(issuer.keys, IssuerKeys::Hosted))
    };
    directory.clients().flat_map(move |app| {
        let of_app = app.federated_credentials.iter();
        let of_issuer: Vec<_> = of_app
            .filter(|credential| is_issuer(&credential.issuer) && hosted(&credential.issuer))
            .collect();
        of_issuer
            .into_iter()
            .map(move |credential| (app, credential))
    })
}

/// Whether a request has the token of a running job.
pub(super) fn is_job(headers: &HeaderMap, token: Option<&SecretText>) -> bool {
    let sent = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match (sent, token) {
        (Some((_, sent)), Some(token)) => token.matches(sent.trim()),
        _ => false,
    }
}

pub(super) fn object(claims: Value) -> Map<String, Value> {
    match claims {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// A text as these systems return it where clients expect a list: `count` is the number of its
/// characters.
pub(super) fn counted(text: impl Into<String>) -> Value {
    let text = text.into();
    json!({"count": text.len(), "value": text})
}
