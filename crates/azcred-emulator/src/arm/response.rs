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
    /// Headers of this response only, such as the address of a long operation.
    pub(super) headers: Vec<(HeaderName, String)>,
    /// The operation of the resource provider that answered. `None` for Resource Manager itself.
    pub(super) operation: Option<String>,
}

impl ArmResponse {
    pub(super) fn ok(body: Value) -> Self {
        Self::with(StatusCode::OK, body)
    }

    pub(super) fn with(status: StatusCode, body: Value) -> Self {
        Self {
            body: Some(body),
            ..Self::empty(status)
        }
    }

    pub(super) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            body: None,
            headers: Vec::new(),
            operation: None,
        }
    }

    pub(super) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
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
    /// Resource Manager's id. A resource provider has one of its own.
    routing: Uuid,
    correlation: String,
    /// The client's request id, if the client wants it back.
    client_request: Option<HeaderValue>,
    limits: &'static Limits,
    in_subscription: bool,
}

/// A kind of requests that Azure limits ("Understand how Azure Resource Manager throttles
/// requests"). The figures are the limits minus this request, as in recordings: the emulator
/// throttles only by a fault.
struct Limits {
    kind: &'static str,
    own: &'static str,
    of_all_callers: &'static str,
}

const READ: Limits = Limits::new("reads", "249", "3749");
const WRITE: Limits = Limits::new("writes", "199", "2999");
const DELETE: Limits = Limits::new("deletes", "199", "2999");

impl Limits {
    const fn new(kind: &'static str, own: &'static str, of_all_callers: &'static str) -> Self {
        Self {
            kind,
            own,
            of_all_callers,
        }
    }
}

impl ArmTrace {
    /// Reads the ids that the client sends.
    pub(super) fn new(method: &Method, path: &str, headers: &HeaderMap) -> Self {
        let routing = Uuid::new_v4();
        // It is returned as it was sent, also without dashes.
        let correlation = headers
            .get("x-ms-correlation-request-id")
            .and_then(|value| value.to_str().ok())
            .filter(|text| text.parse::<Uuid>().is_ok());
        let wants_echo = headers
            .get("x-ms-return-client-request-id")
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
        Self {
            routing,
            correlation: correlation.map_or_else(|| routing.to_string(), str::to_owned),
            client_request: wants_echo
                .then(|| headers.get("x-ms-client-request-id").cloned())
                .flatten(),
            limits: match *method {
                Method::GET | Method::HEAD => &READ,
                Method::DELETE => &DELETE,
                _ => &WRITE,
            },
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
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        self.add_headers(headers, now);
        let (status, body, operation) = match result {
            Ok(done) => {
                self.count(headers);
                for (name, value) in done.headers {
                    put(headers, name, &value);
                }
                (done.status, done.body, done.operation)
            }
            Err(error) => {
                // What Resource Manager itself refuses is not counted.
                if error.operation.is_some() {
                    self.count(headers);
                }
                if let Some(challenge) = &error.challenge {
                    put(headers, header::WWW_AUTHENTICATE, challenge);
                }
                let body = error.body();
                for (name, value) in error.own.map(|own| own.headers).unwrap_or_default() {
                    put(headers, name, &value);
                }
                (error.status, body, error.operation)
            }
        };
        match operation {
            Some(operation) => {
                put(headers, REQUEST_ID, &Uuid::new_v4().to_string());
                put(headers, OPERATION, &operation);
            }
            None if !status.is_success() => put(headers, FAILURE_CAUSE, "gateway"),
            None => {}
        }
        if let Some(body) = body {
            put(headers, header::CONTENT_TYPE, JSON);
            *response.body_mut() = Body::from(body.to_string());
        }
        *response.status_mut() = status;
        response
    }

    /// Says how many requests of this kind are left.
    fn count(&self, headers: &mut HeaderMap) {
        let Limits {
            kind,
            own,
            of_all_callers,
        } = self.limits;
        let mut left = |scope: &str, number: &str| {
            let name = format!("x-ms-ratelimit-remaining-{scope}-{kind}");
            if let Ok(name) = HeaderName::try_from(name) {
                put(headers, name, number);
            }
        };
        if self.in_subscription {
            left("subscription", own);
            left("subscription-global", of_all_callers);
        } else {
            left("tenant", own);
        }
    }

    fn add_headers(&self, headers: &mut HeaderMap, now: OffsetDateTime) {
        let stamp = now
            .format(format_description!(
                "[year][month][day]T[hour][minute][second]Z"
            ))
            .unwrap_or_default();
        let routing = format!("WESTEUROPE:{stamp}:{}", self.routing);
        put(headers, REQUEST_ID, &self.routing.to_string());
        for (name, value) in [
            ("x-ms-correlation-request-id", self.correlation.as_str()),
            ("x-ms-routing-request-id", &routing),
            ("cache-control", "no-cache"),
            ("pragma", "no-cache"),
            ("expires", "-1"),
            (
                "strict-transport-security",
                "max-age=31536000; includeSubDomains",
            ),
            ("x-content-type-options", "nosniff"),
        ] {
            put(headers, HeaderName::from_static(name), value);
        }
        if let Some(id) = &self.client_request {
            headers.insert(
                HeaderName::from_static("x-ms-client-request-id"),
                id.clone(),
            );
        }
    }
}

const JSON: &str = "application/json; charset=utf-8";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
/// Who the resource provider served, where, and in which operation.
const OPERATION: HeaderName = HeaderName::from_static("x-ms-operation-identifier");
/// Who caused an error, if no resource provider did.
const FAILURE_CAUSE: HeaderName = HeaderName::from_static("x-ms-failure-cause");

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
