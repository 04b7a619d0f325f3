//! A container: its properties.

use super::Stamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// A container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Container {
    pub(crate) name: String,
    /// Without quotes.
    pub(crate) etag: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) modified: OffsetDateTime,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metadata: BTreeMap<String, String>,
    /// What is read without signing in: `blob` or `container`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) public_access: Option<String>,
}

impl Container {
    /// A container that is not stored yet.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            etag: String::new(),
            modified: OffsetDateTime::UNIX_EPOCH,
            metadata: BTreeMap::new(),
            public_access: None,
        }
    }

    /// This container, changed now.
    pub(crate) fn stamped(&self, stamp: &Stamp) -> Self {
        Self {
            etag: stamp.etag.clone(),
            modified: stamp.time,
            ..self.clone()
        }
    }
}
