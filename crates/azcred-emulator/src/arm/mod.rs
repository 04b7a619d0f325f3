//! Azure Resource Manager.

use std::sync::Arc;

use crate::world::World;

/// ARM's routes. Each request carries a [`crate::service::Entrance`] in its extensions.
pub(crate) fn router(world: Arc<World>) -> axum::Router {
    axum::Router::new().with_state(world)
}
