//! A seed's issuers outside Entra ID: their names, and the keys they publish.

use super::tables::IssuerSeed;
use crate::directory::{Issuer, IssuerKeys, RsaJwk};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Reads an issuer.
///
/// # Errors
/// What is wrong with its keys, in words.
pub(super) fn read(said: &IssuerSeed) -> Result<Issuer, String> {
    let decode = |text: &Option<String>, name: &str, kid: &str| {
        let text = text
            .as_deref()
            .ok_or_else(|| format!("the key '{kid}' has no '{name}'"))?;
        URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| format!("'{name}' of the key '{kid}' is not base64url"))
    };
    let keys = match (&said.jwks, said.unreachable) {
        (_, true) => IssuerKeys::Unreachable,
        (None, false) => IssuerKeys::Hosted,
        (Some(jwks), false) => IssuerKeys::Published(
            jwks.keys
                .iter()
                // Entra ID takes RS256 alone, so other keys are of no use to it.
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
        url: said.url.clone(),
        keys,
        request_token: None,
    })
}
