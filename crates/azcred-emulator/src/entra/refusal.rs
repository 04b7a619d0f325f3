//! Entra ID's refusals: a code, an OAuth error, a status, and a message that ends in ids and a
//! time.
//!
//! Format: 'OAuth 2.0 client credentials flow', section 'Error response'. Error, status and
//! suberror of each code are in `codes.txt`.

use crate::{
    entra::{codes::Code, exchange::Exchange},
    text::{clip, iso},
};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

/// `claims` of a fault: a policy that no emulator has.
const CHALLENGE: &str = r#"{"access_token":{"capolids":{"essential":true,"values":["c0ffee00-0000-4000-8000-000000000001"]}}}"#;
const PASSWORD_CHANGE: &str = "https://portal.microsoftonline.com/ChangePassword.aspx";

/// A refusal, before ids and the time are added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The number after `AADSTS`.
    pub(crate) code: u32,
    /// The OAuth `error`.
    pub(crate) error: &'static str,
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// The message after `AADSTSnnn: `.
    pub(crate) message: String,
    /// `suberror`, which tells clients what to do about Conditional Access.
    pub(crate) suberror: Option<&'static str>,
    /// `claims`: a JSON text that the client sends back with its next attempt.
    pub(crate) claims: Option<String>,
}

impl Refusal {
    pub(crate) fn new(
        code: u32,
        error: &'static str,
        status: StatusCode,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            error,
            status,
            message: message.into(),
            suberror: None,
            claims: None,
        }
    }

    /// The credential is invalid: `invalid_client`, 401.
    pub(crate) fn invalid_client(code: u32, message: impl Into<String>) -> Self {
        Self::new(code, "invalid_client", StatusCode::UNAUTHORIZED, message)
    }

    /// The request is invalid: `invalid_request`, 400.
    pub(crate) fn invalid_request(code: u32, message: impl Into<String>) -> Self {
        Self::new(code, "invalid_request", StatusCode::BAD_REQUEST, message)
    }

    /// The grant is invalid: `invalid_grant`, 400.
    pub(crate) fn invalid_grant(code: u32, message: impl Into<String>) -> Self {
        Self::new(code, "invalid_grant", StatusCode::BAD_REQUEST, message)
    }

    /// The service is not available at the moment: AADSTS90033.
    pub(crate) fn unavailable() -> Self {
        Self::by_code(90033)
    }

    /// The endpoint does not support the method: AADSTS900561.
    pub(crate) fn only_post(method: &http::Method) -> Self {
        Self::invalid_request(
            900_561,
            format!("The endpoint only accepts POST requests. Received a {method} request."),
        )
    }

    /// The token endpoint does not know the grant: AADSTS70003.
    pub(crate) fn unsupported_grant(name: &str) -> Self {
        Self::new(
            70003,
            "unsupported_grant_type",
            StatusCode::BAD_REQUEST,
            format!(
                "The app requested an unsupported grant type '{}'.",
                clip(name)
            ),
        )
    }

    /// A parameter is missing from the body: AADSTS900144.
    pub(crate) fn missing_parameter(name: &str) -> Self {
        Self::invalid_request(
            900144,
            format!("The request body must contain the following parameter: '{name}'."),
        )
    }

    /// The account's sessions have been revoked since the sign-in: AADSTS50173. Times are Unix
    /// seconds.
    pub(crate) fn revoked(signed_in: i64, valid_from: i64) -> Self {
        Self {
            message: format!(
                "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might \
                 have changed or reset their password. The grant was issued on '{}' and the TokensValidFrom date \
                 (before which tokens are not valid) for this user is '{}'.",
                iso(signed_in),
                iso(valid_from)
            ),
            ..Self::by_code(50173)
        }
    }

    /// The refusal with this code, as the table has it. A code without a row gets a general
    /// message.
    pub(crate) fn by_code(code: u32) -> Self {
        let Some(row) = Code::of(code) else {
            let message = "A fault of the emulator rejected the request.";
            return Self::invalid_request(code, message);
        };
        let is_challenge = matches!(code, 50076 | 50079 | 50158 | 53003);
        Self {
            suberror: row.suberror,
            claims: is_challenge.then(|| CHALLENGE.to_owned()),
            ..Self::new(code, row.error, row.status, row.text)
        }
    }

    /// `error_description`: the code, the message, and the ids for Microsoft's support.
    pub(crate) fn description(&self, exchange: &Exchange) -> String {
        format!(
            "AADSTS{}: {} Trace ID: {} Correlation ID: {} Timestamp: {}",
            self.code,
            self.message,
            exchange.trace_id,
            exchange.correlation_id,
            exchange.timestamp()
        )
    }

    /// `error_uri`: Entra ID's page about the code, at the host of the request. Some codes have no
    /// page.
    pub(crate) fn uri(&self, exchange: &Exchange) -> Option<String> {
        if Code::of(self.code).is_some_and(|row| !row.has_page) {
            return None;
        }
        let host = match &exchange.entrance.real_name {
            Some(host) => host.as_str(),
            None => exchange.cloud().login_host(),
        };
        Some(format!("https://{host}/error?code={}", self.code))
    }

    /// The HTTP response.
    pub(crate) fn into_response(self, exchange: &Exchange) -> Response {
        let v1 = Code::of(self.code).filter(|row| exchange.is_v1 && row.error == self.error);
        let mut body = json!({
            "error": v1.map_or(self.error, |row| row.error_v1),
            "error_description": self.description(exchange),
            "error_codes": [self.code],
            "timestamp": exchange.timestamp(),
            "trace_id": exchange.trace_id,
            "correlation_id": exchange.correlation_id,
        });
        if let Some(uri) = self.uri(exchange) {
            body["error_uri"] = uri.into();
        }
        if exchange.is_v1 && self.code == 50055 {
            body["suberror"] = "user_password_expired".into();
            body["password_change_url"] = PASSWORD_CHANGE.into();
        }
        if let Some(suberror) = self.suberror {
            body["suberror"] = suberror.into();
        }
        if let Some(claims) = self.claims {
            body["claims"] = claims.into();
        }
        let mut response = (self.status, axum::Json(body)).into_response();
        exchange.add_headers(&mut response, self.code);
        response
    }
}
