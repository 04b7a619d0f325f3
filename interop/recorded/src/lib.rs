//! Facts from recorded conversations with Azure, and how an answer is compared with them.
//!
//! Each line of a file here is one answer of the real service, with its source. What a client can
//! branch on is compared: status, error, codes, the message's template, keys, what is absent, and
//! headers that SDKs read. The emulator's tests hold the emulator against the facts, and
//! `cargo xtask live` the real Azure.

mod entra;
mod shape;
mod template;

use serde_json::Value;
use std::fmt;

pub use crate::{
    entra::entra_differences,
    shape::shape,
    template::{filled, fits, is_text, placeholders},
};

/// Entra ID and the hosts of managed identities.
pub const ENTRA: &str = include_str!("../entra.jsonl");
/// Azure Resource Manager.
pub const ARM: &str = include_str!("../arm.jsonl");
/// Microsoft Graph.
pub const GRAPH: &str = include_str!("../graph.jsonl");
/// Azure Machine Learning, in Resource Manager and in its regional services.
pub const ML: &str = include_str!("../ml.jsonl");
/// Blob Storage.
pub const BLOB: &str = include_str!("../blob.jsonl");

/// An answer that is compared with a fact.
pub struct Answer<'a> {
    /// The status code.
    pub status: u16,
    /// The value of a header, by its name.
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
    /// The body; null if it is empty.
    pub body: &'a Value,
}

impl fmt::Debug for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.body)
    }
}

/// One thing that is not as recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Where: `status`, a header's name, or the place in the body, such as `/error/code`.
    pub at: String,
    /// As recorded.
    pub real: Value,
    /// As it is; `None` if it is not there.
    pub ours: Option<Value>,
}

impl Difference {
    fn new(at: impl Into<String>, real: Value, ours: Option<&Value>) -> Self {
        Self {
            at: at.into(),
            real,
            ours: ours.cloned(),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, real, ours } = self;
        match ours {
            Some(ours) => write!(f, "{at}: {real} is {ours}"),
            None => write!(f, "{at}: {real} is absent"),
        }
    }
}

/// What differs between a line and an answer: status, headers, and the whole body.
pub fn differences(line: &Value, got: &Answer<'_>) -> Vec<Difference> {
    let mut all = Vec::new();
    if line["status"] != got.status {
        let status = Value::from(got.status);
        all.push(Difference::new(
            "status",
            line["status"].clone(),
            Some(&status),
        ));
    }
    all.extend(header_differences(line, got));
    all.extend(shape(&line["response"], Some(got.body)));
    all
}

/// What differs in the headers that a line names. `null` is a header that is not there, and
/// `<NAME>` the value of the answer's header of that name.
fn header_differences(line: &Value, got: &Answer<'_>) -> Vec<Difference> {
    let headers = line["headers"].as_object().into_iter().flatten();
    headers
        .filter_map(|(name, real)| {
            let ours = (got.header)(name);
            let is_same = match real.as_str() {
                None => ours.is_none(),
                Some(template) => ours.is_some_and(|ours| is_text(&named(template, got), ours)),
            };
            (!is_same).then(|| Difference {
                at: name.clone(),
                real: real.clone(),
                ours: ours.map(Value::from),
            })
        })
        .collect()
}

/// A template with the values of the headers that it names.
fn named(template: &str, got: &Answer<'_>) -> String {
    placeholders(template).fold(template.to_owned(), |text, name| match (got.header)(name) {
        Some(value) => text.replace(&format!("<{name}>"), value),
        None => text,
    })
}
