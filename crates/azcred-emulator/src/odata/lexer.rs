//! The words, texts and signs of an expression.

use super::SyntaxError;
use std::{iter::Peekable, str::Chars};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name, an operator, a number, a time or a GUID.
    Word(String),
    /// Text in quotes.
    Text(String),
    Open,
    Close,
    Comma,
    /// After the variable of a lambda.
    Colon,
}

pub(super) struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    /// The number of characters before `rest`.
    at: usize,
    /// The next colon is a lambda's: the others are a time's.
    in_lambda: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text.chars().peekable(),
            at: 0,
            in_lambda: false,
        }
    }

    fn next_char(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.at += usize::from(next.is_some());
        next
    }

    /// The text after a quote.
    fn text(&mut self) -> Result<Token, SyntaxError> {
        let start = self.at - 1;
        let mut text = String::new();
        loop {
            match self.next_char() {
                // In a text, a quote is written twice.
                Some('\'') if self.rest.peek() == Some(&'\'') => {
                    self.next_char();
                    text.push('\'');
                }
                Some('\'') => return Ok(Token::Text(text)),
                Some(other) => text.push(other),
                None => return Err(SyntaxError::Unterminated(start)),
            }
        }
    }

    fn word(&mut self, first: char) -> Token {
        let mut word = String::from(first);
        while let Some(&next) = self.rest.peek() {
            if next.is_whitespace() || "(),'".contains(next) || (next == ':' && self.in_lambda) {
                break;
            }
            word.push(next);
            self.next_char();
        }
        Token::Word(word)
    }
}

impl Iterator for Lexer<'_> {
    type Item = Result<(usize, Token), SyntaxError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut next = self.next_char()?;
        while next.is_whitespace() {
            next = self.next_char()?;
        }
        let at = self.at - 1;
        let token = match next {
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            ':' => Token::Colon,
            '\'' => match self.text() {
                Ok(text) => text,
                Err(error) => return Some(Err(error)),
            },
            first => self.word(first),
        };
        self.in_lambda = match &token {
            Token::Word(word) => word.to_ascii_lowercase().ends_with("/any"),
            // `any(`, then the variable.
            Token::Open => self.in_lambda,
            _ => false,
        };
        Some(Ok((at, token)))
    }
}
