//! The right that each operation needs.
//!
//! The names come from "Azure permissions" (Microsoft Learn). The table below lists those of
//! `Microsoft.Resources` and `Microsoft.Authorization`. Every other provider follows one rule:
//! `NAMESPACE/TYPE/{read,write,delete}` and `NAMESPACE/TYPE/VERB/action`.

use super::route::Target;
use crate::resources::Scope;
use http::Method;

/// What a caller needs for an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    /// A valid token.
    Token,
    /// Any role in the subscription or group, or below it. The response holds only what the caller
    /// may read. A refusal names this action.
    SomeRole(String),
    /// This action at the target.
    Action(String),
}

/// What an operation needs. `None`: the emulator does not serve the operation.
pub(super) fn needed(method: &Method, target: &Target) -> Option<Need> {
    let action = |name: &str| Some(Need::Action(name.to_owned()));
    let some_role = |name: &str| Some(Need::SomeRole(name.to_owned()));
    match (method.as_str(), target) {
        (
            "GET",
            Target::Tenants
            | Target::Subscriptions
            | Target::Providers(None)
            | Target::Provider(None, _),
        ) => Some(Need::Token),
        ("GET", Target::Subscription(_)) => some_role("Microsoft.Resources/subscriptions/read"),
        ("GET", Target::Locations(_)) => action("Microsoft.Resources/subscriptions/locations/read"),
        ("GET", Target::Providers(Some(_)) | Target::Provider(Some(_), _)) => {
            action("Microsoft.Resources/subscriptions/providers/read")
        }
        ("GET", Target::Groups(_)) => {
            some_role("Microsoft.Resources/subscriptions/resourceGroups/read")
        }
        ("GET" | "HEAD", Target::Group(_)) => {
            action("Microsoft.Resources/subscriptions/resourceGroups/read")
        }
        ("PUT" | "PATCH", Target::Group(_)) => {
            action("Microsoft.Resources/subscriptions/resourceGroups/write")
        }
        ("DELETE", Target::Group(_)) => {
            action("Microsoft.Resources/subscriptions/resourceGroups/delete")
        }
        ("GET", Target::ResourcesIn(_)) => {
            some_role("Microsoft.Resources/subscriptions/resources/read")
        }
        ("POST", Target::RegisterProvider(_, namespace)) => {
            action(&format!("{namespace}/register/action"))
        }
        (method, Target::Authorization { kind, scope, .. }) => {
            authorization(method, &kind.to_ascii_lowercase(), scope)
        }
        // A list at the top level holds what the caller may read. A list of children needs a right
        // on the parent.
        (
            "GET",
            Target::Collection {
                parent,
                resource_type,
            },
        ) => {
            let read = format!("{resource_type}/read");
            match parent.resource_type() {
                Some(_) => action(&read),
                None => some_role(&read),
            }
        }
        (method, Target::Item(id)) => {
            let verb = match method {
                "GET" | "HEAD" => "read",
                "PUT" | "PATCH" => "write",
                "DELETE" => "delete",
                _ => return None,
            };
            action(&format!("{}/{verb}", id.resource_type()?))
        }
        ("POST", Target::ItemAction(id, verb)) => {
            action(&format!("{}/{verb}/action", id.resource_type()?))
        }
        _ => None,
    }
}

/// What an operation of `Microsoft.Authorization` needs, by its kind in lower case.
fn authorization(method: &str, kind: &str, scope: &Scope) -> Option<Need> {
    let action = |name: &str| Some(Need::Action(name.to_owned()));
    match (method, kind) {
        // Built-in roles are the same in every tenant.
        ("GET", "roledefinitions") if scope.segments().next().is_none() => Some(Need::Token),
        ("GET", "roledefinitions") => action("Microsoft.Authorization/roleDefinitions/read"),
        ("GET", "roleassignments") => action("Microsoft.Authorization/roleAssignments/read"),
        ("PUT", "roleassignments") => action("Microsoft.Authorization/roleAssignments/write"),
        ("DELETE", "roleassignments") => action("Microsoft.Authorization/roleAssignments/delete"),
        ("GET", "denyassignments") => action("Microsoft.Authorization/denyAssignments/read"),
        // Every caller may read its own permissions. Without a role, the list is empty.
        ("GET", "permissions") => Some(Need::Token),
        _ => None,
    }
}
