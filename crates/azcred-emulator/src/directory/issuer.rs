//! Issuers outside Entra ID, which federated identity credentials may trust.

use super::credential::SecretText;

/// The usual audience of federated credentials ('Workload identity federation').
pub const EXCHANGE_AUDIENCE: &str = "api://AzureADTokenExchange";

/// The application with that audience: `aud` of its tokens.
pub(crate) const EXCHANGE_APPLICATION: &str = "fb60f99c-7a34-4190-8149-302f77469936";

/// Azure DevOps' application, for whose service connections Entra ID issues tokens.
pub(crate) const AZURE_DEVOPS: &str = "499b84ac-1321-427f-aa17-267ca6975798";

/// A token issuer outside Entra ID, with its public keys.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// Its `iss`.
    pub url: String,
    /// Where its keys come from.
    pub keys: IssuerKeys,
    /// The token that a running job sends when it requests a token, if the emulator is the CI
    /// system. `None`: no job runs.
    pub request_token: Option<SecretText>,
}

/// The keys of an issuer.
#[derive(Clone, Debug)]
pub enum IssuerKeys {
    /// The emulator signs for this issuer, so that tests can create its tokens.
    Hosted,
    /// A JWKS of the seed or of a test: the keys of a real issuer.
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
