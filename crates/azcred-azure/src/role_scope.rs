//! Scopes of role assignments: `/`, a management group, a subscription, a resource group, a
//! resource.

use crate::{
    error::{Error, ErrorKind, Result},
    text::{clean, is_guid},
};
use std::fmt;

/// The longest scope. Azure's resource ids have some hundred characters.
const LONGEST: usize = 1024;
const MANAGEMENT_GROUP: &str = "/providers/Microsoft.Management/managementGroups/";

/// A scope, as a path that begins with a slash and does not end with one; `/` is the whole tenant.
/// Two scopes are equal in any case of their letters.
#[derive(Clone, Debug)]
pub struct RoleScope(String);

impl RoleScope {
    /// Reads a scope.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the text is not a scope, with the forms of one.
    pub fn new(text: &str) -> Result<Self> {
        let text = text.trim();
        let path = text.trim_end_matches('/');
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let is = |place: usize, name: &str| {
            parts
                .get(place)
                .is_some_and(|part| part.eq_ignore_ascii_case(name))
        };
        let is_name = |part: &&str| {
            !part.is_empty()
                && *part != ".."
                && *part != "."
                && part.chars().all(|c| {
                    c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')' | ' ' | '@')
                })
        };
        let has_form = match parts.len() {
            0 => path.is_empty() && text.starts_with('/'),
            4 if is(0, "providers") => is(1, "Microsoft.Management") && is(2, "managementGroups"),
            2 => is(0, "subscriptions"),
            4 => is(0, "subscriptions") && is(2, "resourceGroups"),
            // A provider, then pairs of type and name.
            count => {
                let provider = if is(2, "resourceGroups") { 4 } else { 2 };
                is(0, "subscriptions")
                    && is(provider, "providers")
                    && count >= provider + 4
                    && (count - provider) % 2 == 0
            }
        };
        let is_valid = path.len() <= LONGEST
            && (path.is_empty() || path.starts_with('/'))
            && parts.iter().all(is_name)
            && has_form
            && (!is(0, "subscriptions") || parts.get(1).is_some_and(|id| is_guid(id)));
        if !is_valid {
            return Err(Error::new(
                ErrorKind::Invalid,
                "could not read the scope",
                format!("'{}' is not a scope of roles", clean(text, 200)),
            )
            .with_fix(
                "give a resource id: /subscriptions/ID, /subscriptions/ID/resourceGroups/NAME or the id of a resource below, as the portal's 'Properties' \
                 page shows it; or a management group: /providers/Microsoft.Management/managementGroups/NAME",
            ));
        }
        Ok(Self(match path {
            "" => "/".to_owned(),
            path => path.to_owned(),
        }))
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path as the beginning of a longer one: empty for `/`.
    pub(crate) fn prefix(&self) -> &str {
        self.0.trim_end_matches('/')
    }

    /// The subscription's id, if the scope is in one.
    pub fn subscription(&self) -> Option<&str> {
        let mut parts = self.0.split('/').skip(1);
        let first = parts.next()?;
        first
            .eq_ignore_ascii_case("subscriptions")
            .then(|| parts.next())?
    }

    /// Whether a scope or a resource is this one or below it, by their paths. A path does not say
    /// which management groups are above a subscription.
    pub fn contains(&self, other: &str) -> bool {
        is_at_or_below(other, self.prefix())
    }

    /// The provider of the resource, if the scope is one: `Microsoft.Storage`.
    pub fn provider(&self) -> Option<&str> {
        let (_, rest) = self.0.rsplit_once("/providers/")?;
        rest.split('/')
            .next()
            .filter(|_| self.subscription().is_some())
    }

    /// A few words for people: `the workspace ws-contoso-ml`.
    pub fn describe(&self) -> String {
        describe(&self.0)
    }
}

impl PartialEq for RoleScope {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for RoleScope {}

impl fmt::Display for RoleScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `below` is `above` or below it, by their paths. A path does not say which management
/// groups are above a subscription.
pub(crate) fn is_at_or_below(below: &str, above: &str) -> bool {
    let (below, above) = (below.trim_end_matches('/'), above.trim_end_matches('/'));
    below.len() >= above.len()
        && below.is_char_boundary(above.len())
        && below[..above.len()].eq_ignore_ascii_case(above)
        && (below.len() == above.len() || below.as_bytes()[above.len()] == b'/')
}

/// Whether a scope is a management group, which is above subscriptions whose paths don't name it.
pub(crate) fn is_management_group(scope: &str) -> bool {
    scope
        .get(..MANAGEMENT_GROUP.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(MANAGEMENT_GROUP))
}

/// A scope in a few words. The text may come from a response.
pub fn describe(scope: &str) -> String {
    let parts: Vec<&str> = scope.split('/').filter(|part| !part.is_empty()).collect();
    let name = clean(parts.last().copied().unwrap_or_default(), 120);
    let kind = match parts.len() {
        0 => return "the whole tenant".to_owned(),
        _ if is_management_group(scope) => "management group",
        2 => "subscription",
        4 => "resource group",
        count => match parts[count - 2].to_ascii_lowercase().as_str() {
            "workspaces" => "workspace",
            "registries" => "registry",
            "storageaccounts" => "storage account",
            "vaults" => "key vault",
            "virtualmachines" => "virtual machine",
            "userassignedidentities" => "managed identity",
            _ => "resource",
        },
    };
    format!("the {kind} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBSCRIPTION: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001";

    #[test]
    fn a_scope_is_a_resource_id_or_one_above_it() {
        let group = format!("{SUBSCRIPTION}/resourceGroups/rg (1)");
        let account = format!("{group}/providers/Microsoft.Storage/storageAccounts/st");
        for (text, words) in [
            ("/", "the whole tenant"),
            (
                "/providers/Microsoft.Management/managementGroups/all",
                "the management group all",
            ),
            (
                SUBSCRIPTION,
                "the subscription 5ec0ffee-0001-4000-8000-000000000001",
            ),
            (&format!("{group}/"), "the resource group rg (1)"),
            (&account, "the storage account st"),
            (
                &format!("{account}/blobServices/default/containers/c"),
                "the resource c",
            ),
        ] {
            assert_eq!(RoleScope::new(text).unwrap().describe(), words);
        }
        for text in [
            "",
            "x",
            "rg-contoso-ml",
            "/subscriptions/not-a-guid",
            "/subscriptions",
            &format!("{SUBSCRIPTION}/resourceGroups"),
            &format!("{SUBSCRIPTION}/resourceGroups/a?b=c"),
            &format!("{SUBSCRIPTION}/resourceGroups/../x"),
            &format!("{group}/providers/Microsoft.Storage/storageAccounts"),
            "https://portal.azure.com/subscriptions/x",
            "/providers/Microsoft.Other/managementGroups/all",
        ] {
            let error = RoleScope::new(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
        }
    }

    #[test]
    fn a_scope_is_below_another_by_whole_segments_in_any_case() {
        let group = format!("{SUBSCRIPTION}/resourceGroups/rg");
        assert!(is_at_or_below(&group, &group.to_uppercase()));
        assert!(is_at_or_below(&group, SUBSCRIPTION) && is_at_or_below(&group, "/"));
        assert!(!is_at_or_below(&format!("{group}2"), &group));
        assert!(!is_at_or_below(SUBSCRIPTION, &group));
    }
}
