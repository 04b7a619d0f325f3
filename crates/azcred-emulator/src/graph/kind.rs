//! The kinds of objects, and their properties: the tables in `shapes`.

use serde_json::{Map, Value};
use std::sync::LazyLock;

/// A kind of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Application,
    /// What a tenant's users may do. There is one.
    AuthorizationPolicy,
    /// Any object that was deleted and can come back.
    DeletedItem,
    /// Any of them, in mixed collections.
    DirectoryObject,
    DirectoryRole,
    FederatedCredential,
    Group,
    Organization,
    RoleAssignment,
    RoleDefinition,
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

static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| {
    macro_rules! table {
        ($kind:ident, $set:literal, $name:literal) => {
            Table {
                kind: Kind::$kind,
                set: $set,
                name: $name,
                properties: read(include_str!(concat!("shapes/", $name, ".txt"))),
            }
        };
    }
    vec![
        table!(Application, "applications", "application"),
        table!(
            AuthorizationPolicy,
            "policies/authorizationPolicy",
            "authorizationPolicy"
        ),
        table!(DeletedItem, "directory/deletedItems", "directoryObject"),
        table!(DirectoryObject, "directoryObjects", "directoryObject"),
        table!(DirectoryRole, "directoryRoles", "directoryRole"),
        table!(
            FederatedCredential,
            "federatedIdentityCredentials",
            "federatedIdentityCredential"
        ),
        table!(Group, "groups", "group"),
        table!(Organization, "organization", "organization"),
        table!(
            RoleAssignment,
            "roleManagement/directory/roleAssignments",
            "unifiedRoleAssignment"
        ),
        table!(
            RoleDefinition,
            "roleManagement/directory/roleDefinitions",
            "unifiedRoleDefinition"
        ),
        table!(ServicePrincipal, "servicePrincipals", "servicePrincipal"),
        table!(User, "users", "user"),
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
    const SETS: [Self; 11] = [
        Self::Application,
        Self::AuthorizationPolicy,
        Self::DeletedItem,
        Self::DirectoryObject,
        Self::DirectoryRole,
        Self::Group,
        Self::Organization,
        Self::RoleAssignment,
        Self::RoleDefinition,
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
        found.unwrap_or(&TABLES[0])
    }

    /// The entity set with which a path begins, in any case, and how many segments its name has.
    /// `name` is a segment's without its key.
    pub(super) fn of_set(path: &[String], name: impl Fn(&str) -> &str) -> Option<(Self, usize)> {
        Self::SETS.into_iter().find_map(|kind| {
            let mut given = path.iter();
            let mut words = kind.set().split('/');
            let is_next = |word: &str| {
                let given = given.next();
                given.is_some_and(|given| name(given).eq_ignore_ascii_case(word))
            };
            words
                .all(is_next)
                .then(|| (kind, kind.set().split('/').count()))
        })
    }

    /// Whether its objects are of several kinds.
    pub(super) fn is_mixed(self) -> bool {
        matches!(self, Self::DirectoryObject | Self::DeletedItem)
    }

    /// The kind with this name of a type, in any case.
    pub(super) fn of_type(name: &str) -> Option<Self> {
        let is_it = |kind: &Self| kind.name().eq_ignore_ascii_case(name);
        let mut all = Self::OBJECTS.into_iter().chain([Self::DirectoryRole]);
        all.find(is_it)
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
        for table in TABLES.iter() {
            let file = format!(
                "{}/src/graph/shapes/{}.txt",
                env!("CARGO_MANIFEST_DIR"),
                table.name
            );
            let text = std::fs::read_to_string(&file).unwrap();
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
