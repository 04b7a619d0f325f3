//! The response of IMDS, and of the hosts with the same format: all numbers are strings.

use super::host::IdentityToken;
use crate::{entra::Issued, expires_on::ExpiresOnFormat};
use serde_json::{Value, json};

/// A token response in the format of IMDS: all numbers are strings.
pub(super) fn token_as_text(token: &IdentityToken<'_>) -> Value {
    let mut body = issued_as_text(&token.issued);
    body["client_id"] = token.identity.client_id.to_string().into();
    body
}

pub(super) fn issued_as_text(issued: &Issued) -> Value {
    // What is left when the token is there: the emulator's hosts cache no token.
    let left = issued.expires_in - 1;
    json!({
        "access_token": issued.access_token,
        "expires_in": left.to_string(),
        "expires_on": ExpiresOnFormat::Text.write(issued.expires_on),
        "ext_expires_in": left.to_string(),
        "not_before": issued.not_before.to_string(),
        "resource": issued.resource,
        "token_type": "Bearer",
    })
}
