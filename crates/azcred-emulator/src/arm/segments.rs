//! A raw path as decoded segments.

use super::error::ArmError;
use crate::front_door;

/// Splits a raw path into decoded segments.
///
/// # Errors
/// When a decoded segment has a character that no segment may have.
pub(super) fn segments(raw: &str) -> Result<Vec<String>, ArmError> {
    front_door::decoded(raw).ok_or_else(|| {
        ArmError::bad_request(
            "InvalidRequestUri",
            "The request path is not valid: a segment holds an encoded slash, a control character, or bytes that \
             are not UTF-8.",
        )
    })
}
