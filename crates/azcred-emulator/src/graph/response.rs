//! Graph's responses: ids, lists, errors ('Microsoft Graph error responses and resource types').

use crate::{text::clip_to, tokens::Revoked, world::World};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use time::macros::format_description;
use uuid::Uuid;

/// The ids and the time of one request.
pub(super) struct GraphTrace {
    request_id: Uuid,
    client_request_id: String,
    date: String,
}

impl GraphTrace {
    pub(super) fn new(world: &World, headers: &HeaderMap) -> Self {
        let request_id = Uuid::new_v4();
        let sent = headers
            .get("client-request-id")
            .and_then(|v| v.to_str().ok());
        let now = world.clock.now();
        let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
        Self {
            request_id,
            client_request_id: sent.map_or_else(|| request_id.to_string(), ToOwned::to_owned),
            date: now.format(form).unwrap_or_default(),
        }
    }

    /// A response with a body.
    pub(super) fn answer(&self, body: Value) -> Response {
        self.add_headers((StatusCode::OK, Json(body)).into_response())
    }

    /// A response without a body.
    pub(super) fn empty(&self) -> Response {
        self.add_headers(StatusCode::NO_CONTENT.into_response())
    }

    fn add_headers(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        for (name, value) in [
            ("request-id", self.request_id.to_string()),
            ("client-request-id", self.client_request_id.clone()),
        ] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        headers.insert("odata-version", HeaderValue::from_static("4.0"));
        response
    }
}

/// An error of Graph.
#[derive(Debug)]
pub(super) struct GraphError {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// `WWW-Authenticate`.
    challenge: Option<String>,
}

impl GraphError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            challenge: None,
        }
    }

    /// The object does not exist: 404.
    pub(super) fn not_found(id: &str) -> Self {
        let shown = clip_to(id, 100);
        Self::new(
            StatusCode::NOT_FOUND,
            "Request_ResourceNotFound",
            format!(
                "Resource '{shown}' does not exist or one of its queried reference-property objects are not present."
            ),
        )
    }

    /// The body is not the expected JSON: 400.
    pub(super) fn unreadable() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "BadRequest",
            "Unable to read JSON request payload.",
        )
    }

    /// The token is valid, but the account's sessions have been revoked since: 401 with a
    /// challenge.
    pub(super) fn revoked(revoked: &Revoked) -> Self {
        const WHY: &str = "Continuous access evaluation resulted in challenge with result: InteractionRequired and \
                           code: TokenIssuedBeforeRevocationTimestamp";
        Self {
            challenge: Some(format!(
                "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
                 client_id=\"00000003-0000-0000-c000-000000000000\", error_description=\"{WHY}\", \
                 error=\"insufficient_claims\", claims=\"{}\"",
                revoked.claims()
            )),
            ..Self::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", WHY)
        }
    }

    /// Graph does not support the filter: 400.
    pub(super) fn bad_filter() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "Request_UnsupportedQuery",
            "Unsupported or invalid query filter clause specified for property of resource.",
        )
    }

    pub(super) fn into_response(self, trace: &GraphTrace) -> Response {
        let body = json!({ "error": {
            "code": self.code,
            "message": self.message,
            "innerError": {
                "date": trace.date,
                "request-id": trace.request_id,
                "client-request-id": trace.client_request_id,
            },
        }});
        let mut response = (self.status, Json(body)).into_response();
        if let Some(challenge) = self
            .challenge
            .and_then(|text| HeaderValue::try_from(text).ok())
        {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        trace.add_headers(response)
    }
}
