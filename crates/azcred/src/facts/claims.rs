//! The claims of JSON web tokens. Only this code parses such tokens: access tokens, id tokens and
//! federated tokens are views of [`Claims`].
//!
//! Nothing here is verified. The names are those of RFC 7519 section 4.1, OpenID Connect Core 1.0
//! section 5.1, and Microsoft's pages 'Access token claims reference' and 'ID token claims
//! reference'. Tokens of v1.0 have `appid` and `appidacr` where v2.0 has `azp` and `azpacr`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// The largest token that is read. Entra ID's and those of CI systems have some 2 KiB.
pub(crate) const WEB_TOKEN_LIMIT: usize = 64 << 10;

/// Whether a text has the form of a JSON web token (RFC 7515 section 7.1). Another text can't be an
/// assertion, and may be a file or a page that was not meant to be sent.
pub(crate) fn is_web_token(text: &str) -> bool {
    text.len() <= WEB_TOKEN_LIMIT
        && text.split('.').count() == 3
        && text.split('.').all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'='))
        })
}

/// The claims of a token. An empty claim, or one of another type than it should have, counts as
/// missing. Texts are as the token has them: a view limits what is shown.
pub(crate) struct Claims<'a>(Cow<'a, Map<String, Value>>);

impl Claims<'static> {
    /// The claims of a token; `None` if it is not a JSON web token.
    pub(crate) fn of(token: &str) -> Option<Self> {
        if token.len() > WEB_TOKEN_LIMIT {
            return None;
        }
        let mut parts = token.split('.');
        let (Some(_header), Some(payload), Some(_signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('='));
        let payload = Zeroizing::new(payload.ok()?);
        let claims = serde_json::from_slice(&payload).ok()?;
        Some(Self(Cow::Owned(claims)))
    }
}

impl<'a> From<&'a Map<String, Value>> for Claims<'a> {
    fn from(claims: &'a Map<String, Value>) -> Self {
        Self(Cow::Borrowed(claims))
    }
}

impl Claims<'_> {
    /// All claims.
    pub(crate) fn into_map(self) -> Map<String, Value> {
        self.0.into_owned()
    }

    fn text(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name)?.as_str()?;
        Some(value).filter(|value| !value.is_empty())
    }

    /// A time in seconds since 1970, maybe with a fraction (RFC 7519 section 2, 'NumericDate').
    fn seconds(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.as_f64()
    }

    /// The provider that issued the token.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// The provider's id of the identity. For a person, it differs between applications.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// The audience: a text or a list (RFC 7519 section 4.1.3).
    pub(crate) fn audiences(&self) -> Vec<&str> {
        match self.0.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// When the token was issued, in seconds since 1970.
    pub(crate) fn issued(&self) -> Option<f64> {
        self.seconds("iat")
    }

    /// When the token expires, in seconds since 1970.
    pub(crate) fn expires(&self) -> Option<f64> {
        self.seconds("exp")
    }

    /// The value that the client sent with the person's sign-in.
    pub(crate) fn nonce(&self) -> Option<&str> {
        self.text("nonce")
    }

    /// The object id in the tenant.
    pub(crate) fn object_id(&self) -> Option<&str> {
        self.text("oid")
    }

    /// The tenant's id.
    pub(crate) fn tenant_id(&self) -> Option<&str> {
        self.text("tid")
    }

    /// The application that requested the token.
    pub(crate) fn application_id(&self) -> Option<&str> {
        self.text("appid").or_else(|| self.text("azp"))
    }

    /// The client to which a token with several audiences was issued (OpenID Connect Core 1.0
    /// section 2).
    pub(crate) fn authorized_party(&self) -> Option<&str> {
        self.text("azp")
    }

    /// How the application proved its identity: `0` not at all, `1` with a secret, `2` with an
    /// assertion.
    pub(crate) fn application_proof(&self) -> Option<&str> {
        self.text("appidacr").or_else(|| self.text("azpacr"))
    }

    /// The application's name.
    pub(crate) fn application_name(&self) -> Option<&str> {
        self.text("app_displayname")
    }

    /// The person's full name.
    pub(crate) fn name(&self) -> Option<&str> {
        self.text("name")
    }

    /// The person's sign-in names, the best to show first. A guest has one here and one at home.
    pub(crate) fn sign_in_names(&self) -> impl Iterator<Item = &str> {
        ["preferred_username", "upn", "unique_name"]
            .into_iter()
            .filter_map(|name| self.text(name))
    }

    /// An email address, for display only. It identifies no one: in many tenants its owner can set
    /// it.
    pub(crate) fn email(&self) -> Option<&str> {
        self.text("email")
    }

    /// `app` or `user`, if the token has it.
    pub(crate) fn kind(&self) -> Option<&str> {
        self.text("idtyp")
    }

    /// Whether a person delegated the token: an application's own token has no scopes.
    pub(crate) fn is_delegated(&self) -> bool {
        match self.0.get("scp") {
            Some(Value::String(scopes)) => !scopes.is_empty(),
            Some(Value::Array(scopes)) => !scopes.is_empty(),
            _ => false,
        }
    }

    /// The Azure resource that a managed identity belongs to.
    pub(crate) fn resource_id(&self) -> Option<&str> {
        self.text("xms_mirid")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn claims_are_read_from_a_web_token_and_from_nothing_else() {
        let read = |token: &str| Some(Claims::of(token)?.object_id()?.to_owned());
        let good = token(r#"{"oid":"o"}"#);
        assert_eq!(read(&good).as_deref(), Some("o"));
        assert_eq!(read(&good.replace(".s", "==.s")).as_deref(), Some("o"));
        let bad = [
            String::new(),
            "opaque".into(),
            good.trim_end_matches(".s").into(),
            format!("{good}.d"),
            "a.!.c".into(),
            token("[1]"),
            token(r#"{"oid":"o""#),
            token(r#"{"oid":"o"} x"#),
        ];
        for bad in bad {
            assert!(Claims::of(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_token_beyond_the_limit_is_not_read() {
        let fits = format!("h.e30.{}", "s".repeat(WEB_TOKEN_LIMIT - 6));
        assert_eq!(fits.len(), WEB_TOKEN_LIMIT);
        assert!(Claims::of(&fits).is_some() && is_web_token(&fits));
        let long = format!("{fits}s");
        assert!(Claims::of(&long).is_none() && !is_web_token(&long));
    }

    #[test]
    fn a_claim_of_another_type_is_missing() {
        let odd = token(
            r#"{"oid":7,"tid":null,"upn":["u"],"appid":"","azp":"a","aud":["x",1],"exp":"1","iat":1.5,"scp":[]}"#,
        );
        let odd = Claims::of(&odd).unwrap();
        assert_eq!((odd.object_id(), odd.tenant_id()), (None, None));
        assert_eq!(odd.sign_in_names().next(), None);
        assert_eq!(odd.application_id(), Some("a"));
        assert_eq!(odd.audiences(), ["x"]);
        assert_eq!((odd.expires(), odd.issued()), (None, Some(1.5)));
        assert!(!odd.is_delegated());
    }
}
