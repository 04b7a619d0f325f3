//! A source's variables: their values, or which of them are missing.

use crate::{facts::Result, sieve::in_variable, system::System};

/// The variables in `names` that are not set.
pub(super) fn missing(system: &dyn System, names: &[&'static str]) -> Vec<&'static str> {
    names
        .iter()
        .copied()
        .filter(|name| system.var_os(name).is_none())
        .collect()
}

/// 'A and B are not set, but C is'.
pub(super) fn told(system: &dyn System, names: &[&'static str]) -> String {
    let absent = missing(system, names);
    let present: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| !absent.contains(name))
        .collect();
    let (absent, verb) = (list(&absent), are(&absent));
    if present.is_empty() {
        format!("{absent} {verb} not set")
    } else {
        format!(
            "{absent} {verb} not set, but {} {}",
            list(&present),
            are(&present)
        )
    }
}

/// 'A, B and C'.
pub(super) fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// 'is' or 'are'.
pub(super) fn are(names: &[&str]) -> &'static str {
    if names.len() == 1 { "is" } else { "are" }
}

/// Parses a variable. The error shows its name, and its value unless that is a secret.
pub(super) fn read<T>(
    system: &dyn System,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T>,
) -> Result<T> {
    let value = system.var(name).unwrap_or_default();
    parse(&value).map_err(|error| in_variable(name, &value, &error))
}
