//! OpenID Connect's UserInfo endpoint, which is a part of Graph ('Microsoft identity platform
//! UserInfo endpoint').

use crate::{
    graph::{
        access::{authenticate, denied},
        response::{Answer, GraphError, GraphTrace},
    },
    tokens::pairwise_subject,
    world::World,
};
use axum::{extract::State, response::Response};
use http::HeaderMap;
use serde_json::json;
use std::sync::Arc;

/// The path on Graph's host, as the OpenID configuration names it.
pub(super) const PATH: &str = "/oidc/userinfo";

pub(super) async fn serve(State(world): State<Arc<World>>, headers: HeaderMap) -> Response {
    let trace = GraphTrace::new(&world, &headers);
    trace.respond(answer(&world, &headers))
}

/// # Errors
/// 401 without a valid token, 403 for an application's token and for one without the permission
/// `openid`.
fn answer(world: &World, headers: &HeaderMap) -> Result<Answer, GraphError> {
    let claims = authenticate(world, headers)?;
    let scopes = claims.all.get("scp").and_then(|scopes| scopes.as_str());
    let has = |name| scopes.is_some_and(|all| all.split(' ').any(|scope| scope == name));
    let directory = world.directory();
    let user = directory.users.get(&claims.object_id);
    let (Some(user), Some(client), true) = (user, claims.app_id, has("openid")) else {
        return Err(denied());
    };
    let mut info = json!({"sub": pairwise_subject(user.id, client)});
    if has("profile") {
        info["name"] = user.name.as_str().into();
        info["picture"] = "https://graph.microsoft.com/v1.0/me/photo/$value".into();
    }
    if has("email") {
        info["email"] = user.user_principal_name.as_str().into();
    }
    Ok(Answer::json(info))
}
