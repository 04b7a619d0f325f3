//! The resources of Azure Resource Manager, the role assignments on them, and the rules for access.
//!
//! This code knows nothing of HTTP or tokens: [`Resources`] is a value, and [`Resources::decide`]
//! is a pure function of it.

mod builtin_roles;
mod compute;
mod datastore;
mod managed_identity;
mod rbac;
mod resource;
mod role;
mod scope;
mod seed;
mod seed_workspaces;
mod storage_account;
mod workspace;

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub use compute::{Compute, ComputeKind};
pub use datastore::Datastore;
pub use rbac::{Action, Decision, Principals, matches};
pub use resource::{
    Identity, ManagementGroup, Resource, ResourceGroup, Sku, Subscription, SubscriptionState,
    SystemData,
};
pub use role::{
    Change, DenyAssignment, EVERYONE, Permission, PrincipalType, RoleAssignment, RoleDefinition,
};
pub use scope::{InvalidScope, Scope};
pub use seed::{ResourcesSeed, SeedProblem};
pub use workspace::{WORKSPACE_TYPE, Workspace};

pub(crate) use compute::COMPUTE_TYPE;
pub(crate) use datastore::DATASTORE_TYPE;
pub(crate) use managed_identity::{
    FEDERATED_TYPE, HOSTS, ManagedIdentity, USER_ASSIGNED_TYPE, identity_of, trusted, user_assigned,
};
pub(crate) use seed::kind_of;
pub(crate) use storage_account::{STORAGE_ACCOUNT_TYPE, StorageAccount, complete_account};
pub(crate) use workspace::{basic, complete};

/// The display name of a tenant's own management group.
pub(crate) const ROOT_GROUP: &str = "Root Management Group";

/// The default seed's part for [`ResourcesSeed`]. Its principals are those of the directory's part.
pub const DEFAULT_SEED: &str = include_str!("contoso.toml");

/// Subscriptions with their content, roles and assignments. The state folder stores this type as it
/// is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Resources {
    management_groups: BTreeMap<String, ManagementGroup>,
    subscriptions: BTreeMap<Uuid, Subscription>,
    /// By their id's key.
    groups: BTreeMap<String, ResourceGroup>,
    /// By their id's key.
    resources: BTreeMap<String, Resource>,
    /// Only custom roles: every tenant has the built-in ones.
    custom_roles: BTreeMap<Uuid, RoleDefinition>,
    role_assignments: Vec<RoleAssignment>,
    deny_assignments: Vec<DenyAssignment>,
    /// Namespaces of providers, in lower case, that a subscription is not registered for.
    unregistered: BTreeMap<Uuid, BTreeSet<String>>,
}

/// Why a role could not be assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssignError {
    /// The principal has this role at this scope already, by an assignment with another name.
    #[error("the role is already assigned, by {0}")]
    Exists(Uuid),
    /// An assignment with this name exists and has another content. Only its description and its
    /// condition can change.
    #[error("an assignment of this name exists for another principal, role or scope")]
    UpdateNotPermitted,
}

impl ResourceGroup {
    /// The id.
    ///
    /// # Errors
    /// When the name has a character that no resource group's name may have.
    pub fn id(&self) -> Result<Scope, InvalidScope> {
        Scope::subscription(self.subscription).child(&format!("resourceGroups/{}", self.name))
    }
}

impl Resources {
    /// Adds or replaces a management group.
    pub fn put_management_group(&mut self, group: ManagementGroup) {
        self.management_groups
            .insert(group.name.to_lowercase(), group);
    }

    /// Adds the management group that each tenant has, above all others.
    pub(crate) fn add_root_management_group(&mut self, tenant: Uuid) {
        let name = tenant.to_string();
        if self.management_group(&name).is_none() {
            self.put_management_group(ManagementGroup {
                name,
                display_name: ROOT_GROUP.to_owned(),
                parent: None,
                updated: None,
            });
        }
    }

    /// The management group with this name, in any case.
    pub fn management_group(&self, name: &str) -> Option<&ManagementGroup> {
        self.management_groups.get(&name.to_lowercase())
    }

    /// All management groups, by name.
    pub fn management_groups(&self) -> impl Iterator<Item = &ManagementGroup> {
        self.management_groups.values()
    }

