//! A tenant: one organisation's directory.

use uuid::Uuid;

/// One organisation in Entra ID.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// The tenant id, which is also the id of its directory.
    pub id: Uuid,
    /// The display name, as error messages give it.
    pub name: String,
    /// Verified domains; the first is the default one.
    pub domains: Vec<String>,
    /// ISO 3166 code of the country, `tenant_region_scope`'s source.
    pub country: String,
    /// When one client may ask no more than so often with the very same request, the answer past
    /// that is AADSTS50196. `None`: never (the default; real limits are not published).
    pub loop_limit: Option<LoopLimit>,
    /// A token lifetime policy: seconds every access token lives. `None`: Entra ID's own choice, 60
    /// to 90 minutes at random.
    pub access_token_lifetime: Option<u32>,
    /// Seconds after which a refresh token that was not used is of no more use, AADSTS700082.
    /// `None`: 90 days.
    pub refresh_token_inactivity: Option<u32>,
    /// Seconds after a sign-in with its password when a session ends, AADSTS70008. `None`: never.
    pub session_lifetime: Option<u32>,
    /// A refresh token is good once. Entra ID takes an old one as well; other services don't.
    pub refresh_tokens_once: bool,
    /// People need a second factor to change something through Resource Manager.
    pub mfa_for_changes: bool,
    /// Seconds that a device code is good. `None`: 900.
    pub device_code_lifetime: Option<u32>,
    /// Seconds between two questions about a device code. `None`: 5.
    pub device_code_interval: Option<u32>,
}

/// How many identical requests of one client within how long Entra ID takes for a loop.
#[derive(Clone, Copy, Debug)]
pub struct LoopLimit {
    /// Requests that are still answered.
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
            device_code_lifetime: None,
            device_code_interval: None,
        }
    }

    /// The default domain, or the id where a tenant has none.
    pub fn default_domain(&self) -> String {
        self.domains
            .first()
            .cloned()
            .unwrap_or_else(|| self.id.to_string())
    }
}
