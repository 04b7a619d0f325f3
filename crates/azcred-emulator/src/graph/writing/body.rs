//! The properties in a body, checked by the tables of the kinds.

use crate::graph::{call::Call, kind::Kind, objects::merge, response::GraphError};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The properties that a request writes, by the names of the tables.
pub(super) struct Body {
    kind: Kind,
    given: Map<String, Value>,
}

impl Body {
    /// # Errors
    /// For a body that is not an object, and for properties that the kind does not have, that can't
    /// be written or have a value of another type.
    pub(super) fn read(call: &Call, kind: Kind) -> Result<Self, GraphError> {
        let body: Map<String, Value> = call.json()?;
        let mut given = Map::new();
        for (name, value) in body {
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
                return Err(GraphError::rejected(format!(
                    "Property '{}' is read-only and cannot be set.",
                    property.name
                )));
            }
            if !property.accepts(&value) {
                return Err(GraphError::invalid_value(kind, property.name));
            }
            given.insert(property.name.to_owned(), value);
        }
        Ok(Self { kind, given })
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

    /// A property that a new object needs.
    pub(super) fn require(&mut self, name: &'static str) -> Result<String, GraphError> {
        let given: Option<String> = self.take(name)?;
        given
            .filter(|text| !text.trim().is_empty())
            .ok_or_else(|| GraphError::missing_value(self.kind, name))
    }

    /// The rest, written over the properties that an object has now.
    pub(super) fn over(self, now: &Map<String, Value>) -> Map<String, Value> {
        let mut written = Map::new();
        for (name, value) in self.given {
            let mut whole = now.get(&name).cloned().unwrap_or_default();
            merge(&mut whole, &value);
            written.insert(name, whole);
        }
        written
    }
}
