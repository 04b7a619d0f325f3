//! What every connection needs: the world, the routers of all services, the signal to shut down.

use crate::{
    arm,
    ca::Ca,
    ci, entra, graph,
    identity_hosts::{self, Hosts},
    service::{Entrance, Service},
    world::World,
};
use axum::response::IntoResponse as _;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::watch;
use tower::util::ServiceExt as _;

/// What every connection needs.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) world: Arc<World>,
    pub(crate) ca: Arc<Ca>,
    pub(crate) shutdown: watch::Receiver<bool>,
    /// The hosts of managed identities.
    pub(crate) hosts: Arc<Hosts>,
    routers: Arc<BTreeMap<Service, axum::Router>>,
}

impl Context {
    pub(crate) fn new(
        world: Arc<World>,
        ca: Arc<Ca>,
        hosts: Arc<Hosts>,
        shutdown: watch::Receiver<bool>,
    ) -> Self {
        let azure = [
            (Service::Login, entra::router(world.clone())),
            (Service::Arm, arm::router(world.clone())),
            (Service::Graph, graph::router(world.clone())),
        ];
        let routers = azure
            .into_iter()
            .chain(identity_hosts::routers(&world, &hosts))
            .chain(ci::routers(&world))
            .collect();
        Self {
            world,
            ca,
            shutdown,
            hosts,
            routers: Arc::new(routers),
        }
    }

    /// Handles a request to a service's port, or else to a real host. `None`: the connection was
    /// cut, or that host does not exist.
    #[cfg(feature = "fuzzing")]
    pub(crate) async fn handle(
        &self,
        to: &str,
        request: http::Request<axum::body::Body>,
    ) -> Option<axum::response::Response> {
        let named = Service::ALL.iter().find(|service| service.name() == to);
        let entrance = match named {
            Some(service) => super::gate::entrance_by_port(*service),
            None => {
                let (service, cloud) = crate::service::by_host(to)?;
                Entrance {
                    service,
                    cloud,
                    real_name: Some(to.to_ascii_lowercase()),
                }
            }
        };
        super::gate::pass(self, &entrance, request, &super::socket::Ending::default())
            .await
            .ok()
    }

    /// Passes a request to its service.
    pub(super) async fn route(
        &self,
        entrance: &Entrance,
        mut request: http::Request<axum::body::Body>,
    ) -> axum::response::Response {
        let Some(router) = self.routers.get(&entrance.service).cloned() else {
            return http::StatusCode::NOT_FOUND.into_response();
        };
        request.extensions_mut().insert(entrance.clone());
        match router.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// Waits until the emulator shuts down.
    pub(super) async fn until_shutdown(&self) {
        let mut shutdown = self.shutdown.clone();
        // An error means that the sender is gone, and with it the emulator.
        let _ = shutdown.wait_for(|down| *down).await;
    }
}
