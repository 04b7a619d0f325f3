//! The audience of identity tokens that are exchanged at Entra ID.

use crate::{
    facts::Result,
    sieve::{Misplaced, invalid, tidied},
    text::checked_text,
    untrusted::is_unseen,
};
use std::sync::Arc;

/// The audience of an identity token that Entra ID exchanges: `aud` in the token, and the audience
/// of the application's federated credential. Valid by construction: it has no white space and no
/// unseen character, and is not a secret.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FederatedAudience(Arc<str>);

/// The longest audience of a federated credential ('federatedIdentityCredential resource type').
const LONGEST: usize = 600;

impl FederatedAudience {
    /// Parses an audience. White space, quotes and unseen characters around it are ignored.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the text is empty, longer than 600 characters, has white space or
    /// unseen characters, or is a secret.
    ///
    /// [`ErrorKind::Invalid`]: crate::ErrorKind::Invalid
    pub fn new(audience: &str) -> Result<Self> {
        let text = tidied(audience);
        let is_odd = |c: char| c.is_whitespace() || is_unseen(c);
        if text.is_empty()
            || text.chars().count() > LONGEST
            || text.contains(is_odd)
            || Misplaced::of(text).is_some()
        {
            return Err(invalid(
                "the audience",
                audience,
                "an audience is one word of at most 600 characters, such as api://AzureADTokenExchange",
            )
            .with_fix("find it with `az ad app federated-credential list --id CLIENT-ID --query '[].audiences'`"));
        }
        Ok(Self(text.into()))
    }

    /// The audience as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

checked_text!(FederatedAudience);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::ErrorKind;

    #[test]
    fn an_audience_is_one_word_and_no_secret() {
        for good in [
            "api://AzureADTokenExchange",
            " \"https://github.com/contoso\"\n",
            "fb60f99c-7a34-4190-8149-302f77469936",
            "contoso",
        ] {
            assert_eq!(FederatedAudience::new(good).unwrap().as_str(), tidied(good));
        }
        for bad in [
            "",
            "  ",
            "api://a b",
            "api://a\u{200b}b",
            "api://a\u{1b}[31m",
            "a\nb",
            "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJjYW5hcnkifQ.Y2FuYXJ5",
            &"x".repeat(601),
        ] {
            let error = FederatedAudience::new(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{bad}");
            let text = error.to_string();
            assert!(!text.contains(['\u{1b}', '\u{200b}']), "{text}");
            assert!(!text.contains("Y2FuYXJ5") && text.len() < 600, "{text}");
        }
    }
}
