//! RSA keys that the ephemeral emulators of one process share.
//!
//! In a debug build, one key takes a second, and tests start many short-lived emulators. An
//! emulator with a state folder never uses these keys.

use crate::signing::{KeyError, SigningKey};
use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock, PoisonError},
};
use zeroize::Zeroizing;

/// PKCS#8 and certificate, in DER.
pub(crate) type Parts = (Zeroizing<Vec<u8>>, Vec<u8>);

/// The key for a purpose: the same for every caller in this process.
pub(crate) fn key_for(purpose: &str) -> Result<Parts, KeyError> {
    static KEYS: OnceLock<Mutex<HashMap<String, Parts>>> = OnceLock::new();
    // The lock is held while a key is created. Otherwise another caller would create it too.
    let mut keys = KEYS
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(parts) = keys.get(purpose) {
        return Ok(parts.clone());
    }
    let parts = new_key()?;
    keys.insert(purpose.to_owned(), parts.clone());
    Ok(parts)
}

/// A new key that is not shared.
pub(crate) fn new_key() -> Result<Parts, KeyError> {
    let (key, pkcs8) = SigningKey::generate()?;
    Ok((pkcs8, key.certificate().to_vec()))
}
