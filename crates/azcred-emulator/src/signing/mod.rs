//! Signed tokens: the emulator's keys, and JSON Web Signatures.

mod jws;
mod keys;

pub use keys::{KeyError, Keys, SigningKey};

pub(crate) use jws::{Algorithm, Jws, PublicKey};
