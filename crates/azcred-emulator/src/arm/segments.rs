//! A raw path as decoded segments.

use super::error::ArmError;

/// Splits a raw path into decoded segments. Repeated slashes count once: several SDKs append a
/// scope that begins with a slash.
///
/// # Errors
/// When a decoded segment has a character that no segment may have: a slash, a control character,
/// or bytes that are not UTF-8.
pub(super) fn segments(raw: &str) -> Result<Vec<String>, ArmError> {
    raw.split('/')
        .filter(|segment| !segment.is_empty())
        .map(decode)
        .collect::<Option<_>>()
        .ok_or_else(|| {
            ArmError::bad_request(
                "InvalidRequestUri",
                "The request path is not valid: a segment holds an encoded slash, a control character, or bytes that \
                 are not UTF-8.",
            )
        })
}

fn decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    let harmless = !text
        .chars()
        .any(|c| c == '/' || c == '\\' || c.is_control())
        && text != "."
        && text != "..";
    harmless.then_some(text)
}
