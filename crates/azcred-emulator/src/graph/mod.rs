//! Microsoft Graph: read access to the directory.

use std::sync::Arc;

use crate::world::World;

pub(crate) fn router(world: Arc<World>) -> axum::Router {
    axum::Router::new().with_state(world)
}
