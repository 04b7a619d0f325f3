//! Who trusts tokens: an application, or a user-assigned managed identity.

use crate::commands::reader::Reader;
use azcred::Untrusted;
use azcred_azure::{
    Application, CredentialName, FederatedCredential, FederatedTrust, Graph,
    NewFederatedCredential, ResourceManager, Result, UserAssignedIdentity,
};
use uuid::Uuid;

/// Who trusts tokens, with the client that changes it.
pub(in crate::commands) enum Trustee<'a> {
    Application(&'a Graph, Box<Application>),
    Identity(&'a ResourceManager, UserAssignedIdentity),
}

impl<'a> Trustee<'a> {
    /// The managed identity with a resource id.
    pub(super) async fn identity(reader: &'a Reader, id: &str) -> Result<Self> {
        let identity = reader.manager.user_assigned_identity(id).await?;
        Ok(Self::Identity(&reader.manager, identity))
    }

    /// The name.
    pub(super) fn name(&self) -> &Untrusted {
        match self {
            Self::Application(_, application) => &application.name,
            Self::Identity(_, identity) => &identity.name,
        }
    }

    pub(super) fn client_id(&self) -> Uuid {
        match self {
            Self::Application(_, application) => application.app_id,
            Self::Identity(_, identity) => identity.client_id,
        }
    }

    /// A word for it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Application(..) => "Application",
            Self::Identity(..) => "Managed identity",
        }
    }

    /// Its federated credentials.
    pub(super) async fn registered(&self) -> Result<Vec<FederatedCredential>> {
        match self {
            Self::Application(graph, application) => {
                graph.federated_credentials(application.id).await
            }
            Self::Identity(manager, identity) => manager.identity_credentials(identity).await,
        }
    }

    /// Adds a federated credential.
    pub(super) async fn add(&self, name: &CredentialName, trust: &FederatedTrust) -> Result<()> {
        match self {
            Self::Application(graph, application) => {
                let new = new(name.as_str(), trust);
                graph
                    .create_federated_credential(application.id, &new)
                    .await?;
                Ok(())
            }
            Self::Identity(manager, identity) => {
                manager.put_identity_credential(identity, name, trust).await
            }
        }
    }

    /// Gives a federated credential other values.
    pub(super) async fn change(
        &self,
        one: &FederatedCredential,
        trust: &FederatedTrust,
    ) -> Result<()> {
        match self {
            Self::Application(graph, application) => {
                let new = new(one.name.raw(), trust);
                graph
                    .change_federated_credential(application.id, one.id, &new)
                    .await
            }
            Self::Identity(manager, identity) => {
                let name = CredentialName::new(one.name.raw())?;
                manager
                    .put_identity_credential(identity, &name, trust)
                    .await
            }
        }
    }
}

fn new<'a>(name: &'a str, trust: &'a FederatedTrust) -> NewFederatedCredential<'a> {
    NewFederatedCredential {
        name,
        issuer: trust.issuer(),
        subject: trust.subject(),
        audiences: [trust.audience().as_str()],
        description: None,
    }
}
