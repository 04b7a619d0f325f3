//! Managed identities, and the hosts that issue their tokens.

use super::{Resource, Resources, scope::Scope};
use crate::{directory::FederatedCredential, service::Service};
use serde_json::json;
use uuid::Uuid;

/// The type of a user-assigned identity's resource.
pub(crate) const USER_ASSIGNED_TYPE: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";

/// The type of its federated credentials' resources.
pub(crate) const FEDERATED_TYPE: &str =
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials";

/// The services that issue tokens of managed identities.
pub(crate) const HOSTS: &[Service] = &[
    Service::Imds,
    Service::AppService,
    Service::ServiceFabric,
    Service::Arc,
    Service::MlCompute,
];

/// A managed identity.
#[derive(Clone, Debug)]
pub(crate) struct ManagedIdentity {
    /// The object id of its service principal.
    pub(crate) object_id: Uuid,
    /// Its client id.
    pub(crate) client_id: Uuid,
    /// `xms_mirid`: the identity's own resource if it is user-assigned, else the resource that has
    /// it.
    pub(crate) resource_id: Scope,
    /// The hosts that issue its tokens.
    pub(crate) hosts: Vec<Service>,
}

impl ManagedIdentity {
    /// Whether it is user-assigned, so that several hosts can have it.
    pub(crate) fn is_user_assigned(&self) -> bool {
        self.resource_id
            .resource_type()
            .is_some_and(|kind| kind.eq_ignore_ascii_case(USER_ASSIGNED_TYPE))
    }
}

impl Resources {
    /// Adds the resource of a user-assigned identity, if its group exists.
    pub(crate) fn add_user_assigned(
        &mut self,
        identity: &ManagedIdentity,
        tenant: Uuid,
        federated: &[FederatedCredential],
    ) {
        let id = &identity.resource_id;
        let groups = id.path_ancestry();
        let location = groups.iter().find_map(|scope| self.group(scope));
        if let Some(location) = location.map(|group| group.location.clone())
            && identity.is_user_assigned()
        {
            let (principal, client) = (identity.object_id, identity.client_id);
            self.put_resource(user_assigned(
                id.clone(),
                location,
                tenant,
                principal,
                client,
            ));
            for credential in federated {
                let tail = format!("federatedIdentityCredentials/{}", credential.name);
                if let Ok(id) = id.child(&tail) {
                    self.put_resource(trusted(id, credential));
                }
            }
        }
    }

    /// The id of the user-assigned identity with this service principal.
    pub(crate) fn user_assigned_of(&self, principal: Uuid) -> Option<&Scope> {
        let principal = json!(principal);
        let mut all = self.resources();
        let found = all.find(|resource| {
            resource.is_a(USER_ASSIGNED_TYPE)
                && resource.properties.get("principalId") == Some(&principal)
        });
        found.map(|resource| &resource.id)
    }
}

/// The resource of a federated credential.
pub(crate) fn trusted(id: Scope, credential: &FederatedCredential) -> Resource {
    let mut resource = Resource::new(id);
    for (name, value) in [
        ("issuer", json!(credential.issuer)),
        ("subject", json!(credential.subject)),
        ("audiences", json!(credential.audiences)),
    ] {
        resource.properties.insert(name.into(), value);
    }
    resource
}

/// The object id and the tenant of the identity that a resource is or has.
pub(crate) fn identity_of(resource: &Resource) -> Option<(Uuid, Uuid)> {
    if resource.is_a(USER_ASSIGNED_TYPE) {
        let id = |name| resource.properties.get(name)?.as_str()?.parse().ok();
        return Some((id("principalId")?, id("tenantId")?));
    }
    let identity = resource.identity.as_ref()?;
    Some((identity.principal_id?, identity.tenant_id?))
}

/// The resource of a user-assigned identity.
pub(crate) fn user_assigned(
    id: Scope,
    location: String,
    tenant: Uuid,
    principal: Uuid,
    client: Uuid,
) -> Resource {
    let mut resource = Resource::new(id);
    resource.location = Some(location);
    for (name, value) in [
        ("tenantId", tenant),
        ("principalId", principal),
        ("clientId", client),
    ] {
        resource.properties.insert(name.into(), json!(value));
    }
    resource
}
