//! Responses, with the headers that a registry always sends.

use super::{call::Call, error::RegistryError};
use axum::{body::Body, response::Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;
use uuid::Uuid;

/// A response.
pub(super) struct Answer(Response);

impl Answer {
    pub(super) fn new(status: StatusCode) -> Self {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        Self(response)
    }

    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        Self::text(status, format!("{body}\n"))
    }

    /// A token of the registry.
    pub(super) fn token(body: &Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    fn text(status: StatusCode, body: String) -> Self {
        Self::new(status)
            .with("content-type", "application/json; charset=utf-8")
            .body(Body::from(body))
    }

    pub(super) fn of_error(error: &RegistryError, call: Option<&Call>) -> Self {
        let answer = Self::text(error.status, error.body());
        let (Some(needs), Some(call)) = (&error.needs, call) else {
            return answer;
        };
        let mut challenge = format!(
            "Bearer realm=\"{}/oauth2/token\",service=\"{}\"",
            call.base, call.server
        );
        if let Some(scope) = &needs.scope {
            challenge = format!("{challenge},scope=\"{scope}\"");
        }
        if needs.has_token {
            challenge.push_str(",error=\"insufficient_scope\"");
        }
        answer.with(header::WWW_AUTHENTICATE.as_str(), &challenge)
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            self.0.headers_mut().insert(name, value);
        }
        self
    }

    pub(super) fn body(mut self, body: Body) -> Self {
        *self.0.body_mut() = body;
        self
    }

    /// The response to HEAD: the length, and no body.
    pub(super) fn headless(mut self) -> Self {
        use axum::body::HttpBody as _;
        let length = self.0.body().size_hint().exact();
        *self.0.body_mut() = Body::empty();
        match length {
            Some(length) if !self.0.headers().contains_key(header::CONTENT_LENGTH) => {
                self.with(header::CONTENT_LENGTH.as_str(), &length.to_string())
            }
            _ => self,
        }
    }

    /// Adds what every response has.
    pub(super) fn finish(self) -> Response {
        let id = Uuid::new_v4().to_string();
        let mut response = self
            .with("server", "openresty")
            .with("docker-distribution-api-version", "registry/2.0")
            .with("x-content-type-options", "nosniff")
            .with(
                "strict-transport-security",
                "max-age=31536000; includeSubDomains",
            )
            .with("x-ms-correlation-request-id", &id)
            .0;
        for exposed in [
            "Docker-Content-Digest",
            "WWW-Authenticate",
            "Link",
            "X-Ms-Correlation-Request-Id",
        ] {
            let exposed = HeaderValue::from_static(exposed);
            let headers = response.headers_mut();
            headers.append(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
        response
    }
}
