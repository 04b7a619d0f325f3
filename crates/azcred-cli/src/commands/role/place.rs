//! The scope that a command means: the option's, else the workspace's.

use crate::{
    commands::reader::As,
    failure::{Failure, Kind},
    given,
    sign_in::Place,
};
use azcred_azure::{
    BuiltInRole, ErrorKind, Flags, Located, ResourceManager, RoleDefinition, RoleScope,
    Subscription, WorkspaceRef, describe_scope, locate,
};
use clap::Args;
use uuid::Uuid;

/// The scope, and the identity that looks.
#[derive(Args)]
pub(in crate::commands) struct Where {
    /// The scope, a whole resource id; / is the tenant [default: the workspace]
    #[arg(long, value_name = "SCOPE", value_parser = scope, conflicts_with_all = ["workspace", "resource_group", "subscription"])]
    scope: Option<RoleScope>,

    /// The workspace's name, or its whole resource id [default: the workspace of this folder]
    #[arg(short = 'w', long, value_name = "NAME", value_parser = given::text)]
    workspace: Option<String>,

    /// The workspace's resource group
    #[arg(short = 'g', long, value_name = "NAME", value_parser = given::text)]
    resource_group: Option<String>,

    /// The id of the workspace's subscription
    #[arg(long, value_name = "ID", value_parser = given::text)]
    subscription: Option<String>,

    #[command(flatten)]
    pub(in crate::commands) identity: As,
}

impl Where {
    /// The workspace that a scope is, or else the one of this folder if the scope contains it.
    pub(in crate::commands) fn workspace_in(
        &self,
        scope: &RoleScope,
        place: &Place,
    ) -> Option<Located> {
        let flags = match WorkspaceRef::from_resource_id(scope.as_str()) {
            Ok(workspace) => Flags {
                workspace: Some(workspace.resource_id()),
                ..Flags::default()
            },
            Err(_) => Flags::default(),
        };
        let located = locate(&*place.system, &place.folder, &flags).ok()?;
        scope
            .contains(&located.workspace.resource_id())
            .then_some(located)
    }

    /// The scope.
    pub(in crate::commands) fn scope(&self, place: &Place) -> Result<RoleScope, Failure> {
        if let Some(scope) = &self.scope {
            return Ok(scope.clone());
        }
        let flags = Flags {
            subscription: self.subscription.clone(),
            resource_group: self.resource_group.clone(),
            workspace: self.workspace.clone(),
        };
        let found = locate(&*place.system, &place.folder, &flags);
        let found = found.map_err(|error| match error.kind() {
            ErrorKind::NotFound => Failure::new(
                Kind::NotFound,
                "could not find the scope that is meant",
                "no option names one, no variable names a workspace, and there is no config.json here or in a folder above",
            )
            .fix("give `--scope`, a whole resource id (`azcred workspace list -o json` has them), or choose a workspace with `azcred workspace use`"),
            _ => error.into(),
        })?;
        Ok(RoleScope::new(&found.workspace.resource_id())?)
    }
}

fn scope(text: &str) -> Result<RoleScope, String> {
    let text = given::text(text)?;
    RoleScope::new(&text).map_err(|error| {
        let fix = error.fix().map(ToString::to_string).unwrap_or_default();
        format!("{}; {fix}", error.why())
    })
}

/// Scopes in words.
pub(super) struct ScopeWords {
    /// The subscription around the scope, if it could be read.
    subscription: Option<Subscription>,
}

impl ScopeWords {
    /// Reads the name of the scope's subscription. It is only for display: without it, the id is
    /// shown.
    pub(super) async fn of(manager: &ResourceManager, scope: &RoleScope) -> Self {
        let subscription = match scope.subscription() {
            Some(id) => manager.subscription(id).await.ok(),
            None => None,
        };
        Self {
            subscription: subscription.map(|answer| answer.value),
        }
    }

    /// A scope in a few words.
    pub(super) fn describe(&self, scope: &str) -> String {
        let words = describe_scope(scope);
        match &self.subscription {
            Some(one) if words == format!("the subscription {}", one.subscription_id) => {
                format!("the subscription {}", one.display_name)
            }
            _ => words,
        }
    }
}

/// The role with a name or an id, as the tenant has it.
pub(in crate::commands) async fn role(
    manager: &ResourceManager,
    scope: &RoleScope,
    wanted: &str,
) -> Result<RoleDefinition, Failure> {
    // Names and ids of built-in roles are the same in every tenant.
    if let Some(role) = known(wanted).and_then(RoleDefinition::built_in) {
        return Ok(role);
    }
    if let Ok(id) = Uuid::try_parse(wanted) {
        return Ok(manager.role_definition(scope, id).await?.value);
    }
    let found = manager.roles_named(scope, wanted).await?.value;
    match found.into_iter().next() {
        Some(role) => Ok(role),
        None => Err(no_role(wanted)),
    }
}

/// The built-in role with a name or an id, if azcred knows it.
pub(super) fn known(wanted: &str) -> Option<&'static BuiltInRole> {
    let mut roles = BuiltInRole::all().iter();
    roles
        .find(|role| role.name.eq_ignore_ascii_case(wanted) || role.id.eq_ignore_ascii_case(wanted))
}

/// The failure for a role that does not exist, with the built-in roles of a similar name.
pub(super) fn no_role(wanted: &str) -> Failure {
    let similar = similar(wanted);
    let failure = Failure::new(
        Kind::NotFound,
        format!("could not find the role '{wanted}'"),
        "this tenant has no role of this name that can be assigned at this scope",
    );
    match &similar[..] {
        [] => failure
            .fix("check the name: `azcred role explain --all` lists the roles that azcred knows"),
        names => {
            let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
            failure.fix(format!("use the whole name: {}", names.join(" or ")))
        }
    }
}

/// Built-in roles that have all words of a text in their names, three at most.
fn similar(wanted: &str) -> Vec<&'static str> {
    let words: Vec<String> = wanted.split_whitespace().map(str::to_lowercase).collect();
    let names = BuiltInRole::all().iter().map(|role| role.name);
    let is_similar = |name: &&str| {
        let name = name.to_lowercase();
        !words.is_empty() && words.iter().all(|word| name.contains(word.as_str()))
    };
    names.filter(is_similar).take(3).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_name_finds_the_whole_one() {
        assert_eq!(similar("data scientist"), ["AzureML Data Scientist"]);
        assert_eq!(similar("BLOB reader"), ["Storage Blob Data Reader"]);
        assert_eq!(similar("contributor").len(), 3);
        assert!(similar("").is_empty() && similar("nonsense").is_empty());
    }
}
