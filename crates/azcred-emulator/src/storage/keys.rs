//! An account's two keys, and the keys of user delegation, which are derived from a third secret.

use super::sas::{Delegate, iso};
use crate::directory::{SecretText, kept_text};
use aws_lc_rs::{hmac, rand};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use std::io;
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;

/// The secrets of one account, in base64.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountKeys {
    #[serde(with = "kept_text")]
    key1: SecretText,
    #[serde(with = "kept_text")]
    key2: SecretText,
    #[serde(with = "kept_text")]
    delegation: SecretText,
    #[serde(with = "time::serde::rfc3339")]
    created: OffsetDateTime,
}

/// A key with which a principal signs user-delegation SAS ("Get User Delegation Key").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DelegationKey {
    /// The principal and its tenant.
    pub(crate) delegate: Delegate,
    /// `2026-01-01T00:00:00Z`.
    pub(crate) start: String,
    pub(crate) expiry: String,
    /// `b`.
    pub(crate) service: String,
    pub(crate) version: String,
}

fn random(bytes: usize) -> io::Result<SecretText> {
    let mut secret = zeroize::Zeroizing::new(vec![0; bytes]);
    rand::fill(&mut secret).map_err(|_| io::Error::other("the system returned no random bytes"))?;
    Ok(SecretText::new(STANDARD.encode(&*secret)))
}

impl AccountKeys {
    pub(super) fn generate() -> io::Result<Self> {
        Ok(Self {
            // 64 bytes, as Azure's.
            key1: random(64)?,
            key2: random(64)?,
            delegation: random(32)?,
            created: crate::clock::machine_now(),
        })
    }

    pub(super) fn regenerated(&self, number: u8) -> io::Result<Self> {
        let mut new = self.clone();
        match number {
            2 => new.key2 = random(64)?,
            _ => new.key1 = random(64)?,
        }
        Ok(new)
    }

    /// `key1` and `key2`, in base64.
    pub(crate) fn both(&self) -> [&str; 2] {
        [self.key1.expose(), self.key2.expose()]
    }

    /// When they were made, UTC.
    pub(crate) fn created(&self) -> OffsetDateTime {
        self.created
    }

    /// Whether one of the two keys signed this text. Constant time in the signature.
    pub(crate) fn have_signed(&self, text: &str, signature: &str) -> bool {
        // Both are always compared.
        let both = self.both().map(|key| is_signature(key, text, signature));
        both.contains(&true)
    }

    /// The signature of a text with the first key.
    pub(crate) fn sign(&self, text: &str) -> String {
        sign(self.key1.expose(), text)
    }

    /// The value of a delegation key, in base64: the same for the same principal and times.
    pub(crate) fn delegation_value(&self, key: &DelegationKey) -> String {
        let DelegationKey {
            delegate,
            start,
            expiry,
            service,
            version,
        } = key;
        let (oid, tid) = (delegate.object_id, delegate.tenant);
        let text = format!("{oid}\n{tid}\n{start}\n{expiry}\n{service}\n{version}");
        sign(self.delegation.expose(), &text)
    }

    /// Whether a delegation key signed this text.
    pub(crate) fn delegate_has_signed(
        &self,
        key: &DelegationKey,
        text: &str,
        signature: &str,
    ) -> bool {
        is_signature(&self.delegation_value(key), text, signature)
    }

    /// The signature of a text with a delegation key.
    pub(crate) fn sign_as_delegate(&self, key: &DelegationKey, text: &str) -> String {
        sign(&self.delegation_value(key), text)
    }
}

impl std::fmt::Debug for AccountKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountKeys").finish_non_exhaustive()
    }
}

impl DelegationKey {
    /// A key for Blob Storage between two times.
    pub(crate) fn between(
        delegate: Delegate,
        start: OffsetDateTime,
        expiry: OffsetDateTime,
        version: &str,
    ) -> Self {
        Self {
            delegate,
            start: iso(start),
            expiry: iso(expiry),
            service: "b".to_owned(),
            version: version.to_owned(),
        }
    }
}

/// HMAC-SHA256 in base64, with a key in base64.
fn sign(key: &str, text: &str) -> String {
    let key = zeroize::Zeroizing::new(STANDARD.decode(key).unwrap_or_default());
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

fn is_signature(key: &str, text: &str, signature: &str) -> bool {
    sign(key, text)
        .as_bytes()
        .ct_eq(signature.as_bytes())
        .into()
}
