//! Segments of a path: names with their namespace, and the keys of objects.

/// How a path names an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// The caller.
    Me,
    Id(String),
    /// By the value of another property: one of [`KEYS`].
    Other(&'static str, String),
}

/// The properties by which a path can name an object besides its id.
const KEYS: &[&str] = &["appId", "name", "roleTemplateId", "uniqueName"];

/// The namespace of types and actions, and its alias, which the SDKs that Kiota makes use.
const NAMESPACES: &[&str] = &["microsoft.graph.", "graph."];

pub(super) fn is_qualified(segment: &str) -> bool {
    unqualified(segment) != segment
}

/// The name without its namespace.
pub(super) fn unqualified(segment: &str) -> &str {
    let without = NAMESPACES.iter().find_map(|namespace| {
        let (start, name) = segment.split_at_checked(namespace.len())?;
        start.eq_ignore_ascii_case(namespace).then_some(name)
    });
    without.unwrap_or(segment)
}

/// `name(key)`.
pub(super) fn split_key(segment: &str) -> (&str, Option<Key>) {
    let parts = segment
        .strip_suffix(')')
        .and_then(|segment| segment.split_once('('))
        .filter(|(_, key)| !key.is_empty());
    let Some((name, key)) = parts else {
        return (segment, None);
    };
    let unquoted = |text: &str| {
        let inner = text
            .strip_prefix('\'')
            .and_then(|text| text.strip_suffix('\''));
        inner.map_or_else(|| text.to_owned(), |inner| inner.replace("''", "'"))
    };
    let other = key.split_once('=').and_then(|(property, value)| {
        let mut known = KEYS.iter();
        let property = known.find(|known| known.eq_ignore_ascii_case(property.trim()))?;
        Some(Key::Other(property, unquoted(value.trim())))
    });
    (
        name,
        Some(other.unwrap_or_else(|| Key::Id(unquoted(key.trim())))),
    )
}
