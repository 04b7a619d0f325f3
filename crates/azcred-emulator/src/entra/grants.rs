//! Grants that the emulator does not support. The on-behalf-of grant is rejected like an assertion
//! with an invalid signature.

use crate::{
    directory::Directory,
    entra::{
        authority::Authority,
        client::{self, Credentials, Presented},
        form::Form,
        refusal::Refusal,
    },
    text::clip,
};
use http::StatusCode;

/// The refusal of an unsupported grant. It is the one that Entra ID returns for an unknown
/// assertion.
pub(super) fn refuse(
    directory: &Directory,
    authority: Authority<'_>,
    grant_type: &str,
    credentials: &Credentials,
    form: &Form,
) -> Refusal {
    let refuse =
        |code, error, message: String| Refusal::new(code, error, StatusCode::BAD_REQUEST, message);
    if grant_type != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        return refuse(
            70003,
            "unsupported_grant_type",
            format!(
                "The app requested an unsupported grant type '{}'.",
                clip(grant_type)
            ),
        );
    }
    if let Authority::Tenant(tenant) = authority {
        match client::find(directory, tenant, &credentials.client_id) {
            Err(refusal) => return refusal,
            Ok(app)
                if !app.public_client && matches!(credentials.presented, Presented::Nothing) =>
            {
                return client::no_secret();
            }
            Ok(_) => {}
        }
    }
    match form.required("assertion") {
        Err(refusal) => refusal,
        Ok(_) => refuse(
            50013,
            "invalid_grant",
            "Assertion failed signature validation. [Reason - The key was not found.]".to_owned(),
        ),
    }
}
