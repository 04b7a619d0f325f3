//! How a service checks a bearer token: signature, issuer, audience, times.

use crate::{
    directory::Directory,
    service::Cloud,
    signing::{Algorithm, Jws},
    world::World,
};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

/// The claims of a verified token.
#[derive(Clone, Debug)]
pub struct Claims {
    /// `tid`.
    pub tenant: Uuid,
    /// `oid`: the principal, whose roles count.
    pub object_id: Uuid,
    /// `appid` (v1.0) or `azp` (v2.0): the client id.
    pub app_id: Option<Uuid>,
    /// `aud` in its original spelling.
    pub audience: String,
    /// Whether this is an app-only token (`idtyp` is `app`).
    pub is_app: bool,
    /// `exp`.
    pub expires: OffsetDateTime,
    /// All claims.
    pub all: Map<String, Value>,
}

/// What is wrong with the `Authorization` header or the token in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// The `Authorization` header is missing.
    #[error("the request has no Authorization header")]
    Missing,
    /// The scheme is not `Bearer`, or the token is missing.
    #[error("the Authorization header is not 'Bearer TOKEN'")]
    NotBearer,
    /// The token is not a JSON Web Token.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// The token names a key that Entra ID does not publish, or an algorithm that Entra ID does not
    /// use.
    #[error("the token names the key '{0}', which is not among the published ones")]
    UnknownKey(String),
    /// The signature does not match the key.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// `iss` is not an issuer of this Entra ID.
    #[error("the token's issuer '{0}' is unknown")]
    UnknownIssuer(String),
    /// `tid` or `iss` names a tenant that does not exist.
    #[error("the token's tenant '{0}' is unknown")]
    UnknownTenant(String),
    /// The token is for another service.
    #[error("the token is for '{got}'")]
    WrongAudience {
        /// The token's `aud`.
        got: String,
    },
    /// `nbf` is in the future.
    #[error("the token is not valid before {not_before}")]
    NotYetValid {
        /// `nbf`.
        not_before: OffsetDateTime,
    },
    /// `exp` is in the past.
    #[error("the token expired at {expired}")]
    Expired {
        /// `exp`.
        expired: OffsetDateTime,
        /// The time of the service's clock.
        now: OffsetDateTime,
    },
}

/// Accepted difference between a service's clock and Entra ID's: five minutes, as in Microsoft's
/// token validation.
const TOLERANCE_SECONDS: i64 = 300;

/// Checks a bearer token against this world's keys, tenants and clock.
///
/// `authorization` is the header's value. `accepted` has the audiences that this service accepts.
/// They are compared exactly (see [`super::accepted_audiences`]).
///
/// # Errors
/// The first error, in this order: format, key, signature, issuer, tenant, audience, times.
pub fn verify_bearer(
    world: &World,
    authorization: Option<&str>,
    accepted: &[String],
) -> Result<Claims, BearerError> {
    let header = authorization.ok_or(BearerError::Missing)?;
    let (scheme, token) = header
        .trim()
        .split_once(' ')
        .ok_or(BearerError::NotBearer)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(BearerError::NotBearer);
    }
    verify_token(world, &world.directory(), token, accepted)
}

