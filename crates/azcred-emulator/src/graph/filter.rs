//! `$filter` of a list: what Graph supports of it, and the objects that it lets through.

use crate::{
    graph::{
        kind::{Kind, Property, Usable},
        objects::Object,
        options::no_property,
        response::GraphError,
    },
    odata::{self, Argument, Expression, Literal, Operator, SyntaxError},
    text::clip_to,
};
use serde_json::Value;
use std::cmp::Ordering;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Most parts of an `or`.
const MAX_ALTERNATIVES: usize = 15;

/// A filter that Graph supports.
#[derive(Debug)]
pub(super) struct Filter(Expression);

impl Filter {
    /// `is_advanced`: the request can use what only advanced queries can.
    ///
    /// # Errors
    /// 400 for a filter that can't be parsed, and for one that Graph does not support.
    pub(super) fn of(text: &str, kind: Kind, is_advanced: bool) -> Result<Self, GraphError> {
        let parsed = odata::parse(text).map_err(|error| invalid(text, error))?;
        let check = Check { kind, is_advanced };
        check.expression(&parsed, None)?;
        Ok(Self(parsed))
    }

    pub(super) fn lets_through(&self, object: &Object) -> bool {
        holds(&self.0, &|path| {
            let (name, rest) = path.split_first()?;
            let property = object.kind.property(name)?;
            Some(inner(object.properties.get(property.name)?, rest))
        })
    }
}

fn invalid(text: &str, error: SyntaxError) -> GraphError {
    let text = clip_to(text, 200);
    GraphError::bad_request(match error {
        SyntaxError::At(at) => {
            format!("Invalid filter clause: Syntax error at position {at} in '{text}'.")
        }
        SyntaxError::Unterminated(at) => format!(
            "Invalid filter clause: There is an unterminated string literal at position {at} in '{text}'."
        ),
        SyntaxError::TooLarge => "Invalid filter clause: Recursion limit reached.".to_owned(),
    })
}

/// Whether Graph supports an expression.
struct Check {
    kind: Kind,
    is_advanced: bool,
}

