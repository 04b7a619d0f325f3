//! What a caller asks for.

use crate::{scope::Scope, tenant::TenantId};
use std::hash::{DefaultHasher, Hash, Hasher};

/// A request for a token: one scope or several of one resource, and what else decides which token it is.
///
/// It is also the key of the cache, and its hash is made once: keep a request that you use often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    hash: u64,
    scopes: Vec<Scope>,
    tenant: Option<TenantId>,
    claims: Option<String>,
}

impl TokenRequest {
    /// A token for `scope`.
    pub fn new(scope: Scope) -> Self {
        Self {
            hash: 0,
            scopes: vec![scope],
            tenant: None,
            claims: None,
        }
        .hashed()
    }

    /// Asks for `scope` too; of the same resource, as Entra ID demands. Order does not matter.
    #[must_use]
    pub fn and_scope(mut self, scope: Scope) -> Self {
        if let Err(place) = self.scopes.binary_search(&scope) {
            self.scopes.insert(place, scope);
        }
        self.hashed()
    }

    /// Asks in `tenant` in place of the credential's own. The credential refuses a tenant that it was not allowed
    /// ([`crate::ClientOptions::with_allowed_tenants`]).
    #[must_use]
    pub fn with_tenant(mut self, tenant: TenantId) -> Self {
        self.tenant = Some(tenant);
        self.hashed()
    }

    /// Answers a claims challenge: `claims` is the JSON from the `WWW-Authenticate` header of the API that sent it.
    #[must_use]
    pub fn with_claims(mut self, claims: impl Into<String>) -> Self {
        self.claims = Some(claims.into());
        self.hashed()
    }

    /// The scopes, sorted, at least one.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// The tenant asked for, where it is not the credential's own.
    pub fn tenant(&self) -> Option<&TenantId> {
        self.tenant.as_ref()
    }

    /// The claims challenge to answer.
    pub fn claims(&self) -> Option<&str> {
        self.claims.as_deref()
    }

    /// The scopes as a form wants them: joined by a space.
    pub fn joined_scopes(&self) -> String {
        let mut joined = String::new();
        for scope in &self.scopes {
            if !joined.is_empty() {
                joined.push(' ');
            }
            joined.push_str(scope.as_str());
        }
        joined
    }

    fn hashed(mut self) -> Self {
        let mut hasher = DefaultHasher::new();
        (&self.scopes, &self.tenant, &self.claims).hash(&mut hasher);
        self.hash = hasher.finish();
        self
    }
}

impl Hash for TokenRequest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_scopes_does_not_make_another_request() {
        let (a, b) = (Scope::new("a").unwrap(), Scope::new("b").unwrap());
        let one = TokenRequest::new(a.clone()).and_scope(b.clone());
        assert_eq!(
            one,
            TokenRequest::new(b.clone())
                .and_scope(a.clone())
                .and_scope(b)
        );
        assert_eq!(one.joined_scopes(), "a b");
        assert_ne!(one, TokenRequest::new(a.clone()));
        assert_ne!(
            TokenRequest::new(a.clone()),
            TokenRequest::new(a.clone()).with_claims("{}")
        );
        assert_ne!(
            TokenRequest::new(a.clone()),
            TokenRequest::new(a).with_tenant(TenantId::new("a.com").unwrap())
        );
    }
}
