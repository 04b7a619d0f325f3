//! The endpoints on Azure hosts that issue tokens. Virtual machines, App Service, Service Fabric,
//! Azure Arc and Azure Machine Learning issue tokens of managed identities; Cloud Shell and Azure
//! Machine Learning jobs issue tokens of a user.

mod app_service;
mod arc;
mod arc_keys;
mod certificate;
mod cloud_shell;
mod failure;
mod host;
mod hosts;
mod identity;
mod imds;
mod info;
mod ml_obo;
mod query;
mod service_fabric;
mod token_response;
mod user;

use crate::{service::Service, world::World};
use axum::Router;
use host::Host;
use std::sync::Arc;

pub use certificate::CertificateError;
pub use info::HostsInfo;

pub(crate) use failure::failure;
pub(crate) use hosts::Hosts;

/// One router for each host.
pub(crate) fn routers(
    world: &Arc<World>,
    hosts: &Arc<Hosts>,
) -> impl Iterator<Item = (Service, Router)> {
    let of = |service| Host {
        service,
        world: world.clone(),
        hosts: hosts.clone(),
    };
    [
        (Service::Imds, imds::router(of(Service::Imds))),
        (
            Service::AppService,
            app_service::router(of(Service::AppService)),
        ),
        (
            Service::ServiceFabric,
            service_fabric::router(of(Service::ServiceFabric)),
        ),
        (Service::Arc, arc::router(of(Service::Arc))),
        (
            Service::MlCompute,
            app_service::router(of(Service::MlCompute)),
        ),
        (Service::MlObo, ml_obo::router(of(Service::MlObo))),
        (
            Service::CloudShell,
            cloud_shell::router(of(Service::CloudShell)),
        ),
    ]
    .into_iter()
}
