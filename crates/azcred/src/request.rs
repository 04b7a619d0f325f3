//! What a caller asks for.

use crate::{scope::Scope, tenant::TenantId};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

/// A request for a token: one scope or several of one resource, and what else decides which token it is.
///
/// It is also the key of the cache, made once and cheap to clone: keep a request that you use often.
#[derive(Clone, Debug)]
pub struct TokenRequest(Arc<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    hash: u64,
    scopes: Vec<Scope>,
    tenant: Option<TenantId>,
    claims: Option<String>,
}

impl TokenRequest {
    /// A token for `scope`.
    pub fn new(scope: Scope) -> Self {
        Self::hashed(Inner {
            hash: 0,
            scopes: vec![scope],
            tenant: None,
            claims: None,
        })
    }

    /// Asks for `scope` too; of the same resource, as Entra ID demands. Order does not matter.
    #[must_use]
    pub fn and_scope(self, scope: Scope) -> Self {
        self.changed(|inner| {
            if let Err(place) = inner.scopes.binary_search(&scope) {
                inner.scopes.insert(place, scope);
            }
        })
    }

    /// Asks in `tenant` in place of the credential's own. The credential refuses a tenant that it was not allowed
    /// ([`crate::ClientOptions::with_allowed_tenants`]).
    #[must_use]
    pub fn with_tenant(self, tenant: TenantId) -> Self {
        self.changed(|inner| inner.tenant = Some(tenant))
    }

    /// Answers a claims challenge: `claims` is the JSON from the `WWW-Authenticate` header of the API that sent it.
    #[must_use]
    pub fn with_claims(self, claims: impl Into<String>) -> Self {
        self.changed(|inner| inner.claims = Some(claims.into()))
    }

    /// The scopes, sorted, at least one.
    pub fn scopes(&self) -> &[Scope] {
        &self.0.scopes
    }

    /// The tenant asked for, where it is not the credential's own.
    pub fn tenant(&self) -> Option<&TenantId> {
        self.0.tenant.as_ref()
    }

    /// The claims challenge to answer.
    pub fn claims(&self) -> Option<&str> {
        self.0.claims.as_deref()
    }

    /// The scopes as a form wants them: joined by a space.
    pub fn joined_scopes(&self) -> String {
        let mut joined = String::new();
        for scope in &self.0.scopes {
            if !joined.is_empty() {
                joined.push(' ');
            }
            joined.push_str(scope.as_str());
        }
        joined
    }

    pub(crate) fn prehashed(&self) -> u64 {
        self.0.hash
    }

    fn changed(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        change(&mut inner);
        Self::hashed(inner)
    }

    fn hashed(mut inner: Inner) -> Self {
        let mut hasher = DefaultHasher::new();
        (&inner.scopes, &inner.tenant, &inner.claims).hash(&mut hasher);
        inner.hash = hasher.finish();
        Self(Arc::new(inner))
    }
}

/// A clone is the same without a look inside.
impl PartialEq for TokenRequest {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for TokenRequest {}

impl Hash for TokenRequest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
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
