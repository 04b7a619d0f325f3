//! The client of Azure Resource Manager.

use crate::{
    error::Result,
    permissions::{Permission, Permissions},
    service::{Call, Response, Service, Verb},
    service_kind::ServiceKind,
    workspace::{WorkspaceRef, subscription_id},
};
use azcred::{AccessToken, ClientOptions, Cloud, Credential, TenantId, Untrusted};
use serde::{Deserialize, de::DeserializeOwned};
use std::{fmt, sync::Arc};

/// The API versions of the requests: the newest ones that the national clouds support too.
pub mod api_version {
    /// Subscriptions and resource groups (Microsoft.Resources).
    pub const RESOURCES: &str = "2022-12-01";
    /// Azure Machine Learning (Microsoft.MachineLearningServices).
    pub const MACHINE_LEARNING: &str = "2024-04-01";
    /// Permissions, roles and their assignments (Microsoft.Authorization).
    pub const AUTHORIZATION: &str = "2022-04-01";
}

/// A client of one cloud's Resource Manager, for one identity.
#[derive(Clone)]
pub struct ResourceManager(pub(crate) Service);

/// A subscription.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Subscription {
    /// The subscription's GUID.
    pub subscription_id: Untrusted,
    /// The name.
    #[serde(default)]
    pub display_name: Untrusted,
    /// `Enabled`, `Warned`, `PastDue`, `Disabled` or `Deleted`.
    #[serde(default)]
    pub state: Untrusted,
    /// The tenant's GUID.
    #[serde(default)]
    pub tenant_id: Option<Untrusted>,
    /// The tenants that manage the subscription for its owner (Azure Lighthouse); `None` if Azure
    /// does not say.
    #[serde(default)]
    pub managed_by_tenants: Option<Vec<ManagedByTenant>>,
}

/// A tenant that manages another tenant's subscription.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ManagedByTenant {
    /// The tenant's GUID.
    pub tenant_id: Untrusted,
}

/// An Azure Machine Learning workspace, with the fields that azcred uses.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Workspace {
    /// The resource id.
    pub id: Untrusted,
    /// The name.
    pub name: Untrusted,
    /// The region.
    #[serde(default)]
    pub location: Untrusted,
    /// The properties.
    #[serde(default)]
    pub properties: WorkspaceProperties,
}

/// The properties of a workspace.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct WorkspaceProperties {
    /// The GUID that the data plane uses.
    pub workspace_id: Option<Untrusted>,
    /// The name that people see.
    pub friendly_name: Option<Untrusted>,
    /// The id of its storage account.
    pub storage_account: Option<Untrusted>,
    /// Whether the workspace accepts requests from outside its network: `Enabled` or `Disabled`.
    pub public_network_access: Option<Untrusted>,
}

impl ResourceManager {
    /// A client for `credential` in the cloud of `options`. [`ClientOptions::deadline`] covers each
    /// call as a whole.
    ///
    /// # Errors
    /// [`ErrorKind::Token`](crate::ErrorKind::Token) if the environment names a cloud that can't be
    /// used.
    pub fn new(options: &ClientOptions, credential: Arc<dyn Credential>) -> Result<Self> {
        Service::new(ServiceKind::ResourceManager, options, credential).map(Self)
    }

    /// Uses tokens of this tenant instead of the credential's own.
    #[must_use]
    pub fn in_tenant(mut self, tenant: TenantId) -> Self {
        self.0.tenant = Some(tenant);
        self
    }

    /// The cloud.
    pub fn cloud(&self) -> &Cloud {
        &self.0.cloud
    }

    /// A token for Resource Manager. It may be a cached one.
    ///
    /// # Errors
    /// [`ErrorKind::Token`](crate::ErrorKind::Token).
    pub async fn token(&self) -> Result<AccessToken> {
        self.0.token().await
    }

    /// One subscription.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind); [`ErrorKind::NotPermitted`](crate::ErrorKind::NotPermitted) if the identity has no role in the
    /// subscription.
    pub async fn subscription(&self, id: &str) -> Result<Response<Subscription>> {
        let id = subscription_id(id)?;
        let what = format!("could not read the subscription {id}");
        self.get(
            &what,
            &format!("/subscriptions/{id}"),
            api_version::RESOURCES,
        )
        .await
    }

    /// The subscriptions that the identity can see in its tenant. The list may be empty.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn subscriptions(&self) -> Result<Response<Vec<Subscription>>> {
        self.list(
            "could not list the subscriptions",
            "/subscriptions",
            api_version::RESOURCES,
        )
        .await
    }

    /// A workspace.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn workspace(&self, workspace: &WorkspaceRef) -> Result<Response<Workspace>> {
        let what = format!("could not read the workspace {workspace}");
        self.get(
            &what,
            &workspace.resource_id(),
            api_version::MACHINE_LEARNING,
        )
        .await
    }

    /// The permissions of the identity at a scope, such as [`WorkspaceRef::resource_id`]: those of
    /// its roles there and above.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn permissions(&self, scope: &str) -> Result<Response<Permissions>> {
        let path = format!("{scope}/providers/Microsoft.Authorization/permissions");
        let what = format!("could not read the identity's permissions at {scope}");
        let answer = self
            .list::<Permission>(&what, &path, api_version::AUTHORIZATION)
            .await?;
        Ok(answer.map(Permissions))
    }

    /// One resource at a path. `what` is the error's first line. Cancel-safe.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn get<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
        api_version: &str,
    ) -> Result<Response<T>> {
        self.send(what, path, api_version, Verb::Get).await
    }

    /// All entries of a list. Each request has the token, so links to the next page are followed
    /// within Resource Manager only. The number of pages is limited. Cancel-safe.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind); [`ErrorKind::Unexpected`](crate::ErrorKind::Unexpected) for a link to another host and for too many
    /// pages.
    pub async fn list<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
        api_version: &str,
    ) -> Result<Response<Vec<T>>> {
        self.filtered(what, path, api_version, None).await
    }

    /// As [`Self::list`], with a filter.
    pub(crate) async fn filtered<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
        api_version: &str,
        filter: Option<&str>,
    ) -> Result<Response<Vec<T>>> {
        let mut query = vec![("api-version", api_version)];
        query.extend(filter.map(|filter| ("$filter", filter)));
        let call = Call {
            what,
            path,
            query: &query,
            verb: Verb::Get,
        };
        self.0.list(&call).await
    }

    /// Sends a request, and reads the resource in the response.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
        api_version: &str,
        verb: Verb,
    ) -> Result<Response<T>> {
        let call = Call {
            what,
            path,
            query: &[("api-version", api_version)],
            verb,
        };
        self.0.send(&call).await
    }

    /// Deletes a resource. Returns whether it was there.
    pub(crate) async fn delete(
        &self,
        what: &str,
        path: &str,
        api_version: &str,
    ) -> Result<Response<bool>> {
        let call = Call {
            what,
            path,
            query: &[("api-version", api_version)],
            verb: Verb::Delete,
        };
        // 204 if there is nothing to delete.
        Ok(self.0.perform(&call).await?.map(|status| status != 204))
    }
}

impl fmt::Debug for ResourceManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
