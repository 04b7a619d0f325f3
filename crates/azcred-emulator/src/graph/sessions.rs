//! Users and their sessions: `/me`, and requests that end sessions. Users and applications may send
//! them with the right permission.

use crate::{
    directory::{Directory, SecretText, User},
    front_door::Routes,
    graph::{
        access::{authenticate, authorize, delegated, denied},
        objects,
        response::{GraphError, GraphTrace},
    },
    tokens::Claims,
    world::World,
};
use axum::{
    body::Bytes,
    extract::{Path, State},
    response::Response,
    routing::{get, patch, post},
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// Delegated permissions, one of which is needed to read `/me` ('Get a user').
const READ_ME: &[&str] = &["User.Read", "User.ReadWrite", "User.ReadWrite.All"];
/// … to end one's own sessions ('user: revokeSignInSessions').
const REVOKE_ME: &[&str] = &[
    "User.RevokeSessions.All",
    "User.ReadWrite",
    "User.ReadWrite.All",
    "Directory.AccessAsUser.All",
];
/// … to change one's own password ('user: changePassword').
const CHANGE_ME: &[&str] = &["User.ReadWrite.All", "Directory.AccessAsUser.All"];
/// Application permissions, one of which is needed to end another user's sessions.
const REVOKE: &[&str] = &[
    "User.RevokeSessions.All",
    "User.ReadWrite.All",
    "Directory.ReadWrite.All",
];
/// … to disable an account ('Update user').
const DISABLE: &[&str] = &[
    "User.EnableDisableAccount.All",
    "User.ReadWrite.All",
    "Directory.ReadWrite.All",
];
/// … to reset another user's password.
const RESET: &[&str] = &["User-PasswordProfile.ReadWrite.All"];

/// The routes.
pub(super) fn routes(routes: Routes<Arc<World>>) -> Routes<Arc<World>> {
    routes
        .route("/v1.0/me", get(me))
        .route("/v1.0/me/changePassword", post(change_my_password))
        .route("/v1.0/me/revokeSignInSessions", post(revoke_mine))
        .route("/v1.0/users/{id}", patch(update))
        .route("/v1.0/users/{id}/revokeSignInSessions", post(revoke_theirs))
}

/// `GET /v1.0/me`.
async fn me(State(world): State<Arc<World>>, headers: HeaderMap) -> Response {
    let trace = GraphTrace::new(&world, &headers);
    let found = delegated(&world, &headers, READ_ME).and_then(|caller| {
        let directory = world.directory();
        let user = directory.users.get(&caller.object_id);
        user.map(objects::user)
            .ok_or_else(|| GraphError::not_found(&caller.object_id.to_string()))
    });
    match found {
        Ok(user) => trace.answer(user),
        Err(error) => error.into_response(&trace),
    }
}

/// `POST /v1.0/me/revokeSignInSessions`.
async fn revoke_mine(State(world): State<Arc<World>>, headers: HeaderMap) -> Response {
    let caller = delegated(&world, &headers, REVOKE_ME);
    revoke(&world, &headers, caller.map(|caller| caller.object_id))
}

/// `POST /v1.0/users/{id}/revokeSignInSessions`.
async fn revoke_theirs(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    let user = authorize(&world, &headers, REVOKE)
        .and_then(|caller| Ok(named(&world.directory(), &caller, &id)?.id));
    revoke(&world, &headers, user)
}

fn revoke(world: &World, headers: &HeaderMap, user: Result<Uuid, GraphError>) -> Response {
    let trace = GraphTrace::new(world, headers);
    match user {
        Ok(id) => {
            let now = world.clock.now();
            world.directory_mut().revoke_sessions(id, now);
            trace.answer(json!({
                "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#Edm.Boolean",
                "value": true,
            }))
        }
        Err(error) => error.into_response(&trace),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangePassword {
    current_password: SecretInput,
    new_password: SecretInput,
}

/// A secret in a body. It is deserialized directly into its type.
#[derive(Deserialize)]
#[serde(from = "String")]
struct SecretInput(SecretText);

impl From<String> for SecretInput {
    fn from(text: String) -> Self {
        Self(SecretText::new(text))
    }
}

/// `POST /v1.0/me/changePassword`.
async fn change_my_password(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let trace = GraphTrace::new(&world, &headers);
    let changed = delegated(&world, &headers, CHANGE_ME).and_then(|caller| {
        let wanted: ChangePassword =
            serde_json::from_slice(&body).map_err(|_| GraphError::unreadable())?;
        let now = world.clock.now();
        let mut directory = world.directory_mut();
        let user = directory.users.get(&caller.object_id);
        let current = user.and_then(|user| user.password.as_ref());
        let given = wanted.current_password.0;
        if !current.is_some_and(|current| current.matches(given.expose())) {
            return Err(GraphError::new(
                StatusCode::BAD_REQUEST,
                "Request_BadRequest",
                "The current password is wrong. Nothing was changed.",
            ));
        }
        directory.change_password(caller.object_id, wanted.new_password.0, now);
        Ok(())
    });
    match changed {
        Ok(()) => trace.empty(),
        Err(error) => error.into_response(&trace),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Update {
    account_enabled: Option<bool>,
    password_profile: Option<PasswordProfile>,
}

#[derive(Deserialize)]
struct PasswordProfile {
    password: Option<SecretInput>,
}

/// `PATCH /v1.0/users/{id}`: enables or disables an account, and resets its password. Other changes
/// are rejected.
async fn update(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let (world, headers, id) = (&*world, &headers, id.as_str());
    let trace = GraphTrace::new(world, headers);
    let updated = authenticate(world, headers).and_then(|_| {
        let update: Update = serde_json::from_slice(&body).map_err(|_| GraphError::unreadable())?;
        let password = update.password_profile.and_then(|profile| profile.password);
        if update.account_enabled.is_none() && password.is_none() {
            return Err(GraphError::new(
                StatusCode::BAD_REQUEST,
                "Request_BadRequest",
                "Of a user, this emulator changes 'accountEnabled' and 'passwordProfile.password'; Azure more. Nothing \
                 was changed.",
            ));
        }
        let needed = [
            update.account_enabled.map(|_| DISABLE),
            password.as_ref().map(|_| RESET),
        ];
        let mut caller = None;
        for permissions in needed.into_iter().flatten() {
            caller = Some(authorize(world, headers, permissions)?);
        }
        let caller = caller.ok_or_else(denied)?;
        let now = world.clock.now();
        let mut directory = world.directory_mut();
        let id = named(&directory, &caller, id)?.id;
        if let (Some(enabled), Some(user)) = (update.account_enabled, directory.users.get_mut(&id)) {
            user.enabled = enabled;
        }
        if let Some(password) = password {
            directory.change_password(id, password.0, now);
        }
        Ok(())
    });
    match updated {
        Ok(()) => trace.empty(),
        Err(error) => error.into_response(&trace),
    }
}

/// A user of the caller's tenant, by object id or sign-in name.
fn named<'a>(directory: &'a Directory, caller: &Claims, id: &str) -> Result<&'a User, GraphError> {
    let mut users = directory.users.values();
    users
        .find(|user| {
            user.tenant == caller.tenant
                && (Uuid::try_parse(id) == Ok(user.id)
                    || user.user_principal_name.eq_ignore_ascii_case(id))
        })
        .ok_or_else(|| GraphError::not_found(id))
}
