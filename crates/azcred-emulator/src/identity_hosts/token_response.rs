//! The response of IMDS and of the hosts that write theirs as it does: all numbers are texts.

use super::host::IdentityToken;
use crate::{entra::Issued, expires_on::ExpiresOnFormat};
use serde_json::{Value, json};

/// What IMDS says of a token, and those that speak as it does: all numbers are texts.
pub(super) fn token_as_text(token: &IdentityToken<'_>) -> Value {
    let mut body = issued_as_text(&token.issued);
    body["client_id"] = token.identity.client_id.to_string().into();
    body
}

pub(super) fn issued_as_text(issued: &Issued) -> Value {
    json!({
        "access_token": issued.access_token,
        "expires_in": issued.expires_in.to_string(),
        "expires_on": ExpiresOnFormat::Text.write(issued.expires_on),
        "ext_expires_in": issued.expires_in.to_string(),
        "not_before": issued.not_before.to_string(),
        "resource": issued.resource,
        "token_type": "Bearer",
    })
}
