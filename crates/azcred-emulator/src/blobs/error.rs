//! Blob Storage's refusals ("Blob Storage error codes", "Common REST API error codes", Microsoft
//! Learn, and recorded responses).

use super::{answer::Answer, xml::escape};
use crate::{not_served, storage::StorageError};
use http::StatusCode;
use std::{borrow::Cow, fmt::Write as _};

/// A refusal.
#[derive(Debug)]
pub(super) struct BlobError {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    message: Cow<'static, str>,
    /// Further elements of the body.
    details: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    /// Whether it comes from what is before Blob Storage, which knows no version of it.
    pub(super) is_in_front: bool,
}

impl BlobError {
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            details: Vec::new(),
            headers: Vec::new(),
            is_in_front: false,
        }
    }

    pub(super) fn detail(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn in_front(mut self) -> Self {
        self.is_in_front = true;
        self
    }

    /// 400 with this code.
    pub(super) fn bad(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 403 with this code.
    pub(super) fn forbidden(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// The signature or the key is wrong.
    pub(super) fn not_authenticated(detail: impl Into<String>) -> Self {
        Self::forbidden(
            "AuthenticationFailed",
            "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.",
        )
        .detail("AuthenticationErrorDetail", detail)
    }

    /// No role, or no permission of a signature, allows it.
    pub(super) fn permission_mismatch() -> Self {
        Self::forbidden(
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        )
    }

    /// The firewall, or a signature that can't be for this.
    pub(super) fn authorization_failure() -> Self {
        Self::forbidden(
            "AuthorizationFailure",
            "This request is not authorized to perform this operation.",
        )
    }

    pub(super) fn invalid_uri() -> Self {
        Self::bad(
            "InvalidUri",
            "The requested URI does not represent any resource on the server.",
        )
    }

    pub(super) fn invalid_header(name: &str, value: &str) -> Self {
        Self::bad(
            "InvalidHeaderValue",
            "The value for one of the HTTP headers is not in the correct format.",
        )
        .detail("HeaderName", name)
        .detail("HeaderValue", value)
    }

    pub(super) fn missing_header(name: &str) -> Self {
        Self::bad(
            "MissingRequiredHeader",
            "An HTTP header that's mandatory for this request is not specified.",
        )
        .detail("HeaderName", name)
    }

    pub(super) fn invalid_query(name: &str, value: &str, reason: &str) -> Self {
        Self::bad(
            "InvalidQueryParameterValue",
            "Value for one of the query parameters specified in the request URI is invalid.",
        )
        .detail("QueryParameterName", name)
        .detail("QueryParameterValue", value)
        .detail("Reason", reason)
    }

    pub(super) fn invalid_metadata() -> Self {
        Self::bad(
            "InvalidMetadata",
            "The metadata specified is invalid. It has characters that are not permitted.",
        )
    }

    pub(super) fn invalid_xml() -> Self {
        Self::bad(
            "InvalidXmlDocument",
            "XML specified is not syntactically valid.",
        )
    }

    pub(super) fn condition_not_met() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "ConditionNotMet",
            "The condition specified using HTTP conditional header(s) is not met.",
        )
    }

    pub(super) fn not_found(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// The container or the blob does not exist, or must not be seen.
    pub(super) fn resource_not_found() -> Self {
        Self::not_found("ResourceNotFound", "The specified resource does not exist.")
    }

    pub(super) fn wrong_blob_type() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "InvalidBlobType",
            "The blob type is invalid for this operation.",
        )
    }

    /// What Azure has and this emulator does not.
    pub(super) fn not_served(method: &str, what: &str) -> Self {
        Self::new(
            not_served::STATUS,
            not_served::CODE,
            not_served::message(method, what),
        )
    }

    /// The response. `trace` has the request's id and time, as Azure's messages do.
    pub(super) fn answer(self, request_id: &str, time: &str) -> Answer {
        let mut text = format!(
            "<Error><Code>{}</Code><Message>{}\nRequestId:{request_id}\nTime:{time}</Message>",
            self.code,
            escape(&self.message)
        );
        for (name, value) in &self.details {
            // Writing to a String does not fail.
            let _ = write!(text, "<{name}>{}</{name}>", escape(value));
        }
        text.push_str("</Error>");
        let mut answer = match self.status {
            StatusCode::NOT_MODIFIED => Answer::new(self.status),
            _ => Answer::xml(self.status, &text),
        };
        answer = answer
            .with("x-ms-error-code", self.code)
            .because(&self.message);
        for (name, value) in self.headers {
            answer = answer.with(name, value);
        }
        answer
    }
}

impl From<StorageError> for BlobError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::ContainerNotFound => Self::not_found(
                "ContainerNotFound",
                "The specified container does not exist.",
            ),
            StorageError::BlobNotFound => {
                Self::not_found("BlobNotFound", "The specified blob does not exist.")
            }
            StorageError::ContainerAlreadyExists => Self::new(
                StatusCode::CONFLICT,
                "ContainerAlreadyExists",
                "The specified container already exists.",
            ),
            StorageError::InvalidName(name) if !(3..=63).contains(&name.chars().count()) => {
                Self::bad(
                    "OutOfRangeInput",
                    "The specified resource name length is not within the permissible limits.",
                )
            }
            // Azure's spelling.
            StorageError::InvalidName(_) => Self::bad(
                "InvalidResourceName",
                "The specifed resource name contains invalid characters.",
            ),
            StorageError::Io(_) => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalError",
                error.to_string(),
            ),
        }
    }
}
