//! Container Registry's errors, in the form of the OCI distribution specification.
//!
//! The messages are those of recorded responses, see `interop/recorded`.

use super::scope::Scope;
use crate::{not_served, text::clip};
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// A refusal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RegistryError {
    pub(super) status: StatusCode,
    code: &'static str,
    message: String,
    /// None: the member is left out.
    detail: Option<Value>,
    /// What the request needs. Only of 401.
    pub(super) needs: Option<Box<Needs>>,
}

/// What a challenge says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Needs {
    pub(super) scope: Option<Scope>,
    /// Whether the request has a token, which does not allow it.
    pub(super) has_token: bool,
}

impl RegistryError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            detail: None,
            needs: None,
        }
    }

    fn detail(mut self, detail: Value) -> Self {
        self.detail = Some(detail);
        self
    }

    /// 401, with a challenge. `scope` is what the request needs.
    pub(super) fn unauthorized(scope: Option<Scope>, has_token: bool) -> Self {
        let detail = scope.as_ref().map_or(Value::Null, |scope| {
            let actions = scope.actions.iter();
            let actions = actions
                .map(|action| json!({"Type": scope.kind, "Name": scope.name, "Action": action}));
            actions.collect()
        });
        let message =
            "authentication required, visit https://aka.ms/acr/authorization for more information.";
        let error = Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message).detail(detail);
        Self {
            needs: Some(Box::new(Needs { scope, has_token })),
            ..error
        }
    }

    /// The network settings of the registry.
    pub(super) fn firewall() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "DENIED",
            "client with IP '127.0.0.1' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.",
        )
    }

    /// The registry does not exist. In Azure, its name can't be resolved.
    pub(super) fn no_registry(name: &str) -> Self {
        let message = format!(
            "This emulator has no container registry '{}'. In Azure, its name would not be found.",
            clip(name)
        );
        Self::new(StatusCode::NOT_FOUND, "REGISTRY_UNKNOWN", message)
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message)
    }

    pub(super) fn repository_unknown(name: &str) -> Self {
        let message = format!("repository \"{}\" is not found", clip(name));
        Self::new(StatusCode::NOT_FOUND, "NAME_UNKNOWN", message)
    }

    pub(super) fn name_invalid(name: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "NAME_INVALID",
            "invalid repository name",
        )
        .detail(json!({"Name": clip(name)}))
    }

    pub(super) fn tag_unknown(tag: &str) -> Self {
        let tag = clip(tag);
        let message = format!("manifest tagged by \"{tag}\" is not found");
        Self::new(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", message).detail(json!({"Tag": tag}))
    }

    pub(super) fn manifest_unknown(name: &str, digest: &str) -> Self {
        let message = format!("manifest {digest} is not found");
        let detail = json!({"Name": clip(name), "Revision": digest});
        Self::new(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", message).detail(detail)
    }

    pub(super) fn manifest_invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", message)
    }

    pub(super) fn manifest_blob_unknown(digest: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "MANIFEST_BLOB_UNKNOWN",
            "blob unknown to registry",
        )
        .detail(json!({"Digest": clip(digest)}))
    }

    pub(super) fn blob_unknown(digest: &str) -> Self {
        let message = "blob unknown to registry";
        Self::new(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", message)
            .detail(json!({"Digest": clip(digest)}))
    }

    pub(super) fn upload_unknown() -> Self {
        let message = "blob upload unknown to registry";
        Self::new(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", message)
    }

    pub(super) fn digest_invalid(digest: &str) -> Self {
        let message = "provided digest did not match uploaded content";
        Self::new(StatusCode::BAD_REQUEST, "DIGEST_INVALID", message)
            .detail(json!({"Digest": clip(digest)}))
    }

    pub(super) fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "SIZE_INVALID",
            "the request's body is too large, or it broke off",
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
            429 => ("TOOMANYREQUESTS", "too many requests"),
            503 => ("UNAVAILABLE", "service unavailable"),
            500.. => ("UNKNOWN", "unknown error"),
            _ => ("UNKNOWN", "A fault of the emulator rejected the request."),
        };
        Self::new(status, code, message)
    }

    /// The JSON body.
    pub(super) fn body(&self) -> String {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(detail) = &self.detail {
            error["detail"] = detail.clone();
        }
        format!("{}\n", json!({"errors": [error]}))
    }
}

impl From<std::io::Error> for RegistryError {
    fn from(error: std::io::Error) -> Self {
        let message = format!("The emulator could not use the registry's files: {error}.");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", message)
    }
}
