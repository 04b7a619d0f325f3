//! Tokens: the keys they are signed with, and how a service checks the one it is given.

mod audience;
mod evaluation;
mod jws;
mod keys;
mod verify;

pub use audience::accepted_audiences;
pub use keys::{KeyError, Keys, SigningKey};
pub use verify::{BearerError, Claims, verify_bearer};

pub(crate) use audience::names;
pub(crate) use evaluation::{Revoked, evaluate, is_revoked, micros, token_id};
pub(crate) use jws::{Algorithm, Jws, PublicKey};
