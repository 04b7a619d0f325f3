//! What makes two processes the same asker.

use crate::{
    entra::TokenEndpoint, facts::Result, request::TokenRequest, scope::Scope, system::System,
};
use zeroize::Zeroizing;

/// Who asks, and how they prove it: two that are equal would be given the same token.
///
/// Whatever the proof is belongs into it, so that nobody is given what another had to prove. It
/// gets to the disk in no other form than a MAC of it. A source whose identity can't be told has
/// none, and its tokens are kept in memory alone.
pub(crate) struct Identity {
    credential: &'static str,
    whose: String,
    tenant: Option<String>,
    sign_in: Option<String>,
    parts: Vec<Zeroizing<Vec<u8>>>,
}

impl Identity {
    /// Somebody who asks as `credential`; `whose` says who in a few words, for a list of what is
    /// kept.
    pub(crate) fn new(credential: &'static str, whose: impl Into<String>) -> Self {
        Self {
            credential,
            whose: whose.into(),
            tenant: None,
            sign_in: None,
            parts: vec![Zeroizing::new(credential.as_bytes().to_vec())],
        }
    }

    /// An application, or a person by means of one, at an authority and in the tenant that
    /// `request` is for.
    ///
    /// # Errors
    /// As [`TokenEndpoint::ask`] for a tenant that was not allowed: what another process was given
    /// in it is not handed on.
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

    /// Somebody whom only this machine, since it was started, and this network of its can be;
    /// `None` where that can't be told. Homes and images are shared between machines.
    pub(crate) fn here(
        system: &dyn System,
        credential: &'static str,
        whose: impl Into<String>,
    ) -> Option<Self> {
        Some(Self::new(credential, whose).and(system.boot()?))
    }

    /// Adds what tells them from others.
    pub(crate) fn and(mut self, part: impl AsRef<[u8]>) -> Self {
        self.parts.push(Zeroizing::new(part.as_ref().to_vec()));
        self
    }

    /// By this sign-in and no other, with which the tokens go.
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

    /// The parts of the entry's name: who, and what for. A claims challenge is none: what answers
    /// it serves whoever asks without one.
    pub(super) fn key(self, request: &TokenRequest) -> Vec<Zeroizing<Vec<u8>>> {
        let mut parts = self.parts;
        // Scopes may be any number, so that they stand at the end; each part carries its length.
        parts.push(Zeroizing::new(vec![u8::from(request.has_cae())]));
        let tenant = request.tenant().map_or("", |tenant| tenant.as_str());
        parts.push(Zeroizing::new(tenant.to_ascii_lowercase().into_bytes()));
        let scopes = request.scopes().iter().map(Scope::as_str);
        parts.extend(scopes.map(|scope| Zeroizing::new(scope.as_bytes().to_vec())));
        parts
    }
}
