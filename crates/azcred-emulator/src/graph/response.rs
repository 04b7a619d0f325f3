//! Graph's responses: ids, answers, errors ('Microsoft Graph error responses and resource types').

use crate::{
    graph::{call::Call, kind::Kind},
    not_served,
    text::clip_to,
    tokens::Revoked,
    world::World,
};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
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

    /// The response to a request.
    pub(super) fn respond(&self, answered: Result<Answer, GraphError>) -> Response {
        let response = match answered {
            Ok(answer) => answer.into_response(),
            Err(error) => error.into_response(self),
        };
        self.add_headers(response)
    }

    fn add_headers(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        for (name, value) in [
            ("request-id", self.request_id.to_string()),
            ("client-request-id", self.client_request_id.clone()),
            ("cache-control", "no-cache".to_owned()),
        ] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// `WWW-Authenticate` of every 401.
const CHALLENGE: &str = "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
                         client_id=\"00000003-0000-0000-c000-000000000000\"";

/// The media type of everything but errors.
pub(super) const JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/// An answer that is not an error.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    body: Body,
    /// `Location`, which actions have.
    location: Option<String>,
}

#[derive(Debug)]
enum Body {
    Json(Value),
    Text(String),
    None,
}

impl Answer {
    pub(super) fn json(body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            body: Body::Json(body),
            location: None,
        }
    }

    /// The answer to a request that created something, whose address in the directory it has.
    pub(super) fn created(call: &Call, tenant: Uuid, address: &str, body: Value) -> Self {
        let host = call.entrance.cloud.graph_host();
        Self {
            status: StatusCode::CREATED,
            body: Body::Json(body),
            location: Some(format!("https://{host}/v2/{tenant}/{address}")),
        }
    }

    /// The answer of an action.
    pub(super) fn of_action(call: &Call, body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            body: Body::Json(body),
            location: Some(format!("https://{}", call.entrance.cloud.graph_host())),
        }
    }

    pub(super) fn text(body: String) -> Self {
        Self {
            status: StatusCode::OK,
            body: Body::Text(body),
            location: None,
        }
    }

    pub(super) fn empty() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            body: Body::None,
            location: None,
        }
    }

    fn into_response(self) -> Response {
        let (kind, body) = match self.body {
            Body::None => return self.status.into_response(),
            Body::Text(text) => ("text/plain", text),
            Body::Json(body) => (JSON, body.to_string()),
        };
        let mut response = (self.status, [(header::CONTENT_TYPE, kind)], body).into_response();
        let headers = response.headers_mut();
        headers.insert("odata-version", HeaderValue::from_static("4.0"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        let location = self
            .location
            .and_then(|url| HeaderValue::try_from(url).ok());
        if let Some(location) = location {
            headers.insert(header::LOCATION, location);
        }
        response
    }

    /// The answer as a part of a batch's: status, headers, body.
    pub(super) fn into_part(self) -> (StatusCode, Value, Option<Value>) {
        match self.body {
            Body::None => (self.status, json!({ "Cache-Control": "no-cache" }), None),
            Body::Json(body) => {
                let mut headers = json!({
                    "Cache-Control": "no-cache",
                    "OData-Version": "4.0",
                    "Content-Type": JSON,
                });
                if let Some(location) = self.location {
                    headers["Location"] = location.into();
                }
                (self.status, headers, Some(body))
            }
            // What is not JSON is in base64 ('Combine multiple HTTP requests using JSON batching').
            Body::Text(text) => {
                let headers = json!({ "Cache-Control": "no-cache", "Content-Type": "text/plain" });
                (self.status, headers, Some(STANDARD.encode(text).into()))
            }
        }
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

    /// The token is not valid: 401 with a challenge.
    pub(super) fn unauthorized(message: impl Into<String>) -> Self {
        let status = StatusCode::UNAUTHORIZED;
        Self {
            challenge: Some(CHALLENGE.to_owned()),
            ..Self::new(status, "InvalidAuthenticationToken", message)
        }
    }

    /// The token is valid, but the account's sessions have been revoked since: 401 with a challenge
    /// that names what the next sign-in has to have.
    pub(super) fn revoked(revoked: &Revoked) -> Self {
        const WHY: &str = "Continuous access evaluation resulted in challenge with result: InteractionRequired and \
                           code: TokenIssuedBeforeRevocationTimestamp";
        Self {
            challenge: Some(format!(
                "{CHALLENGE}, error_description=\"{WHY}\", error=\"insufficient_claims\", claims=\"{}\"",
                revoked.claims()
            )),
            ..Self::unauthorized(WHY)
        }
    }

    /// 400 with Graph's code for a request that it can't read.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// 400 with the directory's code for a request that it does not accept.
    pub(super) fn rejected(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message)
    }

    /// 400 with the directory's code for an option of the query that it does not support.
    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_UnsupportedQuery", message)
    }

    /// A property has a value that it can't have.
    pub(super) fn invalid_value(kind: Kind, property: &str) -> Self {
        Self::rejected(format!(
            "Invalid value specified for property '{property}' of resource '{}'.",
            kind.title()
        ))
    }

    /// A property is the directory's own.
    pub(super) fn read_only(property: &str) -> Self {
        Self::rejected(format!(
            "Property '{property}' is read-only and cannot be set."
        ))
    }

    /// A new object lacks a property.
    pub(super) fn missing_value(kind: Kind, property: &str) -> Self {
        Self::rejected(format!(
            "A value is required for property '{property}' of resource '{}'.",
            kind.title()
        ))
    }

    /// Another object has a value that is unique.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        let code = "Request_MultipleObjectsWithSameKeyValue";
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// An option needs an advanced query, and this is none.
    pub(super) fn not_advanced() -> Self {
        Self::unsupported("Unsupported Query.")
    }

    /// The path has a segment that does not exist.
    pub(super) fn no_segment(segment: &str) -> Self {
        let shown = clip_to(segment, 100);
        Self::bad_request(format!("Resource not found for the segment '{shown}'."))
    }

    /// Graph has no such version.
    pub(super) fn invalid_version(segment: &str) -> Self {
        let message = format!("Invalid version: {}", clip_to(segment, 100));
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFound", message)
    }

    /// The id of an object is not one.
    pub(super) fn invalid_id(id: &str) -> Self {
        let shown = clip_to(id, 100);
        Self::rejected(format!("Invalid object identifier '{shown}'."))
    }

    /// An id in a body is not one.
    pub(super) fn invalid_guid(text: &str) -> Self {
        Self::rejected(format!("Invalid GUID:{}", clip_to(text, 100)))
    }

    /// Graph does not have this method on the path.
    pub(super) fn wrong_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        )
    }

    /// Graph serves the request, and the emulator does not.
    pub(super) fn not_served(call: &Call) -> Self {
        let message = not_served::message(call.method.as_str(), &call.path_text());
        Self::new(not_served::STATUS, not_served::CODE, message)
    }

    /// Graph has this option of the query, and the emulator does not serve it.
    pub(super) fn option_not_served(call: &Call, option: &str) -> Self {
        let what = format!("{}?{option}", call.path_text());
        let message = not_served::message(call.method.as_str(), &what);
        Self::new(not_served::STATUS, not_served::CODE, message)
    }

    /// The error as a part of a batch's answer: status, headers, body.
    pub(super) fn into_part(self, trace: &GraphTrace) -> (StatusCode, Value, Option<Value>) {
        let mut headers = json!({
            "Cache-Control": "no-cache",
            "Content-Type": "application/json",
        });
        if let Some(challenge) = &self.challenge {
            headers["WWW-Authenticate"] = challenge.as_str().into();
        }
        (self.status, headers, Some(self.body(trace)))
    }

    fn body(&self, trace: &GraphTrace) -> Value {
        json!({ "error": {
            "code": self.code,
            "message": self.message,
            "innerError": {
                "date": trace.date,
                "request-id": trace.request_id,
                "client-request-id": trace.client_request_id,
            },
        }})
    }

    fn into_response(self, trace: &GraphTrace) -> Response {
        let mut response = (self.status, Json(self.body(trace))).into_response();
        let challenge = self
            .challenge
            .and_then(|text| HeaderValue::try_from(text).ok());
        if let Some(challenge) = challenge {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
