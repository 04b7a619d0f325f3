//! Applications: find, create, mark, delete.

use super::{Key, Marks, was_there};
use crate::{
    error::Result,
    graph::{DirectoryObject, Entry, Graph},
    service::{Call, Response, Verb, json},
};
use azcred::Untrusted;
use serde::{Deserialize, Serialize};
use serde_json::json as value;
use time::OffsetDateTime;
use uuid::Uuid;

/// An application (an app registration) in the directory.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Application {
    /// The object id, by which Graph changes it.
    pub id: Uuid,
    /// The client id, with which it signs in.
    pub app_id: Uuid,
    /// The name. Several applications may have the same one.
    #[serde(rename = "displayName", default)]
    pub name: Untrusted,
    /// azcred's marks, and the tags of others.
    #[serde(rename = "tags", default)]
    pub marks: Marks,
    /// The client secrets, without their texts.
    #[serde(rename = "passwordCredentials", default)]
    pub secrets: Vec<Key>,
    /// The certificates.
    #[serde(rename = "keyCredentials", default)]
    pub certificates: Vec<Key>,
    /// When it was created.
    #[serde(
        rename = "createdDateTime",
        default,
        with = "time::serde::rfc3339::option"
    )]
    pub created_on: Option<OffsetDateTime>,
}

/// An application to create.
#[derive(Clone, Debug)]
pub struct NewApplication<'a> {
    /// The name.
    pub name: &'a str,
    /// The marks.
    pub marks: &'a Marks,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    display_name: &'a str,
    /// Only this tenant's accounts.
    sign_in_audience: &'static str,
    tags: &'a Marks,
}

/// The properties that are read.
const SELECTED: &str =
    "id,appId,displayName,tags,passwordCredentials,keyCredentials,createdDateTime";

impl Graph {
    /// The applications with this very name.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn applications_named(&self, name: &str) -> Result<Vec<Application>> {
        let filter = format!("displayName eq '{}'", name.replace('\'', "''"));
        self.applications(&filter).await
    }

    /// The application with this client id.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn application_of(&self, client_id: Uuid) -> Result<Option<Application>> {
        let found = self
            .applications(&format!("appId eq '{client_id}'"))
            .await?;
        Ok(found.into_iter().next())
    }

    /// The applications with azcred's own mark ([`TAG`](crate::TAG)).
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn marked_applications(&self) -> Result<Vec<Application>> {
        self.applications(&format!("tags/any(tag: tag eq '{}')", super::TAG))
            .await
    }

    async fn applications(&self, filter: &str) -> Result<Vec<Application>> {
        let call = Call {
            what: "could not look up the application",
            path: "/v1.0/applications",
            query: &[("$filter", filter), ("$select", SELECTED)],
            verb: Verb::Get,
        };
        Ok(self.0.list(&call).await?.value)
    }

    /// One application, by its object id.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind); [`ErrorKind::NotFound`](crate::ErrorKind::NotFound)
    /// also just after it was created, as the directory is replicated.
    pub async fn application(&self, id: Uuid) -> Result<Application> {
        let call = Call {
            what: "could not read the application",
            path: &format!("/v1.0/applications/{id}"),
            query: &[("$select", SELECTED)],
            verb: Verb::Get,
        };
        Ok(self.0.send(&call).await?.value)
    }

    /// Creates an application. The request is not repeated: without a response, it is unknown
    /// whether the application was created. [`Graph::applications_named`] shows it.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind); [`ErrorKind::NotPermitted`](crate::ErrorKind::NotPermitted) if the identity may not
    /// create applications.
    pub async fn create_application(
        &self,
        new: &NewApplication<'_>,
    ) -> Result<Response<Application>> {
        let call = Call {
            what: "could not create the application",
            path: "/v1.0/applications",
            query: &[],
            verb: Verb::Create(json(&Body {
                display_name: new.name,
                sign_in_audience: "AzureADMyOrg",
                tags: new.marks,
            })),
        };
        self.0.send(&call).await
    }

    /// Replaces all tags of an application. Take [`Application::marks`] and change it: what others
    /// wrote is in it too.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn set_marks(&self, id: Uuid, marks: &Marks) -> Result<()> {
        let call = Call {
            what: "could not mark the application",
            path: &format!("/v1.0/applications/{id}"),
            query: &[],
            verb: Verb::Patch(json(&value!({ "tags": marks }))),
        };
        self.0.perform(&call).await.map(drop)
    }

    /// Deletes an application, with its secrets, certificates and federated credentials. Returns
    /// whether it was there. For 30 days it can be restored ([`Graph::purge_application`]).
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn delete_application(&self, id: Uuid) -> Result<bool> {
        let call = Call {
            what: "could not delete the application",
            path: &format!("/v1.0/applications/{id}"),
            query: &[],
            verb: Verb::Delete,
        };
        was_there(self.0.perform(&call).await)
    }

    /// Removes a deleted application for good. Returns whether it was there.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn purge_application(&self, id: Uuid) -> Result<bool> {
        let call = Call {
            what: "could not remove the deleted application for good",
            path: &format!("/v1.0/directory/deletedItems/{id}"),
            query: &[],
            verb: Verb::Delete,
        };
        was_there(self.0.perform(&call).await)
    }

    /// The owners of an application: users and service principals.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn owners_of_application(&self, id: Uuid) -> Result<Vec<DirectoryObject>> {
        let call = Call {
            what: "could not read the application's owners",
            path: &format!("/v1.0/applications/{id}/owners"),
            query: &[],
            verb: Verb::Get,
        };
        let entries = self.0.list::<Entry>(&call).await?.value;
        Ok(entries
            .into_iter()
            .filter_map(|entry| entry.object(None))
            .collect())
    }

    /// Makes a user or a service principal an owner of an application: it may then change it and
    /// its credentials. One that is an owner already must not be added again.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn add_owner_of_application(&self, id: Uuid, owner: Uuid) -> Result<()> {
        let graph = self.0.cloud.graph().trim_end_matches('/');
        let owner = format!("{graph}/v1.0/directoryObjects/{owner}");
        let call = Call {
            what: "could not add the owner of the application",
            path: &format!("/v1.0/applications/{id}/owners/$ref"),
            query: &[],
            verb: Verb::Create(json(&value!({ "@odata.id": owner }))),
        };
        self.0.perform(&call).await.map(|_| ())
    }
}
