//! `--query`: a JMESPath expression, with the order of the members that it names.
//!
//! The library's objects are sorted by name. Azure CLI's formats show an object that a query makes
//! (`{id: id, name: name}`) in the query's order. So the names that reach the result get a mark
//! that sorts as they were written, which is taken away afterwards.

use super::value::{Object, Value};
use jmespath::{
    Context, DEFAULT_RUNTIME, ErrorReason, Rcvar, RuntimeError, Variable,
    ast::{Ast, KeyValuePair},
    interpret,
};
use std::collections::BTreeMap;

/// The first character of a mark. No name in a result begins with it.
const MARK: char = '\u{0}';

/// An expression.
#[derive(Clone, Debug)]
pub(super) struct Query {
    text: String,
    tree: Ast,
}

impl Query {
    /// Reads an expression.
    pub(super) fn new(text: &str) -> Option<Self> {
        let tree = jmespath::parse(text).ok()?;
        Some(Self {
            text: text.to_owned(),
            tree: marked(tree),
        })
    }

    /// The result of the expression; the reason if it can't be computed.
    pub(super) fn of(&self, value: &Value) -> Result<Value, String> {
        let mut context = Context::new(&self.text, &DEFAULT_RUNTIME);
        let found = interpret(&variable(value), &self.tree, &mut context).map_err(|error| {
            match error.reason {
                ErrorReason::Runtime(RuntimeError::UnknownFunction(name)) => {
                    format!("Unknown function: {name}()")
                }
                other => other.to_string(),
            }
        })?;
        let mut names = Vec::new();
        collect(value, &mut names);
        Ok(result(&found, &names))
    }
}

/// The expression, with marks on the names of objects that are in its result.
fn marked(tree: Ast) -> Ast {
    let boxed = |tree: Box<Ast>| Box::new(marked(*tree));
    match tree {
        Ast::MultiHash { offset, elements } => Ast::MultiHash {
            offset,
            elements: elements
                .into_iter()
                .enumerate()
                .map(|(number, pair)| KeyValuePair {
                    key: format!("{MARK}{number:06}{}", pair.key),
                    value: marked(pair.value),
                })
                .collect(),
        },
        Ast::MultiList { offset, elements } => Ast::MultiList {
            offset,
            elements: elements.into_iter().map(marked).collect(),
        },
        Ast::Subexpr { offset, lhs, rhs } => Ast::Subexpr {
            offset,
            lhs: if is_blind(&rhs) { boxed(lhs) } else { lhs },
            rhs: boxed(rhs),
        },
        Ast::Projection { offset, lhs, rhs } => Ast::Projection {
            offset,
            lhs: if is_blind(&rhs) { boxed(lhs) } else { lhs },
            rhs: boxed(rhs),
        },
        Ast::Flatten { offset, node } => Ast::Flatten {
            offset,
            node: boxed(node),
        },
        Ast::Condition {
            offset,
            predicate,
            then,
        } => Ast::Condition {
            offset,
            predicate,
            then: boxed(then),
        },
        Ast::Or { offset, lhs, rhs } => Ast::Or {
            offset,
            lhs: boxed(lhs),
            rhs: boxed(rhs),
        },
        Ast::And { offset, lhs, rhs } => Ast::And {
            offset,
            lhs: boxed(lhs),
            rhs: boxed(rhs),
        },
        other => other,
    }
}

/// Whether a step passes objects on without reading their members.
fn is_blind(step: &Ast) -> bool {
    match step {
        Ast::Identity { .. } | Ast::Index { .. } | Ast::Slice { .. } => true,
        Ast::Flatten { node, .. } => is_blind(node),
        Ast::Projection { lhs, rhs, .. } | Ast::Subexpr { lhs, rhs, .. } => {
            is_blind(lhs) && is_blind(rhs)
        }
        _ => false,
    }
}

