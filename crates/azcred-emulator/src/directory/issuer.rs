//! Issuers outside Entra ID, whose tokens federated identity credentials may trust.

use super::credential::SecretText;

/// The audience that federated credentials usually want ('Workload identity federation').
pub const EXCHANGE_AUDIENCE: &str = "api://AzureADTokenExchange";

/// A token issuer outside Entra ID, with the keys it would publish.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// Its `iss`.
    pub url: String,
    /// Where its keys come from.
    pub keys: IssuerKeys,
    /// What a running job shows to be given a token, where the emulator is the CI system. `None`:
    /// no job runs.
    pub request_token: Option<SecretText>,
}

/// The keys of an issuer.
#[derive(Clone, Debug)]
pub enum IssuerKeys {
    /// The emulator's own test issuer signs for it, so that tests can mint its tokens.
    Hosted,
    /// A JWKS given by the seed or a test: the keys of a real issuer.
    Published(Vec<RsaJwk>),
    /// Its metadata can't be fetched: AADSTS90061.
    Unreachable,
}

/// An RSA key of a JWKS (RFC 7518 section 6.3), decoded.
#[derive(Clone, Debug)]
pub struct RsaJwk {
    /// `kid`.
    pub kid: String,
    /// Modulus, big endian.
    pub n: Vec<u8>,
    /// Exponent, big endian.
    pub e: Vec<u8>,
}
