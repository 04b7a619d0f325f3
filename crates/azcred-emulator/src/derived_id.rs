//! Ids of what has none of its own.

use uuid::Uuid;

/// An id that is the same in every emulator (a GUID of version 8, RFC 9562 section 5.8).
pub(crate) fn derived_id(parts: &[&[u8]]) -> Uuid {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &parts.concat());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
