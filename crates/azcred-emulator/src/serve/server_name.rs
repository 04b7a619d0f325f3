//! TLS to the proxy's port without `CONNECT`: the client names the host in its first message
//! (server name indication, RFC 6066 section 3). So programs that use no proxy reach the emulator
//! where Azure's names lead to this port.

use super::{
    connection::{HANDSHAKE_TIMEOUT, serve_http},
    context::Context,
    socket::{Ending, Socket},
};
use crate::{request_log::Served, service::Entrance};
use rustls::server::Acceptor;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;

/// Serves a connection. It ends without an answer if it is for a host that the emulator does not
/// serve: no certificate would be right.
pub(super) async fn serve(context: &Context, socket: Socket, ending: &Ending) {
    let hello = LazyConfigAcceptor::new(Acceptor::default(), socket);
    let Ok(Ok(hello)) = timeout(HANDSHAKE_TIMEOUT, hello).await else {
        return;
    };
    let named = hello
        .client_hello()
        .server_name()
        .map(str::to_ascii_lowercase);
    let host = named.unwrap_or_default();
    let Some(entrance) = Entrance::by_name(&host) else {
        tracing::warn!(
            host,
            "the emulator does not serve this host: nothing was sent anywhere"
        );
        context.world.requests.push(Served::by_proxy(host));
        return;
    };
    let config = match context.ca.for_host(&host) {
        Ok(config) => config,
        Err(error) => return tracing::warn!(%error, host, "a connection was dropped"),
    };
    match timeout(HANDSHAKE_TIMEOUT, hello.into_stream(config)).await {
        Ok(Ok(stream)) => serve_http(context, &entrance, stream, ending).await,
        // Usually a client that does not trust the authority.
        Ok(Err(error)) => tracing::debug!(%error, host, "a TLS handshake failed"),
        Err(_) => {}
    }
}
