//! Applies a fault to a request.

use crate::{
    blobs,
    entra::{Exchange, Refusal},
    expires_on::ExpiresOnFormat,
    faults::Effect,
    identity_hosts, ml_services,
    serve::{context::Context, cut::Cut},
    service::{Entrance, Service},
};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;
use std::time::Duration;

/// What remains to be done after a fault.
pub(super) enum Outcome {
    /// The service responds as usual.
    Nothing,
    /// The service responds, and its response is then changed.
    Change(Change),
    /// This is the response.
    Answer(Response),
}

/// How a response is changed.
#[derive(Clone, Copy)]
pub(super) enum Change {
    Truncate,
    CutOff,
    /// Writes `expires_on` in another format.
    ExpiresOn(ExpiresOnFormat),
}

/// Ten million bytes, without the JSON around them.
const HUGE: usize = 10_000_000;

/// Applies the part of a fault that precedes the service's response.
pub(super) async fn apply(
    effect: &Effect,
    context: &Context,
    entrance: &Entrance,
    headers: &HeaderMap,
    path: &str,
) -> Result<Outcome, Cut> {
    Ok(match effect {
        Effect::Latency { milliseconds } => {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(*milliseconds)) => Outcome::Nothing,
                () = context.until_shutdown() => return Err(Cut),
            }
        }
        // The connection of a request that hangs stays open: see `gate`.
        Effect::Hang | Effect::Reset => return Err(Cut),
        Effect::TruncatedJson => Outcome::Change(Change::Truncate),
        Effect::CutOff => Outcome::Change(Change::CutOff),
        Effect::ExpiresOn { format } => Outcome::Change(Change::ExpiresOn(*format)),
        Effect::Status {
            status,
            retry_after,
        } => Outcome::Answer(failure(*status, *retry_after, context, entrance, headers)),
        Effect::Html => Outcome::Answer(html(StatusCode::OK)),
        Effect::HugeBody => {
            let text = json!({ "access_token": "x".repeat(HUGE), "token_type": "Bearer", "expires_in": 3599 });
            Outcome::Answer(axum::Json(text).into_response())
        }
        Effect::Redirect { status, location } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::FOUND);
            let mut response = status.into_response();
            if let Ok(location) = HeaderValue::from_str(location) {
                response.headers_mut().insert(header::LOCATION, location);
            }
            Outcome::Answer(response)
        }
        Effect::Aadsts { code } => {
            let exchange = Exchange::new(&context.world, headers, entrance.clone()).at(path);
            Outcome::Answer(Refusal::by_code(*code).into_response(&exchange))
        }
        // Two do not concern a single request, and have taken effect already. The third is about
        // the response: see `gate`.
        Effect::ReplicationDelay { .. } | Effect::ClockSkew { .. } | Effect::Withheld => {
            Outcome::Nothing
        }
    })
}

/// Changes the response of a service.
pub(super) async fn change(change: Change, response: Response) -> Result<Response, Cut> {
    let (mut parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 2 * HUGE)
        .await
        .map_err(|_| Cut)?;
    let half = body.slice(..body.len() / 2);
    Ok(match change {
        Change::ExpiresOn(format) => match format.rewrite(&body) {
            Some(rewritten) => {
                parts.headers.remove(header::CONTENT_LENGTH);
                Response::from_parts(parts, Body::from(rewritten))
            }
            None => Response::from_parts(parts, Body::from(body)),
        },
        Change::Truncate => {
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(half))
        }
        Change::CutOff => {
            parts
                .headers
                .insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
            let broken = stream::once(async { Ok(half) }).chain(stream::once(async {
                // A pause, in which the first part is sent.
                tokio::task::yield_now().await;
                Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
            }));
            Response::from_parts(parts, Body::from_stream(broken))
        }
    })
}

/// An error status as each service's front end returns it.
fn failure(
    status: u16,
    retry_after: Option<u32>,
    context: &Context,
    entrance: &Entrance,
    headers: &HeaderMap,
) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match (entrance.service, status) {
        // The load balancer in front of the service returns HTML.
        (_, StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT) => html(status),
        (Service::Login, _) => {
            let exchange = Exchange::new(&context.world, headers, entrance.clone());
            let (code, error, message) = match status.as_u16() {
                429 => (
                    90055,
                    "invalid_request",
                    "The server is throttling requests of this client.",
                ),
                500.. => (
                    90033,
                    "temporarily_unavailable",
                    "A transient error has occurred. Please try again.",
                ),
                _ => (
                    90023,
                    "invalid_request",
                    "The authentication service request is not valid.",
                ),
            };
            Refusal::new(code, error, status, message).into_response(&exchange)
        }
        (Service::Arm | Service::Graph, _) => {
            let (code, message) = match status.as_u16() {
                429 => ("TooManyRequests", "The request is being throttled."),
                503 => ("ServerBusy", "The server is busy. Please try again later."),
                500.. => (
                    "InternalServerError",
                    "The server encountered an internal error.",
                ),
                _ => (
                    "BadRequest",
                    "A fault of the emulator rejected the request.",
                ),
            };
            let body = json!({ "error": { "code": code, "message": message } });
            (status, axum::Json(body)).into_response()
        }
        (Service::Ml, _) => ml_services::failure(status),
        (Service::Blob, _) => blobs::failure(&context.world, status),
        (host, _) => identity_hosts::failure(host, status),
    };
    if let Some(seconds) = retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn html(status: StatusCode) -> Response {
    let page = "<!DOCTYPE html>\n<html><head><title>Network sign-in</title></head>\
                <body><h1>Network sign-in</h1><p>Please accept the terms of use.</p></body></html>\n";
    (status, axum::response::Html(page)).into_response()
}
