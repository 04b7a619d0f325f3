//! A result as Python has it: objects keep the order of their members, which the formats need.

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;
use std::fmt;

/// A result.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Value>),
    Object(Object),
}

/// An object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Object {
    /// The members, in the order in which they were made.
    pub(super) members: Vec<(String, Value)>,
    /// Whether a query named the members in this order. The format `tsv` then keeps it, and sorts
    /// them by name otherwise.
    pub(super) is_ordered: bool,
}

impl Object {
    pub(super) fn of<const N: usize>(members: [(&str, Value); N]) -> Self {
        Self {
            members: members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            is_ordered: false,
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let mut members = self.members.iter();
        members.find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The text of a member; empty if it is not a text.
    pub(super) fn text(&self, name: &str) -> &str {
        match self.get(name) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    pub(super) fn is(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Value::Bool(true)))
    }

    /// Sets a member, in its place or at the end.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        match self.members.iter_mut().find(|(own, _)| own == name) {
            Some((_, old)) => *old = value,
            None => self.members.push((name.to_owned(), value)),
        }
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.members.iter().position(|(own, _)| own == name)?;
        Some(self.members.remove(at).1)
    }

    /// The members, sorted by name.
    pub(super) fn sorted(&self) -> Vec<(&str, &Value)> {
        let members = self.members.iter();
        let mut sorted: Vec<_> = members.map(|(name, value)| (&**name, value)).collect();
        sorted.sort_by_key(|(name, _)| *name);
        sorted
    }
}

impl Value {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Object::default();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            object.set(&name, value);
        }
        Ok(object.into())
    }
}
