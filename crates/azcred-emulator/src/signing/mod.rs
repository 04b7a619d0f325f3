//! Signed tokens: the keys of the emulator, and JSON Web Signatures read and checked.

mod jws;
mod keys;

pub use keys::{KeyError, Keys, SigningKey};

pub(crate) use jws::{Algorithm, Jws, PublicKey};
