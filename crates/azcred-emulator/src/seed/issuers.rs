//! A seed's issuers outside Entra ID, with their public keys.

use super::tables::IssuerSeed;
use crate::directory::{Issuer, IssuerKeys, RsaJwk};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Reads an issuer.
///
/// # Errors
/// A message about what is wrong with its keys.
pub(super) fn read(given: &IssuerSeed) -> Result<Issuer, String> {
    let decode = |text: &Option<String>, name: &str, kid: &str| {
        let text = text
            .as_deref()
            .ok_or_else(|| format!("the key '{kid}' has no '{name}'"))?;
        URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| format!("'{name}' of the key '{kid}' is not base64url"))
    };
    let keys = match (&given.jwks, given.unreachable) {
        (_, true) => IssuerKeys::Unreachable,
        (None, false) => IssuerKeys::Hosted,
        (Some(jwks), false) => IssuerKeys::Published(
            jwks.keys
                .iter()
                // Entra ID accepts RS256 only, so other keys are useless.
                .filter(|key| key.kty == "RSA")
                .map(|key| {
                    Ok(RsaJwk {
                        kid: key.kid.clone(),
                        n: decode(&key.n, "n", &key.kid)?,
                        e: decode(&key.e, "e", &key.kid)?,
                    })
                })
                .collect::<Result<_, String>>()?,
        ),
    };
    Ok(Issuer {
        url: given.url.clone(),
        keys,
        request_token: None,
    })
}
