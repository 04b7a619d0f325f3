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

use crate::{service::Service, world::World};
use axum::Router;
use std::sync::Arc;

pub use info::{AzurePipelinesInfo, GithubActionsInfo};

/// One router for each system.
pub(crate) fn routers(world: &Arc<World>) -> [(Service, Router); 2] {
    [
        (
            Service::GithubActions,
            github_actions::router(world.clone()),
        ),
        (
            Service::AzurePipelines,
            azure_pipelines::router(world.clone()),
        ),
    ]
}
