//! Scopes and resources: what a token is for.

use crate::{
    facts::{Error, ErrorKind, Result},
    sieve::{Misplaced, oddity, shown, tidied, visible},
    text::checked_text,
};
use std::borrow::Cow;

/// One OAuth 2.0 scope, such as `https://management.azure.com/.default`.
///
/// Valid by construction: the characters of RFC 6749 section 3.3, no spaces, at most 2,048 bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(Cow<'static, str>);

/// Resources by address, without a slash at the end. From Microsoft's page 'National clouds' and
/// from the pages on authentication of each service.
const RESOURCES: &[(&str, &str)] = &[
    ("https://management.azure.com", "Azure Resource Manager"),
    (
        "https://management.core.windows.net",
        "Azure Resource Manager",
    ),
    (
        "https://management.usgovcloudapi.net",
        "Azure Resource Manager",
    ),
    (
        "https://management.core.usgovcloudapi.net",
        "Azure Resource Manager",
    ),
    (
        "https://management.chinacloudapi.cn",
        "Azure Resource Manager",
    ),
    (
        "https://management.core.chinacloudapi.cn",
        "Azure Resource Manager",
    ),
    ("https://ml.azure.com", "Azure Machine Learning"),
    ("https://ml.azure.us", "Azure Machine Learning"),
    ("https://ml.azure.cn", "Azure Machine Learning"),
    ("https://storage.azure.com", "Azure Storage"),
    ("https://graph.microsoft.com", "Microsoft Graph"),
    ("https://graph.microsoft.us", "Microsoft Graph"),
    ("https://microsoftgraph.chinacloudapi.cn", "Microsoft Graph"),
    ("https://vault.azure.net", "Azure Key Vault"),
    ("https://vault.usgovcloudapi.net", "Azure Key Vault"),
    ("https://vault.azure.cn", "Azure Key Vault"),
    ("https://cognitiveservices.azure.com", "Azure AI Services"),
    ("https://database.windows.net", "Azure SQL Database"),
    (
        "https://containerregistry.azure.net",
        "Azure Container Registry",
    ),
    ("https://batch.core.windows.net", "Azure Batch"),
];

/// The suffix that requests all permissions which the application has on a resource.
const DEFAULT: &str = "/.default";

impl Scope {
    /// Azure Resource Manager, public cloud.
    pub const ARM: Self = Self(Cow::Borrowed("https://management.azure.com/.default"));
    /// Azure Machine Learning's data plane.
    pub const ML: Self = Self(Cow::Borrowed("https://ml.azure.com/.default"));
    /// Azure Storage, data plane.
    pub const STORAGE: Self = Self(Cow::Borrowed("https://storage.azure.com/.default"));
    /// Microsoft Graph, public cloud.
    pub const GRAPH: Self = Self(Cow::Borrowed("https://graph.microsoft.com/.default"));
    /// Azure Key Vault, public cloud.
    pub const KEY_VAULT: Self = Self(Cow::Borrowed("https://vault.azure.net/.default"));

    /// Parses a scope.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the text is empty, too long, or has a space or another forbidden
    /// character.
    pub fn new(scope: impl Into<String>) -> Result<Self> {
        let given = scope.into();
        let scope = tidied(&given).to_owned();
        // RFC 6749 section 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
        let bad = scope
            .chars()
            .find(|&c| !matches!(c, '\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e'));
        let why = match bad {
            Some(' ') => "it contains a space; give several scopes one by one".to_owned(),
            Some(c) => match oddity(&scope) {
                Some(oddity) => oddity.into_owned(),
                None => format!(
                    "it contains the character {}, which a scope can't have",
                    visible(c.encode_utf8(&mut [0; 4]))
                ),
            },
            None if Misplaced::of(&scope).is_some() => {
                oddity(&scope).unwrap_or_default().into_owned()
            }
            None if scope.is_empty() => "it is empty".to_owned(),
            None if scope.len() > 2048 => "it is longer than 2,048 bytes".to_owned(),
            None => return Ok(Self(Cow::Owned(scope))),
        };
        Err(Error::new(
            ErrorKind::Invalid,
            format!("the scope {} is not valid", shown(&given)),
            why,
        )
        .with_fix("a scope looks like https://management.azure.com/.default"))
    }

    /// The scope for all permissions on `resource`: `https://storage.azure.com` becomes
    /// `https://storage.azure.com/.default`. A trailing slash is part of the resource, as Entra ID
    /// requires: `https://management.core.windows.net/` becomes
    /// `https://management.core.windows.net//.default`.
    ///
    /// # Errors
    /// As [`Scope::new`], and if `resource` is already a scope.
    pub fn from_resource(resource: &str) -> Result<Self> {
        let resource = tidied(resource);
        if resource.ends_with(DEFAULT) {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("the resource {} is not valid", shown(resource)),
                "it ends in /.default, so it is a scope, not a resource",
            )
            .with_fix("remove /.default, or give it as a scope"));
        }
        if Misplaced::of(resource).is_some() {
            return Self::new(resource);
        }
        Self::new(format!("{resource}{DEFAULT}"))
    }

    /// The resource of a `/.default` scope; for any other scope, the scope itself.
    pub fn resource(&self) -> &str {
        self.0.strip_suffix(DEFAULT).unwrap_or(&self.0)
    }

    /// The resource to show, with its name if that is known.
    ///
    /// ```
    /// # use azcred::Scope;
    /// assert_eq!(Scope::STORAGE.describe(), "Azure Storage (https://storage.azure.com)");
    /// assert_eq!(Scope::new("api://mine/.default")?.describe(), "api://mine");
    /// # Ok::<(), azcred::Error>(())
    /// ```
    pub fn describe(&self) -> String {
        let resource = self.resource();
        let bare = resource.trim_end_matches('/');
        let known = RESOURCES.iter().find(|(address, _)| *address == bare);
        match known {
            Some((_, name)) => format!("{name} ({resource})"),
            None => resource.to_owned(),
        }
    }

    /// The scope as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

checked_text!(Scope);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_and_its_scope_turn_into_each_other() {
        for resource in [
            "https://storage.azure.com",
            "https://management.core.windows.net/",
            "api://x",
        ] {
            assert_eq!(Scope::from_resource(resource).unwrap().resource(), resource);
        }
        assert_eq!(Scope::new("User.Read").unwrap().resource(), "User.Read");
        assert!(Scope::from_resource(Scope::ARM.as_str()).is_err());
    }

    #[test]
    fn a_scope_with_a_space_is_refused_with_the_reason() {
        let error = Scope::new("https://a/.default https://b/.default").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.why().contains("space"), "{error}");
        for bad in ["", "a\"b", "a\\b", "é", "a\nb"] {
            assert!(Scope::new(bad).is_err(), "{bad:?}");
        }
    }
}
