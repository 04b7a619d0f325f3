//! The tables of a seed's directory part.

use super::conditional_access::PolicySeed;
use crate::directory::{EXCHANGE_AUDIENCE, FederatedCredential};
use serde::Deserialize;
use toml::Spanned;
use uuid::Uuid;

/// The directory of a seed. Every list is optional, but at least one tenant is required.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DirectorySeed {
    pub(super) tenants: Vec<Spanned<TenantSeed>>,
    pub(super) applications: Vec<Spanned<ApplicationSeed>>,
    pub(super) service_principals: Vec<Spanned<PrincipalSeed>>,
    pub(super) users: Vec<Spanned<UserSeed>>,
    pub(super) groups: Vec<Spanned<GroupSeed>>,
    pub(super) conditional_access: Vec<Spanned<PolicySeed>>,
    pub(super) issuers: Vec<Spanned<IssuerSeed>>,
}

/// The tables of this part.
pub(super) const TABLES: &[&str] = &[
    "tenants",
    "applications",
    "service_principals",
    "users",
    "groups",
    "conditional_access",
    "issuers",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantSeed {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) domains: Vec<String>,
    #[serde(default = "netherlands")]
    pub(super) country: String,
    pub(super) access_token_lifetime: Option<u32>,
    /// Seconds after which an unused refresh token expires.
    pub(super) refresh_token_inactivity: Option<u32>,
    /// Seconds from the sign-in with a password to the session's end.
    pub(super) session_lifetime: Option<u32>,
    #[serde(default)]
    pub(super) refresh_token_rotation: RotationSeed,
    /// Users need a second factor for changes through Resource Manager.
    #[serde(default)]
    pub(super) mfa_for_changes: bool,
    /// Users without a directory role may register applications.
    #[serde(default = "yes")]
    pub(super) users_may_create_applications: bool,
    /// Users without a directory role may create groups.
    #[serde(default = "yes")]
    pub(super) users_may_create_groups: bool,
    /// Lifetime of a device code in seconds.
    pub(super) device_code_lifetime: Option<u32>,
    /// Least seconds between two polls for a device code.
    pub(super) device_code_interval: Option<u32>,
    pub(super) loop_limit: Option<LoopSeed>,
}

/// What happens to a refresh token after its use.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RotationSeed {
    /// It stays valid, as in Entra ID.
    #[default]
    Reusable,
    /// It becomes invalid.
    OneTime,
}

fn netherlands() -> String {
    "NL".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoopSeed {
    pub(super) requests: u32,
    pub(super) seconds: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApplicationSeed {
    pub(super) app_id: Uuid,
    pub(super) object_id: Option<Uuid>,
    /// By id or domain. Optional if there is only one tenant.
    pub(super) tenant: Option<String>,
    pub(super) name: String,
    #[serde(default)]
    pub(super) multiple_tenants: bool,
    #[serde(default)]
    pub(super) identifier_uris: Vec<String>,
    /// `user_impersonation` if left out.
    pub(super) scopes: Option<Vec<String>>,
    pub(super) access_token_version: Option<u8>,
    #[serde(default)]
    pub(super) public_client: bool,
    /// An administrator has consented to its permissions for all users.
    #[serde(default)]
    pub(super) consented: bool,
    /// Only an administrator may consent.
    #[serde(default)]
    pub(super) admin_consent_required: bool,
    /// The redirect URIs. By default, a public client has those of this machine.
    pub(super) redirect_uris: Option<Vec<String>>,
    pub(super) service_principal: Option<OwnPrincipalSeed>,
    #[serde(default)]
    pub(super) secrets: Vec<SecretSeed>,
    #[serde(default)]
    pub(super) certificates: Vec<CertificateSeed>,
    #[serde(default)]
    pub(super) federated_credentials: Vec<FederatedSeed>,
    /// As the members of a group.
    #[serde(default)]
    pub(super) owners: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnPrincipalSeed {
    pub(super) id: Uuid,
    #[serde(default = "yes")]
    pub(super) enabled: bool,
    #[serde(default)]
    pub(super) blocked_by_conditional_access: bool,
    /// Application permissions for Microsoft Graph, such as `Directory.Read.All`.
    #[serde(default)]
    pub(super) graph_permissions: Vec<String>,
    /// Names or ids of its directory roles.
    #[serde(default)]
    pub(super) directory_roles: Vec<String>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretSeed {
    pub(super) name: String,
    pub(super) id: Option<Uuid>,
    /// Created at the first start if left out.
    pub(super) value: Option<String>,
    /// RFC 3339. By default two years from now.
    pub(super) expires: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CertificateSeed {
    pub(super) name: String,
    /// The certificate in PEM. Created with its key at the first start if left out.
    pub(super) pem: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FederatedSeed {
    pub(super) name: String,
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) audience: Option<String>,
}

impl FederatedSeed {
    pub(super) fn credential(&self) -> FederatedCredential {
        let audience = self.audience.as_deref().unwrap_or(EXCHANGE_AUDIENCE);
        FederatedCredential::new(&self.name, &self.issuer, &self.subject, audience)
    }
}

/// The service principal of another tenant's application.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrincipalSeed {
    pub(super) id: Uuid,
    pub(super) tenant: Option<String>,
    pub(super) app_id: Uuid,
    pub(super) name: String,
    #[serde(default = "yes")]
    pub(super) enabled: bool,
    #[serde(default)]
    pub(super) blocked_by_conditional_access: bool,
    /// Application permissions for Microsoft Graph, such as `Directory.Read.All`.
    #[serde(default)]
    pub(super) graph_permissions: Vec<String>,
    #[serde(default)]
    pub(super) managed_identity: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserSeed {
    pub(super) id: Uuid,
    pub(super) tenant: Option<String>,
    pub(super) user_principal_name: String,
    pub(super) name: String,
    #[serde(default = "yes")]
    pub(super) enabled: bool,
    /// Created at the first start if left out.
    pub(super) password: Option<String>,
    #[serde(default)]
    pub(super) password_expired: bool,
    #[serde(default)]
    pub(super) locked: bool,
    /// RFC 3339. Refresh tokens issued earlier are revoked.
    pub(super) sessions_valid_from: Option<String>,
    /// Names or ids of its directory roles.
    #[serde(default)]
    pub(super) directory_roles: Vec<String>,
    /// The sign-in name or object id of an account earlier in the file, if this user is its guest.
    pub(super) guest_of: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupSeed {
    pub(super) id: Uuid,
    pub(super) tenant: Option<String>,
    pub(super) name: String,
    /// Sign-in names of users, names of applications and groups, or object ids.
    #[serde(default)]
    pub(super) members: Vec<String>,
    #[serde(default)]
    pub(super) owners: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuerSeed {
    pub(super) url: String,
    /// The public keys. If they are left out, the emulator signs for the issuer.
    pub(super) jwks: Option<Jwks>,
    #[serde(default)]
    pub(super) unreachable: bool,
}

#[derive(Deserialize)]
pub(super) struct Jwks {
    pub(super) keys: Vec<Jwk>,
}

/// A public key, as issuers publish it. Unknown members are ignored.
#[derive(Deserialize)]
pub(super) struct Jwk {
    pub(super) kid: String,
    pub(super) kty: String,
    pub(super) n: Option<String>,
    pub(super) e: Option<String>,
}
