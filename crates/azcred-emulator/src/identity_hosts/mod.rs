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
mod instance;
mod ml_compute;
mod ml_obo;
mod query;
mod service_fabric;
mod token_response;
mod user;

use crate::{front_door::FrontDoor, service::Service, world::World};
use host::Host;
use std::sync::Arc;

pub use certificate::CertificateError;
pub use info::{HostsInfo, SiteInfo};

pub(crate) use failure::failure;
pub(crate) use hosts::Hosts;

/// One front door for each host.
pub(crate) fn front_doors(
    world: &Arc<World>,
    hosts: &Arc<Hosts>,
) -> impl Iterator<Item = (Service, FrontDoor)> {
    let of = |service| Host {
        service,
        world: world.clone(),
        hosts: hosts.clone(),
    };
    [
        (Service::Imds, imds::front_door(of(Service::Imds))),
        (
            Service::AppService,
            app_service::front_door(of(Service::AppService)),
        ),
        (
            Service::ServiceFabric,
            service_fabric::front_door(of(Service::ServiceFabric)),
        ),
        (Service::Arc, arc::front_door(of(Service::Arc))),
        (
            Service::MlCompute,
            ml_compute::front_door(of(Service::MlCompute)),
        ),
        (Service::MlObo, ml_obo::front_door(of(Service::MlObo))),
        (
            Service::CloudShell,
            cloud_shell::front_door(of(Service::CloudShell)),
        ),
    ]
    .into_iter()
}
