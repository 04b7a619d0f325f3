//! Sign-in with a browser: the authorize endpoint and its pages.
//!
//! A request for a code ([`request`]) starts a [`transaction`]. Each further request determines the
//! next step ([`step`]): a page ([`pages`]) whose form is posted back ([`posted`]), or the end
//! ([`finish`]). The browser's cookies store the signed-in accounts ([`browser`]), and its pages
//! store the transaction. The emulator stores only the issued codes.

mod browser;
mod finish;
mod pages;
mod posted;
mod redirect_uri;
mod request;
mod respond;
mod return_address;
mod second_factor;
mod step;
mod transaction;
mod visit;

use crate::{front_door::Routes, world::World};
use axum::routing::{get, post};
use std::sync::Arc;

/// The routes for browsers.
pub(super) fn routes() -> Routes<Arc<World>> {
    let v1 = || get(visit::authorize_v1).post(visit::authorize_v1);
    let v2 = || get(visit::authorize_v2).post(visit::authorize_v2);
    let logout = || get(visit::logout).post(visit::logout);
    Routes::new()
        .route("/{tenant}/oauth2/authorize", v1())
        .route("/{tenant}/oauth2/v2.0/authorize", v2())
        .route("/{tenant}/oauth2/logout", logout())
        .route("/{tenant}/oauth2/v2.0/logout", logout())
        .route(
            "/common/login",
            post(visit::login).fallback(visit::only_post),
        )
        .route("/common/reprocess", get(visit::reprocess))
        .route("/common/oauth2/deviceauth", get(visit::device))
        .route("/devicelogin", get(visit::device_login))
        .route("/deviceloginus", get(visit::device_login))
        .route("/deviceloginchina", get(visit::device_login))
        .route("/common/oauth2/nativeclient", get(visit::native_client))
}
