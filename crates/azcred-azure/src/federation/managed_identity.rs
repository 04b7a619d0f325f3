//! User-assigned managed identities that trust tokens, as an application does. Resource Manager has
//! their federated credentials (Microsoft's page 'Federated Identity Credentials', REST API of
//! managed identities).

use super::{CredentialName, FederatedTrust, invalid};
use crate::{
    applications::FederatedCredential,
    error::Result,
    resource_manager::ResourceManager,
    role_scope::RoleScope,
    service::{Verb, json},
};
use azcred::Untrusted;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const API_VERSION: &str = "2023-01-31";
const TYPE: &str = "/providers/microsoft.managedidentity/userassignedidentities/";

/// A user-assigned managed identity.
#[derive(Clone, Debug)]
pub struct UserAssignedIdentity {
    id: RoleScope,
    /// The name.
    pub name: Untrusted,
    /// The client id, with which it signs in.
    pub client_id: Uuid,
}

#[derive(Deserialize)]
struct Resource<T> {
    name: Untrusted,
    properties: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ids {
    client_id: Uuid,
}

#[derive(Deserialize, Serialize)]
struct Values {
    issuer: Untrusted,
    subject: Untrusted,
    audiences: Vec<Untrusted>,
}

#[derive(Serialize)]
struct Body {
    properties: Values,
}

impl UserAssignedIdentity {
    fn credentials(&self) -> String {
        format!("{}/federatedIdentityCredentials", self.id)
    }
}

impl Resource<Values> {
    fn into_credential(self) -> FederatedCredential {
        FederatedCredential {
            // It has a resource id, which its name is a part of.
            id: Uuid::nil(),
            name: self.name,
            issuer: self.properties.issuer,
            subject: Some(self.properties.subject),
            audiences: self.properties.audiences,
            description: None,
        }
    }
}

impl ResourceManager {
    /// A user-assigned managed identity, by its resource id.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind); [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if
    /// the id is not that of one.
    pub async fn user_assigned_identity(&self, id: &str) -> Result<UserAssignedIdentity> {
        let id = RoleScope::new(id)?;
        let path = id.as_str().to_ascii_lowercase();
        let name = path.split_once(TYPE).map(|(_, name)| name);
        if name.is_none_or(|name| name.is_empty() || name.contains('/')) {
            return Err(invalid(
                "managed identity",
                id.as_str(),
                "it is not the resource id of a user-assigned managed identity",
                "give the id that `az identity list --query '[].id'` shows",
            ));
        }
        let what = "could not read the managed identity";
        let read = self.get::<Resource<Ids>>(what, id.as_str(), API_VERSION);
        let read = read.await?.value;
        Ok(UserAssignedIdentity {
            id,
            name: read.name,
            client_id: read.properties.client_id,
        })
    }

    /// The federated credentials of a managed identity.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn identity_credentials(
        &self,
        identity: &UserAssignedIdentity,
    ) -> Result<Vec<FederatedCredential>> {
        let what = "could not read the federated credentials";
        let path = identity.credentials();
        let listed = self.list(what, &path, API_VERSION);
        let listed: Vec<Resource<Values>> = listed.await?.value;
        let all = listed.into_iter().map(Resource::into_credential);
        Ok(all.collect())
    }

    /// Makes or changes the federated credential with a name.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn put_identity_credential(
        &self,
        identity: &UserAssignedIdentity,
        name: &CredentialName,
        trust: &FederatedTrust,
    ) -> Result<()> {
        let path = format!("{}/{}", identity.credentials(), name.as_str());
        let body = json(&Body {
            properties: Values {
                issuer: trust.issuer().into(),
                subject: trust.subject().into(),
                audiences: vec![trust.audience().as_str().into()],
            },
        });
        let what = "could not write the federated credential";
        let put = Verb::Put(body);
        self.send::<Resource<Values>>(what, &path, API_VERSION, put)
            .await?;
        Ok(())
    }
}
