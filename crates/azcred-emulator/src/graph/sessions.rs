//! Requests that end sessions, change passwords, and enable or disable accounts. Users and
//! applications may send them with the right permission.

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
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use std::collections::BTreeMap;
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
/// … to disable an account ('Update user').
const DISABLE: &[&str] = &[
    "User.EnableDisableAccount.All",
    "User.ReadWrite.All",
    "Directory.ReadWrite.All",
];
/// … to reset another user's password.
const RESET: &[&str] = &["User-PasswordProfile.ReadWrite.All"];

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
struct SecretInput(SecretText);

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

/// `PATCH /users/{id}`: enables or disables an account, and resets its password. Other changes are
/// not served.
pub(super) fn update(
    world: &World,
    call: &Call,
    caller: &Caller,
    key: &Key,
) -> Result<Answer, GraphError> {
    // The names first: a map with the values would have a copy of the password.
    let names: BTreeMap<String, IgnoredAny> = call.json()?;
    let is_served = |name: &String| matches!(name.as_str(), "accountEnabled" | "passwordProfile");
    let update: Update = call.json()?;
    let password = update.password_profile.and_then(|profile| profile.password);
    let is_empty = update.account_enabled.is_none() && password.is_none();
    if is_empty || !names.keys().all(is_served) {
        return Err(GraphError::not_served(call));
    }
    if update.account_enabled.is_some() {
        caller.authorize(DISABLE)?;
    }
    if password.is_some() {
        caller.authorize(RESET)?;
    }
    let now = world.clock.now();
    let mut directory = world.directory_mut();
    let id = named(&directory, caller, key)?.id;
    if let (Some(enabled), Some(user)) = (update.account_enabled, directory.users.get_mut(&id)) {
        user.enabled = enabled;
    }
    if let Some(password) = password {
        directory.change_password(id, password.0, now);
    }
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
