//! TLS to a proxy's port without `CONNECT`: the client names the host in its first message (server
//! name indication, RFC 6066 section 3). So programs that use no proxy reach the emulator where
//! Azure's names lead to this port.

use super::{
    connection::{HANDSHAKE_TIMEOUT, handshake},
    context::Context,
    routing::Routing,
    socket::{Ending, Socket},
};
use crate::request_log::Served;
use rustls::server::Acceptor;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;

/// Serves a connection. It ends without an answer if it is for a host that has none: no certificate
/// would be right.
pub(super) async fn serve(context: &Context, routing: &Routing, socket: Socket, ending: &Ending) {
    let hello = LazyConfigAcceptor::new(Acceptor::default(), socket);
    let Ok(Ok(hello)) = timeout(HANDSHAKE_TIMEOUT, hello).await else {
        return;
    };
    let named = hello
        .client_hello()
        .server_name()
        .map(str::to_ascii_lowercase);
    let name = named.unwrap_or_default();
    let Some(host) = routing.host(&name) else {
        tracing::warn!(
            host = name,
            "the emulator does not serve this host: nothing was sent anywhere"
        );
        context.world.requests.push(Served::by_proxy(name));
        return;
    };
    let config = match context.ca.for_host(host.name()) {
        Ok(config) => config,
        Err(error) => return tracing::warn!(%error, host = name, "a connection was dropped"),
    };
    if let Some(stream) = handshake(hello.into_stream(config), host.name()).await {
        host.serve_decrypted(context, routing, stream, ending).await;
    }
}
