//! The conditions of `$filter` ('OData Version 4.01 Part 2: URL Conventions', section 5.1.1).
//!
//! Words are recognized in any case, as Azure's services do.

mod lexer;

use lexer::{Lexer, Token};

/// A condition, or a combination of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    /// All hold: `and`.
    All(Vec<Expression>),
    /// At least one holds: `or`.
    Any(Vec<Expression>),
    /// It does not hold.
    Not(Box<Expression>),
    /// `path eq value`
    Compare(Path, Operator, Literal),
    /// `path in ('a', 'b')`
    In(Path, Vec<Literal>),
    /// `name(argument, …)`. The name is in lower case.
    Call(String, Vec<Argument>),
    /// `path/any(x: condition)`: the condition holds for a value of the collection.
    Has(Path, String, Box<Expression>),
}

/// The name of a property: `displayName`, `owners/$count`.
pub(crate) type Path = Vec<String>;

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// A value in an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    /// Text in quotes.
    Text(String),
    /// A number, a time, a GUID.
    Bare(String),
}

/// An argument of a function.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Argument {
    Path(Path),
    Literal(Literal),
}

/// Why a text is not an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SyntaxError {
    /// Something else is expected at this character.
    At(usize),
    /// The text in quotes that begins at this character does not end.
    Unterminated(usize),
    /// It is nested too deeply, or too long.
    TooLarge,
}

/// Deepest nesting of parentheses, `not` and `any`.
const MAX_DEPTH: usize = 32;
/// Longest expression, in bytes. A URL is hardly longer.
const MAX_LENGTH: usize = 16 * 1024;

/// Parses an expression.
///
/// # Errors
/// When the text is not an expression.
pub(crate) fn parse(text: &str) -> Result<Expression, SyntaxError> {
    if text.len() > MAX_LENGTH {
        return Err(SyntaxError::TooLarge);
    }
    let mut parser = Parser {
        tokens: Lexer::new(text).collect::<Result<_, _>>()?,
        at: 0,
        end: text.chars().count(),
    };
    let found = parser.any(0)?;
    match parser.peek() {
        None => Ok(found),
        Some(_) => Err(parser.unexpected()),
    }
}

struct Parser {
    /// Each with the character at which it begins.
    tokens: Vec<(usize, Token)>,
    at: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn unexpected(&self) -> SyntaxError {
        SyntaxError::At(self.tokens.get(self.at).map_or(self.end, |(at, _)| *at))
    }

    /// Takes the next token if it is this one.
    fn takes(&mut self, wanted: &Token) -> bool {
        let is_it = self.peek() == Some(wanted);
        self.at += usize::from(is_it);
        is_it
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), SyntaxError> {
        match self.takes(wanted) {
            true => Ok(()),
            false => Err(self.unexpected()),
        }
    }

