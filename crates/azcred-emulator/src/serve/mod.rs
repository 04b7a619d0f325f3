//! The ways in: a port for each service, a proxy for the real names, and the port that steers the emulator.

mod admin;
mod connection;
mod fault;
mod gate;
mod listen;
mod proxy;
mod socket;

use std::sync::Arc;

use tokio::sync::watch;
use tower::util::ServiceExt as _;

use crate::ca::Ca;
use crate::service::{Entrance, Service};
use crate::world::World;
use crate::{arm, entra, graph};

pub(crate) use admin::Admin;
pub(crate) use listen::{Bound, Listeners};

/// What every connection needs.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) world: Arc<World>,
    pub(crate) ca: Arc<Ca>,
    pub(crate) shutdown: watch::Receiver<bool>,
    login: axum::Router,
    arm: axum::Router,
    graph: axum::Router,
}

impl Context {
    pub(crate) fn new(world: Arc<World>, ca: Arc<Ca>, shutdown: watch::Receiver<bool>) -> Self {
        Self {
            login: entra::router(world.clone()),
            arm: arm::router(world.clone()),
            graph: graph::router(world.clone()),
            world,
            ca,
            shutdown,
        }
    }

    /// Lets a service answer a request.
    async fn route(
        &self,
        entrance: &Entrance,
        mut request: http::Request<axum::body::Body>,
    ) -> axum::response::Response {
        let router = match entrance.service {
            Service::Login => self.login.clone(),
            Service::Arm => self.arm.clone(),
            Service::Graph => self.graph.clone(),
        };
        request.extensions_mut().insert(entrance.clone());
        match router.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// Waits until the emulator shuts down.
    async fn until_shutdown(&self) {
        let mut shutdown = self.shutdown.clone();
        // An error means that the sender, and so the emulator, is gone.
        let _ = shutdown.wait_for(|down| *down).await;
    }
}
