//! A pasted text as one line: without colours, escapes and frames, and with one space for white
//! space. Terminals and log viewers wrap lines, JSON escapes them, and colours tear words apart.

use azcred::is_unseen;

/// A text as one line, and where its lines begin in it.
pub(super) struct Flat {
    pub(super) text: String,
    /// The offset at which each line begins.
    begins: Vec<usize>,
}

impl Flat {
    pub(super) fn of(text: &str) -> Self {
        let mut flat = Self {
            text: String::with_capacity(text.len()),
            begins: Vec::new(),
        };
        for line in text.split('\n') {
            flat.begins.push(flat.text.len());
            flat.push_line(line);
            flat.space();
        }
        flat
    }

    /// The number of the line that has this offset, from 1.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.begins.partition_point(|begin| *begin <= offset)
    }

    /// The text around an offset: at most `reach` bytes on both sides, within its line.
    pub(super) fn within_line(&self, offset: usize, reach: usize) -> &str {
        let line = self.line_of(offset);
        let begin = self.begins.get(line.wrapping_sub(1)).copied();
        let end = self.begins.get(line).copied().unwrap_or(self.text.len());
        let from = offset.saturating_sub(reach).max(begin.unwrap_or_default());
        self.part(from, end.min(offset + reach))
    }

    /// The text between two offsets, which may be amid a character.
    pub(super) fn part(&self, mut from: usize, mut to: usize) -> &str {
        to = to.min(self.text.len());
        from = from.min(to);
        while !self.text.is_char_boundary(from) {
            from -= 1;
        }
        while !self.text.is_char_boundary(to) {
            to += 1;
        }
        &self.text[from..to]
    }

    fn space(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with(' ') {
            self.text.push(' ');
        }
    }

    fn push(&mut self, c: char) {
        // Frames of tables and of boxes around errors.
        if is_unseen(c) || c == ' ' || ('\u{2500}'..='\u{257f}').contains(&c) {
            self.space();
        } else {
            self.text.push(c);
        }
    }

    fn push_line(&mut self, line: &str) {
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let taken = match c {
                '\u{1b}' => control(rest),
                '\\' => self.escape(rest),
                '&' => self.entity(rest),
                _ => 0,
            };
            if taken == 0 {
                self.push(c);
                rest = &rest[c.len_utf8()..];
            } else {
                rest = &rest[taken..];
            }
        }
    }

    /// An escape of JSON, of Python or of a shell, also if it is escaped again. Returns how many
    /// bytes it has; 0 if it is none.
    fn escape(&mut self, rest: &str) -> usize {
        let slashes = rest.len() - rest.trim_start_matches('\\').len();
        let after = &rest[slashes..];
        // A folder of Windows may begin with these letters: C:\new.
        let in_path = self
            .text
            .ends_with(|c: char| c.is_alphanumeric() || c == ':');
        let is_line_end =
            after.starts_with('r') && after[1..].trim_start_matches('\\').starts_with('n');
        match after.as_bytes().first() {
            Some(b'"' | b'\'' | b'/') => slashes,
            Some(b'r') if is_line_end => {
                self.space();
                slashes + 1
            }
            Some(b'n' | b't' | b'r') if !in_path || slashes > 1 => {
                self.space();
                slashes + 1
            }
            // What is left of a line end.
            Some(b'n') if self.text.ends_with(' ') => slashes + 1,
            Some(b'u') => {
                let code = after
                    .get(1..5)
                    .and_then(|hex| u32::from_str_radix(hex, 16).ok());
                match code.and_then(char::from_u32) {
                    Some(c) => {
                        self.push(c);
                        slashes + 5
                    }
                    None => 0,
                }
            }
            _ => 0,
        }
    }

    /// A quote as an entity of HTML.
    fn entity(&mut self, rest: &str) -> usize {
        const QUOTES: [(&str, char); 6] = [
            ("&#39;", '\''),
            ("&#x27;", '\''),
            ("&apos;", '\''),
            ("&quot;", '"'),
            ("&#34;", '"'),
            ("&amp;", '&'),
        ];
        let found = QUOTES.iter().find(|(entity, _)| rest.starts_with(entity));
        let Some((entity, c)) = found else { return 0 };
        self.push(*c);
        entity.len()
    }
}

/// The bytes of a terminal's sequence: `ESC [ … letter`, or `ESC ] … BEL`.
fn control(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let end = match bytes.get(1) {
        Some(b'[') => bytes[2..].iter().position(|b| (0x40..=0x7e).contains(b)),
        Some(b']') => bytes[2..].iter().position(|b| *b == 7),
        _ => return 1,
    };
    // Both ends are ASCII, so this is a boundary.
    end.map_or(1, |end| end + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_frames_and_escapes_are_gone_and_lines_are_counted() {
        for (text, flat) in [
            ("\u{1b}[31mERROR\u{1b}[0m: a\r\n  b", "ERROR: a b "),
            ("│ the role │\n╰────╯", "the role "),
            (r#"{\"a\":\"x.\r\nTrace ID\"}"#, r#"{"a":"x. Trace ID"} "#),
            (r"x.\\r\\nTrace \u0027a\u0027", "x. Trace 'a' "),
            (r"C:\new\table", r"C:\new\table "),
            ("it&#39;s &quot;a&quot;", "it's \"a\" "),
        ] {
            assert_eq!(Flat::of(text).text, flat, "{text}");
        }
        let flat = Flat::of("one\n\n\nfour");
        assert_eq!(flat.line_of(flat.text.find("four").unwrap()), 4);
        assert_eq!(flat.line_of(0), 1);
    }
}
