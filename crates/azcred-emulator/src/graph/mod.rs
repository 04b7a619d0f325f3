//! Microsoft Graph: the directory, and the sessions of users.
//!
//! Every request passes these steps, as in Graph:
//!
//! 1. The path's version is recognized ([`call`]).
//! 2. The token is checked ([`access`]).
//! 3. The path is recognized ([`target`]), then its method.
//! 4. The caller's permissions are checked, and the request is answered.

mod access;
mod batch;
mod call;
mod credentials;
mod expand;
mod filter;
mod first_party;
mod ids;
mod key;
mod kind;
mod lists;
mod membership;
mod methods;
mod objects;
mod options;
mod relations;
mod response;
mod retired;
mod roles;
mod search;
mod sessions;
mod target;
mod userinfo;
mod writing;

use self::{
    access::Caller,
    call::Call,
    key::Key,
    lists::Reading,
    objects::Objects,
    response::{Answer, GraphError, GraphTrace},
    target::{Action, Target},
};
use crate::{
    front_door::{FrontDoor, Routes},
    service::Entrance,
    world::World,
};
use axum::{
    body::to_bytes,
    extract::{Request, State},
    response::Response,
    routing::get,
};
use http::{Method, StatusCode};
use std::sync::Arc;

/// The largest accepted body: a batch of twenty requests.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Graph's front door.
pub(crate) fn front_door(world: Arc<World>) -> FrontDoor {
    // One handler for all other paths: keys are in parentheses or between slashes, and a batch has
    // paths of its own.
    let userinfo = || get(userinfo::serve).post(userinfo::serve).fallback(serve);
    Routes::new()
        .route(userinfo::PATH, userinfo())
        .open(|router| router.fallback(serve).with_state(world))
}

async fn serve(State(world): State<Arc<World>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let entrance = parts.extensions.get::<Entrance>();
    if entrance.is_some_and(|entrance| entrance.real_name.as_deref() == Some(retired::HOST)) {
        return retired::response();
    }
    let trace = GraphTrace::new(&world, &parts.headers);
    let body = to_bytes(body, MAX_BODY_BYTES).await;
    let body = body.map_err(|_| {
        let message = "The request is too large, or it broke off.";
        GraphError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            message,
        )
    });
    let entrance = parts.extensions.get::<Entrance>();
    let is_safe = parts.method.is_safe();
    let call =
        body.and_then(|body| Call::read(parts.method, &parts.uri, parts.headers, entrance, body));
    let answered = match call.and_then(|call| answer(&world, &call)) {
        Ok(done) if !is_safe => world
            .keep_for_request()
            .await
            .map(|()| done)
            .map_err(|error| {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                GraphError::new(status, "InternalServerError", error)
            }),
        other => other,
    };
    trace.respond(answered)
}

fn answer(world: &World, call: &Call) -> Result<Answer, GraphError> {
    let caller = Caller::of(world, &call.headers)?;
    let target = Target::of(call)?;
    methods::check(call, &target)?;
    if caller.is_app && target.key() == Some(&Key::Me) {
        return Err(GraphError::bad_request(
            "/me request is only valid with delegated authentication flow.",
        ));
    }
    match target {
        Target::Batch => batch::serve(world, call),
        Target::Action(_, key, Action::ChangePassword) => {
            sessions::change_password(world, call, &caller, &key)
        }
        Target::Action(_, key, Action::RevokeSignInSessions) => {
            sessions::revoke(world, call, &caller, &key)
        }
        target if is_reading(call, &target) => read(world, call, &caller, &target),
        target => writing::serve(world, call, &caller, &target),
    }
}

/// Whether a request changes nothing.
fn is_reading(call: &Call, target: &Target) -> bool {
    match target {
        Target::Batch | Target::ByIds => true,
        Target::Action(_, _, action) => !matches!(
            action,
            Action::AddPassword | Action::RemovePassword | Action::Restore
        ),
        _ => call.method == Method::GET,
    }
}

fn read(
    world: &World,
    call: &Call,
    caller: &Caller,
    target: &Target,
) -> Result<Answer, GraphError> {
    let directory = world.directory();
    let resources = world.resources();
    let reading = Reading {
        world,
        call,
        caller,
        objects: Objects {
            directory: &directory,
            resources: &resources,
            replication: &world.replication,
            tenant: caller.tenant,
        },
    };
    match target {
        Target::Collection(collection) => reading.list(collection),
        Target::Count(collection) => reading.count(collection),
        Target::Object(kind, key) => reading.object(*kind, key),
        Target::Property(kind, key, property) => reading.property(*kind, key, property),
        Target::FederatedCredential(key, id) => reading.federated_credential(key, id),
        Target::ByIds => reading.by_ids(),
        Target::Action(kind, key, action) => reading.membership(*kind, key, *action),
        Target::Batch | Target::Reference(..) => Err(GraphError::not_served(call)),
    }
}