impl Check {
    /// `variable`: the one of the lambda around it, with the collection that it is of.
    fn expression(
        &self,
        expression: &Expression,
        variable: Option<(&str, &'static Property)>,
    ) -> Result<(), GraphError> {
        match expression {
            Expression::All(all) => all
                .iter()
                .try_for_each(|one| self.expression(one, variable)),
            Expression::Any(all) => {
                if all.len() > MAX_ALTERNATIVES {
                    return Err(too_many(all.len()));
                }
                all.iter()
                    .try_for_each(|one| self.expression(one, variable))
            }
            Expression::Not(inner) => {
                self.advanced()?;
                self.expression(inner, variable)
            }
            Expression::Compare(path, operator, value) => {
                let property = self.property(path, variable)?;
                let counts = path.last().is_some_and(|last| last == "$count");
                if counts || *value == Literal::Null || *operator == Operator::NotEqual {
                    self.advanced()?;
                }
                let how = match operator {
                    Operator::Equal | Operator::NotEqual => "eq",
                    _ if counts => "eq",
                    _ => "cmp",
                };
                self.supports(property, how)
            }
            Expression::In(path, values) => {
                if values.len() > MAX_ALTERNATIVES {
                    return Err(too_many(values.len()));
                }
                self.supports(self.property(path, variable)?, "eq")
            }
            Expression::Call(name, arguments) => {
                let how = match name.as_str() {
                    "startswith" => "starts",
                    "endswith" => "ends",
                    _ => return Err(GraphError::not_advanced()),
                };
                match arguments.as_slice() {
                    [Argument::Path(path), Argument::Literal(Literal::Text(_))] => {
                        self.supports(self.property(path, variable)?, how)
                    }
                    _ => Err(GraphError::bad_request("Invalid filter clause")),
                }
            }
            Expression::Has(path, variable, inner) => {
                let property = self.property(path, None)?;
                self.expression(inner, Some((variable, property)))
            }
        }
    }

    fn property(
        &self,
        path: &[String],
        variable: Option<(&str, &'static Property)>,
    ) -> Result<&'static Property, GraphError> {
        let name = path.first().map_or("", String::as_str);
        if let Some((variable, property)) = variable
            && variable == name
        {
            return Ok(property);
        }
        let property = self.kind.property(name);
        property.ok_or_else(|| GraphError::bad_request(no_property(self.kind, name)))
    }

    fn supports(&self, property: &Property, how: &str) -> Result<(), GraphError> {
        match property.usable(how) {
            Usable::Always => Ok(()),
            Usable::Advanced => self.advanced(),
            Usable::Never => Err(GraphError::unsupported(format!(
                "Unsupported or invalid query filter clause specified for property '{}' of resource '{}'.",
                property.name,
                self.kind.title()
            ))),
        }
    }

    fn advanced(&self) -> Result<(), GraphError> {
        match self.is_advanced {
            true => Ok(()),
            false => Err(GraphError::not_advanced()),
        }
    }
}

fn too_many(found: usize) -> GraphError {
    GraphError::unsupported(format!(
        "Too many child clauses specified in search filter expression containing 'OR' operators: {found}. Max \
         allowed: {MAX_ALTERNATIVES}."
    ))
}

/// What a path names. A path of a collection's objects has the value null.
type Values<'a> = dyn Fn(&[String]) -> Option<Value> + 'a;

fn holds(expression: &Expression, values: &Values<'_>) -> bool {
    match expression {
        Expression::All(all) => all.iter().all(|one| holds(one, values)),
        Expression::Any(all) => all.iter().any(|one| holds(one, values)),
        Expression::Not(inner) => !holds(inner, values),
        Expression::Compare(path, operator, literal) => {
            let value = values(path).unwrap_or(Value::Null);
            let order = compare(&value, literal);
            match operator {
                Operator::Equal => order == Some(Ordering::Equal),
                Operator::NotEqual => order != Some(Ordering::Equal),
                Operator::Greater => order == Some(Ordering::Greater),
                Operator::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
                Operator::Less => order == Some(Ordering::Less),
                Operator::LessOrEqual => order.is_some_and(Ordering::is_le),
            }
        }
        Expression::In(path, literals) => {
            let value = values(path).unwrap_or(Value::Null);
            let mut literals = literals.iter();
            literals.any(|literal| compare(&value, literal) == Some(Ordering::Equal))
        }
        Expression::Call(name, arguments) => {
            let [Argument::Path(path), Argument::Literal(Literal::Text(part))] =
                arguments.as_slice()
            else {
                return false;
            };
            let part = part.to_lowercase();
            let matches = |value: &Value| {
                let value = value.as_str().map(str::to_lowercase);
                value.is_some_and(|value| match name.as_str() {
                    "endswith" => value.ends_with(&part),
                    _ => value.starts_with(&part),
                })
            };
            values(path).is_some_and(|value| matches(&value))
        }
        Expression::Has(path, variable, inner_test) => {
            let Some(Value::Array(all)) = values(path) else {
                return false;
            };
            all.iter().any(|value| {
                holds(inner_test, &|path| match path.split_first() {
                    Some((name, rest)) if name == variable => Some(inner(value, rest)),
                    _ => values(path),
                })
            })
        }
    }
}

/// The part of a value that the rest of a path names.
fn inner(value: &Value, rest: &[String]) -> Value {
    match rest {
        [] => value.clone(),
        [count] if count == "$count" => {
            value.as_array().map_or(Value::Null, |all| all.len().into())
        }
        [name, rest @ ..] => {
            let members = value.as_object();
            let found = members.and_then(|members| {
                let mut members = members.iter();
                members.find(|(known, _)| known.eq_ignore_ascii_case(name))
            });
            found.map_or(Value::Null, |(_, value)| inner(value, rest))
        }
    }
}

/// The order of a value and a literal. `None` if they can't be compared.
fn compare(value: &Value, literal: &Literal) -> Option<Ordering> {
    match (value, literal) {
        (Value::Null, Literal::Null) => Some(Ordering::Equal),
        (Value::Bool(value), Literal::Bool(literal)) => Some(value.cmp(literal)),
        (Value::Number(value), Literal::Bare(literal)) => {
            value.as_f64()?.partial_cmp(&literal.parse().ok()?)
        }
        (Value::String(value), Literal::Text(literal)) => {
            Some(value.to_lowercase().cmp(&literal.to_lowercase()))
        }
        (Value::String(value), Literal::Bare(literal)) => match (time(value), time(literal)) {
            (Some(value), Some(literal)) => Some(value.cmp(&literal)),
            // An id.
            _ => Some(value.to_lowercase().cmp(&literal.to_lowercase())),
        },
        _ => None,
    }
}

/// A time or a date.
fn time(text: &str) -> Option<OffsetDateTime> {
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    OffsetDateTime::parse(&whole, &Rfc3339).ok()
}
