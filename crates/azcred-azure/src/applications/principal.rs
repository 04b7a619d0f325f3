//! The service principal of an application: the identity that gets roles.

use super::was_there;
use crate::{
    error::Result,
    graph::Graph,
    service::{Call, Verb, json},
};
use azcred::Untrusted;
use serde::Deserialize;
use serde_json::json as value;
use uuid::Uuid;

/// The service principal of an application in this tenant.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServicePrincipal {
    /// The object id, which role assignments name.
    pub id: Uuid,
    /// The application's client id.
    pub app_id: Uuid,
    /// The name.
    #[serde(rename = "displayName", default)]
    pub name: Untrusted,
    /// Whether it may sign in.
    #[serde(rename = "accountEnabled", default)]
    pub is_enabled: Option<bool>,
}

impl Graph {
    /// The service principal of an application, by its client id.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn service_principal_of(&self, client_id: Uuid) -> Result<Option<ServicePrincipal>> {
        let filter = format!("appId eq '{client_id}'");
        let call = Call {
            what: "could not look up the service principal",
            path: "/v1.0/servicePrincipals",
            query: &[
                ("$filter", &filter),
                ("$select", "id,appId,displayName,accountEnabled"),
            ],
            verb: Verb::Get,
        };
        let found = self.0.list::<ServicePrincipal>(&call).await?.value;
        Ok(found.into_iter().next())
    }

    /// Creates the service principal of an application. An application has at most one in a tenant,
    /// so the request can be repeated.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind), with status 409 if it exists; 400 and 404 also just
    /// after the application was created, as the directory is replicated.
    pub async fn create_service_principal(&self, client_id: Uuid) -> Result<ServicePrincipal> {
        let call = Call {
            what: "could not create the service principal",
            path: "/v1.0/servicePrincipals",
            query: &[],
            verb: Verb::Post(json(&value!({ "appId": client_id }))),
        };
        Ok(self.0.send(&call).await?.value)
    }

    /// Deletes a service principal. Returns whether it was there. Its role assignments stay:
    /// remove them first.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn delete_service_principal(&self, id: Uuid) -> Result<bool> {
        let call = Call {
            what: "could not delete the service principal",
            path: &format!("/v1.0/servicePrincipals/{id}"),
            query: &[],
            verb: Verb::Delete,
        };
        was_there(self.0.perform(&call).await)
    }
}
