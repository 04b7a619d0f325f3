//! App Service's endpoint in its present and its old version.
//!
//! 'Use managed identities for App Service and Azure Functions', 'REST endpoint reference'.
//! Microsoft does not document the errors: their format and the message for a missing identity come
//! from users' reports.

use crate::{
    directory::SecretText,
    expires_on::ExpiresOnFormat,
    front_door::{FrontDoor, Routes},
    identity_hosts::{
        host::{Host, NoToken},
        identity::IdentityChoice,
        query::Parameters,
    },
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, Uri, header};
use serde_json::{Value, json};
use uuid::Uuid;

/// The path of the endpoint for tokens.
pub(super) const TOKEN_PATH: &str = "/msi/token";

pub(super) fn front_door(host: Host) -> FrontDoor {
    Routes::new().route(TOKEN_PATH, get(token)).open(|router| {
        router
            .fallback(|| async { ApiVersion::V2019.error(StatusCode::NOT_FOUND, "Not found.") })
            .with_state(host)
    })
}

/// The two versions have different names and time formats.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ApiVersion {
    V2017,
    V2019,
}

impl ApiVersion {
    fn read(text: Option<&str>) -> Option<Self> {
        match text? {
            "2017-09-01" => Some(Self::V2017),
            "2019-08-01" => Some(Self::V2019),
            _ => None,
        }
    }

    fn secret_header(self) -> &'static str {
        match self {
            Self::V2017 => "secret",
            Self::V2019 => "x-identity-header",
        }
    }

    fn choice(self, parameters: &Parameters) -> IdentityChoice<'_> {
        match self {
            // The old version has no other choice, and ignores unknown parameters.
            Self::V2017 => IdentityChoice {
                client_id: parameters.get("clientid"),
                ..IdentityChoice::default()
            },
            Self::V2019 => IdentityChoice {
                object_id: parameters
                    .get("object_id")
                    .or_else(|| parameters.get("principal_id")),
                ..parameters.choice()
            },
        }
    }

    fn not_found(self) -> &'static str {
        match self {
            Self::V2017 => "No MSI found for specified ClientId/ResourceId.",
            Self::V2019 => {
                "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."
            }
        }
    }

    fn error(self, status: StatusCode, message: &str) -> Response {
        let (code, id) = (status.as_u16(), Uuid::new_v4());
        let body = match self {
            Self::V2017 => json!({ "StatusCode": code, "Message": message, "CorrelationId": id }),
            Self::V2019 => json!({ "statusCode": code, "message": message, "correlationId": id }),
        };
        (status, Json(body)).into_response()
    }
}

async fn token(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let parameters = Parameters::of(&uri);
    let requested = parameters.given("api-version");
    // A program with the old variables gets the old version, whichever it names.
    let has_old = headers.contains_key("secret") && !headers.contains_key("x-identity-header");
    let version = match ApiVersion::read(requested) {
        Some(_) if has_old => Some(ApiVersion::V2017),
        version => version,
    };
    let Some(version) = version else {
        let message = match requested {
            Some(_) => "The api-version is not supported.",
            None => "The api-version query parameter is required.",
        };
        return ApiVersion::V2019.error(StatusCode::BAD_REQUEST, message);
    };
    if !has_secret(&headers, version.secret_header(), &host.hosts.app_service) {
        let message = format!(
            "The {} header is missing or wrong.",
            version.secret_header()
        );
        return version.error(StatusCode::UNAUTHORIZED, &message);
    }
    let Some(resource) = parameters.given("resource") else {
        return version.error(
            StatusCode::BAD_REQUEST,
            "The resource query parameter is required.",
        );
    };
    match host.token(&headers, &version.choice(&parameters), resource) {
        Ok(token) => {
            let form = match version {
                ApiVersion::V2017 => ExpiresOnFormat::Date,
                ApiVersion::V2019 => ExpiresOnFormat::Text,
            };
            let mut body = json!({
                "access_token": token.issued.access_token,
                "expires_on": form.write(token.issued.expires_on),
                "resource": token.issued.resource,
                "token_type": "Bearer",
                "client_id": token.identity.client_id,
            });
            if version == ApiVersion::V2019 {
                body["not_before"] = Value::from(token.issued.not_before.to_string());
            }
            let kind = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
            (kind, Json(body)).into_response()
        }
        Err(NoToken::Identity(_)) => version.error(StatusCode::BAD_REQUEST, version.not_found()),
        // Every error of Entra ID becomes this one.
        Err(NoToken::Refused(_)) => version.error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "An unexpected error occured while fetching the AAD Token. Please contact support with this provided \
             Correlation Id.",
        ),
    }
}

/// Whether a header has this secret. The time does not depend on the secret.
pub(super) fn has_secret(headers: &HeaderMap, name: &str, secret: &SecretText) -> bool {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|sent| secret.matches(sent))
}