    /// Takes the next token if it is this word.
    fn takes_word(&mut self, wanted: &str) -> bool {
        let is_it =
            matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted));
        self.at += usize::from(is_it);
        is_it
    }

    fn word(&mut self) -> Result<String, SyntaxError> {
        match self.peek() {
            Some(Token::Word(word)) => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn any(&mut self, depth: usize) -> Result<Expression, SyntaxError> {
        let mut all = vec![self.all(depth)?];
        while self.takes_word("or") {
            all.push(self.all(depth)?);
        }
        Ok(combined(all, Expression::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Expression, SyntaxError> {
        let mut all = vec![self.one(depth)?];
        while self.takes_word("and") {
            all.push(self.one(depth)?);
        }
        Ok(combined(all, Expression::All))
    }

    fn one(&mut self, depth: usize) -> Result<Expression, SyntaxError> {
        if depth > MAX_DEPTH {
            return Err(SyntaxError::TooLarge);
        }
        if self.takes(&Token::Open) {
            let inner = self.any(depth + 1)?;
            self.expect(&Token::Close)?;
            return Ok(inner);
        }
        let start = self.at;
        let word = self.word()?;
        let calls = self.peek() == Some(&Token::Open);
        if word.eq_ignore_ascii_case("not") {
            return Ok(Expression::Not(Box::new(self.one(depth + 1)?)));
        }
        if let Some(path) = word.strip_suffix("/any").filter(|_| calls) {
            return self.has(path, depth);
        }
        if calls {
            self.at += 1;
            return Ok(Expression::Call(word.to_lowercase(), self.arguments()?));
        }
        let Some(path) = path(&word) else {
            self.at = start;
            return Err(self.unexpected());
        };
        if self.takes_word("in") {
            return Ok(Expression::In(path, self.list()?));
        }
        let at = self.at;
        let operator = self.word()?;
        let Some(operator) = Operator::of(&operator) else {
            self.at = at;
            return Err(self.unexpected());
        };
        Ok(Expression::Compare(path, operator, self.literal()?))
    }

    /// `(x: condition)` after `path/any`.
    fn has(&mut self, collection: &str, depth: usize) -> Result<Expression, SyntaxError> {
        self.expect(&Token::Open)?;
        let at = self.at;
        let variable = self.word()?;
        let (Some(collection), Some(_)) = (path(collection), path(&variable)) else {
            self.at = at;
            return Err(self.unexpected());
        };
        self.expect(&Token::Colon)?;
        let inner = self.any(depth + 1)?;
        self.expect(&Token::Close)?;
        Ok(Expression::Has(collection, variable, Box::new(inner)))
    }

    fn arguments(&mut self) -> Result<Vec<Argument>, SyntaxError> {
        let mut found = Vec::new();
        if self.takes(&Token::Close) {
            return Ok(found);
        }
        loop {
            let literal = self.literal()?;
            found.push(match &literal {
                Literal::Bare(word) => {
                    path(word).map_or(Argument::Literal(literal), Argument::Path)
                }
                _ => Argument::Literal(literal),
            });
            if self.takes(&Token::Close) {
                return Ok(found);
            }
            self.expect(&Token::Comma)?;
        }
    }

    fn list(&mut self) -> Result<Vec<Literal>, SyntaxError> {
        self.expect(&Token::Open)?;
        let mut found = vec![self.literal()?];
        while self.takes(&Token::Comma) {
            found.push(self.literal()?);
        }
        self.expect(&Token::Close)?;
        Ok(found)
    }

    fn literal(&mut self) -> Result<Literal, SyntaxError> {
        let found = match self.peek() {
            Some(Token::Text(text)) => Literal::Text(text.clone()),
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "null" => Literal::Null,
                "true" => Literal::Bool(true),
                "false" => Literal::Bool(false),
                _ => Literal::Bare(word.clone()),
            },
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(found)
    }
}

/// A combination of one condition is that condition.
fn combined(mut all: Vec<Expression>, combine: fn(Vec<Expression>) -> Expression) -> Expression {
    match all.len() {
        1 => all.remove(0),
        _ => combine(all),
    }
}

impl Operator {
    fn of(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "eq" => Self::Equal,
            "ne" => Self::NotEqual,
            "gt" => Self::Greater,
            "ge" => Self::GreaterOrEqual,
            "lt" => Self::Less,
            "le" => Self::LessOrEqual,
            _ => return None,
        })
    }
}

/// The segments of a property's name.
fn path(word: &str) -> Option<Path> {
    let is_name = |name: &str| {
        let mut characters = name.strip_prefix('$').unwrap_or(name).chars();
        characters
            .next()
            .is_some_and(|c| c.is_alphabetic() || c == '_')
            && characters.all(|c| c.is_alphanumeric() || c == '_' || c == '.')
    };
    let names: Path = word.split('/').map(str::to_owned).collect();
    names.iter().all(|name| is_name(name)).then_some(names)
}

#[cfg(test)]
mod tests;
