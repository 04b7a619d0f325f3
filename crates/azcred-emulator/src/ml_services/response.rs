//! Responses: JSON, and the headers that these services always send.

use super::{call::region, error::MlError};
use crate::service::Entrance;
use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

/// The region that a port has.
pub(super) const SOME_REGION: &str = "westeurope";

/// What a response repeats of its request.
pub(super) struct Trace {
    client_request: Option<HeaderValue>,
    region: String,
    is_of_mlflow: bool,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            client_request: None,
            region: SOME_REGION.to_owned(),
            is_of_mlflow: false,
        }
    }
}

impl Trace {
    pub(super) fn new(parts: &Parts) -> Self {
        let entrance = parts.extensions.get::<Entrance>();
        let region = entrance.and_then(region).unwrap_or(SOME_REGION);
        Self {
            client_request: parts.headers.get("x-ms-client-request-id").cloned(),
            region: region.to_owned(),
            is_of_mlflow: parts.uri.path().to_ascii_lowercase().contains("/api/2.0/"),
        }
    }

    /// Builds the response.
    pub(super) fn response(&self, result: Result<Value, MlError>, now: OffsetDateTime) -> Response {
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        let (status, body, kind) = match result {
            Ok(body) => (http::StatusCode::OK, body, "standard"),
            Err(error) => {
                if let Some(challenge) = &error.challenge {
                    put(headers, header::WWW_AUTHENTICATE, challenge);
                }
                let body = error.body(&self.region, now);
                let body = match self.is_of_mlflow {
                    true => error.for_mlflow(body),
                    false => body,
                };
                (error.status, body, "error")
            }
        };
        for (name, value) in [
            ("x-ms-response-type", kind),
            ("x-request-time", "0.01"),
            (
                "azureml-served-by-cluster",
                &format!("vienna-{}-01", self.region),
            ),
            ("request-context", &format!("appId=cid-v1:{}", Uuid::nil())),
            ("mise-correlation-id", &Uuid::new_v4().to_string()),
            ("access-control-allow-origin", "*"),
            ("x-content-type-options", "nosniff"),
            ("content-type", "application/json; charset=utf-8"),
        ] {
            put(headers, HeaderName::from_static(name), value);
        }
        if let Some(id) = &self.client_request {
            headers.insert("x-ms-client-request-id", id.clone());
        }
        *response.body_mut() = Body::from(body.to_string());
        *response.status_mut() = status;
        response
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
