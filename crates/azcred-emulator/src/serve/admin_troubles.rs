//! The admin port's part for troubles: into which the emulator is put, and their repair.

use super::admin::{AdminState, refuse};
use crate::damage::{Broken, CantBreak, WantedTrouble};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use std::sync::Arc;

/// The troubles in which the emulator is, the oldest first.
pub(super) async fn all(State(inner): State<Arc<AdminState>>) -> Json<Vec<Broken>> {
    Json(inner.troubles.all())
}

/// Puts the emulator into a trouble.
pub(super) async fn begin(State(inner): State<Arc<AdminState>>, body: Bytes) -> Response {
    let wanted = match serde_json::from_slice::<WantedTrouble>(&body) {
        Ok(wanted) => wanted,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    change(inner, |inner| {
        let begun = inner.troubles.begin(&inner.world, wanted);
        begun.map(|()| StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// Repairs all troubles, and returns them.
pub(super) async fn end_all(State(inner): State<Arc<AdminState>>) -> Response {
    change(inner, |inner| {
        let ended = inner.troubles.end_all(&inner.world)?;
        Ok(Json(ended).into_response())
    })
    .await
}

/// Repairs a trouble, and returns it.
pub(super) async fn end(
    State(inner): State<Arc<AdminState>>,
    Path(name): Path<String>,
) -> Response {
    change(inner, |inner| {
        Ok(match inner.troubles.end(&inner.world, &name)? {
            Some(ended) => Json(vec![ended]).into_response(),
            None => refuse(StatusCode::NOT_FOUND, "the emulator is not in this trouble"),
        })
    })
    .await
}

/// Makes a change, and stores it.
async fn change(
    inner: Arc<AdminState>,
    make: impl FnOnce(&AdminState) -> Result<Response, CantBreak>,
) -> Response {
    let response = match make(&inner) {
        Ok(response) => response,
        Err(error) => return refuse(StatusCode::CONFLICT, &error.to_string()),
    };
    match inner.world.clone().keep_for_request().await {
        Ok(()) => response,
        Err(why) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &why),
    }
}
