//! `$filter`, as Azure Resource Manager's lists accept it: `name eq 'value'`, `function()`,
//! `function('value')`, joined by `and` and `or` (`and` binds tighter, as in OData 4.01 section
//! 5.1.1).

use super::{call::Call, error::ArmError};

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

#[derive(Debug, PartialEq)]
enum FilterToken {
    Word(String),
    Text(String),
    Open,
    Close,
}

fn parse(text: &str) -> Option<Filter> {
    let tokens = tokens(text)?;
    let mut alternatives = vec![Vec::new()];
    let mut rest = tokens.as_slice();
    loop {
        let (term, after) = match rest {
            [
                FilterToken::Word(name),
                FilterToken::Open,
                FilterToken::Close,
                after @ ..,
            ] => (Term::Call(name.to_lowercase(), None), after),
            [
                FilterToken::Word(name),
                FilterToken::Open,
                FilterToken::Text(value) | FilterToken::Word(value),
                FilterToken::Close,
                after @ ..,
            ] => (Term::Call(name.to_lowercase(), Some(value.clone())), after),
            [
                FilterToken::Word(name),
                FilterToken::Word(eq),
                FilterToken::Text(value) | FilterToken::Word(value),
                after @ ..,
            ] if eq.eq_ignore_ascii_case("eq") => {
                (Term::Equals(name.to_lowercase(), value.clone()), after)
            }
            _ => return None,
        };
        alternatives.last_mut()?.push(term);
        match after {
            [] => return Some(Filter(alternatives)),
            [FilterToken::Word(join), more @ ..] if join.eq_ignore_ascii_case("and") => rest = more,
            [FilterToken::Word(join), more @ ..] if join.eq_ignore_ascii_case("or") => {
                alternatives.push(Vec::new());
                rest = more;
            }
            _ => return None,
        }
    }
}

fn tokens(text: &str) -> Option<Vec<FilterToken>> {
    let mut found = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '(' => found.push(FilterToken::Open),
            ')' => found.push(FilterToken::Close),
            '\'' => {
                let mut value = String::new();
                loop {
                    match rest.next()? {
                        // In a string, a quote is written twice.
                        '\'' if rest.peek() == Some(&'\'') => {
                            rest.next();
                            value.push('\'');
                        }
                        '\'' => break,
                        other => value.push(other),
                    }
                }
                found.push(FilterToken::Text(value));
            }
            c if c.is_whitespace() => {}
            c => {
                let mut word = String::from(c);
                while let Some(more) = rest.next_if(|c| !c.is_whitespace() && !"()'".contains(*c)) {
                    word.push(more);
                }
                found.push(FilterToken::Word(word));
            }
        }
    }
    Some(found)
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
            "(a eq 'b')",
            "eq",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
