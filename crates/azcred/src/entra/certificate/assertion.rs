//! The client assertion: a token that an application signs with its certificate's key.
//!
//! Its form is from Microsoft's page 'Certificate credentials' of the identity platform: RFC 7523
//! section 3, with the certificate named in the header (RFC 7515 sections 4.1.6 and 4.1.8).

use super::{ClientCertificate, fault::new_certificate};
use crate::{
    facts::{Error, ErrorKind, Fix},
    tenant::ClientId,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{digest, rand::SystemRandom, signature::RSA_PSS_SHA256};
use secrecy::SecretString;
use serde::Serialize;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long an assertion is valid. The page allows at most 5 to 10 minutes.
const LIFETIME: Duration = Duration::from_secs(10 * 60);

#[derive(Serialize)]
struct JwtHeader {
    alg: &'static str,
    typ: &'static str,
    #[serde(rename = "x5t#S256")]
    thumbprint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    x5c: Option<Vec<String>>,
}

/// Times are whole seconds since 1970 (RFC 7519 section 2, `NumericDate`).
#[derive(Serialize)]
struct AssertionClaims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: uuid::Uuid,
    nbf: u64,
    iat: u64,
    exp: u64,
}

impl ClientCertificate {
    /// Signs a client assertion of `client_id` for `audience`, the token endpoint's address. It is
    /// valid for ten minutes from `now`, and once: its `jti` is random. With `send_chain` its
    /// header has the certificate chain as `x5c`, for applications that trust a subject name and an
    /// issuer.
    ///
    /// The signature is PS256: RSA-PSS, SHA-256, a salt of 32 bytes (RFC 7518 section 3.5).
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the clock is before 1970 or the system has no random numbers.
    pub(crate) fn sign_assertion(
        &self,
        audience: &str,
        client_id: &ClientId,
        now: SystemTime,
        send_chain: bool,
    ) -> Result<SecretString, Error> {
        let fail = |why: &'static str, fix: Fix| {
            Error::new(
                ErrorKind::Invalid,
                "could not sign a client assertion with the certificate",
                why,
            )
            .with_fix(fix)
        };
        let now = now
            .duration_since(UNIX_EPOCH)
            .map_err(|_| fail("this machine's clock is before 1970", Fix::SetClock))?
            .as_secs();
        let header = JwtHeader {
            alg: "PS256",
            typ: "JWT",
            thumbprint: URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, self.leaf())),
            x5c: send_chain.then(|| {
                self.0
                    .chain
                    .iter()
                    .map(|der| STANDARD.encode(der))
                    .collect()
            }),
        };
        let claims = AssertionClaims {
            aud: audience,
            iss: client_id.as_str(),
            sub: client_id.as_str(),
            jti: uuid::Uuid::new_v4(),
            nbf: now,
            iat: now,
            exp: now.saturating_add(LIFETIME.as_secs()),
        };
        let unwritable = |_| {
            fail(
                "its claims can't be written as JSON",
                "report this as a bug".into(),
            )
        };
        let header = serde_json::to_vec(&header).map_err(unwritable)?;
        let claims = serde_json::to_vec(&claims).map_err(unwritable)?;
        let mut token = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let mut signature = vec![0; self.0.key.public().modulus_len()];
        self.0
            .key
            .sign(
                &RSA_PSS_SHA256,
                &SystemRandom::new(),
                token.as_bytes(),
                &mut signature,
            )
            .map_err(|_| {
                fail(
                    "the key could not sign",
                    Fix::Retry { after: None }.or(new_certificate(Some(client_id), None)),
                )
            })?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token.into())
    }
}
