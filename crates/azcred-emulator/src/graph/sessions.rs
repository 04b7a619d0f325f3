//! Requests that end sessions, and change one's own password. Users and applications may send them
//! with the right permission.

use crate::{
    directory::{Directory, SecretText, User},
    graph::{
        access::Caller,
        call::Call,
        key::Key,
        response::{Answer, GraphError},
    },
    world::World,
};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

/// Delegated permissions, one of which is needed to end one's own sessions ('user:
/// revokeSignInSessions').
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
/// `POST …/revokeSignInSessions`.
pub(super) fn revoke(
    world: &World,
    call: &Call,
    caller: &Caller,
    key: &Key,
) -> Result<Answer, GraphError> {
    match key {
        Key::Me => caller.authorize_delegated(REVOKE_ME)?,
        _ => caller.authorize(REVOKE)?,
    }
    let id = named(&world.directory(), caller, key)?.id;
    let now = world.clock.now();
    world.directory_mut().revoke_sessions(id, now);
    Ok(Answer::of_action(
        call,
        json!({ "@odata.context": call.context("Edm.Boolean"), "value": true }),
    ))
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
pub(super) struct SecretInput(pub(super) SecretText);

impl From<String> for SecretInput {
    fn from(text: String) -> Self {
        Self(SecretText::new(text))
    }
}

/// `POST /me/changePassword`.
pub(super) fn change_password(
    world: &World,
    call: &Call,
    caller: &Caller,
    key: &Key,
) -> Result<Answer, GraphError> {
    if *key != Key::Me {
        return Err(GraphError::not_served(call));
    }
    caller.authorize_delegated(CHANGE_ME)?;
    let wanted: ChangePassword = call.json()?;
    let now = world.clock.now();
    let mut directory = world.directory_mut();
    let user = directory.users.get(&caller.object_id);
    let current = user.and_then(|user| user.password.as_ref());
    let given = wanted.current_password.0;
    if !current.is_some_and(|current| current.matches(given.expose())) {
        return Err(GraphError::rejected(
            "The current password is wrong. Nothing was changed.",
        ));
    }
    directory.change_password(caller.object_id, wanted.new_password.0, now);
    Ok(Answer::empty())
}

/// A user of the caller's tenant.
fn named<'a>(directory: &'a Directory, caller: &Caller, key: &Key) -> Result<&'a User, GraphError> {
    let name = match key {
        Key::Me => caller.object_id.to_string(),
        Key::Id(name) | Key::Other(_, name) => name.clone(),
    };
    let id = Uuid::try_parse(&name).ok();
    let mut users = directory.users.values();
    users
        .find(|user| {
            user.tenant == caller.tenant
                && (id == Some(user.id) || user.user_principal_name.eq_ignore_ascii_case(&name))
        })
        .ok_or_else(|| GraphError::not_found(&name))
}
