//! The applications that a user or a service principal owns.

use super::Application;
use crate::{
    error::Result,
    graph::{Graph, ObjectKind},
    service::{Call, Verb},
};
use serde::Deserialize;
use uuid::Uuid;

/// An owned object. Groups and service principals are owned too.
#[derive(Deserialize)]
struct Owned {
    #[serde(rename = "@odata.type", default)]
    odata_type: String,
    #[serde(flatten)]
    object: serde_json::Value,
}

impl Graph {
    /// The applications that a user or a service principal owns, by its object id.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn owned_applications(
        &self,
        kind: ObjectKind,
        owner: Uuid,
    ) -> Result<Vec<Application>> {
        let call = Call {
            what: "could not read the applications that the identity owns",
            path: &format!("/v1.0/{}/{owner}/ownedObjects", kind.collection()),
            query: &[],
            verb: Verb::Get,
        };
        let owned = self.0.list::<Owned>(&call).await?.value;
        // An object without ids is not an application.
        Ok(owned
            .into_iter()
            .filter(|one| one.odata_type == "#microsoft.graph.application")
            .filter_map(|one| serde_json::from_value(one.object).ok())
            .collect())
    }
}
