//! Where a program waits for the response to its authorization request.

use serde::{Deserialize, Serialize};

/// Where a program waits for the answer, and how it wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReturnAddress {
    /// A registered address.
    pub(super) uri: String,
    pub(super) mode: Mode,
    /// What goes back as it came.
    pub(super) state: Option<String>,
}

/// `response_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Mode {
    Query,
    Fragment,
    FormPost,
}

impl Mode {
    pub(super) fn read(text: &str) -> Option<Self> {
        match text {
            "query" => Some(Self::Query),
            "fragment" => Some(Self::Fragment),
            "form_post" => Some(Self::FormPost),
            _ => None,
        }
    }
}
