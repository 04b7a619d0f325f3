//! CI systems as a running job sees them: it shows the token it was given and gets one that Entra
//! ID takes.
//!
//! Which jobs there are follows from the directory: one for each federated credential of a CI
//! system whose tokens the emulator signs. Every answer is a new token.

pub(crate) mod azure_pipelines;
mod failure;
pub(crate) mod github_actions;
mod info;
mod job;

use crate::{service::Service, world::World};
use axum::Router;
use std::sync::Arc;

pub use info::{AzurePipelinesInfo, GithubActionsInfo};

/// A router for each system.
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
