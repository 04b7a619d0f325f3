//! A tenant: the directory of one organisation.

use uuid::Uuid;

/// A tenant of Entra ID.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// The tenant id, which is also the directory's id.
    pub id: Uuid,
    /// The display name, which error messages use.
    pub name: String,
    /// Verified domains. The first is the default domain.
    pub domains: Vec<String>,
    /// ISO 3166 code of the country, from which `tenant_region_scope` follows.
    pub country: String,
    /// How many identical requests of one client get an answer; further ones get AADSTS50196.
    /// `None`: all of them (the default, as Microsoft does not publish the real limits).
    pub loop_limit: Option<LoopLimit>,
    /// The token lifetime policy: lifetime of access tokens in seconds. `None`: 60 to 90 minutes at
    /// random, as in Entra ID.
    pub access_token_lifetime: Option<u32>,
    /// Seconds after which an unused refresh token expires: AADSTS700082. `None`: 90 days.
    pub refresh_token_inactivity: Option<u32>,
    /// Seconds from the sign-in with a password to the session's end: AADSTS70008. `None`: no
    /// limit.
    pub session_lifetime: Option<u32>,
    /// A refresh token is valid for one use. Entra ID accepts a used one again; other services
    /// don't.
    pub refresh_tokens_once: bool,
    /// Users need a second factor for changes through Resource Manager.
    pub mfa_for_changes: bool,
    /// `allowedToCreateApps`: users without a directory role may register applications.
    pub users_may_create_applications: bool,
    /// `allowedToCreateSecurityGroups`: users without a directory role may create groups.
    pub users_may_create_groups: bool,
    /// Lifetime of a device code in seconds. `None`: 900.
    pub device_code_lifetime: Option<u32>,
    /// Least seconds between two polls for a device code. `None`: 5.
    pub device_code_interval: Option<u32>,
}

/// The number of identical requests, and the time within which Entra ID takes more of them for a
/// loop.
#[derive(Clone, Copy, Debug)]
pub struct LoopLimit {
    /// Requests that get a normal response.
    pub requests: u32,
    /// The window, in seconds.
    pub seconds: u32,
}

impl Tenant {
    /// A tenant with one domain.
    pub fn new(id: Uuid, name: impl Into<String>, domain: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            domains: vec![domain.into()],
            country: "US".to_owned(),
            loop_limit: None,
            access_token_lifetime: None,
            refresh_token_inactivity: None,
            session_lifetime: None,
            refresh_tokens_once: false,
            mfa_for_changes: false,
            users_may_create_applications: true,
            users_may_create_groups: true,
            device_code_lifetime: None,
            device_code_interval: None,
        }
    }

    /// The default domain, or the id of a tenant without domains.
    pub fn default_domain(&self) -> String {
        self.domains
            .first()
            .cloned()
            .unwrap_or_else(|| self.id.to_string())
    }
}
