//! The form of an entry: its file name and its encrypted bytes.
//!
//! ```text
//! magic 4 | version 1 | key id 8 | end 8 | nonce 12 | sealed content, tag 16
//! ```
//!
//! AES-256-GCM (NIST SP 800-38D) under a key for this entry only. HKDF-SHA256 (RFC 5869) derives
//! the key from the vault's key, the entry's name and, for a sign-in, its value in the register. So
//! an entry that is moved to another name does not open. All bytes before the sealed content are
//! authenticated. The nonce is random. An entry is rewritten about once an hour; a key allows 2³²
//! writes.

use super::{Parts, Shelf};
use crate::facts::{Error, ErrorKind, Result};
use ring::{
    aead, hkdf, hmac,
    rand::{SecureRandom as _, SystemRandom},
};
use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use zeroize::Zeroizing;

/// The vault's key, from which all other keys are derived.
pub(super) type Master = Zeroizing<[u8; 32]>;

/// The version of the entry's form. The folder's name has it too.
pub(super) const VERSION: u8 = 1;
const MAGIC: [u8; 4] = *b"azcv";
const KEY_ID: usize = 8;
const CLEAR: usize = MAGIC.len() + 1 + KEY_ID + 8;
const HEADER: usize = CLEAR + aead::NONCE_LEN;
/// The `end` of an entry that does not expire.
const NO_END: u64 = u64::MAX;
/// The largest entry in bytes. A token has some KiB.
pub(super) const LIMIT: u64 = 1 << 20;

/// The keys that are derived from the vault's key. The vault's key itself is not kept.
pub(super) struct Keys {
    of_entries: hkdf::Prk,
    of_names: hmac::Key,
    id: [u8; KEY_ID],
}

/// Makes a new key.
pub(super) fn new_master() -> Result<Master> {
    let mut master = Master::default();
    fill(&mut *master)?;
    Ok(master)
}

/// Fills `bytes` with random numbers.
pub(super) fn fill(bytes: &mut [u8]) -> Result<()> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| no_cryptography())
}

impl Keys {
    pub(super) fn new(master: &Master) -> Result<Self> {
        let of_entries = hkdf::Salt::new(hkdf::HKDF_SHA256, b"azcred vault 1").extract(&master[..]);
        let of_names = hmac::Key::new(
            hmac::HMAC_SHA256,
            &*expand(&of_entries, &[b"names"]).ok_or_else(no_cryptography)?,
        );
        let whole = expand(&of_entries, &[b"id"]).ok_or_else(no_cryptography)?;
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&whole[..KEY_ID]);
        Ok(Self {
            of_entries,
            of_names,
            id,
        })
    }

    /// The name of an entry's file. Without the key, it reveals nothing and can't be used to check
    /// a guess.
    pub(super) fn name(&self, shelf: Shelf, parts: Parts<'_>) -> String {
        let mut context = hmac::Context::with_key(&self.of_names);
        context.update(shelf.folder().as_bytes());
        // Each part follows its length, so that different parts never give the same input.
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        hex(context.sign().as_ref())
    }

    /// Encrypts the content of the entry with this name. `value` is its value in the register,
    /// empty if it has none.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the content is too large or the system has no random numbers.
    pub(super) fn seal(
        &self,
        name: &str,
        value: &[u8],
        end: Option<SystemTime>,
        content: &[u8],
    ) -> Result<Vec<u8>> {
        if content.len() as u64 > LIMIT / 2 {
            return Err(Error::new(
                ErrorKind::Invalid,
                "could not encrypt an entry",
                format!("it has {} bytes, which is over the limit", content.len()),
            ));
        }
        let mut nonce = [0; aead::NONCE_LEN];
        fill(&mut nonce)?;
        let mut sealed = Vec::with_capacity(HEADER + content.len() + aead::AES_256_GCM.tag_len());
        sealed.extend_from_slice(&MAGIC);
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.id);
        sealed.extend_from_slice(&end.map_or(NO_END, seconds).to_be_bytes());
        sealed.extend_from_slice(&nonce);
        let mut content = Zeroizing::new(content.to_vec());
        let tag = self
            .key(name, value)
            .ok_or_else(no_cryptography)?
            .seal_in_place_separate_tag(
                aead::Nonce::assume_unique_for_key(nonce),
                aead::Aad::from(&sealed[..HEADER]),
                &mut content,
            )
            .map_err(|_| no_cryptography())?;
        sealed.extend_from_slice(&content);
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Decrypts the entry with this name; `None` if it was sealed under another name or value, with
    /// another key, or in another form.
    pub(super) fn open(
        &self,
        name: &str,
        value: &[u8],
        sealed: Vec<u8>,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let mut sealed = Zeroizing::new(sealed);
        let clear = Clear::read(&sealed)?;
        if clear.version != VERSION || clear.key_id != self.id {
            return None;
        }
        let (header, content) = sealed.split_at_mut_checked(HEADER)?;
        let nonce = aead::Nonce::try_assume_unique_for_key(&header[CLEAR..]).ok()?;
        let length = self
            .key(name, value)?
            .open_in_place(nonce, aead::Aad::from(&*header), content)
            .ok()?
            .len();
        Some(Zeroizing::new(sealed[HEADER..HEADER + length].to_vec()))
    }

    /// An entry's own key. All names have the same length, so the parts can't be confused.
    fn key(&self, name: &str, value: &[u8]) -> Option<aead::LessSafeKey> {
        let bytes = expand(&self.of_entries, &[b"entry", name.as_bytes(), value])?;
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, &*bytes).ok()?;
        Some(aead::LessSafeKey::new(key))
    }
}

