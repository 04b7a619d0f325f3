//! The kinds of objects, and their properties: the tables in `shapes`.

use serde_json::{Map, Value};
use std::sync::LazyLock;

/// A kind of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Application,
    /// Any of them, in mixed collections.
    DirectoryObject,
    FederatedCredential,
    Group,
    Organization,
    ServicePrincipal,
    User,
}

/// A property of a kind.
#[derive(Debug)]
pub(super) struct Property {
    pub(super) name: &'static str,
    /// The value when nothing else is known.
    empty: Value,
    /// What a request can do with it.
    uses: Vec<&'static str>,
}

/// The property is the directory's own.
const FIXED: &str = "fixed";

/// When a property can be used in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usable {
    Always,
    /// In an advanced query only.
    Advanced,
    Never,
}

struct Table {
    kind: Kind,
    set: &'static str,
    name: &'static str,
    properties: Vec<Property>,
}

static TABLES: LazyLock<[Table; 7]> = LazyLock::new(|| {
    let table = |kind, set, name, text| Table {
        kind,
        set,
        name,
        properties: read(text),
    };
    macro_rules! shape {
        ($name:literal) => {
            include_str!(concat!("shapes/", $name, ".txt"))
        };
    }
    [
        table(
            Kind::Application,
            "applications",
            "application",
            shape!("application"),
        ),
        table(
            Kind::DirectoryObject,
            "directoryObjects",
            "directoryObject",
            shape!("directoryObject"),
        ),
        table(
            Kind::FederatedCredential,
            "federatedIdentityCredentials",
            "federatedIdentityCredential",
            shape!("federatedIdentityCredential"),
        ),
        table(Kind::Group, "groups", "group", shape!("group")),
        table(
            Kind::Organization,
            "organization",
            "organization",
            shape!("organization"),
        ),
        table(
            Kind::ServicePrincipal,
            "servicePrincipals",
            "servicePrincipal",
            shape!("servicePrincipal"),
        ),
        table(Kind::User, "users", "user", shape!("user")),
    ]
});

fn read(text: &'static str) -> Vec<Property> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| {
            let mut columns = line.split('|').map(str::trim);
            Some(Property {
                name: columns.next()?,
                empty: serde_json::from_str(columns.next()?).ok()?,
                uses: columns.next()?.split_ascii_whitespace().collect(),
            })
        })
        .collect()
}

impl Kind {
    /// The kinds that the directory has an entity set of.
    const SETS: [Self; 6] = [
        Self::Application,
        Self::DirectoryObject,
        Self::Group,
        Self::Organization,
        Self::ServicePrincipal,
        Self::User,
    ];

    /// The kinds of the objects in mixed collections.
    pub(super) const OBJECTS: [Self; 4] = [
        Self::User,
        Self::Group,
        Self::ServicePrincipal,
        Self::Application,
    ];

    fn table(self) -> &'static Table {
        let found = TABLES.iter().find(|table| table.kind == self);
        found.unwrap_or(&TABLES[1])
    }

    /// The entity set with this name, in any case.
    pub(super) fn of_set(segment: &str) -> Option<Self> {
        let is_it = |kind: &Self| kind.set().eq_ignore_ascii_case(segment);
        Self::SETS.into_iter().find(is_it)
    }

    /// The kind with this name of a type, in any case.
    pub(super) fn of_type(name: &str) -> Option<Self> {
        let is_it = |kind: &Self| kind.name().eq_ignore_ascii_case(name);
        Self::OBJECTS.into_iter().find(is_it)
    }

    /// The name of the entity set: `users`.
    pub(super) fn set(self) -> &'static str {
        self.table().set
    }

    /// The name of the type: `user`.
    pub(super) fn name(self) -> &'static str {
        self.table().name
    }

    /// The name as errors write it: `User`.
    pub(super) fn title(self) -> String {
        let (first, rest) = self.name().split_at(1);
        first.to_uppercase() + rest
    }

    /// The property with this name, in any case.
    pub(super) fn property(self, name: &str) -> Option<&'static Property> {
        let mut all = self.table().properties.iter();
        all.find(|property| property.name.eq_ignore_ascii_case(name))
    }

    /// All properties of an object of which these are known.
    pub(super) fn fill(self, known: Map<String, Value>) -> Map<String, Value> {
        let all = self.table().properties.iter();
        let mut object: Map<_, _> = all
            .map(|property| (property.name.to_owned(), property.empty.clone()))
            .collect();
        object.extend(known);
        object
    }

    /// The properties of an answer without `$select`.
    pub(super) fn defaults(self) -> impl Iterator<Item = &'static str> {
        let all = self.table().properties.iter();
        all.filter(|property| property.uses.contains(&"default"))
            .map(|property| property.name)
    }
}

impl Property {
    /// Whether no request can write it.
    pub(super) fn is_fixed(&self) -> bool {
        self.uses.contains(&FIXED)
    }

    /// Whether a value has its type, as far as the table shows it.
    pub(super) fn accepts(&self, value: &Value) -> bool {
        match (&self.empty, value) {
            (_, Value::Null) | (Value::Null, _) => true,
            (Value::Bool(_), value) => value.is_boolean(),
            (Value::Array(_), value) => value.is_array(),
            (Value::Object(_), value) => value.is_object(),
            (Value::String(_), value) => value.is_string(),
            (Value::Number(_), value) => value.is_number(),
        }
    }

    /// When it can be used like this: `eq`, `cmp`, `starts`, `ends`, `sort`, `search`.
    pub(super) fn usable(&self, how: &str) -> Usable {
        let found = self.uses.iter().find_map(|known| {
            let advanced = known.strip_suffix('+');
            (advanced.unwrap_or(known) == how).then_some(match advanced {
                Some(_) => Usable::Advanced,
                None => Usable::Always,
            })
        });
        found.unwrap_or(Usable::Never)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_tables_is_a_property() {
        let texts = [
            include_str!("shapes/application.txt"),
            include_str!("shapes/directoryObject.txt"),
            include_str!("shapes/federatedIdentityCredential.txt"),
            include_str!("shapes/group.txt"),
            include_str!("shapes/organization.txt"),
            include_str!("shapes/servicePrincipal.txt"),
            include_str!("shapes/user.txt"),
        ];
        for (table, text) in TABLES.iter().zip(texts) {
            let lines = text
                .lines()
                .filter(|line| !line.is_empty() && !line.starts_with('#'));
            assert_eq!(table.properties.len(), lines.count(), "{}", table.name);
            for property in &table.properties {
                for word in &property.uses {
                    let word = word.trim_end_matches('+');
                    let known = [
                        "default", "eq", "cmp", "starts", "ends", "sort", "search", FIXED,
                    ];
                    assert!(known.contains(&word), "{}: {word}", property.name);
                }
            }
            assert!(Kind::property(table.kind, "ID").is_some(), "{}", table.name);
        }
    }

    #[test]
    fn the_default_properties_are_as_many_as_recorded() {
        for (kind, count) in [
            (Kind::User, 11),
            (Kind::Group, 32),
            (Kind::ServicePrincipal, 36),
            (Kind::Application, 38),
        ] {
            assert_eq!(kind.defaults().count(), count, "{kind:?}");
        }
    }
}
