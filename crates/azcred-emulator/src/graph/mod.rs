//! Microsoft Graph: the directory, read-only, for callers with the right application permission,
//! and the sessions of users.

mod access;
mod objects;
mod response;
mod sessions;

use self::{
    access::authenticate,
    objects::Set,
    response::{GraphError, GraphTrace},
};
use crate::{
    front_door::{FrontDoor, Routes},
    world::World,
};
use axum::{
    extract::{DefaultBodyLimit, State},
    response::Response,
    routing::{get, post},
};
use http::{HeaderMap, StatusCode, Uri};
use std::sync::Arc;

/// The largest accepted body: `getByIds` accepts a thousand ids.
const MAX_BODY_BYTES: usize = 128 * 1024;

/// Graph's routes.
pub(crate) fn front_door(world: Arc<World>) -> FrontDoor {
    let mut routes = Routes::new()
        .route("/v1.0/organization", get(objects::organization))
        .route("/v1.0/directoryObjects/getByIds", post(objects::by_ids));
    for set in Set::ALL {
        routes = objects::routes(set, routes);
    }
    sessions::routes(routes).open(|router| {
        router
            .fallback(unknown)
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(world)
    })
}

/// Graph checks the token first, for every path.
async fn unknown(State(world): State<Arc<World>>, headers: HeaderMap, uri: Uri) -> Response {
    let trace = GraphTrace::new(&world, &headers);
    let refusal = match authenticate(&world, &headers) {
        Err(refusal) => refusal,
        Ok(_) => {
            let segment = uri.path().split('/').nth(2).unwrap_or_default();
            let message = format!("Resource not found for the segment '{segment}'.");
            GraphError::new(StatusCode::BAD_REQUEST, "BadRequest", message)
        }
    };
    refusal.into_response(&trace)
}
