//! What an `id_token` says about who signed in (OpenID Connect Core 1.0).

use super::openid::endpoint;
use crate::{facts::Claims, http::skew_in_words, untrusted::printable};
use secrecy::{ExposeSecret, SecretString};
use std::time::SystemTime;
use subtle::ConstantTimeEq as _;

/// What an `id_token` says about who signed in. Names are printable and of limited length. Only the
/// client that got the token from the token endpoint can rely on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct IdClaims {
    /// The provider's id of the person (`sub`). It may be another for each client. Case counts.
    pub(crate) subject: String,
    /// The object id in the tenant (`oid`, specific to Entra ID).
    pub(crate) object_id: Option<String>,
    /// The tenant that the person signed in to (`tid`, specific to Entra ID).
    pub(crate) tenant: Option<String>,
    /// The sign-in name, such as `ada@contoso.com`.
    pub(crate) username: Option<String>,
    /// The person's full name.
    pub(crate) name: Option<String>,
}

impl IdClaims {
    /// The name to show: the user name, or else the name, or else the id.
    pub(crate) fn shown(&self) -> &str {
        self.username
            .as_deref()
            .or(self.name.as_deref())
            .unwrap_or(&self.subject)
    }
}

/// What an `id_token` must match.
pub(crate) struct Expected<'a> {
    pub(crate) client_id: &'a str,
    /// The value that was sent in the request; `None` if the flow can't send one.
    pub(crate) nonce: Option<&'a str>,
    /// The provider's issuer; `None` if it depends on the tenant.
    pub(crate) issuer: Option<&'a str>,
    /// The requested tenant.
    pub(crate) tenant: &'a str,
    pub(crate) now: SystemTime,
}

/// Longer names are cut.
const LONGEST_NAME: usize = 128;
/// 'It MUST NOT exceed 255 ASCII characters' (`sub`, OpenID Connect Core 1.0 section 2).
const LONGEST_SUBJECT: usize = 255;
/// How many seconds clocks may differ, as for Entra ID.
const TOLERANCE: f64 = 300.0;

/// Why an `id_token` can't be used.
#[derive(Debug)]
pub(crate) struct Unfit {
    /// As half a sentence.
    pub(crate) why: String,
    /// Whether a wrong clock may be the cause.
    pub(crate) is_of_clock: bool,
}

impl From<&str> for Unfit {
    fn from(why: &str) -> Self {
        Self {
            why: why.to_owned(),
            is_of_clock: false,
        }
    }
}

/// Reads an `id_token` from the token endpoint and compares it with what was requested (OpenID
/// Connect Core 1.0 section 3.1.3.7). The endpoint's TLS replaces the check of the signature.
///
/// # Errors
/// Why the token can't be used, or does not match.
pub(crate) fn id_claims(
    id_token: &SecretString,
    expected: &Expected<'_>,
) -> std::result::Result<IdClaims, Unfit> {
    let claims = Claims::of(id_token.expose_secret()).ok_or("the id token can't be read")?;
    let audiences = claims.audiences();
    let is_ours = audiences.contains(&expected.client_id)
        && (audiences.len() == 1 || claims.authorized_party() == Some(expected.client_id));
    if !is_ours {
        return Err("the id token is for another application".into());
    }
    if let Some(nonce) = expected.nonce {
        let is_same = claims
            .nonce()
            .is_some_and(|ours| ours.as_bytes().ct_eq(nonce.as_bytes()).into());
        if !is_same {
            return Err("the id token is from another sign-in".into());
        }
    }
    let issuer = claims
        .issuer()
        .ok_or("the id token does not name its issuer")?;
    if !is_plausible_issuer(issuer, claims.tenant_id(), expected) {
        let why = format!("the id token is from {}", printable(issuer, 100));
        return Err(why.as_str().into());
    }
    let now = expected
        .now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64();
    let expires = claims
        .expires()
        .ok_or("the id token does not say when it expires")?;
    if expires.is_nan() || expires + TOLERANCE < now {
        // The token was issued just now.
        #[expect(clippy::cast_possible_truncation, reason = "saturates")]
        let behind = (claims.issued().unwrap_or(expires) - now) as i64;
        return Err(Unfit {
            why: format!(
                "the id token has expired; this machine's clock may be {} the provider's",
                skew_in_words(behind)
            ),
            is_of_clock: true,
        });
    }
    // A longer id is not cut: it could become another person's.
    let subject = claims
        .subject()
        .filter(|subject| printable(subject, LONGEST_SUBJECT) == *subject)
        .ok_or("the id token does not name a user")?;
    let shown = |text: &str| Some(printable(text, LONGEST_NAME)).filter(|text| !text.is_empty());
    Ok(IdClaims {
        subject: subject.to_owned(),
        object_id: claims.object_id().and_then(shown),
        tenant: claims.tenant_id().and_then(shown),
        username: claims.sign_in_names().chain(claims.email()).find_map(shown),
        name: claims.name().and_then(shown),
    })
}

/// Entra ID's issuer contains the tenant's id (`https://login.microsoftonline.com/TENANT/v2.0`,
/// `https://sts.windows.net/TENANT/`).
fn is_plausible_issuer(issuer: &str, tenant: Option<&str>, expected: &Expected<'_>) -> bool {
    if let Some(known) = expected.issuer {
        return issuer == known;
    }
    let (Ok(issuer), Some(tenant)) = (endpoint("issuer", issuer), tenant) else {
        return false;
    };
    let is_in_path = issuer
        .path_segments()
        .and_then(|mut segments| segments.next())
        .is_some_and(|first| first.eq_ignore_ascii_case(tenant));
    let is_asked = uuid::Uuid::try_parse(expected.tenant).is_err()
        || expected.tenant.eq_ignore_ascii_case(tenant);
    is_in_path && is_asked
}

#[cfg(test)]
#[path = "id_token_tests.rs"]
mod tests;
