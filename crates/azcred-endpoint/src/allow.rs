//! The resources for which the endpoint returns tokens.

use azcred::Scope;
use std::fmt;

/// The resources for which the endpoint returns tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow(Option<Vec<Scope>>);

impl Allow {
    /// Every resource.
    pub fn everything() -> Self {
        Self(None)
    }

    /// The resources of these scopes only. Case and a slash at the end don't matter.
    pub fn only(scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self(Some(scopes.into_iter().collect()))
    }

    /// Whether every resource is allowed.
    pub fn is_everything(&self) -> bool {
        self.0.is_none()
    }

    /// A list with this resource too, as the command line takes it.
    pub(crate) fn list_with(&self, resource: &str) -> String {
        let list = self.0.iter().flatten().map(Scope::resource);
        list.chain([resource]).collect::<Vec<_>>().join(",")
    }

    pub(crate) fn allows(&self, scope: &Scope) -> bool {
        self.0.as_ref().is_none_or(|list| {
            let mut list = list.iter().map(bare);
            list.any(|allowed| allowed.eq_ignore_ascii_case(bare(scope)))
        })
    }
}

/// The resource without slashes at its end. Entra ID has several resources with and without one.
fn bare(scope: &Scope) -> &str {
    scope.resource().trim_end_matches('/')
}

/// The resources, separated by commas.
impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(list) = &self.0 else {
            return f.write_str("every resource");
        };
        for (place, scope) in list.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{}", scope.resource())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_allowed_by_its_whole_name_only() {
        let allow = Allow::only([Scope::ARM, Scope::STORAGE]);
        for (resource, is_allowed) in [
            ("https://management.azure.com", true),
            ("https://management.azure.com/", true),
            ("HTTPS://Management.Azure.com", true),
            ("https://storage.azure.com", true),
            ("https://graph.microsoft.com", false),
            ("https://management.azure.com.example.com", false),
            ("https://management.azure.com/x", false),
            ("https://management.azure.com/../graph", false),
            ("management.azure.com", false),
        ] {
            let scope = Scope::from_resource(resource).unwrap();
            assert_eq!(allow.allows(&scope), is_allowed, "{resource}");
            assert!(Allow::everything().allows(&scope));
        }
    }
}
