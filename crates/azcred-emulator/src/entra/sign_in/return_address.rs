//! The place to which the response to an authorization request goes.

use serde::{Deserialize, Serialize};

/// Where a program waits for the response, and in which mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReturnAddress {
    /// A registered redirect URI.
    pub(super) uri: String,
    pub(super) mode: Mode,
    /// The program's `state`, which is returned unchanged.
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