/// Checks a token like [`verify_bearer`], for a caller that holds the directory.
///
/// # Errors
/// As [`verify_bearer`].
pub(crate) fn verify_token(
    world: &World,
    directory: &Directory,
    token: &str,
    accepted: &[String],
) -> Result<Claims, BearerError> {
    let jws = Jws::parse(token).map_err(BearerError::Malformed)?;

    let kid = jws.header_str("kid").unwrap_or_default();
    let key = world.keys.entra_by_kid(kid);
    // Entra ID signs with RS256 only. A server that takes the algorithm from the token accepts
    // 'none'.
    let (Some("RS256"), Some(key)) = (jws.header_str("alg"), key) else {
        return Err(BearerError::UnknownKey(shorten(kid)));
    };
    if !jws.is_signed_by(Algorithm::Rs256, &key.public_key()) {
        return Err(BearerError::BadSignature);
    }

    let issuer = jws.claim_str("iss").unwrap_or_default();
    let tenant_text =
        tenant_of_issuer(issuer).ok_or_else(|| BearerError::UnknownIssuer(shorten(issuer)))?;
    let tenant = Uuid::try_parse(tenant_text)
        .ok()
        .filter(|id| directory.tenants.contains_key(id))
        .ok_or_else(|| BearerError::UnknownTenant(shorten(tenant_text)))?;

    let audience = jws.claim_str("aud").unwrap_or_default();
    if !accepted.iter().any(|a| a == audience) {
        return Err(BearerError::WrongAudience {
            got: shorten(audience),
        });
    }

    let time = |name| {
        jws.claim_time(name)
            .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
    };
    let expires = time("exp").ok_or(BearerError::Malformed("it has no exp"))?;
    let now = world.clock.now();
    if now.unix_timestamp() >= expires.unix_timestamp() + TOLERANCE_SECONDS {
        return Err(BearerError::Expired {
            expired: expires,
            now,
        });
    }
    if let Some(not_before) = time("nbf")
        && now.unix_timestamp() + TOLERANCE_SECONDS < not_before.unix_timestamp()
    {
        return Err(BearerError::NotYetValid { not_before });
    }

    let id = |name| {
        jws.claim_str(name)
            .and_then(|text| Uuid::try_parse(text).ok())
    };
    Ok(Claims {
        tenant,
        object_id: id("oid").ok_or(BearerError::Malformed("it has no oid"))?,
        app_id: id("appid").or_else(|| id("azp")),
        audience: audience.to_owned(),
        is_app: jws.claim_str("idtyp") == Some("app"),
        expires,
        all: jws.claims,
    })
}

/// The tenant in an issuer of Entra ID: `https://sts.windows.net/TENANT/` in v1.0 tokens,
/// `https://login.microsoftonline.com/TENANT/v2.0` in v2.0 tokens.
pub(crate) fn tenant_of_issuer(issuer: &str) -> Option<&str> {
    let rest = issuer.strip_prefix("https://")?;
    [Cloud::Public, Cloud::UsGovernment, Cloud::China]
        .into_iter()
        .find_map(|cloud| {
            let v1 = || {
                rest.strip_prefix(cloud.sts_host())?
                    .strip_prefix('/')?
                    .strip_suffix('/')
            };
            let v2 = || {
                rest.strip_prefix(cloud.login_host())?
                    .strip_prefix('/')?
                    .strip_suffix("/v2.0")
            };
            v1().or_else(v2)
                .filter(|tenant| !tenant.is_empty() && !tenant.contains('/'))
        })
}

