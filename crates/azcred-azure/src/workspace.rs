//! Validates names of workspaces and subscriptions, with this crate's error.

use crate::error::{Error, Result};

pub use azcred::workspace::WorkspaceRef;

/// A subscription's id: a GUID.
pub(crate) fn subscription_id(text: &str) -> Result<String> {
    azcred::workspace::subscription_id(text).map_err(|error| Error::transport(&error))
}
