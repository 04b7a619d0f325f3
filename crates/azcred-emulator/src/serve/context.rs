//! What every connection needs: the world, all services' front doors, the signal to shut down.

use crate::{
    arm, blobs,
    ca::Ca,
    ci, entra,
    front_door::FrontDoor,
    graph,
    identity_hosts::{self, Hosts},
    ml_services,
    service::{Entrance, Service},
    world::World,
};
use axum::response::IntoResponse as _;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::watch;

/// What every connection needs.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) world: Arc<World>,
    pub(crate) ca: Arc<Ca>,
    pub(crate) shutdown: watch::Receiver<bool>,
    /// The hosts of managed identities.
    pub(crate) hosts: Arc<Hosts>,
    front_doors: Arc<BTreeMap<Service, FrontDoor>>,
}

impl Context {
    pub(crate) fn new(
        world: Arc<World>,
        ca: Arc<Ca>,
        hosts: Arc<Hosts>,
        shutdown: watch::Receiver<bool>,
    ) -> Self {
        let azure = [
            (Service::Login, entra::front_door(world.clone())),
            (Service::Arm, arm::front_door(world.clone())),
            (Service::Graph, graph::front_door(world.clone())),
            (Service::Ml, ml_services::front_door(world.clone())),
            (Service::Blob, blobs::front_door(world.clone())),
        ];
        let front_doors = azure
            .into_iter()
            .chain(identity_hosts::front_doors(&world, &hosts))
            .chain(ci::front_doors(&world))
            .collect();
        Self {
            world,
            ca,
            shutdown,
            hosts,
            front_doors: Arc::new(front_doors),
        }
    }

    /// The paths of a service's routes.
    pub(crate) fn paths(&self, service: Service) -> impl Iterator<Item = String> {
        let front_door = self.front_doors.get(&service);
        front_door.into_iter().flat_map(FrontDoor::paths)
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
            None => Entrance::by_name(to)?,
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
        let Some(front_door) = self.front_doors.get(&entrance.service) else {
            return http::StatusCode::NOT_FOUND.into_response();
        };
        request.extensions_mut().insert(entrance.clone());
        front_door.answer(request).await
    }

    /// Waits until the emulator shuts down.
    pub(super) async fn until_shutdown(&self) {
        let mut shutdown = self.shutdown.clone();
        // An error means that the sender is gone, and with it the emulator.
        let _ = shutdown.wait_for(|down| *down).await;
    }
}
