//! What a caller requests.

use crate::{scope::Scope, tenant::TenantId};
use serde_json::{Map, Value};
use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

/// A request for a token: one or more scopes of one resource, and the options that decide which
/// token is returned.
///
/// It is also the key of the cache. It is computed once and cheap to clone, so reuse a request that
/// you need often.
#[derive(Clone, Debug)]
pub struct TokenRequest(Arc<RequestInner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct RequestInner {
    hash: u64,
    scopes: Vec<Scope>,
    tenant: Option<TenantId>,
    claims: Option<String>,
    cae: bool,
}

/// The client capability that tells Entra ID that claims challenges are answered. From Microsoft's
/// page 'Claims challenges, claims requests, and client capabilities'.
const CAN_ANSWER_CHALLENGES: &str = "cp1";

impl TokenRequest {
    /// A request for a token for `scope`.
    pub fn new(scope: Scope) -> Self {
        Self::hashed(RequestInner {
            hash: 0,
            scopes: vec![scope],
            tenant: None,
            claims: None,
            cae: false,
        })
    }

    /// Adds `scope`. Entra ID requires that all scopes are of the same resource. The order does not
    /// matter.
    #[must_use]
    pub fn and_scope(self, scope: Scope) -> Self {
        self.changed(|inner| {
            if let Err(place) = inner.scopes.binary_search(&scope) {
                inner.scopes.insert(place, scope);
            }
        })
    }

    /// Requests the token in `tenant` instead of the credential's own. The credential rejects a
    /// tenant that is not allowed ([`crate::ClientOptions::with_allowed_tenants`]).
    #[must_use]
    pub fn with_tenant(self, tenant: TenantId) -> Self {
        self.changed(|inner| inner.tenant = Some(tenant))
    }

    /// Answers a claims challenge. `claims` is the decoded JSON of the field `claims` in the API's
    /// `WWW-Authenticate` header, where it is in base64. Such a request bypasses the cache. Its
    /// token replaces the cached token of the same request without claims.
    #[must_use]
    pub fn with_claims(self, claims: impl Into<String>) -> Self {
        self.changed(|inner| inner.claims = Some(claims.into()))
    }

    /// Requests a token for continuous access evaluation (`enable_cae` in other Azure SDKs). The
    /// token lives for up to a day, and is revoked when the account is disabled or its policies
    /// change. The API then responds with 401 and a claims challenge. The caller must answer that
    /// challenge by [`TokenRequest::with_claims`].
    #[must_use]
    pub fn with_cae(self) -> Self {
        self.changed(|inner| inner.cae = true)
    }

    /// The scopes, sorted, at least one.
    pub fn scopes(&self) -> &[Scope] {
        &self.0.scopes
    }

    /// The tenant, if it is not the credential's own.
    pub fn tenant(&self) -> Option<&TenantId> {
        self.0.tenant.as_ref()
    }

    /// The claims challenge to answer.
    pub fn claims(&self) -> Option<&str> {
        self.0.claims.as_deref()
    }

    /// Whether the token may be one that can be revoked at once ([`TokenRequest::with_cae`]).
    pub fn has_cae(&self) -> bool {
        self.0.cae
    }

    /// The form parameter `claims`: the challenge and the client's capabilities.
    pub(crate) fn sent_claims(&self) -> Option<Cow<'_, str>> {
        let challenge = self.claims().map(Cow::Borrowed);
        if !self.0.cae {
            return challenge;
        }
        let mut claims = match &challenge {
            None => Map::new(),
            Some(text) => match serde_json::from_str(text) {
                Ok(claims) => claims,
                // A malformed challenge is sent as it is: the provider describes what is wrong with
                // it.
                Err(_) => return challenge,
            },
        };
        let of_token = claims.entry("access_token").or_insert(Value::Null);
        // OpenID Connect Core 1.0 section 5.5: a claim's request is null or an object.
        if of_token.is_null() {
            *of_token = Value::Object(Map::new());
        }
        let Some(of_token) = of_token.as_object_mut() else {
            return challenge;
        };
        of_token.insert(
            "xms_cc".to_owned(),
            serde_json::json!({ "values": [CAN_ANSWER_CHALLENGES] }),
        );
        Some(Cow::Owned(Value::Object(claims).to_string()))
    }

    /// The same request with the provider's challenge instead of its own.
    pub(crate) fn answering(&self, claims: &str) -> Self {
        self.clone().with_claims(claims)
    }

    /// The same request without a challenge. Its cached token is the one to replace.
    pub(crate) fn without_claims(&self) -> Self {
        match self.0.claims {
            None => self.clone(),
            Some(_) => self.clone().changed(|inner| inner.claims = None),
        }
    }

    /// The scopes joined by spaces, as a form sends them.
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

    fn changed(self, change: impl FnOnce(&mut RequestInner)) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        change(&mut inner);
        Self::hashed(inner)
    }

    fn hashed(mut inner: RequestInner) -> Self {
        let mut hasher = DefaultHasher::new();
        (&inner.scopes, &inner.tenant, &inner.claims, inner.cae).hash(&mut hasher);
        inner.hash = hasher.finish();
        Self(Arc::new(inner))
    }
}

/// Clones are equal without a comparison of their fields.
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
            TokenRequest::new(a.clone()).with_cae()
        );
        assert_ne!(
            TokenRequest::new(a.clone()),
            TokenRequest::new(a).with_tenant(TenantId::new("a.com").unwrap())
        );
    }

    #[test]
    fn the_clients_capability_is_sent_with_the_challenge() {
        let sent = |request: &TokenRequest| request.sent_claims().map(Cow::into_owned);
        let plain = TokenRequest::new(Scope::ARM);
        assert_eq!(sent(&plain), None);
        assert_eq!(
            sent(&plain.clone().with_cae()).unwrap(),
            r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#
        );
        for (challenge, merged) in [
            (
                r#"{"access_token":{"nbf":{"essential":true,"value":"17"}}}"#,
                r#"{"access_token":{"nbf":{"essential":true,"value":"17"},"xms_cc":{"values":["cp1"]}}}"#,
            ),
            (
                r#"{"id_token":{"acrs":null},"access_token":null}"#,
                r#"{"access_token":{"xms_cc":{"values":["cp1"]}},"id_token":{"acrs":null}}"#,
            ),
        ] {
            let answer = plain.answering(challenge);
            assert_eq!(sent(&answer).as_deref(), Some(challenge));
            let merged: Value = serde_json::from_str(merged).unwrap();
            let sent: Value = serde_json::from_str(&sent(&answer.with_cae()).unwrap()).unwrap();
            assert_eq!(sent, merged);
        }
        for odd in ["no json", "[]", r#"{"access_token":7}"#] {
            let answer = plain.answering(odd).with_cae();
            assert_eq!(sent(&answer).as_deref(), Some(odd));
        }
    }
}
