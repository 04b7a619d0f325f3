//! An id of Azure Resource Manager as a scope: parsed, validated, and compared as Azure compares
//! it.
//!
//! The forms are those of "Understand scope for Azure RBAC" (Microsoft Learn): `/`, a management
//! group, a subscription, a resource group, a resource, and an extension resource below any of
//! these. Ids keep their spelling. Comparisons ignore case and use whole segments, so that
//! `/subscriptions/1` is not a parent of `/subscriptions/11`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// Longest accepted id in bytes: Azure Resource Manager's limit for URLs leaves no room for more.
const MAX_LENGTH: usize = 2048;

/// A place in Azure's resource tree, at which roles are assigned and resources exist.
#[derive(Clone)]
pub struct Scope {
    /// The segments in their original spelling. None is empty.
    segments: Vec<String>,
    /// The segments in lower case, joined. Equality, order and hash use this key.
    key: String,
}

/// Why a string is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not an Azure resource id: {reason}")]
pub struct InvalidScope {
    text: String,
    reason: &'static str,
}

impl Scope {
    /// The whole tenant: `/`.
    pub fn root() -> Self {
        Self {
            segments: Vec::new(),
            key: "/".into(),
        }
    }

    /// `/subscriptions/ID`.
    pub fn subscription(id: Uuid) -> Self {
        Self::from_segments(vec!["subscriptions".into(), id.to_string()])
    }

    /// `/providers/Microsoft.Management/managementGroups/NAME`.
    ///
    /// # Errors
    /// When the name has a character that no id may have.
    pub fn management_group(name: &str) -> Result<Self, InvalidScope> {
        format!("/providers/Microsoft.Management/managementGroups/{name}").parse()
    }

    /// This scope with further segments.
    ///
    /// # Errors
    /// When the result is not a valid id.
    pub fn child(&self, tail: &str) -> Result<Self, InvalidScope> {
        if self.segments.is_empty() {
            format!("/{tail}").parse()
        } else {
            format!("{self}/{tail}").parse()
        }
    }

    fn from_segments(segments: Vec<String>) -> Self {
        let key = format!("/{}", segments.join("/")).to_lowercase();
        Self { segments, key }
    }

