//! One request to Entra ID, and what every response needs: ids, time, headers.

use crate::{
    service::{Cloud, Entrance, Service},
    world::World,
};
use axum::{extract::FromRequestParts, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};
use std::sync::Arc;
use time::{OffsetDateTime, macros::format_description};
use uuid::Uuid;

/// What every handler of Entra ID needs to know about its request.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// The way by which the request came.
    pub(crate) entrance: Entrance,
    /// Entra ID's id of this request: `x-ms-request-id` and `trace_id`.
    pub(crate) trace_id: Uuid,
    /// The client's id of this request (`client-request-id`), or a new one.
    pub(crate) correlation_id: Uuid,
    /// The time of the response.
    pub(crate) now: OffsetDateTime,
    /// The request is for a v1.0 endpoint of tokens.
    pub(crate) is_v1: bool,
    echo_client_request_id: bool,
    /// The client sends telemetry, and gets some back.
    has_telemetry: bool,
}

impl Exchange {
    pub(crate) fn new(world: &World, headers: &HeaderMap, entrance: Entrance) -> Self {
        let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        let sent = text("client-request-id").and_then(|id| Uuid::try_parse(id.trim()).ok());
        Self {
            entrance,
            trace_id: Uuid::new_v4(),
            correlation_id: sent.unwrap_or_else(Uuid::new_v4),
            now: world.clock.now(),
            is_v1: false,
            has_telemetry: headers.contains_key("x-client-current-telemetry"),
            echo_client_request_id: sent.is_some()
                && text("return-client-request-id").is_some_and(|v| v.eq_ignore_ascii_case("true")),
        }
    }

    /// The exchange of a request with this path.
    pub(crate) fn at(self, path: &str) -> Self {
        let mut end = path.rsplit('/').filter(|part| !part.is_empty());
        let is_token = end
            .next()
            .is_some_and(|last| last.eq_ignore_ascii_case("token"));
        let is_v1 = end
            .next()
            .is_some_and(|part| part.eq_ignore_ascii_case("oauth2"));
        Self {
            is_v1: is_token && is_v1,
            ..self
        }
    }

    /// The cloud of the requested host.
    pub(crate) fn cloud(&self) -> Cloud {
        self.entrance.cloud
    }

    /// The base URL of the sign-in service for this client, without a trailing slash.
    pub(crate) fn login_url(&self, world: &World) -> String {
        match &self.entrance.real_name {
            // Entra ID's metadata contain the requested host.
            Some(host) => format!("https://{host}"),
            None => world.urls().for_client(Service::Login, &self.entrance),
        }
    }

    /// `2026-11-21 20:09:49Z`.
    pub(crate) fn timestamp(&self) -> String {
        self.now
            .format(format_description!(
                "[year]-[month]-[day] [hour]:[minute]:[second]Z"
            ))
            .unwrap_or_default()
    }

    /// Adds the headers that every response of Entra ID has. `code` is the refusal's, or 0.
    pub(crate) fn add_headers(&self, response: &mut Response, code: u32) {
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CACHE_CONTROL, "no-store, no-cache"),
            (header::PRAGMA, "no-cache"),
            (header::EXPIRES, "-1"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (
                HeaderName::from_static("x-ms-ests-server"),
                "2.1.22500.6 - WEULR1 ProdSlices",
            ),
            (HeaderName::from_static("x-ms-srs"), "1.P"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        // Not by a port: there the host is `localhost`, and a browser would require HTTPS of every
        // program on this machine, for a year.
        if self.entrance.real_name.is_some() {
            headers.insert(
                header::STRICT_TRANSPORT_SECURITY,
                HeaderValue::from_static("max-age=31536000; includeSubDomains"),
            );
        }
        if headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|v| v == "application/json")
        {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json; charset=utf-8"),
            );
        }
        let mut put = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        };
        put("x-ms-request-id", self.trace_id.to_string());
        if self.has_telemetry {
            put("x-ms-clitelem", format!("1,{code},0,,"));
        }
        if self.echo_client_request_id {
            put("client-request-id", self.correlation_id.to_string());
        }
    }
}

impl FromRequestParts<Arc<World>> for Exchange {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        world: &Arc<World>,
    ) -> Result<Self, Self::Rejection> {
        let entrance = parts
            .extensions
            .get::<Entrance>()
            .cloned()
            .unwrap_or(Entrance {
                service: Service::Login,
                cloud: Cloud::Public,
                real_name: None,
            });
        Ok(Self::new(world, &parts.headers, entrance).at(parts.uri.path()))
    }
}
