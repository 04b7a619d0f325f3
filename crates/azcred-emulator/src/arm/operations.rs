//! The right that each operation needs.
//!
//! The names come from "Azure permissions" (Microsoft Learn). The table below lists those of
//! `Microsoft.Resources` and `Microsoft.Authorization`. Every other provider follows one rule:
//! `NAMESPACE/TYPE/{read,write,delete}` and `NAMESPACE/TYPE/VERB/action`.

use super::{long_operations::STORAGE_OPERATION_TYPE, route::Target};
use crate::resources::{FEDERATED_TYPE, Scope};
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
            // The address of a long operation is known to its client only.
            | Target::OperationResult(..)
            | Target::CreatedGroup { .. }
            | Target::ManagementGroups
            | Target::Providers(None)
            | Target::Provider(None, _),
        ) => Some(Need::Token),
        ("GET", Target::Subscription(_)) => some_role("Microsoft.Resources/subscriptions/read"),
        ("GET", Target::TagNames(_)) => action("Microsoft.Resources/subscriptions/tagNames/read"),
        ("GET", Target::ActivityLog(Some(_))) => some_role("Microsoft.Insights/eventtypes/values/read"),
        // Everyone may create one. To change one needs a right, which the handler checks.
        ("PUT", Target::ManagementGroup(_)) => Some(Need::Token),
        ("PUT", Target::SubscriptionOf(..)) => {
            action("Microsoft.Management/managementGroups/subscriptions/write")
        }
        ("GET", Target::ManagementGroup(_)) => action("Microsoft.Management/managementGroups/read"),
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
        ("POST", Target::RegisterProvider(_, namespace, registers)) => {
            let verb = if *registers { "register" } else { "unregister" };
            action(&format!("{namespace}/{verb}/action"))
        }
        (
            method,
            Target::Extension {
                resource_type,
                scope,
                name,
            },
        ) => extension(method, resource_type, scope, name.is_some()),
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
        // The address of a long operation is known to its client only.
        ("GET", Target::Item(id)) if id.resource_type()?.eq_ignore_ascii_case(STORAGE_OPERATION_TYPE) => {
            Some(Need::Token)
        }
        (_, Target::Item(id)) if id.resource_type()?.eq_ignore_ascii_case(STORAGE_OPERATION_TYPE) => None,
        (method, Target::Item(id)) => {
            // What an identity trusts is replaced as a whole.
            let kind = id.resource_type()?;
            if method == "PATCH" && kind.eq_ignore_ascii_case(FEDERATED_TYPE) {
                return None;
            }
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

/// What an operation of a type needs that any scope can have.
fn extension(method: &str, resource_type: &str, scope: &Scope, is_named: bool) -> Option<Need> {
    let kind = resource_type.to_ascii_lowercase();
    let (namespace, kind) = kind.split_once('/')?;
    let is_rbac = namespace == "microsoft.authorization";
    let is_written = matches!(
        kind,
        "roleassignments" | "roledefinitions" | "denyassignments"
    );
    let verb = match (method, kind) {
        // Built-in roles are the same in every tenant.
        ("GET", "roledefinitions") if is_rbac && scope.segments().next().is_none() => {
            return Some(Need::Token);
        }
        // Every caller may read its own permissions. Without a role, the list is empty.
        ("GET", "permissions") if is_rbac => return Some(Need::Token),
        ("GET", _) if is_rbac => "read",
        ("PUT", _) if is_rbac && is_written && is_named => "write",
        ("DELETE", _) if is_rbac && is_written && is_named => "delete",
        ("GET" | "HEAD", "deployments") | ("GET", "tags") if !is_rbac => "read",
        _ => return None,
    };
    Some(Need::Action(format!("{resource_type}/{verb}")))
}
