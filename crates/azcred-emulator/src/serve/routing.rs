//! Who answers for a host: the emulator, or a server of the user's by a route.

use super::{
    connection::{handshake, serve_http},
    context::Context,
    forward,
    socket::Ending,
    upstream::{InvalidAuthorities, Upstream},
};
use crate::{
    routes::{InvalidRoute, Route, Wanted},
    service::Entrance,
};
use tokio::io::{AsyncRead, AsyncWrite};

/// The routes of one proxy. The emulator's own proxy has none.
#[derive(Default)]
pub(super) struct Routing {
    routes: Vec<Route>,
    pub(super) upstream: Upstream,
}

/// Why a proxy can't have these routes.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidRouting {
    #[error(transparent)]
    Route(#[from] InvalidRoute),
    #[error(transparent)]
    Authorities(#[from] InvalidAuthorities),
}

/// A host that a proxy serves.
pub(super) enum Host {
    Emulator(Entrance),
    /// A server of the user's, for this name.
    Routed(Route, String),
}

impl Routing {
    pub(super) fn new(wanted: Wanted) -> Result<Self, InvalidRouting> {
        Route::check(&wanted.routes)?;
        let is_needed = wanted
            .routes
            .iter()
            .any(|route| route.url().scheme() == "https");
        Ok(Self {
            upstream: Upstream::new(is_needed, wanted.authorities.as_deref())?,
            routes: wanted.routes,
        })
    }

    /// The host with this name. A route hides one that the emulator serves only if it is for that
    /// service.
    pub(super) fn host(&self, name: &str) -> Option<Host> {
        let route = Route::of(&self.routes, name);
        if let Some(entrance) = Entrance::by_name(name)
            && !route.is_some_and(Route::replaces_a_service)
        {
            return Some(Host::Emulator(entrance));
        }
        let route = route?;
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        Some(Host::Routed(route.clone(), name))
    }
}

impl Host {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Emulator(entrance) => entrance.real_name.as_deref().unwrap_or_default(),
            Self::Routed(_, name) => name,
        }
    }

    /// Serves a connection on which the client begins with TLS.
    pub(super) async fn serve<IO>(
        &self,
        context: &Context,
        routing: &Routing,
        io: IO,
        ending: &Ending,
    ) where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let host = self.name();
        let config = match context.ca.for_host(host) {
            Ok(config) => config,
            Err(error) => return tracing::warn!(%error, host, "a connection was dropped"),
        };
        let accepting = tokio_rustls::TlsAcceptor::from(config).accept(io);
        if let Some(stream) = handshake(accepting, host).await {
            self.serve_decrypted(context, routing, stream, ending).await;
        }
    }

    /// Serves a connection inside TLS.
    pub(super) async fn serve_decrypted<IO>(
        &self,
        context: &Context,
        routing: &Routing,
        io: IO,
        ending: &Ending,
    ) where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        match self {
            Self::Emulator(entrance) => serve_http(context, entrance, io, ending).await,
            Self::Routed(route, name) => {
                forward::serve(context, &routing.upstream, route, name, io, ending).await;
            }
        }
    }
}
