//! `azcred role explain`.

use super::{
    place::{Where, known, no_role, role},
    words::pattern,
};
use crate::{
    failure::{Failure, Kind},
    given,
    output::{
        Output,
        style::{DIM, STRONG, paint},
        table,
        wrap::{Stream, wrap},
    },
    sign_in::Place,
};
use azcred_azure::{BuiltInRole, Capability, Permission, Permissions, RoleDefinition};
use clap::Args;
use serde::Serialize;

/// Explain what a role grants, and what it does not
///
/// azcred knows Azure's built-in roles around machine learning, storage, key vaults, registries and
/// access. It explains these without a sign-in. It reads any other role, such as one that your
/// tenant has made, from Azure.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred role explain 'AzureML Data Scientist'
  azcred role explain --all
  azcred role explain MyCustomRole --scope /subscriptions/ID")]
pub(super) struct ExplainRole {
    /// The role's name or id
    #[arg(value_name = "ROLE", value_parser = given::text, required_unless_present = "all")]
    role: Option<String>,

    /// List the roles that azcred knows without a sign-in
    #[arg(long, conflicts_with = "role")]
    all: bool,

    #[command(flatten)]
    at: Where,
}

/// The output of `--output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExplainDocument {
    id: String,
    name: String,
    /// In a few words.
    description: String,
    /// Whether the tenant made it.
    is_custom: bool,
    permissions: Vec<Permission>,
    can: Vec<&'static str>,
    can_not: Vec<&'static str>,
}

#[derive(Serialize)]
struct RolesDocument {
    roles: Vec<RoleEntry>,
}

#[derive(Serialize)]
struct RoleEntry {
    id: &'static str,
    name: &'static str,
    description: &'static str,
}

impl ExplainRole {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let Some(wanted) = &self.role else {
            list(output);
            return Ok(0);
        };
        let role = match known(wanted).and_then(RoleDefinition::built_in) {
            Some(role) => role,
            None => self.read(wanted, output).await?,
        };
        let explained = ExplainDocument::of(role);
        if output.is_json() {
            output.json(&explained);
            return Ok(0);
        }
        for line in explained.lines(Stream::Stdout.width()) {
            output.line(line);
        }
        Ok(0)
    }

    /// A role that only the tenant knows.
    async fn read(&self, wanted: &str, output: &Output) -> Result<RoleDefinition, Failure> {
        let place = Place::here()?;
        // Without a scope, no tenant can be asked; the name may still be a part of a known one.
        let scope = self
            .at
            .scope(&place)
            .map_err(|failure| match failure.kind {
                Kind::NotFound => no_role(wanted),
                _ => failure,
            })?;
        let read = async {
            let reader = self.at.identity.reader(&place, output).await?;
            role(&reader.manager, &scope, wanted).await
        };
        output.waiting("Reading the role", read).await
    }
}

fn list(output: &mut Output) {
    if output.is_json() {
        let roles = BuiltInRole::all().iter().map(|role| RoleEntry {
            id: role.id,
            name: role.name,
            description: role.does,
        });
        output.json(&RolesDocument {
            roles: roles.collect(),
        });
        return;
    }
    let width = Stream::Stdout.width();
    for role in BuiltInRole::all() {
        output.line(paint(STRONG, role.name));
        for line in wrap(role.does, width.saturating_sub(2)) {
            output.line(format!("  {line}"));
        }
    }
}

/// What people want to know of a role, besides azcred's capabilities.
const ABILITIES: [(&str, &str, bool); 7] = [
    (
        "change or delete the workspace itself",
        "Microsoft.MachineLearningServices/workspaces/write",
        false,
    ),
    (
        "assign roles",
        "Microsoft.Authorization/roleAssignments/write",
        false,
    ),
    (
        "list the keys of storage accounts",
        "Microsoft.Storage/storageAccounts/listKeys/action",
        false,
    ),
    (
        "read blobs",
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
        true,
    ),
    (
        "write blobs",
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
        true,
    ),
    (
        "read secrets in key vaults",
        "Microsoft.KeyVault/vaults/secrets/getSecret/action",
        true,
    ),
    (
        "pull images",
        "Microsoft.ContainerRegistry/registries/pull/read",
        false,
    ),
];

/// What a role can do of the things that people ask for, and what it can't.
fn abilities(permissions: &[Permission]) -> (Vec<&'static str>, Vec<&'static str>) {
    let permissions = Permissions(permissions.to_vec());
    let capabilities = Capability::ALL.into_iter().map(|capability| {
        (
            capability.title(),
            capability.judge(&permissions).is_allowed(),
        )
    });
    let others = ABILITIES.into_iter().map(|(title, action, is_data)| {
        let is_allowed = match is_data {
            true => permissions.allow_data(action),
            false => permissions.allow(action),
        };
        (title, is_allowed)
    });
    let (can, can_not): (Vec<_>, Vec<_>) = capabilities
        .chain(others)
        .partition(|(_, is_allowed)| *is_allowed);
    let titles = |all: Vec<(&'static str, bool)>| all.into_iter().map(|(title, _)| title).collect();
    (titles(can), titles(can_not))
}

impl ExplainDocument {
    fn of(role: RoleDefinition) -> Self {
        let (can, can_not) = abilities(&role.permissions);
        Self {
            id: role.id.to_string(),
            name: role.name.to_string(),
            description: role.description.to_string(),
            is_custom: role.is_custom,
            permissions: role.permissions,
            can,
            can_not,
        }
    }

    fn lines(&self, width: usize) -> Vec<String> {
        let mut lines = vec![paint(STRONG, &self.name)];
        lines.extend(wrap(&self.description, width));
        lines.push(String::new());
        let or_none = |list: &[&str]| match list {
            [] => "nothing of what azcred looks for".to_owned(),
            list => list.join(", "),
        };
        for (title, list) in [("Can", &self.can), ("Can't", &self.can_not)] {
            let room = width.saturating_sub(TITLE);
            for (number, line) in wrap(&or_none(list), room).iter().enumerate() {
                let title = if number == 0 { title } else { "" };
                lines.push(format!("{}{line}", paint(DIM, format!("{title:<TITLE$}"))));
            }
        }
        for permission in &self.permissions {
            for (title, list) in [
                ("Grants", &permission.actions),
                ("but not", &permission.not_actions),
                ("Grants on data", &permission.data_actions),
                ("but not on data", &permission.not_data_actions),
            ] {
                if list.is_empty() {
                    continue;
                }
                lines.push(String::new());
                lines.push(format!("{title}:"));
                for action in list {
                    lines.extend(explained(action, width));
                }
            }
        }
        lines.push(String::new());
        let kind = match self.is_custom {
            true => "a role of this tenant",
            false => "a built-in role of Azure",
        };
        lines.extend(table::pairs(&[("Id", &*self.id), ("Kind", kind)]));
        lines
    }
}

/// The width of the titles of both lists.
const TITLE: usize = 7;

/// A pattern, and its words: on one line if they fit.
fn explained(action: &str, width: usize) -> Vec<String> {
    let words = pattern(action);
    let one = format!("  {action}  {}", paint(DIM, format!("# {words}")));
    if action.chars().count() + words.chars().count() + 6 <= width {
        return vec![one];
    }
    vec![format!("  {action}"), paint(DIM, format!("    # {words}"))]
}
