//! Key Vault's errors, in its form.
//!
//! The messages are those of recorded responses, see `interop/recorded`.

use crate::not_served;
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VaultError {
    pub(super) status: StatusCode,
    code: &'static str,
    message: String,
    /// The code that says more.
    inner: Option<&'static str>,
    /// The `WWW-Authenticate` header, which every 401 has.
    pub(super) challenge: Option<String>,
}

impl VaultError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            inner: None,
            challenge: None,
        }
    }

    pub(super) fn bad_parameter(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadParameter", message)
    }

    pub(super) fn unauthorized(message: impl Into<String>, challenge: String) -> Self {
        Self {
            challenge: Some(challenge),
            ..Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", message)
        }
    }

    pub(super) fn forbidden(inner: &'static str, message: impl Into<String>) -> Self {
        Self {
            inner: Some(inner),
            ..Self::new(StatusCode::FORBIDDEN, "Forbidden", message)
        }
    }

    pub(super) fn conflict(inner: &'static str, message: impl Into<String>) -> Self {
        Self {
            inner: Some(inner),
            ..Self::new(StatusCode::CONFLICT, "Conflict", message)
        }
    }

    /// A secret, or a version of it, does not exist.
    pub(super) fn secret_not_found(name: &str) -> Self {
        let message = format!(
            "A secret with (name/id) {name} was not found in this key vault. If you recently deleted this secret you may be \
             able to recover it using the correct recovery command. For help resolving this issue, please see \
             https://go.microsoft.com/fwlink/?linkid=2125182"
        );
        Self::new(StatusCode::NOT_FOUND, "SecretNotFound", message)
    }

    pub(super) fn deleted_secret_not_found(name: &str) -> Self {
        let message = format!("Deleted Secret not found: {name}");
        Self::new(StatusCode::NOT_FOUND, "SecretNotFound", message)
    }

    /// The vault does not exist. In Azure, its name can't be resolved.
    pub(super) fn no_vault(name: &str) -> Self {
        let message = format!(
            "This emulator has no key vault '{}'. In Azure, its name would not be found.",
            crate::text::clip(name)
        );
        Self::new(StatusCode::NOT_FOUND, "VaultNotFound", message)
    }

    pub(super) fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            "The request body is too large, or it broke off.",
        )
    }

    /// The emulator could not do its part.
    pub(super) fn internal(error: &std::io::Error) -> Self {
        let message = format!("The emulator could not use the vault's file: {error}.");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
            message,
        )
    }

    /// A request that the emulator does not serve. Azure may serve it.
    pub(super) fn not_served(method: &Method, what: &str) -> Self {
        let message = not_served::message(method.as_str(), what);
        Self::new(not_served::STATUS, not_served::CODE, message)
    }

    /// What a front end returns with this status. Only a fault produces it.
    pub(super) fn failure(status: StatusCode) -> Self {
        let (code, message) = match status.as_u16() {
            429 => (
                "Throttled",
                "Request was not processed because too many requests were received.",
            ),
            503 => ("ServiceUnavailable", "The service is unavailable."),
            500.. => (
                "InternalServerError",
                "The server encountered an internal error.",
            ),
            _ => (
                "BadParameter",
                "A fault of the emulator rejected the request.",
            ),
        };
        Self::new(status, code, message)
    }

    /// The JSON body.
    pub(super) fn body(&self) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(inner) = self.inner {
            error["innererror"] = json!({"code": inner});
        }
        json!({"error": error})
    }
}

impl From<std::io::Error> for VaultError {
    fn from(error: std::io::Error) -> Self {
        Self::internal(&error)
    }
}
