//! Errors of Azure Machine Learning's own services, in their form.
//!
//! The form is in the errors that clients quote, such as issue 1047 of
//! Azure/MachineLearningNotebooks: the first code says whose fault it is, the code inside says
//! what it is.

use crate::{not_served, storage::StorageError};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MlError {
    pub(super) status: StatusCode,
    /// Whose fault it is, or that the emulator does not serve it.
    code: &'static str,
    /// What it is.
    inner: Option<&'static str>,
    pub(super) message: String,
    /// The `WWW-Authenticate` header, which every 401 has.
    pub(super) challenge: Option<String>,
}

impl MlError {
    fn user(status: StatusCode, inner: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: "UserError",
            inner: Some(inner),
            message: message.into(),
            challenge: None,
        }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::user(StatusCode::BAD_REQUEST, "BadArgument", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::user(StatusCode::NOT_FOUND, "NotFoundError", message)
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::user(StatusCode::CONFLICT, "ConflictError", message)
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::user(StatusCode::FORBIDDEN, "ForbiddenError", message)
    }

    pub(super) fn unauthorized(message: impl Into<String>, challenge: String) -> Self {
        Self {
            challenge: Some(challenge),
            ..Self::user(StatusCode::UNAUTHORIZED, "AuthorizationError", message)
        }
    }

    pub(super) fn too_large(limit: usize) -> Self {
        let message =
            format!("The request's content is larger than {limit} bytes, or it broke off.");
        Self::user(StatusCode::PAYLOAD_TOO_LARGE, "BadArgument", message)
    }

    /// The emulator could not do its part.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self {
            code: "ServiceError",
            ..Self::user(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalServerError",
                message,
            )
        }
    }

    /// A request that the emulator does not serve. Azure may serve it.
    pub(super) fn not_served(method: &Method, what: &str) -> Self {
        Self {
            status: not_served::STATUS,
            code: not_served::CODE,
            inner: None,
            message: not_served::message(method.as_str(), what),
            challenge: None,
        }
    }

    /// What a front end returns with this status. Only a fault produces it.
    pub(super) fn failure(status: StatusCode) -> Self {
        let (code, inner, message) = match status.as_u16() {
            429 => (
                "UserError",
                "TooManyRequests",
                "The request is being throttled.",
            ),
            500.. => ("ServiceError", "InternalServerError", "InternalServerError"),
            _ => (
                "UserError",
                "BadArgument",
                "A fault of the emulator rejected the request.",
            ),
        };
        Self {
            status,
            code,
            inner: Some(inner),
            message: message.to_owned(),
            challenge: None,
        }
    }

    /// A file of a job could not be stored or read.
    pub(super) fn storage(error: &StorageError) -> Self {
        Self::internal(format!("A file of the job can't be used: {error}."))
    }

    /// The code in the words of MLflow ('MLflow REST API').
    fn mlflow_code(&self) -> &'static str {
        match self.status.as_u16() {
            400 => "INVALID_PARAMETER_VALUE",
            401 => "UNAUTHENTICATED",
            403 => "PERMISSION_DENIED",
            404 => "RESOURCE_DOES_NOT_EXIST",
            409 => "RESOURCE_ALREADY_EXISTS",
            429 => "REQUEST_LIMIT_EXCEEDED",
            501 => "NOT_IMPLEMENTED",
            _ => "INTERNAL_ERROR",
        }
    }

    /// The members that MLflow's clients read, beside the others.
    pub(super) fn for_mlflow(&self, mut body: Value) -> Value {
        body["error_code"] = self.mlflow_code().into();
        body["message"] = self.message.clone().into();
        body
    }

    /// The JSON body.
    pub(super) fn body(&self, region: &str, now: OffsetDateTime) -> Value {
        let inner = |code| json!({"code": code, "innerError": null});
        json!({
            "error": {
                "code": self.code,
                "severity": null,
                "message": self.message,
                "messageFormat": null,
                "messageParameters": null,
                "referenceCode": null,
                "detailsUri": null,
                "target": null,
                "details": [],
                "innerError": self.inner.map(inner),
                "debugInfo": null,
                "additionalInfo": null,
            },
            "correlation": {
                "operation": Uuid::new_v4().simple().to_string(),
                "request": Uuid::new_v4().simple().to_string()[..16],
            },
            "environment": region,
            "location": region,
            "time": super::wire::date(now),
            "componentName": "run-history",
        })
    }
}
