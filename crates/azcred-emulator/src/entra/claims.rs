//! The claims of an app-only access token.
//!
//! Names and meanings: 'Access token claims reference'. Claims that this page calls opaque look
//! like real ones.

use crate::{
    directory::{ServicePrincipal, Tenant},
    entra::resource::TokenResource,
    service::Cloud,
};
use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// How a client proved its identity: `appidacr` and `azpacr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// By a secret.
    Secret,
    /// By a signed assertion: the application's own, or another issuer's.
    Assertion,
}

impl Proof {
    fn class(self) -> &'static str {
        match self {
            Self::Secret => "1",
            Self::Assertion => "2",
        }
    }
}

/// The input for a token.
pub(super) struct Grant<'a> {
    pub(super) cloud: Cloud,
    pub(super) tenant: &'a Tenant,
    pub(super) principal: &'a ServicePrincipal,
    pub(super) resource: &'a TokenResource,
    pub(super) proof: Proof,
    /// Unix seconds.
    pub(super) now: i64,
    /// Seconds from `now` to the token's end.
    pub(super) lifetime: i64,
}

/// The claims of an app-only token, in the version that the resource expects.
pub(super) fn app_only(grant: &Grant<'_>) -> Map<String, Value> {
    let Grant {
        cloud,
        tenant,
        principal,
        resource,
        ..
    } = grant;
    let issued = grant.now - 300;
    let issuer = match resource.version {
        2 => format!("https://{}/{}/v2.0", cloud.login_host(), tenant.id),
        _ => format!("https://{}/{}/", cloud.sts_host(), tenant.id),
    };
    // `idp` is the v1.0 issuer in tokens of both versions.
    let idp = format!("https://{}/{}/", cloud.sts_host(), tenant.id);
    let mut claims = json!({
        "aud": resource.audience,
        "iss": issuer,
        // Issued five minutes early, so that a client or service with a slow clock accepts the
        // token.
        "iat": issued,
        "nbf": issued,
        "exp": grant.now + grant.lifetime,
        "aio": opaque(&[b"aio", Uuid::new_v4().as_bytes()], 24),
        "idtyp": "app",
        "oid": principal.id,
        "rh": format!("1.A{}.", opaque(&[tenant.id.as_bytes(), resource.app_id.as_bytes()], 30)),
        "sub": principal.id,
        "tid": tenant.id,
        "uti": URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes()),
        "xms_ftd": opaque(&[b"ftd", tenant.id.as_bytes()], 32),
        "xms_idrel": "7 26",
        "xms_tcdt": 1_577_836_800 + i64::from(tenant.id.as_fields().0 % 100_000_000),
    });
    if resource.version == 2 {
        claims["azp"] = principal.app_id.to_string().into();
        claims["azpacr"] = grant.proof.class().into();
        claims["ver"] = "2.0".into();
    } else {
        claims["appid"] = principal.app_id.to_string().into();
        claims["appidacr"] = grant.proof.class().into();
        claims["idp"] = idp.into();
        claims["ver"] = "1.0".into();
    }
    let roles: Vec<&str> = principal
        .app_roles
        .iter()
        .filter(|(app, _)| *app == resource.app_id)
        .map(|(_, role)| role.as_str())
        .collect();
    if !roles.is_empty() {
        claims["roles"] = roles.into();
    }
    if resource
        .app_id
        .to_string()
        .ends_with("-0000-0000-c000-000000000000")
    {
        // Only Graph's tokens name the application and the tenant's region.
        claims["app_displayname"] = principal.name.as_str().into();
        claims["tenant_region_scope"] = region_scope(&tenant.country).into();
    }
    match claims {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// `tenant_region_scope` for a tenant's country.
pub(super) fn region_scope(country: &str) -> &'static str {
    match country {
        "US" | "CA" | "MX" => "NA",
        "AU" | "NZ" => "OC",
        "JP" | "IN" | "SG" | "KR" | "CN" | "HK" => "AS",
        "BR" | "AR" | "CL" => "SA",
        _ => "EU",
    }
}

/// A string in the form of Entra ID's opaque claims.
pub(super) fn opaque(parts: &[&[u8]], bytes: usize) -> String {
    let mut context = digest::Context::new(&digest::SHA512);
    for part in parts {
        context.update(part);
    }
    URL_SAFE_NO_PAD.encode(&context.finish().as_ref()[..bytes])
}