    /// Adds or replaces a subscription.
    pub fn put_subscription(&mut self, subscription: Subscription) {
        self.subscriptions.insert(subscription.id, subscription);
    }

    /// The subscription with this id.
    pub fn subscription(&self, id: Uuid) -> Option<&Subscription> {
        self.subscriptions.get(&id)
    }

    /// All subscriptions, by id.
    pub fn subscriptions(&self) -> impl Iterator<Item = &Subscription> {
        self.subscriptions.values()
    }

    /// Registers a subscription for a provider, or ends that.
    pub fn register_provider(&mut self, subscription: Uuid, namespace: &str, registered: bool) {
        let without = self.unregistered.entry(subscription).or_default();
        match registered {
            true => without.remove(&namespace.to_lowercase()),
            false => without.insert(namespace.to_lowercase()),
        };
    }

    /// Whether a subscription is registered for a provider, as it is for all at first.
    pub fn is_registered(&self, subscription: Uuid, namespace: &str) -> bool {
        let without = self.unregistered.get(&subscription);
        !without.is_some_and(|without| without.contains(&namespace.to_lowercase()))
    }

    /// The subscription of a scope, if there is one.
    pub fn subscription_of(&self, scope: &Scope) -> Option<&Subscription> {
        self.subscription(scope.subscription_id()?)
    }

    /// Adds or replaces a resource group. Returns whether it is new.
    ///
    /// # Errors
    /// When Azure would reject the name.
    pub fn put_group(&mut self, group: ResourceGroup) -> Result<bool, InvalidScope> {
        let key = group.id()?.key().to_owned();
        Ok(self.groups.insert(key, group).is_none())
    }

    /// The resource group with this id.
    pub fn group(&self, id: &Scope) -> Option<&ResourceGroup> {
        self.groups.get(id.key())
    }

    /// The resource groups of a subscription, by name.
    pub fn groups_of(&self, subscription: Uuid) -> impl Iterator<Item = &ResourceGroup> {
        self.groups
            .values()
            .filter(move |group| group.subscription == subscription)
    }

    /// Removes a resource group with its resources and their role assignments. Returns the
    /// resources.
    pub fn remove_group(&mut self, id: &Scope) -> Option<Vec<Resource>> {
        self.groups.remove(id.key())?;
        Some(self.prune(id))
    }

    /// Adds or replaces a resource. Returns whether it is new.
    pub fn put_resource(&mut self, resource: Resource) -> bool {
        self.resources
            .insert(resource.id.key().to_owned(), resource)
            .is_none()
    }

    /// The resource with this id.
    pub fn resource(&self, id: &Scope) -> Option<&Resource> {
        self.resources.get(id.key())
    }

    /// The resource with this id, to be changed.
    pub fn resource_mut(&mut self, id: &Scope) -> Option<&mut Resource> {
        self.resources.get_mut(id.key())
    }

