//! CI systems, as a running job sees them. The job sends the token from its environment, and gets a
//! token that Entra ID accepts.
//!
//! The jobs follow from the directory: one for each federated credential of a CI system for which
//! the emulator signs. Every response is a new token.

pub(crate) mod azure_pipelines;
mod failure;
pub(crate) mod github_actions;
mod info;
mod job;

use crate::{front_door::FrontDoor, service::Service, world::World};
use std::sync::Arc;

pub use info::{AzurePipelinesInfo, GithubActionsInfo};

/// One front door for each system.
pub(crate) fn front_doors(world: &Arc<World>) -> [(Service, FrontDoor); 2] {
    [
        (
            Service::GithubActions,
            github_actions::front_door(world.clone()),
        ),
        (
            Service::AzurePipelines,
            azure_pipelines::front_door(world.clone()),
        ),
    ]
}
