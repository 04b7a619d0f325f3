//! The admin port, which controls the emulator for tests in any language: faults, the log, the
//! clock, test tokens.
//!
//! Plain HTTP on the loopback address. Every request needs `Authorization: Bearer TOKEN`, so that
//! no web page and no other user of the machine can control the emulator.

use super::{
    Context, admin_jobs as jobs, connection::http1, gate::BODY_TIMEOUT, listen::open_proxy,
    routing::Routing, socket::Socket,
};
use crate::{
    directory::SecretText,
    faults::Fault,
    issuer,
    not_served::UNKNOWN_PATH,
    routes::{Opened, Wanted as WantedRoutes},
    world::World,
};
use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, Query, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::stream;
use http::{StatusCode, header};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// The largest accepted body.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The largest accepted body with certificates: all authorities of a system have 250 KiB.
const MAX_CERTIFICATES_BYTES: usize = 1024 * 1024;

/// The longest wait for the next request in the log.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// The admin service.
pub(crate) struct Admin {
    router: Router,
}

pub(super) struct AdminState {
    context: Context,
    pub(super) world: Arc<World>,
    token: SecretText,
    info: Arc<OnceLock<Value>>,
}

impl Admin {
    /// A service that requires this token. `GET /info` returns `info` once it is known.
    pub(crate) fn new(context: Context, token: SecretText, info: Arc<OnceLock<Value>>) -> Self {
        let inner = Arc::new(AdminState {
            world: context.world.clone(),
            context,
            token,
            info,
        });
        let certificates = DefaultBodyLimit::max(MAX_CERTIFICATES_BYTES);
        let router = Router::new()
            .route("/faults", get(faults).post(arm).delete(clear_faults))
            .route("/requests", get(requests).delete(clear_requests))
            .route("/info", get(show_info))
            .route("/stop", post(stop))
            .route("/federated-tokens", post(mint))
            .route("/jobs", get(jobs::all).post(jobs::rule))
            .route("/jobs/{name}", get(jobs::one).post(jobs::end))
            .route("/routes", post(routes).layer(certificates))
            .fallback(|| async { refuse(StatusCode::NOT_FOUND, UNKNOWN_PATH) })
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .layer(from_fn_with_state(inner.clone(), guard))
            .with_state(inner);
        Self { router }
    }

    /// Handles a request.
    #[cfg(feature = "fuzzing")]
    pub(crate) async fn handle(&self, request: http::Request<axum::body::Body>) -> Response {
        let answered = tower::ServiceExt::oneshot(self.router.clone(), request).await;
        answered.unwrap_or_else(|never| match never {})
    }

    /// Serves a connection.
    pub(super) async fn serve(&self, socket: Socket) {
        let service = TowerToHyperService::new(self.router.clone());
        if let Err(error) = http1()
            .serve_connection(TokioIo::new(socket), service)
            .await
        {
            tracing::trace!(%error, "an admin connection ended early");
        }
    }
}

async fn guard(State(inner): State<Arc<AdminState>>, request: Request, next: Next) -> Response {
    let sent = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if sent.is_some_and(|token| inner.token.matches(token.trim())) {
        // Only a slow client can make this time out.
        match tokio::time::timeout(BODY_TIMEOUT, next.run(request)).await {
            Ok(response) => response,
            Err(_) => refuse(
                StatusCode::REQUEST_TIMEOUT,
                "the request's body took too long",
            ),
        }
    } else {
        refuse(
            StatusCode::UNAUTHORIZED,
            "send 'Authorization: Bearer TOKEN' with the admin token of this emulator's emulator.json",
        )
    }
}

pub(super) fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}

async fn faults(State(inner): State<Arc<AdminState>>) -> Json<Vec<Fault>> {
    Json(inner.world.faults.all())
}

