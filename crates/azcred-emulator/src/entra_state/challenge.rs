//! Proof Key for Code Exchange (RFC 7636): the challenge of an authorization code.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

/// A code's challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Challenge {
    /// `S256`: the verifier's SHA-256, in base64url.
    S256(String),
    /// `plain`: the verifier itself.
    Plain(String),
}

impl Challenge {
    /// Whether this is the right verifier.
    pub(crate) fn is_met_by(&self, verifier: &str) -> bool {
        let hashed;
        let (ours, theirs) = match self {
            Self::Plain(ours) => (ours, verifier),
            Self::S256(ours) => {
                hashed =
                    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
                (ours, hashed.as_str())
            }
        };
        ours.as_bytes().ct_eq(theirs.as_bytes()).into()
    }
}
