//! The identity provider's protocol: OAuth 2.0 as Microsoft Entra ID implements it.

#[cfg(feature = "people")]
mod authorize;
#[cfg(feature = "certificates")]
pub mod certificate;
mod codes;
#[cfg(feature = "people")]
mod device;
#[cfg(feature = "people")]
mod id_token;
mod openid;
#[cfg(feature = "people")]
mod pkce;
#[cfg(feature = "people")]
mod signed_in;
mod token_answer;
mod token_endpoint;

#[cfg(feature = "people")]
pub(crate) use authorize::{Authorization, AuthorizationOptions, Redirected};
pub use codes::{Meaning, SentProof, explain};
pub(crate) use codes::{OfRefreshToken, RequestNames};
#[cfg(feature = "people")]
pub(crate) use device::Device;
#[cfg(feature = "people")]
pub(crate) use id_token::IdClaims;
pub(crate) use openid::Endpoints;
#[cfg(feature = "people")]
pub(crate) use signed_in::SignedIn;
pub(crate) use token_answer::{PersonTokens, code_in};
pub(crate) use token_endpoint::{Grant, TokenEndpoint, scopes_of_person};

#[cfg(feature = "people")]
use id_token::{Expected, id_claims};