/// Cuts a client's input to a length for messages.
fn shorten(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        directory::Tenant,
        resources::Resources,
        shared_keys,
        tokens::{Keys, SigningKey},
    };
    use serde_json::json;

    const TENANT: Uuid = Uuid::from_u128(0xA);

    fn key(purpose: &str) -> SigningKey {
        let (pkcs8, certificate) = shared_keys::key_for(purpose).unwrap();
        SigningKey::from_der(&pkcs8, &certificate).unwrap()
    }

    fn world() -> World {
        let mut directory = Directory::default();
        directory
            .tenants
            .insert(TENANT, Tenant::new(TENANT, "A", "a.com"));
        let keys = Keys {
            entra: key("entra"),
            issuer: key("issuer"),
        };
        World::new(directory, Resources::default(), keys)
    }

    /// A valid token with one claim changed. `null` removes the claim.
    fn token(key: &SigningKey, name: &str, value: Value) -> String {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let mut claims = json!({
            "iss": format!("https://sts.windows.net/{TENANT}/"), "aud": "https://a",
            "oid": Uuid::from_u128(1), "appid": Uuid::from_u128(2), "idtyp": "app",
            "nbf": now - 300, "exp": now + 3600,
        });
        claims[name] = value;
        let claims = claims.as_object().unwrap();
        key.sign(
            &claims
                .clone()
                .into_iter()
                .filter(|(_, v)| !v.is_null())
                .collect(),
        )
        .unwrap()
    }

    fn check(world: &World, token: &str) -> Result<Claims, BearerError> {
        verify_bearer(
            world,
            Some(&format!("Bearer {token}")),
            &["https://a".to_owned()],
        )
    }

    #[test]
    fn a_valid_token_of_both_versions_is_accepted() {
        let world = world();
        let entra = &world.keys.entra;
        let claims = check(&world, &token(entra, "x", json!(1))).unwrap();
        assert_eq!(claims.tenant, TENANT);
        assert_eq!(
            (claims.object_id, claims.app_id),
            (Uuid::from_u128(1), Some(Uuid::from_u128(2)))
        );
        let v2 = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
        assert!(check(&world, &token(entra, "iss", json!(v2))).is_ok());
        assert!(check(&world, &token(entra, "nbf", Value::Null)).is_ok());
    }

    #[test]
    fn each_kind_of_invalid_token_has_its_own_error() {
        let world = world();
        let entra = &world.keys.entra;
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let with =
            |name: &str, value: Value| check(&world, &token(entra, name, value)).unwrap_err();
        let other = Uuid::from_u128(0xB);
        assert!(
            matches!(with("aud", json!("https://a/")), BearerError::WrongAudience { got } if got == "https://a/")
        );
        assert!(matches!(
            with("exp", json!(now - 301)),
            BearerError::Expired { .. }
        ));
        assert!(matches!(
            with("nbf", json!(now + 400)),
            BearerError::NotYetValid { .. }
        ));
        let unknown = format!("https://sts.windows.net/{other}/");
        assert!(
            matches!(with("iss", json!(unknown)), BearerError::UnknownTenant(t) if t == other.to_string())
        );
        for issuer in [
            "https://example.com/",
            "https://sts.windows.net//",
            "https://sts.windows.net/a/b/",
            "x",
        ] {
            assert!(
                matches!(with("iss", json!(issuer)), BearerError::UnknownIssuer(_)),
                "{issuer}"
            );
        }
        assert!(matches!(
            with("oid", Value::Null),
            BearerError::Malformed(_)
        ));
        assert!(matches!(
            with("exp", Value::Null),
            BearerError::Malformed(_)
        ));
        let foreign = token(&world.keys.issuer, "x", json!(1));
        assert!(matches!(
            check(&world, &foreign),
            Err(BearerError::UnknownKey(_))
        ));
        let good = token(entra, "x", json!(1));
        let other_payload = token(entra, "oid", json!(other));
        let swapped: Vec<&str> = good
            .split('.')
            .zip(other_payload.split('.'))
            .enumerate()
            .map(|(at, (a, b))| if at == 1 { b } else { a })
            .collect();
        assert_eq!(
            check(&world, &swapped.join(".")).unwrap_err(),
            BearerError::BadSignature
        );
        let (head, rest) = good.split_once('.').unwrap();
        let none = format!("eyJhbGciOiJub25lIn0.{}.", rest.split_once('.').unwrap().0);
        assert!(matches!(
            check(&world, &none),
            Err(BearerError::UnknownKey(_))
        ));
        assert!(matches!(
            check(&world, head),
            Err(BearerError::Malformed(_))
        ));
        let headers = |value| verify_bearer(&world, value, &["https://a".to_owned()]).unwrap_err();
        assert_eq!(headers(None), BearerError::Missing);
        assert_eq!(headers(Some("Basic abc")), BearerError::NotBearer);
        assert_eq!(headers(Some("Bearer ")), BearerError::NotBearer);
        assert_eq!(headers(Some("")), BearerError::NotBearer);
    }
}