    /// All resources, by id.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.resources.values()
    }

    /// The resources at or below a scope, by id.
    pub fn resources_in<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = &'a Resource> {
        self.resources
            .values()
            .filter(|resource| scope.contains(&resource.id))
    }

    /// Removes a resource with its children and their role assignments. Returns the removed
    /// resources.
    pub fn remove_resource(&mut self, id: &Scope) -> Option<Vec<Resource>> {
        self.resources
            .contains_key(id.key())
            .then(|| self.prune(id))
    }

    fn prune(&mut self, scope: &Scope) -> Vec<Resource> {
        let (gone, left) = std::mem::take(&mut self.resources)
            .into_iter()
            .partition::<BTreeMap<_, _>, _>(|(_, resource)| scope.contains(&resource.id));
        self.resources = left;
        self.role_assignments
            .retain(|assignment| !scope.contains(&assignment.scope));
        self.deny_assignments
            .retain(|deny| !scope.contains(&deny.scope));
        gone.into_values().collect()
    }

    /// All roles. The built-in ones come first.
    pub fn roles(&self) -> impl Iterator<Item = &RoleDefinition> {
        builtin_roles::all()
            .iter()
            .chain(self.custom_roles.values())
    }

    /// The role with this id.
    pub fn role(&self, id: Uuid) -> Option<&RoleDefinition> {
        self.custom_roles
            .get(&id)
            .or_else(|| builtin_roles::all().iter().find(|role| role.id == id))
    }

    /// The role with this name, in any case.
    pub fn role_named(&self, name: &str) -> Option<&RoleDefinition> {
        self.roles()
            .find(|role| role.name.eq_ignore_ascii_case(name))
    }

    /// Adds or replaces a custom role. A role with the id of a built-in role is ignored.
    pub fn put_role(&mut self, role: RoleDefinition) {
        if builtin_roles::all()
            .iter()
            .all(|built_in| built_in.id != role.id)
        {
            self.custom_roles.insert(role.id, role);
        }
    }

    /// Removes a custom role.
    pub fn remove_role(&mut self, id: Uuid) -> Option<RoleDefinition> {
        self.custom_roles.remove(&id)
    }

    /// All role assignments.
    pub fn role_assignments(&self) -> impl Iterator<Item = &RoleAssignment> {
        self.role_assignments.iter()
    }

    /// The role assignment with this name at this scope.
    pub fn role_assignment(&self, scope: &Scope, id: Uuid) -> Option<&RoleAssignment> {
        self.role_assignments
            .iter()
            .find(|assignment| assignment.id == id && assignment.scope == *scope)
    }

    /// Assigns a role, or changes the description and the condition of the same assignment. Returns
    /// whether it is new.
    ///
    /// # Errors
    /// When another assignment has the same content, or an assignment with this name has another
    /// content.
    pub fn assign(&mut self, new: RoleAssignment) -> Result<bool, AssignError> {
        let same = |old: &RoleAssignment| {
            old.principal == new.principal && old.role == new.role && old.scope == new.scope
        };
        if let Some(old) = self
            .role_assignments
            .iter_mut()
            .find(|old| old.id == new.id)
        {
            if !same(old) {
                return Err(AssignError::UpdateNotPermitted);
            }
            old.description = new.description;
            old.condition = new.condition;
            old.condition_version = new.condition_version;
            old.updated = new.updated;
            return Ok(false);
        }
        if let Some(old) = self.role_assignments.iter().find(|old| same(old)) {
            return Err(AssignError::Exists(old.id));
        }
        self.role_assignments.push(new);
        Ok(true)
    }

    /// Removes a role assignment.
    pub fn unassign(&mut self, scope: &Scope, id: Uuid) -> Option<RoleAssignment> {
        let at = self
            .role_assignments
            .iter()
            .position(|assignment| assignment.id == id && assignment.scope == *scope)?;
        Some(self.role_assignments.remove(at))
    }

    /// All deny assignments.
    pub fn deny_assignments(&self) -> impl Iterator<Item = &DenyAssignment> {
        self.deny_assignments.iter()
    }

    /// Adds a deny assignment, or replaces the one with the same id.
    pub fn deny(&mut self, deny: DenyAssignment) {
        self.deny_assignments.retain(|old| old.id != deny.id);
        self.deny_assignments.push(deny);
    }

    /// Removes a deny assignment.
    pub fn allow_again(&mut self, id: Uuid) {
        self.deny_assignments.retain(|old| old.id != id);
    }

    /// A scope and its parents, nearest first: its path, then the management groups of its
    /// subscription up to the root group of the tenant, then `/`.
    pub fn ancestry(&self, scope: &Scope) -> Vec<Scope> {
        let mut above = scope.path_ancestry();
        let mut group = match self.subscription_of(scope) {
            Some(subscription) => subscription.management_group.as_deref(),
            None => scope
                .management_group_name()
                .and_then(|name| self.management_group(name)?.parent.as_deref()),
        };
        // A hierarchy has at most six levels ("Management groups", Microsoft Learn). A seed's could
        // be a cycle.
        for _ in 0..6 {
            let Some(name) = group else { break };
            if let Ok(id) = Scope::management_group(name) {
                above.push(id);
            }
            group = self
                .management_group(name)
                .and_then(|group| group.parent.as_deref());
        }
        // The root group has the tenant's id ("Management groups", Microsoft Learn).
        let tenant = self
            .subscription_of(scope)
            .map(|found| found.tenant.to_string());
        let root = tenant.and_then(|id| Scope::management_group(&id).ok());
        above.extend(root.filter(|root| !above.contains(root)));
        above.push(Scope::root());
        above
    }
}

#[cfg(test)]
mod seed_tests;
#[cfg(test)]
mod tests;
