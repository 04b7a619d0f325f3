//! Entra ID's refusals: a code, an OAuth error, a status, and a message that ends in ids and a
//! time.
//!
//! Format: 'OAuth 2.0 client credentials flow', section 'Error response'. The OAuth error and the
//! status for each code come from the live service.

use crate::{
    entra::exchange::Exchange,
    text::{clip, iso},
};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

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

    /// The refusal with this code, for a fault. A code without a table row gets a general message.
    pub(crate) fn by_code(code: u32) -> Self {
        let known = BY_CODE.iter().find(|row| row.0 == code);
        let (_, error, status, message) = known.copied().unwrap_or((
            code,
            "invalid_request",
            400,
            "A fault of the emulator rejected the request.",
        ));
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut refusal = Self::new(code, error, status, message);
        match code {
            50076 | 50079 | 50158 => {
                refusal.suberror = Some("basic_action");
                refusal.claims = Some(r#"{"access_token":{"capolids":{"essential":true,"values":["c0ffee00-0000-4000-8000-000000000001"]}}}"#.into());
            }
            53000 | 530_003 => refusal.suberror = Some("message_only"),
            53003 => {
                refusal.suberror = Some("message_only");
                refusal.claims = Some(r#"{"access_token":{"capolids":{"essential":true,"values":["c0ffee00-0000-4000-8000-000000000001"]}}}"#.into());
            }
            _ => {}
        }
        refusal
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

    /// `error_uri`: Microsoft's page about the code.
    pub(crate) fn uri(&self, exchange: &Exchange) -> String {
        let host = exchange.cloud().login_host();
        format!("https://{host}/error?code={}", self.code)
    }

    /// The HTTP response.
    pub(crate) fn into_response(self, exchange: &Exchange) -> Response {
        let mut body = json!({
            "error": self.error,
            "error_description": self.description(exchange),
            "error_codes": [self.code],
            "timestamp": exchange.timestamp(),
            "trace_id": exchange.trace_id,
            "correlation_id": exchange.correlation_id,
            "error_uri": self.uri(exchange),
        });
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

/// The refusals for faults that name only a code: `(code, error, status, message)`. Codes about an
/// account or a second factor never occur in an application's flows without a fault.
const BY_CODE: &[(u32, &str, u16, &str)] = &[
    (
        16000,
        "interaction_required",
        400,
        "Either multiple user identities are available for the current request or selected account is not supported for the scenario.",
    ),
    (
        50011,
        "invalid_request",
        400,
        "The redirect URI specified in the request does not match the redirect URIs configured for the application.",
    ),
    (
        50020,
        "invalid_grant",
        400,
        "User account from identity provider does not exist in tenant and cannot access the application in that tenant.",
    ),
    (
        50034,
        "invalid_grant",
        400,
        "The user account does not exist in the directory.",
    ),
    (
        50053,
        "invalid_grant",
        400,
        "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
    ),
    (50055, "invalid_grant", 400, "The password is expired."),
    (50057, "invalid_grant", 400, "The user account is disabled."),
    (
        50058,
        "login_required",
        400,
        "A silent sign-in request was sent but no user is signed in.",
    ),
    (
        50076,
        "invalid_grant",
        400,
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.",
    ),
    (
        50078,
        "invalid_grant",
        400,
        "Presented multi-factor authentication has expired due to policies configured by your administrator, you must refresh your multi-factor authentication.",
    ),
    (
        50079,
        "invalid_grant",
        400,
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access the resource.",
    ),
    (
        50105,
        "invalid_grant",
        400,
        "Your administrator has configured the application to block users unless they are specifically granted access to the application.",
    ),
    (
        50126,
        "invalid_grant",
        400,
        "Error validating credentials due to invalid username or password.",
    ),
    (
        50132,
        "invalid_grant",
        400,
        "The session is not valid due to password expiration or recent password change.",
    ),
    (
        50158,
        "interaction_required",
        400,
        "External security challenge was not satisfied.",
    ),
    (
        50173,
        "invalid_grant",
        400,
        "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
    ),
    (
        50196,
        "invalid_grant",
        400,
        "The server terminated an operation because it encountered a client request loop. Please contact your app vendor.",
    ),
    (
        53000,
        "interaction_required",
        400,
        "Device is not in required device state. Conditional Access policy requires a compliant device.",
    ),
    (
        53003,
        "invalid_grant",
        400,
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
    ),
    (
        530_003,
        "interaction_required",
        400,
        "Your device is required to be managed to access this resource.",
    ),
    (
        65001,
        "invalid_grant",
        400,
        "The user or administrator has not consented to use the application. Send an interactive authorization request for this user and resource.",
    ),
    (
        70008,
        "invalid_grant",
        400,
        "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.",
    ),
    (
        70016,
        "authorization_pending",
        400,
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    ),
    (
        70018,
        "bad_verification_code",
        400,
        "Invalid verification code: wrong user code entered, or the device code does not exist.",
    ),
    (
        70020,
        "expired_token",
        400,
        "The provided value for the input parameter 'device_code' is not valid: this device code has expired.",
    ),
    (
        70043,
        "invalid_grant",
        400,
        "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.",
    ),
    (
        700_171,
        "authorization_declined",
        400,
        "OAuth 2.0 device flow error. The end user has denied the authorization request.",
    ),
    (
        700_082,
        "invalid_grant",
        400,
        "The refresh token has expired due to inactivity.",
    ),
    (
        7_000_112,
        "unauthorized_client",
        400,
        "The application is disabled.",
    ),
    (
        7_000_215,
        "invalid_client",
        401,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.",
    ),
    (
        7_000_218,
        "invalid_client",
        401,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    (
        7_000_222,
        "invalid_client",
        401,
        "The provided client secret keys are expired.",
    ),
    (
        700_016,
        "unauthorized_client",
        400,
        "The application was not found in the directory.",
    ),
    (
        700_024,
        "invalid_client",
        401,
        "Client assertion is not within its valid time range.",
    ),
    (90002, "invalid_request", 400, "The tenant was not found."),
    (
        90033,
        "temporarily_unavailable",
        503,
        "A transient error has occurred. Please try again.",
    ),
    (
        90072,
        "invalid_grant",
        400,
        "User account from identity provider does not exist in tenant and cannot access the application in that tenant. The account needs to be added as an external user in the tenant first.",
    ),
    (
        90094,
        "invalid_grant",
        400,
        "An administrator of the tenant has set a policy that prevents you from granting the application the permissions it is requesting.",
    ),
];
