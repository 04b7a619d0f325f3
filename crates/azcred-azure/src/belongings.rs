//! Reads what belongs to a workspace: its default datastore, its computes, its storage account, key
//! vault and container registry, and the resource provider of its subscription.

use crate::{
    error::Result,
    resource_manager::{ResourceManager, api_version},
    service::{Call, Response, Verb},
    workspace::{WorkspaceRef, subscription_id},
};
use azcred::Untrusted;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};

/// The resource provider of Azure Machine Learning.
pub(crate) const PROVIDER: &str = "Microsoft.MachineLearningServices";

/// The API versions of the resources that belong to a workspace.
mod version {
    /// Microsoft.Storage.
    pub(super) const STORAGE: &str = "2023-01-01";
    /// Microsoft.KeyVault.
    pub(super) const KEY_VAULT: &str = "2022-07-01";
    /// Microsoft.ContainerRegistry.
    pub(super) const REGISTRY: &str = "2023-07-01";
}

/// A resource with its properties.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Resource<P> {
    #[serde(default)]
    pub(crate) name: Untrusted,
    pub(crate) properties: P,
}

/// A page of a list, of which only the number of entries matters.
#[derive(Deserialize)]
struct Page {
    value: Vec<IgnoredAny>,
}

/// A datastore: where in a storage account the workspace keeps files.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Datastore {
    /// The storage account's name.
    pub(crate) account_name: Option<Untrusted>,
    /// The container, if the files are blobs.
    pub(crate) container_name: Option<Untrusted>,
    credentials: Option<Credentials>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Credentials {
    credentials_type: Untrusted,
}

impl Datastore {
    /// Whether it is read and written with a key of the account, which the workspace gives out. If
    /// not, each caller uses its own identity.
    pub(crate) fn has_key(&self) -> bool {
        self.credentials.as_ref().is_some_and(|credentials| {
            let kind = &credentials.credentials_type;
            ["AccountKey", "Sas"]
                .iter()
                .any(|one| kind.eq_ignore_ascii_case(one))
        })
    }
}

/// A compute.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Compute {
    /// `Succeeded`, `Failed`, `Creating`, …
    pub(crate) provisioning_state: Untrusted,
}

/// A storage account.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct StorageAccount {
    /// Whether its keys are accepted; `None` if they are.
    pub(crate) allow_shared_key_access: Option<bool>,
    /// The addresses of its services.
    pub(crate) primary_endpoints: Endpoints,
}

/// The addresses of a storage account.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Endpoints {
    /// Of Blob Storage.
    pub(crate) blob: Option<String>,
}