/// The unencrypted part of an entry. Don't trust it before the entry was opened.
pub(super) struct Clear {
    pub(super) version: u8,
    key_id: [u8; KEY_ID],
    /// When the entry becomes useless.
    pub(super) end: Option<SystemTime>,
}

impl Clear {
    /// Reads the unencrypted part; `None` if the bytes are not an entry.
    pub(super) fn read(sealed: &[u8]) -> Option<Self> {
        let rest = sealed.get(..HEADER)?.strip_prefix(&MAGIC)?;
        let (version, rest) = rest.split_first()?;
        let (key_id, rest) = rest.split_first_chunk()?;
        let end = u64::from_be_bytes(*rest.first_chunk()?);
        Some(Self {
            version: *version,
            key_id: *key_id,
            end: if end == NO_END {
                None
            } else {
                UNIX_EPOCH.checked_add(Duration::from_secs(end))
            },
        })
    }
}

fn expand(key: &hkdf::Prk, info: &[&[u8]]) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    key.expand(info, hkdf::HKDF_SHA256)
        .and_then(|derived| derived.fill(&mut *bytes))
        .ok()?;
    Some(bytes)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
        .min(NO_END - 1)
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn no_cryptography() -> Error {
    Error::new(
        ErrorKind::Invalid,
        "could not encrypt an entry",
        "the system returned no random numbers, or the cryptographic library failed",
    )
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AWS-LC wrote these entries, which azcred used before ring.
    #[test]
    fn an_old_entry_still_has_its_name_and_opens() {
        const NAME: &str = "cddaae739ad82e5bc6aa9081ae370bbfa41a15b5a67ba3732ba557bd01b7c498";
        const SEALED: [u8; 60] = *b"azcv\x01\x81\xec\x15\xe3\x0f\x96\x0f\xaa\x00\x00\x00\x00\
            \xf4\x86\x57\x00\x8f\x87\xb3\xae\x3e\xc5\xc2\xa5\x27\x69\x45\x4e\x48\x11\x77\x4f\
            \x23\xaa\xbc\x15\x31\xec\x0a\x1e\xe8\xef\x5b\x4c\x8d\xb1\xfb\x14\xd8\x7e\x7e\x55\
            \x01\xb1\x1a";
        let keys = Keys::new(&Master::new([7; 32])).unwrap();
        let parts: Parts<'_> = &[b"secret", b"contoso.com", b"app"];
        assert_eq!(keys.name(Shelf::Tokens, parts), NAME);
        assert_eq!(
            *keys.open(NAME, &[], SEALED.to_vec()).unwrap(),
            *b"kept before"
        );
    }
}
