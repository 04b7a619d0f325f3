//! The proxy: the emulator itself serves `CONNECT` to Azure's real names, and TLS that begins
//! without it. The proxy rejects anything else.

use super::{
    connection::{HANDSHAKE_TIMEOUT, HEAD_TIMEOUT, ServeResult, TLS_HANDSHAKE, http1},
    context::Context,
    gate::text,
    routing::{Host, Routing},
    server_name,
    socket::{Ending, Socket},
};
use crate::request_log::Served;
use axum::response::{IntoResponse as _, Response};
use http::{Method, Request, StatusCode, header};
use hyper::{body::Incoming, service::service_fn, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use std::sync::{Mutex, PoisonError};

/// An accepted `CONNECT` request, to be served on the same connection.
struct Tunnel {
    upgrade: OnUpgrade,
    host: Host,
}

/// Serves a connection to a proxy's port.
pub(super) async fn serve(context: &Context, routing: &Routing, socket: Socket, ending: &Ending) {
    match tokio::time::timeout(HEAD_TIMEOUT, socket.peek()).await {
        Ok(Ok(Some(TLS_HANDSHAKE))) => server_name::serve(context, routing, socket, ending).await,
        Ok(Ok(Some(_))) => serve_connect(context, routing, socket, ending).await,
        _ => {}
    }
}

async fn serve_connect(context: &Context, routing: &Routing, socket: Socket, ending: &Ending) {
    let tunnel: Mutex<Option<Tunnel>> = Mutex::new(None);
    let service = service_fn(|mut request: Request<Incoming>| {
        let answer = match open(routing, &mut request) {
            Ok(opened) => {
                *tunnel.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened);
                Response::default()
            }
            Err(_) if is_for_metadata(&request) => no_identity(context, &request),
            Err(refusal) => refuse(context, &request, &refusal),
        };
        async { ServeResult::Ok(answer) }
    });
    let served = http1()
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::trace!(%error, "a proxy connection ended early");
        return;
    }
    let Some(Tunnel { upgrade, host }) =
        tunnel.into_inner().unwrap_or_else(PoisonError::into_inner)
    else {
        return;
    };
    if let Ok(Ok(upgraded)) = tokio::time::timeout(HANDSHAKE_TIMEOUT, upgrade).await {
        host.serve(context, routing, TokioIo::new(upgraded), ending)
            .await;
    }
}

/// The address of a virtual machine's metadata service.
pub(super) const METADATA_HOST: &str = "169.254.169.254";

/// Whether a request is for a metadata service: through the proxy by its address, or directly, as
/// the variables for such an address name the proxy.
fn is_for_metadata(request: &Request<Incoming>) -> bool {
    match request.uri().host() {
        _ if request.method() == Method::CONNECT => false,
        Some(host) => host == METADATA_HOST,
        None => request.uri().path().starts_with("/metadata/"),
    }
}

/// The response of a machine without an identity. All libraries then try the next source at once,
/// where they would repeat a connection that is refused.
fn no_identity(context: &Context, request: &Request<Incoming>) -> Response {
    let body = r#"{"error":"invalid_request","error_description":"Identity not found"}"#;
    let status = StatusCode::BAD_REQUEST;
    log(context, request, status);
    let json = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
    (status, json, body).into_response()
}

/// Why the proxy rejects a request.
struct TunnelRefused {
    status: StatusCode,
    why: String,
}

fn open(routing: &Routing, request: &mut Request<Incoming>) -> Result<Tunnel, TunnelRefused> {
    let forbidden = |why: String| TunnelRefused {
        status: StatusCode::FORBIDDEN,
        why,
    };
    if request.method() != Method::CONNECT {
        return Err(match request.uri().host() {
            Some(host) => forbidden(plain_refused(host)),
            None => TunnelRefused {
                status: StatusCode::BAD_REQUEST,
                why: "This is the proxy of an azcred emulator, not a server: put its address into HTTPS_PROXY."
                    .to_owned(),
            },
        });
    }
    let authority = request
        .uri()
        .authority()
        .cloned()
        .ok_or_else(|| TunnelRefused {
            status: StatusCode::BAD_REQUEST,
            why: "CONNECT needs HOST:PORT.".to_owned(),
        })?;
    let name = authority.host();
    let Some(host) = routing.host(name) else {
        return Err(forbidden(format!(
            "The azcred emulator's proxy does not connect to '{name}': it answers for the names of Azure it emulates, \
             and leads nowhere else. Nothing was sent anywhere. Add '{name}' to NO_PROXY to reach it directly."
        )));
    };
    if authority.port_u16() != Some(443) {
        return Err(forbidden(format!(
            "The azcred emulator's proxy answers for '{name}' at port 443 only, but the request is for '{authority}'."
        )));
    }
    Ok(Tunnel {
        upgrade: hyper::upgrade::on(request),
        host,
    })
}

/// Why a request over plain HTTP is rejected.
pub(super) fn plain_refused(host: &str) -> String {
    format!(
        "The azcred emulator's proxy answers for Azure's names over HTTPS only, and 'http://{host}' is plain HTTP. \
         Nothing was sent anywhere. Use https, or add '{host}' to NO_PROXY."
    )
}

fn refuse(context: &Context, request: &Request<Incoming>, refusal: &TunnelRefused) -> Response {
    tracing::warn!(host = host_of(request), "{}", refusal.why);
    log(context, request, refusal.status);
    text(refusal.status, &format!("{}\n", refusal.why))
}

fn host_of(request: &Request<Incoming>) -> String {
    let authority = request.uri().authority();
    authority.map(ToString::to_string).unwrap_or_default()
}

fn log(context: &Context, request: &Request<Incoming>, status: StatusCode) {
    context.world.requests.push(Served {
        method: request.method().to_string(),
        path: match request.method() {
            &Method::CONNECT => String::new(),
            _ => request.uri().path().to_owned(),
        },
        status: Some(status.as_u16()),
        ..Served::by_proxy(host_of(request))
    });
}
