//! How a service checks the token of a request.

mod audience;
mod caller;
mod evaluation;
mod subject;
mod verify;

pub use crate::signing::{KeyError, Keys, SigningKey};
pub use audience::accepted_audiences;
pub use verify::{BearerError, Claims, verify_bearer};

pub(crate) use caller::{as_seen, name_in_messages, principals};
pub(crate) use evaluation::{Revoked, evaluate, is_revoked, issued_at, token_id};
pub(crate) use subject::pairwise_subject;
pub(crate) use verify::{tenant_of_issuer, verify_token};
