//! `$filter`, as Azure Resource Manager's lists accept it: `name eq 'value'`, `function()`,
//! `function('value')`, joined by `and` and `or` (`and` binds tighter, as in OData 4.01 section
//! 5.1.1).

use super::{call::Call, error::ArmError};
use crate::odata::{self, Argument, Expression, Literal, Operator};

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Term {
    /// `name eq 'value'`. The name is in lower case.
    Equals(String, String),
    /// `name()` or `name('value')`. The name is in lower case.
    Call(String, Option<String>),
}

/// A disjunction of conjunctions of conditions. Without a filter, it has one conjunction, which is
/// empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter(Vec<Vec<Term>>);

/// Longest accepted filter, in bytes.
const MAX_LENGTH: usize = 4096;

impl Filter {
    /// Parses the filter of a call.
    ///
    /// # Errors
    /// 400 when the filter can't be parsed, or has a condition that `known` does not list (names in
    /// lower case, functions with `()`).
    pub(super) fn of(call: &Call, known: &[&str]) -> Result<Self, ArmError> {
        let Some(text) = call.query("$filter") else {
            return Ok(Self(vec![Vec::new()]));
        };
        let refuse = || {
            let text: String = text.chars().take(200).collect();
            ArmError::bad_request(
                "InvalidFilterInQueryString",
                format!("Invalid $filter '{text}' specified in the query string."),
            )
        };
        let filter = Some(text)
            .filter(|text| text.len() <= MAX_LENGTH)
            .and_then(parse)
            .ok_or_else(refuse)?;
        let is_known = |term: &Term| match term {
            Term::Equals(name, _) => known.contains(&name.as_str()),
            Term::Call(name, _) => known.contains(&format!("{name}()").as_str()),
        };
        if filter.0.iter().flatten().all(is_known) {
            Ok(filter)
        } else {
            Err(refuse())
        }
    }

    /// Whether an item matches the filter; `holds` evaluates one condition.
    pub(super) fn holds(&self, holds: impl Fn(&Term) -> bool) -> bool {
        self.0.iter().any(|all| all.iter().all(&holds))
    }
}

fn parse(text: &str) -> Option<Filter> {
    let alternatives = match odata::parse(text).ok()? {
        Expression::Any(all) => all,
        one => vec![one],
    };
    let all = alternatives.into_iter().map(|one| {
        let all = match one {
            Expression::All(all) => all,
            one => vec![one],
        };
        all.into_iter().map(Term::of).collect()
    });
    all.collect::<Option<_>>().map(Filter)
}

impl Term {
    fn of(expression: Expression) -> Option<Self> {
        match expression {
            Expression::Compare(path, Operator::Equal, value) => {
                Some(Self::Equals(path.join("/").to_lowercase(), text(value)))
            }
            Expression::Call(name, mut arguments) => match (arguments.pop(), arguments.pop()) {
                (None, None) => Some(Self::Call(name, None)),
                (Some(Argument::Literal(value)), None) => Some(Self::Call(name, Some(text(value)))),
                (Some(Argument::Path(path)), None) => Some(Self::Call(name, Some(path.join("/")))),
                _ => None,
            },
            _ => None,
        }
    }
}

/// A value, whether it is in quotes or not.
fn text(value: Literal) -> String {
    match value {
        Literal::Text(text) | Literal::Bare(text) => text,
        Literal::Bool(value) => value.to_string(),
        Literal::Null => "null".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equals(name: &str, value: &str) -> Term {
        Term::Equals(name.into(), value.into())
    }

    #[test]
    fn conditions_are_parsed_as_clients_write_them() {
        assert_eq!(
            parse("atScope() and assignedTo('abc')"),
            Some(Filter(vec![vec![
                Term::Call("atscope".into(), None),
                Term::Call("assignedto".into(), Some("abc".into())),
            ]]))
        );
        assert_eq!(
            parse("resourceType eq 'a/b' or name EQ 'it''s' and x eq 1"),
            Some(Filter(vec![
                vec![equals("resourcetype", "a/b")],
                vec![equals("name", "it's"), equals("x", "1")],
            ]))
        );
    }

    #[test]
    fn an_invalid_filter_is_rejected() {
        for text in [
            "",
            "a",
            "a eq",
            "a eq 'b",
            "a eq 'b' and",
            "a eq 'b' c",
            "f(",
            "f('a','b')",
            "not a eq 'b'",
            "a ne 'b'",
            "a eq 'b' and (c eq 'd' or e eq 'f')",
            "eq",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
