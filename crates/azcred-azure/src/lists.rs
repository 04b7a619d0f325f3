//! Lists what an identity can see: its tenants, and the workspaces of its subscriptions.

use crate::{
    error::{Error, Result},
    resource_manager::{ResourceManager, Subscription, Workspace, api_version},
    service::Response,
    workspace::subscription_id,
};
use azcred::Untrusted;
use serde::Deserialize;
use tokio::task::JoinSet;

/// A tenant of an identity, as Resource Manager lists it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Tenant {
    /// The tenant's GUID.
    pub tenant_id: Untrusted,
    /// The name; `None` if the tenant does not show it.
    #[serde(default)]
    pub display_name: Option<Untrusted>,
    /// The default domain; `None` if the tenant does not show it.
    #[serde(default)]
    pub default_domain: Option<Untrusted>,
}

impl Tenant {
    /// The name, else the default domain; `None` if the tenant shows neither.
    pub fn name(&self) -> Option<&Untrusted> {
        let names = [&self.display_name, &self.default_domain];
        names.into_iter().flatten().find(|name| !name.is_empty())
    }
}

/// The number of subscriptions that are read at the same time.
const AT_ONCE: usize = 8;

/// The workspaces of several subscriptions.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Workspaces {
    /// The workspaces, by name and id.
    pub found: Vec<Workspace>,
    /// The subscriptions that could not be read, each with its error.
    pub trouble: Vec<(Untrusted, Error)>,
}

impl ResourceManager {
    /// The tenants of the identity.
    ///
    /// # Errors
    /// Any [`crate::ErrorKind`].
    pub async fn tenants(&self) -> Result<Response<Vec<Tenant>>> {
        self.list(
            "could not list the tenants",
            "/tenants",
            api_version::RESOURCES,
        )
        .await
    }

    /// The workspaces of a subscription that the identity can see.
    ///
    /// # Errors
    /// Any [`crate::ErrorKind`]; [`crate::ErrorKind::Invalid`] if the id is malformed.
    pub async fn workspaces(&self, subscription: &str) -> Result<Response<Vec<Workspace>>> {
        let id = subscription_id(subscription)?;
        let what = format!("could not list the workspaces of the subscription {id}");
        let path =
            format!("/subscriptions/{id}/providers/Microsoft.MachineLearningServices/workspaces");
        self.list(&what, &path, api_version::MACHINE_LEARNING).await
    }

    /// The workspaces of several subscriptions. If one can't be read, the others are still
    /// returned.
    pub async fn workspaces_of_all(&self, subscriptions: &[Subscription]) -> Workspaces {
        let mut all = Workspaces::default();
        let mut ids = subscriptions
            .iter()
            .filter(|subscription| subscription.state != "Deleted")
            .map(|subscription| subscription.subscription_id.clone());
        let mut requests = JoinSet::new();
        loop {
            while requests.len() < AT_ONCE
                && let Some(id) = ids.next()
            {
                let manager = self.clone();
                requests.spawn(async move {
                    let listed = manager.workspaces(&id).await;
                    (id, listed)
                });
            }
            match requests.join_next().await {
                Some(Ok((_, Ok(answer)))) => all.found.extend(answer.value),
                Some(Ok((id, Err(error)))) => all.trouble.push((id, error)),
                Some(Err(_)) => {}
                None => break,
            }
        }
        all.found
            .sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        all.trouble.sort_by(|(one, _), (other, _)| one.cmp(other));
        all
    }
}
