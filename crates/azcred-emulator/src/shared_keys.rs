//! RSA keys shared by the ephemeral emulators of one process.
//!
//! A key takes a second to make in an unoptimised build, and tests start many emulators for a short
//! time. An emulator with a state folder never uses these.

use crate::signing::{KeyError, SigningKey};
use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock, PoisonError},
};
use zeroize::Zeroizing;

/// PKCS#8 and certificate, DER.
pub(crate) type Parts = (Zeroizing<Vec<u8>>, Vec<u8>);

/// The key for a purpose: the same for every caller in this process.
pub(crate) fn key_for(purpose: &str) -> Result<Parts, KeyError> {
    static KEYS: OnceLock<Mutex<HashMap<String, Parts>>> = OnceLock::new();
    // Held while a key is made: another caller would make it too.
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

/// A key of its own.
pub(crate) fn new_key() -> Result<Parts, KeyError> {
    let (key, pkcs8) = SigningKey::generate()?;
    Ok((pkcs8, key.certificate().to_vec()))
}
