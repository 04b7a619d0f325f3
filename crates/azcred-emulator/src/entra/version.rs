//! The version of an endpoint's protocol.

use serde::{Deserialize, Serialize};

/// The protocol version of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Version {
    V1,
    V2,
}
