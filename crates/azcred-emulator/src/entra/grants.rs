//! The grants that have nothing to grant here.

use http::StatusCode;

use super::authority::{Authority, clip};
use super::client::{self, Credentials, Presented};
use super::form::Form;
use super::refusal::Refusal;
use super::user;
use crate::directory::Directory;

/// Why any other grant is refused: for the reason Entra ID would give for a code or token it does not know.
pub(super) fn refuse(
    directory: &Directory,
    authority: Authority<'_>,
    grant_type: &str,
    credentials: &Credentials,
    form: &Form,
) -> Refusal {
    let parameter = match grant_type {
        "authorization_code" => "code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => "assertion",
        _ => {
            return Refusal::new(
                70003,
                "unsupported_grant_type",
                StatusCode::BAD_REQUEST,
                format!(
                    "The app requested an unsupported grant type '{}'.",
                    clip(grant_type)
                ),
            );
        }
    };
    if let Authority::Tenant(tenant) = authority {
        match client::find(directory, tenant, &credentials.client_id) {
            Err(refusal) => return refusal,
            Ok(app)
                if !app.public_client && matches!(credentials.presented, Presented::Nothing) =>
            {
                return user::no_secret();
            }
            Ok(_) => {}
        }
    }
    if form.get(parameter).is_none() {
        return Refusal::missing_parameter(parameter);
    }
    let invalid = |code, message: String| {
        Refusal::new(code, "invalid_grant", StatusCode::BAD_REQUEST, message)
    };
    match parameter {
        "assertion" => invalid(
            50013,
            "Assertion failed signature validation. [Reason - The key was not found.]".to_owned(),
        ),
        _ => invalid(
            70000,
            format!(
                "Provided grant is invalid or malformed: the {parameter} is not one of this service's."
            ),
        ),
    }
}
