//! Sends requests on to a server of the user's, and its responses back, piece by piece.
//!
//! Each request has a connection of its own: a server that closes an idle one can't make a request
//! fail. Upgrades, such as WebSocket, are not passed on.

use super::{
    connection::{ServeResult, http1},
    context::Context,
    gate::{is_host, text},
    socket::Ending,
    upstream::Upstream,
};
use crate::{request_log::Served, routes::Route};
use axum::{
    body::{Body, HttpBody as _},
    response::Response,
};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderName, Request, StatusCode, header};
use hyper::{body::Incoming, client::conn::http1 as client, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
    time::timeout,
};

/// The longest time until the head of a response, which may come after the whole request.
const HEAD_PATIENCE: Duration = Duration::from_secs(300);
/// The longest pause inside a body.
const PAUSE: Duration = Duration::from_secs(60);

/// Serves a connection inside TLS.
pub(super) async fn serve<IO>(
    context: &Context,
    upstream: &Upstream,
    route: &Route,
    name: &str,
    io: IO,
    ending: &Ending,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // They end with the client's connection.
    let connections = Mutex::new(JoinSet::new());
    let service = service_fn(|request: Request<Incoming>| {
        let connections = &connections;
        async move {
            let mut served = Served {
                service: "route".to_owned(),
                method: request.method().to_string(),
                path: request.uri().path().to_owned(),
                ..Served::by_proxy(name.to_owned())
            };
            let in_service = ending.in_service();
            let passed = match is_misdirected(&request, name) {
                true => Ok(text(
                    StatusCode::MISDIRECTED_REQUEST,
                    "This connection is for another host.\n",
                )),
                false => pass(upstream, route, request, connections).await,
            };
            let response = passed.unwrap_or_else(|why| {
                let why = format!("The azcred emulator could not pass the request on by the route {route}: {why}\n");
                tracing::warn!(host = name, "{}", why.trim_end());
                served.error = Some("RouteFailed".to_owned());
                text(StatusCode::BAD_GATEWAY, &why)
            });
            served.status = Some(response.status().as_u16());
            context.world.requests.push(served);
            ServeResult::Ok(response.map(|body| patient(body, in_service)))
        }
    });
    if let Err(error) = http1().serve_connection(TokioIo::new(io), service).await {
        tracing::trace!(%error, "a connection ended early");
    }
}

fn is_misdirected(request: &Request<Incoming>, name: &str) -> bool {
    let host = request.headers().get(header::HOST);
    !host
        .and_then(|host| host.to_str().ok())
        .is_some_and(|host| is_host(name, host))
}

/// Passes a request on. Fails with what did not work.
async fn pass(
    upstream: &Upstream,
    route: &Route,
    mut request: Request<Incoming>,
    connections: &Mutex<JoinSet<()>>,
) -> Result<Response, String> {
    let io = upstream.connect(route.url()).await?;
    let not_http = |error: hyper::Error| format!("the server did not answer in HTTP/1.1: {error}.");
    let (mut sender, connection) = client::handshake(TokioIo::new(io))
        .await
        .map_err(not_http)?;
    keep(connections, async move {
        if let Err(error) = connection.await {
            tracing::trace!(%error, "the connection of a route ended early");
        }
    });
    // The path and the query only, as it came inside the tunnel.
    let target = request.uri().path_and_query().map(ToString::to_string);
    let target = target.and_then(|target| target.parse().ok());
    *request.uri_mut() = target.unwrap_or_default();
    keep_end_to_end(request.headers_mut());
    // It is answered here, when the body is read.
    request.headers_mut().remove(header::EXPECT);
    let request = request.map(|body| patient(Body::new(body), ()));
    match timeout(HEAD_PATIENCE, sender.send_request(request)).await {
        Ok(Ok(mut response)) => {
            keep_end_to_end(response.headers_mut());
            Ok(response.map(Body::new))
        }
        Ok(Err(error)) => Err(not_http(error)),
        Err(_) => Err("the server did not answer within 5 minutes.".to_owned()),
    }
}

/// Adds a task, and forgets those that have ended.
fn keep(tasks: &Mutex<JoinSet<()>>, task: impl Future<Output = ()> + Send + 'static) {
    let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
    while tasks.try_join_next().is_some() {}
    tasks.spawn(task);
}

/// Removes the headers of one connection (RFC 9110 section 7.6.1).
fn keep_end_to_end(headers: &mut HeaderMap) {
    const OF_CONNECTION: [&str; 7] = [
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "te",
        "transfer-encoding",
        "upgrade",
    ];
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in OF_CONNECTION {
        headers.remove(name);
    }
}

/// A body that fails at a long pause, and holds a value until its end.
fn patient(body: Body, held: impl Send + 'static) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    let pieces = body.into_data_stream();
    Body::from_stream(stream::unfold(
        (pieces, held),
        async |(mut pieces, held)| {
            let piece = match timeout(PAUSE, pieces.next()).await {
                Ok(piece) => piece?.map_err(io::Error::other),
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            };
            Some((piece, (pieces, held)))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_the_connection_are_not_passed_on() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, x-hop"),
            ("x-hop", "1"),
            ("upgrade", "websocket"),
            ("transfer-encoding", "chunked"),
            ("authorization", "Bearer x"),
            ("host", "a.blob.core.windows.net"),
            ("content-length", "3"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        keep_end_to_end(&mut headers);
        let mut kept: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        kept.sort_unstable();
        assert_eq!(kept, ["authorization", "content-length", "host"]);
    }
}
