//! CI systems as a running job sees them: it shows the token it was given and gets one that Entra
//! ID takes.
//!
//! Which jobs there are follows from the directory: one for each federated credential of a CI
//! system whose tokens the emulator signs. Every answer is a new token.

pub(crate) mod azure_pipelines;
mod failure;
pub(crate) mod github_actions;
mod info;

use crate::{
    directory::{Application, Directory, FederatedCredential, IssuerKeys, SecretText},
    service::Service,
    world::World,
};
use axum::Router;
use http::{HeaderMap, header};
use serde_json::{Map, Value};
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

/// The applications that take the tokens of an issuer the emulator signs for, each with the
/// credential by which.
fn trusting<'a>(
    directory: &'a Directory,
    is_issuer: impl Fn(&str) -> bool + 'a,
) -> impl Iterator<Item = (&'a Application, &'a FederatedCredential)> {
    let hosted = |url: &str| {
        let issuer = directory.issuers.get(url);
        issuer.is_some_and(|issuer| matches!(issuer.keys, IssuerKeys::Hosted))
    };
    directory.applications.values().flat_map(move |app| {
        let of_app = app.federated_credentials.iter();
        let of_issuer: Vec<_> = of_app
            .filter(|credential| is_issuer(&credential.issuer) && hosted(&credential.issuer))
            .collect();
        of_issuer
            .into_iter()
            .map(move |credential| (app, credential))
    })
}

/// Whether a request shows the token of a running job.
fn is_job(headers: &HeaderMap, token: Option<&SecretText>) -> bool {
    let sent = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match (sent, token) {
        (Some((_, sent)), Some(token)) => token.matches(sent.trim()),
        _ => false,
    }
}

fn object(claims: Value) -> Map<String, Value> {
    match claims {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