/// A key vault.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct KeyVault {
    /// Its address.
    pub(crate) vault_uri: Option<String>,
    /// Whether roles decide who reads its secrets. If not, its access policies do.
    pub(crate) enable_rbac_authorization: Option<bool>,
    access_policies: Vec<AccessPolicy>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AccessPolicy {
    object_id: Untrusted,
    permissions: PolicyPermissions,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct PolicyPermissions {
    secrets: Vec<Untrusted>,
}

impl KeyVault {
    /// Whether an access policy permits one of these principals to get secrets.
    pub(crate) fn permits_secrets(&self, mut is_meant: impl FnMut(&str) -> bool) -> bool {
        self.access_policies.iter().any(|policy| {
            let permits = |one: &Untrusted| {
                ["get", "all"]
                    .iter()
                    .any(|verb| one.eq_ignore_ascii_case(verb))
            };
            policy.permissions.secrets.iter().any(permits) && is_meant(policy.object_id.raw())
        })
    }
}

/// A container registry.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Registry {
    /// The host of its address.
    pub(crate) login_server: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Provider {
    /// `Registered`, `Registering`, `NotRegistered` or `Unregistered`.
    #[serde(default)]
    pub(crate) registration_state: Untrusted,
}

impl ResourceManager {
    /// The resource provider of Azure Machine Learning in a subscription.
    pub(crate) async fn provider(&self, subscription: &str) -> Result<Response<Provider>> {
        let id = subscription_id(subscription)?;
        let what = format!("could not read the resource providers of the subscription {id}");
        let path = format!("/subscriptions/{id}/providers/{PROVIDER}");
        self.get(&what, &path, api_version::RESOURCES).await
    }

    /// The default datastore of a workspace. A new workspace may have none for a moment.
    pub(crate) async fn default_datastore(
        &self,
        workspace: &WorkspaceRef,
    ) -> Result<Response<Option<Resource<Datastore>>>> {
        let what = format!("could not read the default datastore of the workspace {workspace}");
        let call = Call {
            what: &what,
            path: &format!("{}/datastores", workspace.resource_id()),
            query: &[
                ("api-version", api_version::MACHINE_LEARNING),
                ("isDefault", "true"),
            ],
            verb: Verb::Get,
        };
        let listed = self.0.list(&call).await?;
        Ok(listed.map(|listed| listed.into_iter().next()))
    }

    /// The computes of a workspace.
    pub(crate) async fn computes(
        &self,
        workspace: &WorkspaceRef,
    ) -> Result<Response<Vec<Resource<Compute>>>> {
        let what = format!("could not list the computes of the workspace {workspace}");
        let path = format!("{}/computes", workspace.resource_id());
        self.list(&what, &path, api_version::MACHINE_LEARNING).await
    }

    /// Whether a workspace has jobs.
    pub(crate) async fn has_jobs(&self, workspace: &WorkspaceRef) -> Result<bool> {
        let what = format!("could not list the jobs of the workspace {workspace}");
        let call = Call {
            what: &what,
            path: &format!("{}/jobs", workspace.resource_id()),
            query: &[
                ("api-version", api_version::MACHINE_LEARNING),
                ("$top", "1"),
            ],
            verb: Verb::Get,
        };
        let page = self.0.send::<Page>(&call).await?;
        Ok(!page.value.value.is_empty())
    }

    /// A storage account, by its id.
    pub(crate) async fn storage_account(&self, id: &str) -> Result<StorageAccount> {
        let what = "could not read the workspace's storage account";
        self.properties(what, id, version::STORAGE).await
    }

    /// A key vault, by its id.
    pub(crate) async fn key_vault(&self, id: &str) -> Result<KeyVault> {
        let what = "could not read the workspace's key vault";
        self.properties(what, id, version::KEY_VAULT).await
    }

    /// A container registry, by its id.
    pub(crate) async fn registry(&self, id: &str) -> Result<Registry> {
        let what = "could not read the workspace's container registry";
        self.properties(what, id, version::REGISTRY).await
    }

    async fn properties<P: DeserializeOwned>(
        &self,
        what: &str,
        id: &str,
        version: &str,
    ) -> Result<P> {
        let read = self.get::<Resource<P>>(what, id, version).await?;
        Ok(read.value.properties)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datastore_has_a_key_if_its_credentials_are_one() {
        let of = |kind: &str| {
            let json = format!(r#"{{"credentials": {{"credentialsType": "{kind}"}}}}"#);
            serde_json::from_str::<Datastore>(&json).expect("it is one")
        };
        assert!(of("AccountKey").has_key() && of("sas").has_key());
        assert!(!of("None").has_key() && !Datastore::default().has_key());
    }

    #[test]
    fn an_access_policy_permits_its_principal_to_get_secrets() {
        let vault: KeyVault = serde_json::from_str(
            r#"{"accessPolicies": [
                {"objectId": "a", "permissions": {"secrets": ["List"]}},
                {"objectId": "b", "permissions": {"keys": ["get"], "secrets": ["Get"]}}]}"#,
        )
        .expect("it is one");
        assert!(!vault.permits_secrets(|id| id == "a"));
        assert!(vault.permits_secrets(|id| id == "b"));
        assert!(!vault.permits_secrets(|_| false));
    }
}
