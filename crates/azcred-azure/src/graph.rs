//! A client of Microsoft Graph. This file has the names of principals and their groups.

use crate::{
    error::Result,
    service::{Call, Service, Verb, json},
    service_kind::ServiceKind,
};
use azcred::{ClientOptions, Credential, TenantId, Untrusted};
use serde::Deserialize;
use serde_json::json as value;
use std::{collections::HashSet, sync::Arc};
use uuid::Uuid;

/// The most ids in one `getByIds`.
const MOST_IDS: usize = 1000;

/// A client of one cloud's Microsoft Graph, for one identity.
#[derive(Clone, Debug)]
pub struct Graph(pub(crate) Service);

/// The kind of an object of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ObjectKind {
    /// A person.
    User,
    /// A group.
    Group,
    /// The service principal of an application or a managed identity.
    ServicePrincipal,
}

impl ObjectKind {
    const ALL: [Self; 3] = [Self::User, Self::Group, Self::ServicePrincipal];

    /// The name in role assignments.
    pub fn principal_type(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::ServicePrincipal => "ServicePrincipal",
        }
    }

    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::ServicePrincipal => "service principal",
        }
    }

    pub(crate) fn collection(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Group => "groups",
            Self::ServicePrincipal => "servicePrincipals",
        }
    }

    /// The properties that are read. Graph rejects one that the kind does not have.
    fn selected(self) -> &'static str {
        match self {
            Self::User => "id,displayName,userPrincipalName",
            Self::Group => "id,displayName",
            Self::ServicePrincipal => "id,displayName,appId",
        }
    }

    fn of(odata_type: &str) -> Option<Self> {
        match odata_type.trim_start_matches('#') {
            "microsoft.graph.user" => Some(Self::User),
            "microsoft.graph.group" => Some(Self::Group),
            "microsoft.graph.servicePrincipal" => Some(Self::ServicePrincipal),
            _ => None,
        }
    }
}

/// A principal in the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectoryObject {
    /// The object id.
    pub id: Uuid,
    /// The kind.
    pub kind: ObjectKind,
    /// The name.
    pub name: Untrusted,
    /// A user's sign-in name.
    pub user_name: Option<Untrusted>,
    /// The client id of a service principal's application.
    pub app_id: Option<Untrusted>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    #[serde(rename = "@odata.type", default)]
    odata_type: String,
    id: Uuid,
    #[serde(default)]
    display_name: Option<Untrusted>,
    #[serde(default)]
    user_principal_name: Option<Untrusted>,
    #[serde(default)]
    app_id: Option<Untrusted>,
}

impl Entry {
    pub(crate) fn object(self, kind: Option<ObjectKind>) -> Option<DirectoryObject> {
        Some(DirectoryObject {
            id: self.id,
            kind: kind.or_else(|| ObjectKind::of(&self.odata_type))?,
            name: self.display_name.unwrap_or_default(),
            user_name: self.user_principal_name,
            app_id: self.app_id,
        })
    }
}

impl Graph {
    /// A client for `credential` in the cloud of `options`.
    ///
    /// # Errors
    /// [`ErrorKind::Token`](crate::ErrorKind::Token) if the environment names a cloud that can't be
    /// used.
    pub fn new(options: &ClientOptions, credential: Arc<dyn Credential>) -> Result<Self> {
        Service::new(ServiceKind::Graph, options, credential).map(Self)
    }

    /// Uses tokens of this tenant instead of the credential's own.
    #[must_use]
    pub fn in_tenant(mut self, tenant: TenantId) -> Self {
        self.0.tenant = Some(tenant);
        self
    }

    /// The objects with these ids. Those that are not in the directory are left out.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn objects(&self, ids: &[Uuid]) -> Result<Vec<DirectoryObject>> {
        let mut found = Vec::new();
        for ids in ids.chunks(MOST_IDS) {
            let types = ["user", "group", "servicePrincipal"];
            let call = Call {
                what: "could not read the names of principals",
                path: "/v1.0/directoryObjects/getByIds",
                query: &[],
                verb: Verb::Query(json(&value!({ "ids": ids, "types": types }))),
            };
            let entries = self.0.list::<Entry>(&call).await?.value;
            found.extend(entries.into_iter().filter_map(|entry| entry.object(None)));
        }
        Ok(found)
    }

    /// The principals that a text can mean: an object id, a client id, a user's sign-in name, or a
    /// name.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn find(&self, text: &str) -> Result<Vec<DirectoryObject>> {
        if let Ok(id) = Uuid::try_parse(text) {
            let found = self.objects(&[id]).await?;
            if !found.is_empty() {
                return Ok(found);
            }
            let kind = ObjectKind::ServicePrincipal;
            return self.filtered(kind, &format!("appId eq '{id}'")).await;
        }
        let quoted = text.replace('\'', "''");
        if text.contains('@') {
            let filter = format!("userPrincipalName eq '{quoted}' or mail eq '{quoted}'");
            return self.filtered(ObjectKind::User, &filter).await;
        }
        let mut found = Vec::new();
        for kind in ObjectKind::ALL {
            found.extend(
                self.filtered(kind, &format!("displayName eq '{quoted}'"))
                    .await?,
            );
        }
        Ok(found)
    }

    async fn filtered(&self, kind: ObjectKind, filter: &str) -> Result<Vec<DirectoryObject>> {
        let call = Call {
            what: "could not look up the principal",
            path: &format!("/v1.0/{}", kind.collection()),
            query: &[("$filter", filter), ("$select", kind.selected())],
            verb: Verb::Get,
        };
        let entries = self.0.list::<Entry>(&call).await?.value;
        Ok(entries
            .into_iter()
            .filter_map(|entry| entry.object(Some(kind)))
            .collect())
    }

    /// All security groups of a principal, directly or through other groups.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn groups_of(&self, id: Uuid) -> Result<HashSet<Uuid>> {
        let call = Call {
            what: "could not read the groups of the principal",
            path: &format!("/v1.0/directoryObjects/{id}/getMemberGroups"),
            query: &[],
            verb: Verb::Query(json(&value!({ "securityEnabledOnly": true }))),
        };
        let groups = self.0.list::<Uuid>(&call).await?.value;
        Ok(groups.into_iter().collect())
    }
}
