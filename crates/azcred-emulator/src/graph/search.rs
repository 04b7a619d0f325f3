//! `$search`: `"displayName:ada" OR "mail:ada"` ('Use the $search query parameter', section 'Using
//! $search on directory object collections').

use crate::{
    graph::{
        kind::{Kind, Usable},
        objects::Object,
        options::no_property,
        response::GraphError,
    },
    text::clip_to,
};
use std::{iter::Peekable, str::Chars};

/// Most clauses of a search.
const MAX_CLAUSES: usize = 50;

/// A search.
#[derive(Debug)]
pub(super) enum Search {
    All(Vec<Search>),
    Any(Vec<Search>),
    Clause(&'static str, String),
}

impl Search {
    /// # Errors
    /// 400 for a search that can't be parsed, or for a property that can't be searched.
    pub(super) fn of(text: &str, kind: Kind) -> Result<Self, GraphError> {
        let mut parser = Parser {
            kind,
            whole: text,
            rest: text.chars().peekable(),
            at: 0,
            clauses: 0,
        };
        parser.any(false)
    }

    pub(super) fn finds(&self, object: &Object) -> bool {
        match self {
            Self::All(all) => all.iter().all(|one| one.finds(object)),
            Self::Any(all) => all.iter().any(|one| one.finds(object)),
            Self::Clause(property, text) => {
                let value = object.properties.get(*property);
                let value = value.and_then(|value| value.as_str());
                value.is_some_and(|value| is_match(property, text, value))
            }
        }
    }
}

/// Names and descriptions match by the beginnings of their words, in any order. Other properties
/// match by their beginning.
fn is_match(property: &str, text: &str, value: &str) -> bool {
    let (text, value) = (text.to_lowercase(), value.to_lowercase());
    if !matches!(property, "displayName" | "description") {
        return value.starts_with(&text);
    }
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let known = words(&value);
    words(&text)
        .iter()
        .all(|word| known.iter().any(|known| known.starts_with(word)))
}

struct Parser<'a> {
    kind: Kind,
    whole: &'a str,
    rest: Peekable<Chars<'a>>,
    at: usize,
    clauses: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.at += usize::from(next.is_some());
        next
    }

    fn skip_spaces(&mut self) {
        while self.rest.peek().is_some_and(|c| c.is_whitespace()) {
            self.next();
        }
    }

    fn wrong(&mut self) -> GraphError {
        let whole = clip_to(self.whole, 200);
        GraphError::bad_request(match self.rest.peek() {
            Some(c) => format!(
                "Syntax error: character '{c}' is not valid at position {} in '{whole}'.",
                self.at
            ),
            None => format!("Syntax error at position {} in '{whole}'.", self.at),
        })
    }

    /// Alternatives up to the end, or to the end of the parentheses.
    fn any(&mut self, inside: bool) -> Result<Search, GraphError> {
        let mut alternatives = Vec::new();
        let mut all = vec![self.one(inside)?];
        loop {
            self.skip_spaces();
            match self.rest.peek() {
                None if !inside => break,
                Some(')') if inside => {
                    self.next();
                    break;
                }
                Some('"' | '(') => all.push(self.one(inside)?),
                Some(c) if c.is_alphabetic() => match self.word().as_str() {
                    "AND" => all.push(self.one(inside)?),
                    "OR" => alternatives.push(Search::All(std::mem::replace(
                        &mut all,
                        vec![self.one(inside)?],
                    ))),
                    _ => return Err(self.wrong()),
                },
                _ => return Err(self.wrong()),
            }
        }
        alternatives.push(Search::All(all));
        Ok(Search::Any(alternatives))
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(c) = self.rest.next_if(|c| c.is_alphabetic()) {
            self.at += 1;
            word.push(c);
        }
        word
    }

    /// A clause, or alternatives in parentheses.
    fn one(&mut self, inside: bool) -> Result<Search, GraphError> {
        self.skip_spaces();
        match self.rest.peek() {
            // One level, as parentheses have no use beyond it.
            Some('(') if !inside => {
                self.next();
                self.any(true)
            }
            Some('"') => {
                self.next();
                self.clause()
            }
            _ => Err(self.wrong()),
        }
    }

    /// `property:text"`, after its quote.
    fn clause(&mut self) -> Result<Search, GraphError> {
        self.clauses += 1;
        if self.clauses > MAX_CLAUSES {
            return Err(GraphError::not_advanced());
        }
        let mut text = String::new();
        loop {
            match self.next() {
                Some('\\') => text.extend(self.next()),
                Some('"') => break,
                Some(c) => text.push(c),
                None => return Err(self.wrong()),
            }
        }
        let (name, text) = text.split_once(':').unwrap_or(("displayName", &text));
        let Some(property) = self.kind.property(name.trim()) else {
            return Err(GraphError::bad_request(no_property(self.kind, name)));
        };
        match property.usable("search") {
            Usable::Never => Err(GraphError::not_advanced()),
            _ => Ok(Search::Clause(property.name, text.to_owned())),
        }
    }
}