fn variable(value: &Value) -> Rcvar {
    Rcvar::new(match value {
        Value::Null => Variable::Null,
        Value::Bool(value) => Variable::Bool(*value),
        Value::Number(number) => Variable::Number(number.clone()),
        Value::Text(text) => Variable::String(text.clone()),
        Value::List(values) => Variable::Array(values.iter().map(variable).collect()),
        Value::Object(object) => Variable::Object(
            object
                .members
                .iter()
                .map(|(name, value)| (name.clone(), variable(value)))
                .collect::<BTreeMap<_, _>>(),
        ),
    })
}

/// The names in a result, in the order in which they come first.
fn collect<'a>(value: &'a Value, names: &mut Vec<&'a str>) {
    match value {
        Value::List(values) => values.iter().for_each(|value| collect(value, names)),
        Value::Object(object) => {
            for (name, value) in &object.members {
                if !names.contains(&&**name) {
                    names.push(name);
                }
                collect(value, names);
            }
        }
        _ => {}
    }
}

/// A result of the library. `names` are those of the whole input, in order.
fn result(found: &Variable, names: &[&str]) -> Value {
    match found {
        Variable::Null | Variable::Expref(_) => Value::Null,
        Variable::Bool(value) => Value::Bool(*value),
        Variable::Number(number) => Value::Number(number.clone()),
        Variable::String(text) => Value::text(text.as_str()),
        Variable::Array(values) => {
            Value::List(values.iter().map(|value| result(value, names)).collect())
        }
        Variable::Object(members) => object(members, names).into(),
    }
}

fn object(members: &BTreeMap<String, Rcvar>, names: &[&str]) -> Object {
    let is_ordered = members.keys().any(|name| name.starts_with(MARK));
    let mut object = Object {
        is_ordered,
        ..Object::default()
    };
    for (name, value) in members {
        let own = match name.strip_prefix(MARK) {
            Some(marked) => marked.get(6..).unwrap_or_default(),
            None => name,
        };
        object.set(own, result(value, names));
    }
    if !is_ordered {
        let rank = |name: &str| names.iter().position(|own| *own == name);
        object.members.sort_by_key(|(name, _)| rank(name));
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(query: &str) -> Value {
        let value = r#"[{"name": "b", "id": "1", "user": {"name": "x"}}, {"name": "a", "id": "2", "user": null}]"#;
        let value: Value = serde_json::from_str(value).unwrap();
        Query::new(query).unwrap().of(&value).unwrap()
    }

    fn names(value: &Value) -> (Vec<&str>, bool) {
        match value {
            Value::Object(object) => {
                let members = object.members.iter();
                (
                    members.map(|(name, _)| name.as_str()).collect(),
                    object.is_ordered,
                )
            }
            Value::List(values) => names(&values[0]),
            _ => panic!("{value:?}"),
        }
    }

    #[test]
    fn an_object_that_a_query_makes_has_the_querys_order() {
        for query in [
            "[0].{z: name, a: id}",
            "[*].{z: name, a: id}",
            "[].{z: name, a: id} | [0]",
            "[?id=='2'].{z: name, a: id}[]",
            "[[0].{z: name, a: id}]",
            "[0].nothing || [0].{z: name, a: id}",
        ] {
            assert_eq!(names(&answer(query)), (vec!["z", "a"], true), "{query}");
        }
    }

    #[test]
    fn an_object_of_the_input_has_the_inputs_order() {
        assert_eq!(names(&answer("[0]")), (vec!["name", "id", "user"], false));
    }

    #[test]
    fn a_query_can_use_the_names_that_it_made() {
        let one = answer("[0].{z: name, a: id}.z");
        assert_eq!(one, Value::text("b"));
        let first = answer("sort_by([].{z: name, a: id}, &z)[0].z");
        assert_eq!(first, Value::text("a"));
        assert_eq!(
            answer("[].{z: name} | [?z=='a'] | length(@)"),
            Value::Number(1.into())
        );
    }

    #[test]
    fn what_is_no_query_is_rejected() {
        for wrong in ["[", "a b", "", "{a}"] {
            assert!(Query::new(wrong).is_none(), "{wrong}");
        }
        let unknown = Query::new("nothing(@)").unwrap().of(&Value::Null);
        assert!(unknown.is_err());
    }
}
