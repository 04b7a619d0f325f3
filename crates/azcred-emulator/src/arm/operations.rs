//! Which right each operation needs.
//!
//! The names are those of "Azure permissions" (Microsoft Learn): `Microsoft.Resources` and
//! `Microsoft.Authorization` by the table below; every other provider's by the rule that all of
//! them follow, `NAMESPACE/TYPE/{read,write,delete}` and `NAMESPACE/TYPE/VERB/action`.

use super::route::Target;
use http::Method;

/// What a caller must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    /// A valid token.
    Token,
    /// Some role in the subscription or group, however deep; the answer holds only what the caller
    /// may read. The action is what a refusal names.
    SomeRole(String),
    /// This action at the target.
    Action(String),
}

/// Targets that are no provider's resource, for the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tenants,
    Subscriptions,
    Subscription,
    Locations,
    Groups,
    Group,
    ResourcesIn,
    TenantProviders,
    Providers,
    RoleDefinitions,
    RoleAssignments,
    DenyAssignments,
    Permissions,
}

/// How a row of the table is judged.
enum Rule {
    Token,
    SomeRole(&'static str),
    Action(&'static str),
}

const TABLE: &[(Kind, &str, Rule)] = {
    use Rule::{Action, SomeRole, Token};
    &[
        (Kind::Tenants, "GET", Token),
        (Kind::Subscriptions, "GET", Token),
        (Kind::TenantProviders, "GET", Token),
        (
            Kind::Subscription,
            "GET",
            SomeRole("Microsoft.Resources/subscriptions/read"),
        ),
        (
            Kind::Locations,
            "GET",
            Action("Microsoft.Resources/subscriptions/locations/read"),
        ),
        (
            Kind::Providers,
            "GET",
            Action("Microsoft.Resources/subscriptions/providers/read"),
        ),
        (
            Kind::Groups,
            "GET",
            SomeRole("Microsoft.Resources/subscriptions/resourceGroups/read"),
        ),
        (
            Kind::Group,
            "GET",
            Action("Microsoft.Resources/subscriptions/resourceGroups/read"),
        ),
        (
            Kind::Group,
            "HEAD",
            Action("Microsoft.Resources/subscriptions/resourceGroups/read"),
        ),
        (
            Kind::Group,
            "PUT",
            Action("Microsoft.Resources/subscriptions/resourceGroups/write"),
        ),
        (
            Kind::Group,
            "PATCH",
            Action("Microsoft.Resources/subscriptions/resourceGroups/write"),
        ),
        (
            Kind::Group,
            "DELETE",
            Action("Microsoft.Resources/subscriptions/resourceGroups/delete"),
        ),
        (
            Kind::ResourcesIn,
            "GET",
            SomeRole("Microsoft.Resources/subscriptions/resources/read"),
        ),
        (
            Kind::RoleDefinitions,
            "GET",
            Action("Microsoft.Authorization/roleDefinitions/read"),
        ),
        (
            Kind::RoleAssignments,
            "GET",
            Action("Microsoft.Authorization/roleAssignments/read"),
        ),
        (
            Kind::RoleAssignments,
            "PUT",
            Action("Microsoft.Authorization/roleAssignments/write"),
        ),
        (
            Kind::RoleAssignments,
            "DELETE",
            Action("Microsoft.Authorization/roleAssignments/delete"),
        ),
        (
            Kind::DenyAssignments,
            "GET",
            Action("Microsoft.Authorization/denyAssignments/read"),
        ),
        // What one may do oneself, one may always ask: the list is empty for who has nothing.
        (Kind::Permissions, "GET", Token),
    ]
};

/// What an operation needs; none where the emulator does not serve it.
pub(super) fn needed(method: &Method, target: &Target) -> Option<Need> {
    let kind = match target {
        Target::Tenants => Kind::Tenants,
        Target::Subscriptions => Kind::Subscriptions,
        Target::Subscription(_) => Kind::Subscription,
        Target::Locations(_) => Kind::Locations,
        Target::Groups(_) => Kind::Groups,
        Target::Group(_) => Kind::Group,
        Target::ResourcesIn(_) => Kind::ResourcesIn,
        Target::Providers(None) | Target::Provider(None, _) => Kind::TenantProviders,
        Target::Providers(Some(_)) | Target::Provider(Some(_), _) => Kind::Providers,
        Target::RegisterProvider(_, namespace) => {
            return (method == Method::POST)
                .then(|| Need::Action(format!("{namespace}/register/action")));
        }
        Target::Authorization { kind, scope, .. } => match kind.to_ascii_lowercase().as_str() {
            // Built-in roles are the same for everybody.
            "roledefinitions" if method == Method::GET && scope.segments().next().is_none() => {
                return Some(Need::Token);
            }
            "roledefinitions" => Kind::RoleDefinitions,
            "roleassignments" => Kind::RoleAssignments,
            "denyassignments" => Kind::DenyAssignments,
            "permissions" => Kind::Permissions,
            _ => return None,
        },
        Target::Collection {
            parent,
            resource_type,
        } => {
            let action = format!("{resource_type}/read");
            // Top-level resources are listed as far as the caller may read them; children by a
            // right on the parent.
            return (method == Method::GET).then_some(if parent.resource_type().is_some() {
                Need::Action(action)
            } else {
                Need::SomeRole(action)
            });
        }
        Target::Item(id) => {
            let verb = match *method {
                Method::GET | Method::HEAD => "read",
                Method::PUT | Method::PATCH => "write",
                Method::DELETE => "delete",
                _ => return None,
            };
            return Some(Need::Action(format!("{}/{verb}", id.resource_type()?)));
        }
        Target::ItemAction(id, verb) => {
            return (method == Method::POST).then_some(Need::Action(format!(
                "{}/{verb}/action",
                id.resource_type()?
            )));
        }
    };
    TABLE
        .iter()
        .find(|(row, verb, _)| *row == kind && *verb == method.as_str())
        .map(|(_, _, rule)| match rule {
            Rule::Token => Need::Token,
            Rule::SomeRole(action) => Need::SomeRole((*action).to_owned()),
            Rule::Action(action) => Need::Action((*action).to_owned()),
        })
}
