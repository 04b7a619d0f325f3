//! How a service checks a bearer token: signature, issuer, audience, times.

use crate::{
    service::Cloud,
    signing::{Algorithm, Jws},
    world::World,
};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

/// What a service learns from a token it has verified.
#[derive(Clone, Debug)]
pub struct Claims {
    /// `tid`.
    pub tenant: Uuid,
    /// `oid`: the principal whose roles count.
    pub object_id: Uuid,
    /// `appid` (v1.0) or `azp` (v2.0): the client id.
    pub app_id: Option<Uuid>,
    /// `aud` as it was written.
    pub audience: String,
    /// Whether this is an app-only token (`idtyp` is `app`).
    pub is_app: bool,
    /// `exp`.
    pub expires: OffsetDateTime,
    /// Every claim.
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
    /// It is not a JSON Web Token.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// It is signed by a key Entra ID does not publish, or by an algorithm it does not use.
    #[error("the token names the key '{0}', which is not among the published ones")]
    UnknownKey(String),
    /// The signature is not that of the key it names.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// `iss` is not an issuer of this Entra ID.
    #[error("the token's issuer '{0}' is unknown")]
    UnknownIssuer(String),
    /// `tid` or `iss` names a tenant that does not exist.
    #[error("the token's tenant '{0}' is unknown")]
    UnknownTenant(String),
    /// It is for another service.
    #[error("the token is for '{got}'")]
    WrongAudience {
        /// Its `aud`.
        got: String,
    },
    /// `nbf` lies ahead.
    #[error("the token is not valid before {not_before}")]
    NotYetValid {
        /// `nbf`.
        not_before: OffsetDateTime,
    },
    /// `exp` has passed.
    #[error("the token expired at {expired}")]
    Expired {
        /// `exp`.
        expired: OffsetDateTime,
        /// What the service's clock says.
        now: OffsetDateTime,
    },
}

/// How far a service's clock may be from Entra ID's: the five minutes of Microsoft's token
/// validation.
const TOLERANCE_SECONDS: i64 = 300;

/// Checks a bearer token against this world's keys, tenants and clock.
///
/// `authorization` is the header's value, `accepted` the audiences this service answers to,
/// compared exactly (see [`super::accepted_audiences`]).
///
/// # Errors
/// The first thing that is wrong, in the order: form, key, signature, issuer, tenant, audience,
/// times.
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
    let jws = Jws::parse(token).map_err(BearerError::Malformed)?;

    let kid = jws.header_str("kid").unwrap_or_default();
    let key = world.keys.entra_by_kid(kid);
    // Entra ID signs by RS256 alone; taking the algorithm from the token is how 'none' gets in.
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
        .filter(|id| world.directory().tenants.contains_key(id))
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

/// The tenant an issuer of Entra ID's belongs to: `https://sts.windows.net/TENANT/` in v1.0 tokens,
/// `https://login.microsoftonline.com/TENANT/v2.0` in v2.0 ones.
fn tenant_of_issuer(issuer: &str) -> Option<&str> {
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

/// Cuts what a client sent to a length that a message can carry.
fn shorten(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        directory::{Directory, Tenant},
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

    /// A token that is right but for one claim; `null` takes a claim away.
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
    fn a_good_token_of_either_version_is_taken() {
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
    fn each_flaw_of_a_token_is_told_apart() {
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
