//! The identity provider's protocol: OAuth 2.0 as Microsoft Entra ID speaks it.

pub mod certificate;
mod codes;
mod token_answer;
mod token_endpoint;

pub use codes::{Meaning, explain};
pub(crate) use token_answer::PersonTokens;
pub(crate) use token_endpoint::{Grant, TokenEndpoint, WITH_REFRESH};
