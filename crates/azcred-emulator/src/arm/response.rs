//! Responses: JSON, pages of a list, and the headers that Azure Resource Manager always sends.

use super::{call::Call, error::ArmError};
use crate::{service::Service, world::World};
use axum::{body::Body, response::Response};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{
    HeaderMap, Method, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use serde_json::{Value, json};
use time::{OffsetDateTime, macros::format_description};
use uuid::Uuid;

/// The largest page, and the page size without `$top`.
const PAGE: usize = 1000;

/// A successful response.
#[derive(Debug)]
pub(super) struct ArmResponse {
    pub(super) status: StatusCode,
    pub(super) body: Option<Value>,
}

impl ArmResponse {
    pub(super) fn ok(body: Value) -> Self {
        Self::with(StatusCode::OK, body)
    }

    pub(super) fn with(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            body: Some(body),
        }
    }

    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, body: None }
    }

    /// A list, cut by `$top` and `$skiptoken`.
    ///
    /// # Errors
    /// When `$top` is not a number, or `$skiptoken` does not come from this service.
    pub(super) fn list(world: &World, call: &Call, items: Vec<Value>) -> Result<Self, ArmError> {
        let size = match call.query("$top") {
            None => PAGE,
            Some(text) => text
                .parse()
                .ok()
                .filter(|size| (1..=PAGE).contains(size))
                .ok_or_else(|| {
                    ArmError::bad_request(
                        "InvalidTopParameter",
                        format!("The value '{text}' of $top is invalid. It must be a number from 1 to {PAGE}."),
                    )
                })?,
        };
        let from = match call.query("$skiptoken") {
            None => 0,
            Some(token) => skipped(token).ok_or_else(|| {
                ArmError::bad_request("InvalidSkipToken", "The specified $skiptoken is invalid.")
            })?,
        };
        let total = items.len();
        let next = from.saturating_add(size);
        let page: Vec<Value> = items.into_iter().skip(from).take(size).collect();
        let mut body = json!({ "value": page });
        if next < total {
            let token = URL_SAFE_NO_PAD.encode(format!("from={next}"));
            let base = world.urls().for_client(Service::Arm, &call.entrance);
            body["nextLink"] = format!("{base}{}", call.path_with("$skiptoken", &token)).into();
        }
        Ok(Self::ok(body))
    }
}

fn skipped(token: &str) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    text.strip_prefix("from=")?.parse().ok()
}

/// The ids of one request and its response.
pub(super) struct ArmTrace {
    request: Uuid,
    correlation: String,
    /// The client's request id, if the client wants it back.
    client_request: Option<HeaderValue>,
    reading: bool,
    in_subscription: bool,
}

impl ArmTrace {
    /// Reads the ids that the client sends.
    pub(super) fn new(method: &Method, path: &str, headers: &HeaderMap) -> Self {
        let request = Uuid::new_v4();
        let correlation = headers
            .get("x-ms-correlation-request-id")
            .and_then(|value| value.to_str().ok()?.parse::<Uuid>().ok());
        let wants_echo = headers
            .get("x-ms-return-client-request-id")
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
        Self {
            request,
            correlation: correlation.unwrap_or(request).to_string(),
            client_request: wants_echo
                .then(|| headers.get("x-ms-client-request-id").cloned())
                .flatten(),
            reading: matches!(*method, Method::GET | Method::HEAD),
            in_subscription: path
                .trim_start_matches('/')
                .to_ascii_lowercase()
                .starts_with("subscriptions/"),
        }
    }

    /// Builds the response.
    pub(super) fn response(
        &self,
        result: Result<ArmResponse, ArmError>,
        now: OffsetDateTime,
    ) -> Response {
        let (status, body, challenge) = match result {
            Ok(answer) => (answer.status, answer.body, None),
            Err(error) => (error.status, Some(error.body()), error.challenge),
        };
        let has_body = body.is_some();
        let mut response =
            Response::new(body.map_or_else(Body::empty, |body| Body::from(body.to_string())));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if has_body {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json; charset=utf-8"),
            );
        }
        if let Some(challenge) = challenge.and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if status.is_client_error() || status.is_server_error() {
            // ARM itself returns the error, not a resource provider behind it.
            headers.insert(
                HeaderName::from_static("x-ms-failure-cause"),
                HeaderValue::from_static("gateway"),
            );
        }
        self.add_headers(headers, now);
        response
    }

    fn add_headers(&self, headers: &mut HeaderMap, now: OffsetDateTime) {
        let stamp = now
            .format(format_description!(
                "[year][month][day]T[hour][minute][second]Z"
            ))
            .unwrap_or_default();
        let mut put = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        put("x-ms-request-id", &self.request.to_string());
        put("x-ms-correlation-request-id", &self.correlation);
        put(
            "x-ms-routing-request-id",
            &format!("WESTEUROPE:{stamp}:{}", self.request),
        );
        // The limit minus this request: 250 reads, 200 writes ("Understand how Azure Resource
        // Manager throttles requests"). The emulator throttles only by a fault.
        let (name, left) = match (self.in_subscription, self.reading) {
            (true, true) => ("x-ms-ratelimit-remaining-subscription-reads", "249"),
            (true, false) => ("x-ms-ratelimit-remaining-subscription-writes", "199"),
            (false, true) => ("x-ms-ratelimit-remaining-tenant-reads", "249"),
            (false, false) => ("x-ms-ratelimit-remaining-tenant-writes", "199"),
        };
        put(name, left);
        put("cache-control", "no-cache");
        put("pragma", "no-cache");
        put("expires", "-1");
        put(
            "strict-transport-security",
            "max-age=31536000; includeSubDomains",
        );
        put("x-content-type-options", "nosniff");
        if let Some(id) = &self.client_request {
            headers.insert(
                HeaderName::from_static("x-ms-client-request-id"),
                id.clone(),
            );
        }
    }
}
