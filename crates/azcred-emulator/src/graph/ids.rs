//! Ids that follow from other ids.

use uuid::Uuid;

/// `S-1-12-1-…`: the four words of the id, as Windows stores it.
pub(super) fn security_identifier(id: Uuid) -> String {
    let bytes = id.to_bytes_le();
    let words = bytes.as_chunks::<4>().0.iter();
    let words: Vec<String> = words
        .map(|word| u32::from_le_bytes(*word).to_string())
        .collect();
    format!("S-1-12-1-{}", words.join("-"))
}

/// An id that is the same in every emulator (a GUID of version 8, RFC 9562 section 5.8).
pub(super) fn derived_id(parts: &[&[u8]]) -> Uuid {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &parts.concat());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_security_identifier_has_the_ids_words() {
        // 'Microsoft Entra joined devices': a script there converts ids like this.
        let id = Uuid::parse_str("73d664e4-0886-4a73-b745-c694da45ddb4").unwrap();
        assert_eq!(
            security_identifier(id),
            "S-1-12-1-1943430372-1249052806-2496021943-3034400218"
        );
    }
}
