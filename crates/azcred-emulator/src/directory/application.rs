//! An application registration, with everything it can prove itself by.

use super::credential::{Certificate, FederatedCredential, Secret};
use uuid::Uuid;

/// An application registered in its home tenant.
#[derive(Clone, Debug)]
pub struct Application {
    /// The client id (`appId`).
    pub app_id: Uuid,
    /// The object id of the registration: not the service principal's.
    pub object_id: Uuid,
    /// The tenant it is registered in.
    pub home_tenant: Uuid,
    /// The display name.
    pub name: String,
    /// Who may use it.
    pub audience: Audience,
    /// `api://…` and other names it answers to as a resource.
    pub identifier_uris: Vec<String>,
    /// `requestedAccessTokenVersion`: 1 or 2. Tokens *for* this application have this version.
    pub access_token_version: u8,
    /// 'Allow public client flows' with no credential: it can't keep a secret.
    pub public_client: bool,
    /// People need not be asked whether it may act for them: an administrator said so for all.
    /// Without it, a flow that can't show a page is rejected with AADSTS65001.
    pub consented: bool,
    /// Only an administrator may consent, and none has: people get AADSTS90094.
    pub admin_consent_required: bool,
    /// The addresses at which it takes codes (`replyUrls`).
    pub redirect_uris: Vec<String>,
    /// The family of public clients (`foci`) whose refresh tokens are good for one another.
    pub family: Option<String>,
    /// Client secrets, expired ones included.
    pub secrets: Vec<Secret>,
    /// Certificates whose keys may sign assertions.
    pub certificates: Vec<Certificate>,
    /// Tokens of other issuers that are taken in place of a credential.
    pub federated_credentials: Vec<FederatedCredential>,
}

/// `signInAudience`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// `AzureADMyOrg`: the home tenant only.
    SingleTenant,
    /// `AzureADMultipleOrgs`: any tenant that has a service principal for it.
    MultipleTenants,
}

/// What the portal registers for desktop programs: this machine, and Microsoft's page for programs
/// with a browser of their own.
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
            access_token_version: 1,
            public_client: false,
            consented: false,
            admin_consent_required: false,
            redirect_uris: Vec::new(),
            family: None,
            secrets: Vec::new(),
            certificates: Vec::new(),
            federated_credentials: Vec::new(),
        }
    }
}
