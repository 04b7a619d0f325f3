//! Encryption of data that clients store and send back: only this service can read it. The service
//! keeps no copy of such data, so clients can't fill its memory, and the data survives a restart.

use crate::directory::Directory;
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, RandomizedNonceKey},
    digest::{self, SHA256},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

const NONCE_BYTES: usize = 12;

/// Encrypts content for a purpose. `None` if the system returns no random bytes, or if the
/// directory has no secret for encryption.
pub(super) fn seal<T: Serialize>(
    directory: &Directory,
    purpose: &'static str,
    content: &T,
) -> Option<String> {
    let mut content = serde_json::to_vec(content).ok()?;
    let nonce = key(directory, purpose)?
        .seal_in_place_append_tag(Aad::from(purpose), &mut content)
        .ok()?;
    let mut sealed = nonce.as_ref().to_vec();
    sealed.append(&mut content);
    Some(URL_SAFE_NO_PAD.encode(&sealed))
}

/// Decrypts what was encrypted for the same purpose. `None` for anything else. `limit` is the
/// longest accepted text in bytes.
pub(super) fn open<T: DeserializeOwned>(
    directory: &Directory,
    purpose: &'static str,
    text: &str,
    limit: usize,
) -> Option<T> {
    if text.len() > limit {
        return None;
    }
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (nonce, content) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let mut content = Zeroizing::new(content.to_vec());
    let opened = key(directory, purpose)?
        .open_in_place(nonce.into(), Aad::from(purpose), &mut content)
        .ok()?;
    serde_json::from_slice(opened).ok()
}

/// Each purpose has its own key, so that data for one purpose is invalid for another.
fn key(directory: &Directory, purpose: &str) -> Option<RandomizedNonceKey> {
    let secret = directory.refresh_secret.as_ref()?;
    let mut context = digest::Context::new(&SHA256);
    context.update(purpose.as_bytes());
    context.update(b"\0");
    context.update(secret.expose().as_bytes());
    RandomizedNonceKey::new(&AES_256_GCM, context.finish().as_ref()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::SecretText;

    fn directory(secret: &str) -> Directory {
        Directory {
            refresh_secret: Some(SecretText::new(secret)),
            ..Directory::default()
        }
    }

    #[test]
    fn sealed_data_opens_only_for_its_purpose_and_service() {
        let ours = directory("a secret");
        let sealed = seal(&ours, "a page", &"content").unwrap();
        let opened = |directory: &Directory, purpose, limit| {
            open::<String>(directory, purpose, &sealed, limit)
        };
        assert_eq!(opened(&ours, "a page", 1000).as_deref(), Some("content"));
        assert_eq!(opened(&ours, "a cookie", 1000), None);
        assert_eq!(opened(&directory("another"), "a page", 1000), None);
        assert_eq!(opened(&ours, "a page", sealed.len() - 1), None);
        assert!(!sealed.contains("content"));
        for at in 0..sealed.len() - 1 {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(open::<String>(&ours, "a page", &changed, 1000).is_none());
        }
        assert!(seal(&Directory::default(), "a page", &"content").is_none());
    }
}
