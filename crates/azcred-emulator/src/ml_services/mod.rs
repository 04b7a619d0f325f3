//! Azure Machine Learning's own services in a region: what clients ask while a job runs, and what
//! the SDK v1 asks instead of Resource Manager.
//!
//! A request passes these steps:
//!
//! 1. It is parsed ([`call`]), and what it wants is recognized ([`operation`]).
//! 2. The token is checked, and the right to the operation ([`access`]).
//! 3. The workspace must exist. Then the operation is carried out.
//!
//! The addresses of the services ([`discovery`]) need no token.

mod access;
mod call;
mod discovery;
mod error;
mod history;
mod operation;
mod response;
mod run;
mod wire;

use self::{call::Call, error::MlError, operation::Operation, response::Trace};
use crate::{
    front_door::FrontDoor,
    resources::{Scope, WORKSPACE_TYPE},
    world::World,
};
use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    response::Response,
};
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

/// The front door of these services.
pub(crate) fn front_door(world: Arc<World>) -> FrontDoor {
    // One handler for all paths: a workspace's id is in the middle of each.
    Router::new().fallback(serve).with_state(world).into()
}

/// The response for an error status of a fault.
pub(crate) fn failure(status: StatusCode) -> Response {
    Trace::default().response(
        Err(MlError::failure(status)),
        time::OffsetDateTime::now_utc(),
    )
}

async fn serve(State(world): State<Arc<World>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let trace = Trace::new(&parts);
    let result = match to_bytes(body, call::MAX_BODY).await {
        Ok(body) => match Call::read(&parts, body).and_then(|call| answer(&world, &call)) {
            Ok(done) if !parts.method.is_safe() => {
                let kept = Arc::clone(&world).keep_for_request().await;
                kept.map(|()| done).map_err(MlError::internal)
            }
            other => other,
        },
        Err(_) => Err(MlError::too_large(call::MAX_BODY)),
    };
    trace.response(result, world.clock.now())
}

fn answer(world: &World, call: &Call) -> Result<Value, MlError> {
    let not_served = || MlError::not_served(&call.method, &call.path);
    let operation = Operation::of(call).ok_or_else(not_served)?;
    let Some(action) = operation.action() else {
        return Ok(discovery::addresses(world, call));
    };
    let caller = access::authenticate(world, call)?;
    let workspace = call.workspace.as_ref().ok_or_else(not_served)?;
    access::authorize(world, &caller, action, workspace)?;
    let is_there = world
        .resources()
        .resource(workspace)
        .is_some_and(|found| found.is_a(WORKSPACE_TYPE));
    if !is_there {
        return Err(MlError::not_found(format!(
            "Workspace not found: '{workspace}'."
        )));
    }
    perform(world, call, workspace, operation)
}

/// Carries out the request of a caller that has the right to it.
fn perform(
    world: &World,
    call: &Call,
    workspace: &Scope,
    operation: Operation<'_>,
) -> Result<Value, MlError> {
    match operation {
        Operation::Discovery => Ok(discovery::addresses(world, call)),
        Operation::Run(name) => history::one(world, call, workspace, name),
        Operation::Details(name) => history::details_of(world, call, workspace, name),
        Operation::Children(name) => history::children(world, call, workspace, name),
        Operation::RunData => history::data(world, call, workspace),
        Operation::ChangeRun(name) => history::change(world, call, workspace, name),
        Operation::ServiceInstances(name) => {
            history::find(world, workspace, name)?;
            // A node of a run that nothing executes has no services.
            Ok(json!({"instances": {}}))
        }
    }
}
