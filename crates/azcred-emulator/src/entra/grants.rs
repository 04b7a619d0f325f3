//! The grants that have nothing to grant here: nobody has signed in, so no code and no refresh token exists.

use http::StatusCode;

use super::authority::{Authority, clip};
use super::client::{self, Credentials, Presented};
use super::form::Form;
use super::refusal::Refusal;
use crate::directory::Directory;

/// Why a grant other than `client_credentials` is refused: for the reason Entra ID would give for a code, token or
/// password it does not know.
pub(super) fn refuse(
    directory: &Directory,
    authority: Authority<'_>,
    grant_type: &str,
    credentials: &Credentials,
    form: &Form,
) -> Refusal {
    let parameter = match grant_type {
        "authorization_code" => "code",
        "refresh_token" => "refresh_token",
        "password" => "username",
        "urn:ietf:params:oauth:grant-type:device_code" | "device_code" => "device_code",
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
                return Refusal::invalid_client(
                    7_000_218,
                    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
                );
            }
            Ok(_) => {}
        }
    }
    let Some(value) = form.get(parameter) else {
        return Refusal::missing_parameter(parameter);
    };
    let invalid = |code, message: String| {
        Refusal::new(code, "invalid_grant", StatusCode::BAD_REQUEST, message)
    };
    match parameter {
        "username" => {
            if form.get("password").is_none() {
                return Refusal::invalid_request(
                    90014,
                    "The required field 'password' is missing from the credential. Ensure that you have all the \
                     necessary parameters for the login request.",
                );
            }
            let user = directory
                .users
                .values()
                .find(|user| user.user_principal_name.eq_ignore_ascii_case(value));
            match user {
                None => invalid(
                    50034,
                    format!(
                        "The user account {} does not exist in the directory. To sign into this application, the \
                         account must be added to the directory.",
                        clip(value)
                    ),
                ),
                Some(user) if !user.enabled => {
                    invalid(50057, "The user account is disabled.".to_owned())
                }
                Some(_) => invalid(
                    50126,
                    "Error validating credentials due to invalid username or password.".to_owned(),
                ),
            }
        }
        "device_code" => Refusal {
            error: "bad_verification_code",
            ..invalid(
                70018,
                "Invalid verification code: the device code does not exist.".to_owned(),
            )
        },
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
