//! Text from responses, made safe for display and for commands that a person will paste.

pub(crate) use azcred::printable as clean;

/// The part of `text` between the first `before` and the next `after`.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = text.split_once(before)?.1;
    Some(rest.split_once(after)?.0)
}

/// Whether a text is a GUID in the usual form.
pub(crate) fn is_guid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_sequences_are_removed_from_untrusted_text() {
        assert_eq!(clean("a\u{1b}[31mb\r\nc", 80), "a [31mb  c");
        assert_eq!(clean("abcdef", 3), "abc…");
    }
}
