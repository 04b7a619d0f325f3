//! The identity under which tokens are stored on the disk.

use crate::{
    entra::TokenEndpoint, facts::Result, request::TokenRequest, scope::Scope, system::System,
};
use zeroize::Zeroizing;

/// Who requests a token, and how they prove it. Processes with equal identities get the same stored
/// token.
///
/// Everything that the proof depends on is part of it, so that no process gets a token that another
/// had to prove itself for. The disk has it as a MAC only. A source whose identity is unknown has
/// none; its tokens are in memory only.
pub(crate) struct Identity {
    credential: &'static str,
    whose: String,
    tenant: Option<String>,
    sign_in: Option<String>,
    parts: Vec<Zeroizing<Vec<u8>>>,
}

impl Identity {
    /// An identity of `credential`. `whose` says who it is in a few words, for lists of tokens.
    pub(crate) fn new(credential: &'static str, whose: impl Into<String>) -> Self {
        Self {
            credential,
            whose: whose.into(),
            tenant: None,
            sign_in: None,
            parts: vec![Zeroizing::new(credential.as_bytes().to_vec())],
        }
    }

    /// An application, or a person by means of an application, at an authority and in the request's
    /// tenant.
    ///
    /// # Errors
    /// As [`TokenEndpoint::request_token`] for a tenant that is not allowed: tokens that other
    /// processes got in it are not returned either.
    pub(crate) fn at(
        endpoint: &TokenEndpoint,
        credential: &'static str,
        whose: impl Into<String>,
        request: &TokenRequest,
    ) -> Result<Self> {
        let tenant = endpoint.tenant_of(request)?.as_str();
        let mut identity = Self::new(credential, whose)
            .and(endpoint.authority().to_string())
            .and(tenant.to_ascii_lowercase())
            .and(endpoint.client_id().as_str().to_ascii_lowercase());
        identity.tenant = Some(tenant.to_owned());
        Ok(identity)
    }

    /// An identity that only this machine has, since its last start and in this network; `None` if
    /// the system can't tell. Machines may share home folders and images.
    pub(crate) fn here(
        system: &dyn System,
        credential: &'static str,
        whose: impl Into<String>,
    ) -> Option<Self> {
        Some(Self::new(credential, whose).and(system.boot()?))
    }

    /// Adds a part that distinguishes this identity from others.
    pub(crate) fn and(mut self, part: impl AsRef<[u8]>) -> Self {
        self.parts.push(Zeroizing::new(part.as_ref().to_vec()));
        self
    }

    /// Binds the identity to this sign-in. Signing out removes its tokens.
    pub(crate) fn of_sign_in(mut self, sign_in: &str) -> Self {
        self.sign_in = Some(sign_in.to_owned());
        self.and(sign_in)
    }

    pub(super) fn sign_in(&self) -> Option<&str> {
        self.sign_in.as_deref()
    }

    pub(super) fn credential(&self) -> &'static str {
        self.credential
    }

    pub(super) fn whose(&self) -> &str {
        &self.whose
    }

    pub(super) fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The parts of the entry's key: the identity and the request. A claims challenge is not part
    /// of it: the token that answers the challenge also serves requests without it.
    pub(super) fn key(self, request: &TokenRequest) -> Vec<Zeroizing<Vec<u8>>> {
        let mut parts = self.parts;
        // The number of scopes varies, so they come last. Each part has its length before it.
        parts.push(Zeroizing::new(vec![u8::from(request.has_cae())]));
        let tenant = request.tenant().map_or("", |tenant| tenant.as_str());
        parts.push(Zeroizing::new(tenant.to_ascii_lowercase().into_bytes()));
        let scopes = request.scopes().iter().map(Scope::as_str);
        parts.extend(scopes.map(|scope| Zeroizing::new(scope.as_bytes().to_vec())));
        parts
    }
}
