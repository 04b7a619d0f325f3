//! The properties in a body, checked by the tables of the kinds.

use crate::graph::{call::Call, kind::Kind, objects::merge, response::GraphError};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value};
use std::fmt;

/// A property with a secret. It is read where it is needed, directly into its type.
const SECRET: &str = "passwordProfile";
/// What a name has that lists related objects.
const BIND: &str = "@odata.bind";

/// The properties that a request writes, by the names of the tables.
pub(super) struct Body {
    kind: Kind,
    given: Map<String, Value>,
    /// Addresses of related objects, by the relation's name.
    bound: Map<String, Value>,
}

impl Body {
    /// # Errors
    /// For a body that is not an object, and for properties that the kind does not have, that can't
    /// be written or have a value of another type.
    pub(super) fn read(call: &Call, kind: Kind) -> Result<Self, GraphError> {
        let WithoutSecret(body) = call.json()?;
        let (mut given, mut bound) = (Map::new(), Map::new());
        for (name, value) in body {
            if let Some(relation) = name.strip_suffix(BIND) {
                bound.insert(relation.to_owned(), value);
                continue;
            }
            // Annotations, such as a type.
            if name.contains('@') {
                continue;
            }
            let Some(property) = kind.property(&name) else {
                return Err(GraphError::bad_request(format!(
                    "The property '{name}' does not exist on type 'microsoft.graph.{}'. Make sure to only use \
                     property names that are defined by the type.",
                    kind.name()
                )));
            };
            if property.is_fixed() {
                return Err(GraphError::read_only(property.name));
            }
            if !property.accepts(&value) {
                return Err(GraphError::invalid_value(kind, property.name));
            }
            given.insert(property.name.to_owned(), value);
        }
        Ok(Self { kind, given, bound })
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// A property that is read here and not kept as it is. `null` is as good as none.
    ///
    /// # Errors
    /// When its value has another form.
    pub(super) fn take<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<T>, GraphError> {
        match self.given.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => serde_json::from_value(value)
                .map(Some)
                .map_err(|_| GraphError::invalid_value(self.kind, name)),
        }
    }

    /// A text that a new object needs.
    pub(super) fn require(&mut self, name: &'static str) -> Result<String, GraphError> {
        let given: Option<String> = self.take(name)?;
        given
            .filter(|text| !text.trim().is_empty())
            .ok_or_else(|| GraphError::missing_value(self.kind, name))
    }

    /// The addresses of related objects.
    pub(super) fn bound(&mut self, relation: &'static str) -> Result<Vec<String>, GraphError> {
        let given = self
            .bound
            .remove(relation)
            .unwrap_or_else(|| Value::Array(Vec::new()));
        serde_json::from_value(given).map_err(|_| GraphError::invalid_value(self.kind, relation))
    }

    /// The rest, written over the properties that an object has now.
    ///
    /// # Errors
    /// For related objects that this request can't list here.
    pub(super) fn over(
        self,
        call: &Call,
        now: &Map<String, Value>,
    ) -> Result<Map<String, Value>, GraphError> {
        if let Some((relation, _)) = self.bound.into_iter().next() {
            return Err(GraphError::option_not_served(
                call,
                &format!("{relation}{BIND}"),
            ));
        }
        let mut written = Map::new();
        for (name, value) in self.given {
            let mut whole = now.get(&name).cloned().unwrap_or_default();
            merge(&mut whole, &value);
            written.insert(name, whole);
        }
        Ok(written)
    }
}

/// An object without its secret.
struct WithoutSecret(Map<String, Value>);

impl<'de> Deserialize<'de> for WithoutSecret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = WithoutSecret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut read = Map::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name.eq_ignore_ascii_case(SECRET) {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        read.insert(name, map.next_value()?);
                    }
                }
                Ok(WithoutSecret(read))
            }
        }

        from.deserialize_map(Members)
    }
}
