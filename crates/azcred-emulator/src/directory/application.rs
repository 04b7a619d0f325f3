//! An application registration with its credentials.

use super::credential::{Certificate, FederatedCredential, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use time::OffsetDateTime;
use uuid::Uuid;

/// An application registered in its home tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Application {
    /// The client id (`appId`).
    pub app_id: Uuid,
    /// The object id of the registration, not of the service principal.
    pub object_id: Uuid,
    /// The tenant that registered it.
    pub home_tenant: Uuid,
    /// The display name.
    pub name: String,
    /// The tenants whose users may use it.
    pub audience: Audience,
    /// Its names as a resource, such as `api://…`.
    pub identifier_uris: Vec<String>,
    /// The delegated permissions that it has as a resource (`oauth2PermissionScopes`).
    pub scopes: Vec<String>,
    /// `requestedAccessTokenVersion`: 1 or 2. Tokens *for* this application have this version.
    pub access_token_version: u8,
    /// A public client ('Allow public client flows'): it has no credential, as it can't keep a
    /// secret.
    pub public_client: bool,
    /// An administrator has consented for all users. Without that consent, a flow that can't show a
    /// page is rejected with AADSTS65001.
    pub consented: bool,
    /// Only an administrator may consent, and none has. Users get AADSTS90094.
    pub admin_consent_required: bool,
    /// The redirect URIs (`replyUrls`).
    pub redirect_uris: Vec<String>,
    /// The family of public clients (`foci`). Its members can use each other's refresh tokens.
    pub family: Option<String>,
    /// Client secrets, expired ones included.
    pub secrets: Vec<Secret>,
    /// Certificates whose keys may sign assertions.
    pub certificates: Vec<Certificate>,
    /// Federated identity credentials.
    pub federated_credentials: Vec<FederatedCredential>,
    /// Object ids of its owners.
    pub owners: BTreeSet<Uuid>,
    /// When it was created, if not with the seed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub created: Option<OffsetDateTime>,
    /// Properties of Microsoft Graph that mean nothing here: they are kept and returned.
    pub properties: Map<String, Value>,
}

/// `signInAudience`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    /// `AzureADMyOrg`: the home tenant only.
    SingleTenant,
    /// `AzureADMultipleOrgs`: any tenant that has a service principal for it.
    MultipleTenants,
}

/// The redirect URIs that the portal registers for desktop programs: this machine, and Microsoft's
/// page for programs with an embedded browser.
pub(crate) const NATIVE_REDIRECT_URIS: &[&str] = &[
    "http://localhost",
    "http://127.0.0.1",
    "https://login.microsoftonline.com/common/oauth2/nativeclient",
];

impl Application {
    /// A single-tenant confidential application without credentials.
    pub fn new(app_id: Uuid, home_tenant: Uuid, name: impl Into<String>) -> Self {
        Self {
            app_id,
            object_id: Uuid::new_v4(),
            home_tenant,
            name: name.into(),
            audience: Audience::SingleTenant,
            identifier_uris: Vec::new(),
            scopes: vec!["user_impersonation".to_owned()],
            access_token_version: 1,
            public_client: false,
            consented: false,
            admin_consent_required: false,
            redirect_uris: Vec::new(),
            family: None,
            secrets: Vec::new(),
            certificates: Vec::new(),
            federated_credentials: Vec::new(),
            owners: BTreeSet::new(),
            created: None,
            properties: Map::new(),
        }
    }
}