    /// The id in lower case, which is the key of maps.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The segments in their original spelling.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().map(String::as_str)
    }

    /// The subscription of this scope.
    pub fn subscription_id(&self) -> Option<Uuid> {
        match self.segments.as_slice() {
            [kind, id, ..] if kind.eq_ignore_ascii_case("subscriptions") => id.parse().ok(),
            _ => None,
        }
    }

    /// The name of this scope's resource group.
    pub fn resource_group(&self) -> Option<&str> {
        match self.segments.as_slice() {
            [_, _, kind, name, ..]
                if self.subscription_id().is_some()
                    && kind.eq_ignore_ascii_case("resourceGroups") =>
            {
                Some(name)
            }
            _ => None,
        }
    }

    /// The name of this scope's management group.
    pub fn management_group_name(&self) -> Option<&str> {
        match self.segments.as_slice() {
            [providers, namespace, kind, name, ..]
                if providers.eq_ignore_ascii_case("providers")
                    && namespace.eq_ignore_ascii_case("Microsoft.Management")
                    && kind.eq_ignore_ascii_case("managementGroups") =>
            {
                Some(name)
            }
            _ => None,
        }
    }

    /// The resource type, such as `Microsoft.MachineLearningServices/workspaces/computes`. `None`
    /// if this is not a resource. For an extension resource, the type after the last `providers`.
    pub fn resource_type(&self) -> Option<String> {
        let at = self
            .segments
            .iter()
            .rposition(|segment| segment.eq_ignore_ascii_case("providers"))?;
        let mut parts = self.segments[at + 1..].iter();
        let mut text = parts.next()?.clone();
        for kind in parts.step_by(2) {
            text.push('/');
            text.push_str(kind);
        }
        Some(text)
    }

    /// The last segment: the resource's name. Empty for `/`.
    pub fn name(&self) -> &str {
        self.segments.last().map_or("", String::as_str)
    }

    /// Whether `other` is this scope or below it in the path. Management groups contain
    /// subscriptions by the hierarchy, not by the path: see
    /// [`Resources::ancestry`](super::Resources::ancestry).
    pub fn contains(&self, other: &Self) -> bool {
        self.segments.is_empty()
            || other
                .key
                .strip_prefix(&self.key)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// This scope and its parents in the path, nearest first, without `/`: a resource, its parent
    /// resources, the resource group, the subscription.
    pub fn path_ancestry(&self) -> Vec<Self> {
        let mut found = Vec::new();
        let mut end = self.segments.len();
        while end > 0 {
            found.push(Self::from_segments(self.segments[..end].to_vec()));
            end -= 2;
            // A provider's first type comes three segments after its parent:
            // /providers/NAMESPACE/TYPE/NAME.
            if end >= 2 && self.segments[end - 2].eq_ignore_ascii_case("providers") {
                end -= 2;
            }
        }
        found
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        let refuse = |reason| {
            Err(InvalidScope {
                // The beginning of a long id is enough to recognize it.
                text: text.chars().take(200).collect(),
                reason,
            })
        };
        if text.len() > MAX_LENGTH {
            return refuse("it is longer than 2048 bytes");
        }
        let Some(rest) = text.strip_prefix('/') else {
            return refuse("it does not start with '/'");
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.is_empty() {
            return Ok(Self::root());
        }
        let segments: Vec<String> = rest.split('/').map(str::to_owned).collect();
        for segment in &segments {
            if segment.is_empty() {
                return refuse("a segment is empty");
            }
            if segment.chars().all(|c| c == '.') {
                return refuse("a segment is only dots");
            }
            if segment.chars().any(|c| {
                c.is_control() || "%\\?#<>\"'&*".contains(c) || (c.is_whitespace() && c != ' ')
            }) {
                return refuse("a segment holds a character that resource names may not hold");
            }
        }
        if let Some(reason) = order_problem(&segments) {
            return refuse(reason);
        }
        Ok(Self::from_segments(segments))
    }
}

/// What is wrong with the order of an id's segments.
fn order_problem(segments: &[String]) -> Option<&'static str> {
    let is = |at: usize, word: &str| {
        segments
            .get(at)
            .is_some_and(|segment: &String| segment.eq_ignore_ascii_case(word))
    };
    let mut at = 0;
    if is(0, "subscriptions") {
        if segments.get(1).is_none_or(|id| id.parse::<Uuid>().is_err()) {
            return Some("a subscription id is a GUID");
        }
        at = 2;
        if is(2, "resourceGroups") {
            if segments.get(3).is_none_or(|name| name.len() > 90) {
                return Some("a resource group has a name of at most 90 characters");
            }
            at = 4;
        }
    }
    while at < segments.len() {
        if !is(at, "providers") {
            return Some("'/providers/' was expected after the subscription or resource group");
        }
        // From here: providers / namespace / (type / name)+, until the next "providers" in the
        // place of a type.
        at += 2;
        let first = at;
        while at < segments.len() && (at == first || !is(at, "providers")) {
            at += 2;
        }
        if at == first || at > segments.len() {
            return Some("a provider's namespace is followed by pairs of type and name");
        }
    }
    None
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.segments.is_empty() {
            return f.write_str("/");
        }
        for segment in &self.segments {
            write!(f, "/{segment}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({self})")
    }
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Scope {}

impl PartialOrd for Scope {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scope {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBSCRIPTION: &str = "/subscriptions/11111111-1111-1111-1111-111111111111";

    fn scope(text: &str) -> Scope {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn the_parts_of_a_workspace_id_are_found() {
        let id = scope(&format!(
            "{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws/computes/c"
        ));
        assert_eq!(id.resource_group(), Some("rg"));
        assert_eq!(
            id.resource_type().as_deref(),
            Some("Microsoft.MachineLearningServices/workspaces/computes")
        );
        assert_eq!(id.name(), "c");
        assert_eq!(
            id.subscription_id().map(|id| id.to_string()).as_deref(),
            Some("11111111-1111-1111-1111-111111111111")
        );
    }

    #[test]
    fn ancestry_goes_up_by_resource_not_by_segment() {
        let id = scope(&format!(
            "{SUBSCRIPTION}/resourceGroups/rg/providers/N.S/a/1/b/2"
        ));
        let climbed: Vec<String> = id.path_ancestry().iter().map(Scope::to_string).collect();
        assert_eq!(
            climbed,
            [
                format!("{SUBSCRIPTION}/resourceGroups/rg/providers/N.S/a/1/b/2"),
                format!("{SUBSCRIPTION}/resourceGroups/rg/providers/N.S/a/1"),
                format!("{SUBSCRIPTION}/resourceGroups/rg"),
                SUBSCRIPTION.to_owned(),
            ]
        );
        let group = scope("/providers/Microsoft.Management/managementGroups/mg");
        assert_eq!(group.path_ancestry(), std::slice::from_ref(&group));
        let extension = scope(&format!(
            "{SUBSCRIPTION}/providers/A.B/c/1/providers/D.E/f/2"
        ));
        assert_eq!(extension.path_ancestry().len(), 3);
        assert!(Scope::root().path_ancestry().is_empty());
    }

    #[test]
    fn containment_compares_whole_segments_and_ignores_case() {
        let group = scope(&format!("{SUBSCRIPTION}/resourceGroups/rg-1"));
        assert!(group.contains(&scope(&format!(
            "{SUBSCRIPTION}/RESOURCEGROUPS/RG-1/providers/a.b/c/d"
        ))));
        assert!(!group.contains(&scope(&format!("{SUBSCRIPTION}/resourceGroups/rg-11"))));
        assert!(!group.contains(&scope(SUBSCRIPTION)));
        assert!(Scope::root().contains(&group));
        assert_eq!(scope("/"), Scope::root());
        assert_eq!(
            scope(&format!("{SUBSCRIPTION}/resourceGroups/RG")),
            scope(&format!("{SUBSCRIPTION}/resourcegroups/rg/"))
        );
    }

    #[test]
    fn ids_that_azure_rejects_are_rejected() {
        let long = format!("/{}", "a".repeat(3000));
        for text in [
            "",
            "subscriptions/11111111-1111-1111-1111-111111111111",
            "/subscriptions",
            "/subscriptions/1",
            "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups",
            "/subscriptions/11111111-1111-1111-1111-111111111111/rg",
            "/subscriptions/11111111-1111-1111-1111-111111111111//resourceGroups/rg",
            "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/..",
            "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/a%2Fb",
            "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/a\0b",
            "/providers",
            "/providers/a.b",
            "/providers/a.b/c",
            "/providers/a.b/c/d/e",
            "/nonsense/1",
            &long,
        ] {
            assert!(text.parse::<Scope>().is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn a_resource_named_providers_does_not_start_a_new_provider() {
        let id = scope(&format!(
            "{SUBSCRIPTION}/resourceGroups/providers/providers/a.b/c/d"
        ));
        assert_eq!(id.resource_group(), Some("providers"));
    }
}