/// Accepts one fault, or a list of faults.
async fn arm(State(inner): State<Arc<AdminState>>, body: axum::body::Bytes) -> Response {
    let parsed = match body.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'[') => serde_json::from_slice::<Vec<Fault>>(&body),
        _ => serde_json::from_slice::<Fault>(&body).map(|fault| vec![fault]),
    };
    let armed = parsed.map_err(|e| e.to_string()).and_then(|faults| {
        faults
            .into_iter()
            .try_for_each(|fault| inner.world.faults.arm(fault).map_err(|e| e.to_string()))
    });
    match armed {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(message) => refuse(StatusCode::BAD_REQUEST, &message),
    }
}

async fn clear_faults(State(inner): State<Arc<AdminState>>) -> StatusCode {
    inner.world.faults.clear();
    StatusCode::NO_CONTENT
}

/// Which requests to return.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Those after this number; all if it is left out.
    #[serde(default)]
    after: u64,
    /// How many seconds to wait if there are none.
    #[serde(default)]
    wait: u64,
}

async fn requests(State(inner): State<Arc<AdminState>>, Query(wanted): Query<Wanted>) -> Response {
    let longest = Duration::from_secs(wanted.wait).min(LONGEST_WAIT);
    let newer = inner.world.requests.newer_than(wanted.after);
    let found = match longest.is_zero() {
        true => inner.world.requests.after(wanted.after),
        false => tokio::time::timeout(longest, newer)
            .await
            .unwrap_or_default(),
    };
    Json(found).into_response()
}

async fn stop(State(inner): State<Arc<AdminState>>) -> StatusCode {
    inner.world.stop.notify_one();
    StatusCode::ACCEPTED
}

/// Opens a proxy with routes. It ends when the client closes the connection, at which the body of
/// the response ends too.
async fn routes(State(inner): State<Arc<AdminState>>, body: axum::body::Bytes) -> Response {
    let wanted = serde_json::from_slice::<WantedRoutes>(&body).map_err(|e| e.to_string());
    let routing = wanted.and_then(|wanted| Routing::new(wanted).map_err(|e| e.to_string()));
    let routing = match routing {
        Ok(routing) => routing,
        Err(message) => return refuse(StatusCode::BAD_REQUEST, &message),
    };
    let (port, proxy) = match open_proxy(&inner.context, routing).await {
        Ok(opened) => opened,
        Err(error) => {
            let why = format!("no port is free: {error}");
            return refuse(StatusCode::SERVICE_UNAVAILABLE, &why);
        }
    };
    let proxy_url = format!("http://127.0.0.1:{port}");
    let line = serde_json::to_string(&Opened { proxy_url }).unwrap_or_default() + "\n";
    let until_closed = stream::unfold((Some(line), proxy), async |(line, proxy)| match line {
        Some(line) => Some((Ok::<_, Infallible>(line), (None, proxy))),
        None => std::future::pending().await,
    });
    Body::from_stream(until_closed).into_response()
}

async fn clear_requests(State(inner): State<Arc<AdminState>>) -> StatusCode {
    inner.world.requests.clear();
    StatusCode::NO_CONTENT
}

async fn show_info(State(inner): State<Arc<AdminState>>) -> Response {
    match inner.info.get() {
        Some(info) => Json(info).into_response(),
        None => refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            "the emulator is still starting",
        ),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mint {
    issuer: String,
    subject: String,
    audience: Option<String>,
    /// Seconds until the token expires. Negative for an expired token.
    lifetime: Option<i64>,
}

/// A token of a test issuer, as a CI system would issue it.
async fn mint(State(inner): State<Arc<AdminState>>, body: axum::body::Bytes) -> Response {
    let minted = serde_json::from_slice::<Mint>(&body)
        .map_err(|e| e.to_string())
        .and_then(|wanted| {
            let audience = wanted
                .audience
                .as_deref()
                .unwrap_or(issuer::EXCHANGE_AUDIENCE);
            let lifetime = wanted.lifetime.unwrap_or(600);
            issuer::mint(
                &inner.world,
                &wanted.issuer,
                &wanted.subject,
                audience,
                lifetime,
            )
            .map_err(|e| e.to_string())
        });
    match minted {
        Ok(token) => Json(json!({ "token": token })).into_response(),
        Err(message) => refuse(StatusCode::BAD_REQUEST, &message),
    }
}
