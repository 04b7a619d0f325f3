//! What the identity may do at the workspace and at each resource that belongs to it.

use super::workspace::WorkspaceSeen;
use crate::{
    access::Realm,
    doctor::case::{Case, Finding},
    error::Result,
    graph::Graph,
    permissions::Permissions,
    rbac::{Action, At, RoleAccess, Who},
    rbac_values::DenyAssignment,
    role_scope::RoleScope,
};
use azcred::Principal;
use std::{marker::PhantomData, sync::Arc};
use uuid::Uuid;

/// What the identity's roles allow at a resource, and what deny assignments forbid there.
pub(super) struct Rights {
    /// The resource at which a role would be assigned.
    pub(super) scope: String,
    /// Where the rights were read: there or below.
    path: String,
    /// What the roles allow.
    pub(super) permissions: Permissions,
    /// The deny assignments.
    denials: Vec<DenyAssignment>,
    /// Whether the identity may read deny assignments. If not, there may be some all the same.
    pub(super) sees_denials: bool,
    who: Who,
}

impl Rights {
    /// Whether the identity may assign roles at the resource.
    pub(super) fn may_assign(&self) -> bool {
        self.permissions
            .allow("Microsoft.Authorization/roleAssignments/write")
    }

    /// The deny assignment that forbids one of these actions, with the action.
    pub(super) fn denial<'a>(
        &self,
        actions: impl IntoIterator<Item = &'a str>,
    ) -> Option<(&'a str, &DenyAssignment)> {
        // Azure lists deny assignments at the scope and above it only.
        let at = At {
            scope: &self.path,
            management_groups: self.denials.iter().map(|one| one.scope.raw()).collect(),
        };
        let access = RoleAccess::new(&[], &[], &self.denials, &self.who, &at);
        let mut actions = actions.into_iter();
        actions.find_map(|name| Some((name, access.decide(Action::named(name)).denial?)))
    }
}

/// A resource at which rights are read.
pub(super) trait Place: Send + Sync + 'static {
    const WHAT: &'static str;

    /// The id of the resource, and the path at which the rights are read: the same, or one below
    /// it. `None` if the workspace does not have the resource.
    fn find(case: &Case<'_>) -> impl Future<Output = Result<Option<(String, String)>>> + Send;
}

/// The rights at a resource; `None` if the workspace does not have it.
pub(super) struct RightsAt<P>(pub(super) Result<Option<Arc<Rights>>>, PhantomData<P>);

pub(super) struct AtWorkspace;
pub(super) struct AtStorage;
pub(super) struct AtRegistry;
pub(super) struct AtVault;

impl<P: Place> Finding for RightsAt<P> {
    async fn find(case: &Case<'_>) -> Self {
        let look = async {
            let identity = case.identity_or_error().await?;
            let Some((scope, path)) = P::find(case).await? else {
                return Ok(None);
            };
            let denials = async {
                let scope = RoleScope::new(&path).ok()?;
                let listed = identity.manager.deny_assignments(&scope).await;
                listed.ok().map(|listed| listed.value)
            };
            let (permissions, denials) = tokio::join!(identity.manager.permissions(&path), denials);
            let sees_denials = denials.is_some();
            let denials = denials.unwrap_or_default();
            let who = who(case, identity.principal.as_ref().ok(), &denials).await;
            Ok(Some(Arc::new(Rights {
                scope,
                path,
                permissions: permissions?.value,
                denials,
                sees_denials,
                who,
            })))
        };
        Self(case.within(P::WHAT, look).await, PhantomData)
    }
}

/// The identity. Its groups are read only if they can matter.
async fn who(case: &Case<'_>, principal: Option<&Principal>, denials: &[DenyAssignment]) -> Who {
    let id = principal.and_then(|one| Uuid::try_parse(one.object_id.as_deref()?).ok());
    let id = id.unwrap_or_default();
    let is_other = |one: &Uuid| *one != id && !one.is_nil();
    let matters = denials
        .iter()
        .any(|one| one.principals.iter().chain(&one.excluded).any(is_other));
    let groups = async {
        let identity = case.identity().await.filter(|_| matters)?;
        let session = &identity.session;
        let graph = Graph::new(session.options(), Arc::new(session.clone())).ok()?;
        graph.groups_of(id).await.ok()
    };
    Who {
        id,
        groups: groups.await.unwrap_or_default(),
    }
}

impl Place for AtWorkspace {
    const WHAT: &'static str = "could not read the identity's permissions at the workspace";

    async fn find(case: &Case<'_>) -> Result<Option<(String, String)>> {
        let id = case.workspace_or_error()?.resource_id();
        Ok(Some((id.clone(), id)))
    }
}

impl Place for AtStorage {
    const WHAT: &'static str = "could not read the identity's permissions at the storage account";

    async fn find(case: &Case<'_>) -> Result<Option<(String, String)>> {
        let (account, datastore) = tokio::join!(
            of_workspace(case, Realm::Storage),
            case.find::<super::storage::DefaultDatastore>()
        );
        let Some(account) = account? else {
            return Ok(None);
        };
        // A role at the container is enough.
        let container = datastore.container_in(&account);
        let path = match container {
            Some(name) => format!("{account}/blobServices/default/containers/{name}"),
            None => account.clone(),
        };
        Ok(Some((account, path)))
    }
}

impl Place for AtRegistry {
    const WHAT: &'static str = "could not read the identity's permissions at the registry";

    async fn find(case: &Case<'_>) -> Result<Option<(String, String)>> {
        let id = of_workspace(case, Realm::Registry).await?;
        Ok(id.map(|id| (id.clone(), id)))
    }
}

impl Place for AtVault {
    const WHAT: &'static str = "could not read the identity's permissions at the key vault";

    async fn find(case: &Case<'_>) -> Result<Option<(String, String)>> {
        let id = of_workspace(case, Realm::Vault).await?;
        Ok(id.map(|id| (id.clone(), id)))
    }
}

/// The id of a resource that the workspace names; `None` if it has none.
pub(super) async fn of_workspace(case: &Case<'_>, realm: Realm) -> Result<Option<String>> {
    let seen = case.find::<WorkspaceSeen>().await;
    let properties = match &seen.0 {
        Ok(seen) => &seen.value.properties,
        Err(error) => return Err(error.clone()),
    };
    let id = match realm {
        Realm::Workspace => return Ok(Some(case.workspace_or_error()?.resource_id())),
        Realm::Storage => &properties.storage_account,
        Realm::Registry => &properties.container_registry,
        Realm::Vault => &properties.key_vault,
    };
    // It becomes a part of addresses and of commands.
    let id = id
        .as_ref()
        .map(azcred::Untrusted::raw)
        .filter(|id| !id.is_empty());
    id.map(|id| Ok(RoleScope::new(id)?.as_str().to_owned()))
        .transpose()
}

/// The rights at a realm.
pub(super) async fn rights(case: &Case<'_>, realm: Realm) -> Result<Option<Arc<Rights>>> {
    match realm {
        Realm::Workspace => case.find::<RightsAt<AtWorkspace>>().await.0.clone(),
        Realm::Storage => case.find::<RightsAt<AtStorage>>().await.0.clone(),
        Realm::Registry => case.find::<RightsAt<AtRegistry>>().await.0.clone(),
        Realm::Vault => case.find::<RightsAt<AtVault>>().await.0.clone(),
    }
}

/// The last part of a resource id.
pub(super) fn name_of(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or_default()
}
