//! `azcred emulator users`: the people of a running emulator.

use super::state::State;
use crate::{
    failure::Failure,
    output::{Output, Stream, table},
};
use azcred_emulator::UserInfo;
use clap::Args;
use serde::Serialize;

/// Show the people of a running emulator: names, passwords, roles
///
/// The passwords are made up by the emulator at its first start, and are worth nothing elsewhere.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred emulator users
  azcred emulator users --output json | jq -r '.users[0].password'")]
pub(super) struct Users {
    #[command(flatten)]
    state: State,
}

/// The output of `--output json`.
#[derive(Serialize)]
struct UsersDocument<'a> {
    users: Vec<UserDocument<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserDocument<'a> {
    /// The sign-in name.
    user_principal_name: &'a str,
    display_name: &'a str,
    /// `null` for a guest, who has a password in the own tenant only.
    password: Option<&'a str>,
    tenant_id: String,
    object_id: String,
    enabled: bool,
    /// The roles at the start of the emulator.
    roles: &'a [String],
    /// The Conditional Access policies that apply to some requests.
    policies: &'a [String],
}

impl Users {
    pub(super) fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let info = self.state.running()?;
        if output.is_json() {
            let users = info.users.iter().map(document).collect();
            output.json(&UsersDocument { users });
            return Ok(0);
        }
        let rows: Vec<[String; 3]> = info.users.iter().map(row).collect();
        let head = ["user", "password", "what for"];
        for line in table::columns(head, &rows, Stream::Stdout.columns()) {
            output.line(line);
        }
        Ok(0)
    }
}

fn document(user: &UserInfo) -> UserDocument<'_> {
    UserDocument {
        user_principal_name: &user.user_principal_name,
        display_name: &user.name,
        password: user.password.as_deref(),
        tenant_id: user.tenant_id.to_string(),
        object_id: user.object_id.to_string(),
        enabled: user.enabled,
        roles: &user.roles,
        policies: &user.policies,
    }
}

fn row(user: &UserInfo) -> [String; 3] {
    let disabled = (!user.enabled).then(|| "disabled".to_owned());
    let policies = user.policies.iter();
    let policies = policies.map(|name| format!("Conditional Access: {name}"));
    let what: Vec<String> = disabled
        .into_iter()
        .chain(user.roles.iter().cloned())
        .chain(policies)
        .collect();
    let what = match what.is_empty() {
        true => "no role".to_owned(),
        false => what.join("; "),
    };
    [
        user.user_principal_name.clone(),
        user.password
            .clone()
            .unwrap_or_else(|| "(a guest)".to_owned()),
        what,
    ]
}
