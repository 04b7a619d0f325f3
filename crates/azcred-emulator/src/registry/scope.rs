//! Scopes of a registry's tokens: `repository:NAME:pull,push` and `registry:catalog:*` ('Docker
//! Registry Token Authentication').

use serde_json::{Value, json};
use std::fmt;

/// What a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    /// `repository` or `registry`.
    pub(super) kind: String,
    /// The repository, or `catalog`.
    pub(super) name: String,
    pub(super) actions: Vec<String>,
}

impl Scope {
    /// These actions at a repository.
    pub(super) fn repository(name: &str, actions: &[&str]) -> Self {
        Self {
            kind: "repository".into(),
            name: name.into(),
            actions: actions.iter().map(|&action| action.into()).collect(),
        }
    }

    /// The list of all repositories.
    pub(super) fn catalog() -> Self {
        Self {
            kind: "registry".into(),
            name: "catalog".into(),
            actions: vec!["*".into()],
        }
    }

    /// Reads a parameter `scope`, which has several scopes with spaces between. `None` for
    /// anything else.
    pub(super) fn parse_all(text: &str) -> Option<Vec<Self>> {
        let words = text.split_ascii_whitespace();
        words
            .map(|word| {
                let (kind, rest) = word.split_once(':')?;
                // A name can have a port, and so colons.
                let (name, actions) = rest.rsplit_once(':')?;
                let actions = actions.split(',').filter(|action| !action.is_empty());
                Some(Self {
                    kind: kind.into(),
                    name: name.into(),
                    actions: actions.map(str::to_owned).collect(),
                })
            })
            .collect()
    }

    /// The scope as the claim `access` has it.
    pub(super) fn claim(&self) -> Value {
        json!({"Type": self.kind, "Name": self.name, "Actions": self.actions})
    }

    /// Whether an entry of the claim `access` allows all of it.
    pub(super) fn is_in(&self, entry: &Value) -> bool {
        let is = |name: &str, wanted: &str| {
            let text = entry.get(name).and_then(Value::as_str);
            text.is_some_and(|text| text == wanted)
        };
        let given = entry.get("Actions").and_then(Value::as_array);
        let has = |action: &String| {
            let mut given = given.into_iter().flatten().filter_map(Value::as_str);
            // Who may pull may also see what there is.
            given.any(|one| one == action || (one == "pull" && action == "metadata_read"))
        };
        is("Type", &self.kind)
            && (is("Name", &self.name) || is("Name", "*"))
            && self.actions.iter().all(has)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.kind, self.name, self.actions.join(","))
    }
}
