//! One connection: TLS if the service has it, then HTTP/1.1. Every wait is limited.

use super::{
    context::Context,
    gate,
    socket::{Ending, Socket},
};
use crate::service::{Entrance, Transport};
use axum::{body::Body, response::Response};
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use std::{convert::Infallible, io, sync::Arc, time::Duration};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

/// Longest TLS handshake.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time for a request's header, and longest idle time before the next request.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest header of a request. Bearer tokens have 2 KiB, and some clients repeat them.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The first byte of a TLS record of the type 'handshake' (RFC 8446 section 5.1).
pub(super) const TLS_HANDSHAKE: u8 = 0x16;

/// HTTP/1.1 with these limits.
pub(super) fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(128)
        // hyper's own date panics after the year 9999. The services have that of their clock.
        .auto_date_header(false);
    builder
}

/// Serves a connection to a service's port.
pub(super) async fn serve_port(
    context: &Context,
    entrance: &Entrance,
    mut socket: Socket,
    ending: &Ending,
) {
    let config = match entrance.service.transport() {
        Transport::Plain => return serve_http(context, entrance, socket, ending).await,
        Transport::SelfSignedTls => Ok(context.hosts.certificate.config()),
        Transport::Tls => context.ca.for_loopback(),
    };
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, socket.peek()).await {
        Ok(Ok(Some(TLS_HANDSHAKE))) => {}
        Ok(Ok(Some(_))) => {
            // A client that speaks plain HTTP to the port gets this response.
            let answer = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\
                          Content-Length: 68\r\n\r\nThis port speaks HTTPS: the address has to begin with 'https://'.  \r\n";
            let _ =
                tokio::time::timeout(HANDSHAKE_TIMEOUT, socket.write_all(answer.as_bytes())).await;
            return;
        }
        _ => return,
    }
    match config {
        Ok(config) => serve_tls(context, entrance, config, socket, ending).await,
        Err(error) => tracing::warn!(%error, "a connection was dropped"),
    }
}

/// Serves the HTTP inside a TLS connection.
async fn serve_tls(
    context: &Context,
    entrance: &Entrance,
    config: Arc<ServerConfig>,
    socket: Socket,
    ending: &Ending,
) {
    let accepting = TlsAcceptor::from(config).accept(socket);
    if let Some(stream) = handshake(accepting, "localhost").await {
        serve_http(context, entrance, stream, ending).await;
    }
}

/// The connection after a TLS handshake, unless that fails or takes too long.
pub(super) async fn handshake<IO>(
    accepting: impl Future<Output = io::Result<IO>>,
    host: &str,
) -> Option<IO> {
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, accepting).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            // Usually a client that does not trust the authority.
            tracing::debug!(%error, host, "a TLS handshake failed");
            None
        }
        Err(_) => None,
    }
}

/// Serves HTTP without TLS, or inside it.
pub(super) async fn serve_http<IO>(context: &Context, entrance: &Entrance, io: IO, ending: &Ending)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request: Request<Incoming>| async {
        let answer: Result<Response, _> =
            gate::pass(context, entrance, request.map(Body::new), ending).await;
        if answer.is_err() {
            ending.reset();
        }
        answer
    });
    // An error means that the client has gone, or that a fault ended the connection.
    let result = http1().serve_connection(TokioIo::new(io), service).await;
    if let Err(error) = result {
        tracing::trace!(%error, "a connection ended early");
    }
}

/// The result of a service that can't fail.
pub(super) type ServeResult = Result<Response, Infallible>;
