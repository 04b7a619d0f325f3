//! How a device code is shown: in large letters if there is room, with its URL as a link and as a
//! QR code.

use super::{
    door::link_to,
    letters::large,
    qr::{Qr, qr},
    screen::Screen,
    style::{CODE, DIM, STRONG, paint},
    width::width_of,
    wrap::wrap,
};

/// The texts to show, all safe for a screen.
pub(crate) struct Shown<'a> {
    /// The code.
    pub(crate) code: &'a str,
    /// The URL.
    pub(crate) address: &'a str,
    /// The URL with the code in it, if there is one.
    pub(crate) complete: Option<&'a str>,
    /// Whether the code is on the clipboard.
    pub(crate) copied: bool,
}

const INDENT: usize = 2;
/// The gap between text and QR code.
const GAP: usize = 3;
/// The width of the text next to a QR code: large letters for a code of nine characters.
const WORDS: usize = 56;
/// The lines below: an empty line, the countdown, and the line of the command.
const BENEATH: usize = 3;

/// For a screen that can show more than plain lines.
pub(crate) fn rich(shown: &Shown<'_>, screen: Screen) -> Vec<String> {
    let qr = qr(shown.complete.unwrap_or(shown.address))
        .filter(|qr| INDENT + qr.width <= screen.columns);
    let beside = |qr: &Qr| {
        screen.columns > INDENT + WORDS + GAP + qr.width && screen.rows >= qr.lines.len() + BENEATH
    };
    match qr {
        Some(qr) if beside(&qr) => {
            let room = WORDS;
            side_by_side(&words(shown, screen, room, true), &qr, room)
        }
        qr => {
            let room = screen.columns - INDENT;
            let fits = |qr: &Qr, lines: usize| screen.rows >= lines + qr.lines.len() + 1 + BENEATH;
            let with = words(shown, screen, room, true);
            match qr.filter(|qr| fits(qr, with.len())) {
                Some(qr) => {
                    let mut lines = indented(&with);
                    lines.push(String::new());
                    lines.extend(indented(&qr.lines));
                    lines
                }
                None => indented(&words(shown, screen, room, false)),
            }
        }
    }
}

/// Plain lines of text.
pub(crate) fn plain(shown: &Shown<'_>, width: usize) -> Vec<String> {
    let sentence = format!(
        "To sign in, open {} in any browser, on this computer or another, and enter the code {}",
        shown.address, shown.code
    );
    wrap(&sentence, width)
}

fn words(shown: &Shown<'_>, screen: Screen, room: usize, with_qr: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let opened = match with_qr {
        true => {
            "To sign in, open this address in any browser, on this computer or another, or scan it with your phone:"
        }
        false => "To sign in, open this address in any browser, on this computer or another:",
    };
    lines.extend(wrap(opened, room.min(76)));
    lines.push(String::new());
    lines.push(format!("  {}", link(shown.address, screen)));
    lines.push(String::new());
    lines.push("and enter the code".to_owned());
    lines.push(String::new());
    match large(shown.code, room - 2) {
        Some(letters) => {
            lines.extend(
                letters
                    .iter()
                    .map(|line| format!("  {}", paint(STRONG, line))),
            );
            lines.push(String::new());
            lines.push(format!("  {}{}", paint(STRONG, shown.code), copied(shown)));
        }
        None => {
            let spaced: Vec<String> = shown.code.chars().map(String::from).collect();
            let spaced = spaced.join(" ");
            if !shown.code.contains(' ') && width_of(&spaced) + 2 <= room {
                lines.push(format!("  {}", paint(STRONG, spaced)));
                lines.push(String::new());
            }
            lines.push(format!("  {}{}", paint(STRONG, shown.code), copied(shown)));
        }
    }
    lines
}

fn copied(shown: &Shown<'_>) -> String {
    match shown.copied {
        true => paint(DIM, "  copied to the clipboard"),
        false => String::new(),
    }
}

/// A URL to read and copy. If the terminal supports links, it can be clicked (OSC 8).
pub(crate) fn link(address: &str, screen: Screen) -> String {
    let text = paint(CODE, address);
    match screen.has_links {
        true => format!("{}{text}{}", link_to(address), link_to("")),
        false => text,
    }
}

fn indented(lines: &[String]) -> Vec<String> {
    let indent = |line: &String| match line.is_empty() {
        true => String::new(),
        false => format!("{:INDENT$}{line}", ""),
    };
    lines.iter().map(indent).collect()
}

/// Text on the left, vertically centred on the QR code on the right.
fn side_by_side(words: &[String], qr: &Qr, room: usize) -> Vec<String> {
    let above = qr.lines.len().saturating_sub(words.len()) / 2;
    // The QR code comes right after the widest line.
    let widest = words
        .iter()
        .map(|line| width_of(line))
        .max()
        .unwrap_or(0)
        .min(room);
    (0..qr.lines.len().max(above + words.len()))
        .map(|row| {
            let words = row
                .checked_sub(above)
                .and_then(|row| words.get(row))
                .map_or("", String::as_str);
            match qr.lines.get(row) {
                Some(code) => {
                    let fill = widest.saturating_sub(width_of(words)) + GAP;
                    format!("{:INDENT$}{words}{:fill$}{code}", "", "")
                }
                None => format!("{:INDENT$}{words}", ""),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Clipboard;

    const ENTRA: Shown<'_> = Shown {
        code: "A1B2C3D4E",
        address: "https://microsoft.com/devicelogin",
        complete: None,
        copied: false,
    };

    fn screen(columns: usize, rows: usize) -> Screen {
        Screen {
            columns,
            rows,
            is_unicode: true,
            is_rich: true,
            has_links: false,
            clipboard: Clipboard::None,
        }
    }

    /// As people see it: without colours and line ends.
    fn seen_on(columns: usize, rows: usize) -> String {
        let lines = rich(&ENTRA, screen(columns, rows));
        let lines: Vec<String> = lines
            .iter()
            .map(|line| strip(line).trim_end().to_owned())
            .collect();
        lines.join("\n")
    }

    fn strip(line: &str) -> String {
        anstream::adapter::strip_str(line).to_string()
    }

    macro_rules! assert_seen {
        ($name:literal, $seen:expr) => {
            let mut settings = insta::Settings::clone_current();
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.bind(|| insta::assert_snapshot!($name, $seen));
        };
    }

    #[test]
    fn on_a_wide_screen_the_qr_code_is_next_to_the_text() {
        assert_seen!("device-code-110", seen_on(110, 30));
    }

    #[test]
    fn on_a_usual_screen_there_is_no_qr_code() {
        assert_seen!("device-code-80", seen_on(80, 24));
    }

    #[test]
    fn on_a_tall_screen_the_qr_code_is_below() {
        assert_seen!("device-code-80-tall", seen_on(80, 45));
    }

    #[test]
    fn on_a_narrow_screen_the_code_is_spaced() {
        assert_seen!("device-code-40", seen_on(40, 24));
    }

    #[test]
    fn nothing_is_wider_or_higher_than_the_screen() {
        for columns in 40..200 {
            for rows in [16, 24, 30, 38, 45, 80] {
                let lines = rich(&ENTRA, screen(columns, rows));
                assert!(
                    lines.len() + BENEATH <= rows,
                    "{columns}x{rows}: {}",
                    lines.len()
                );
                for line in &lines {
                    assert!(width_of(line) <= columns, "{columns}x{rows}: {line}");
                }
            }
        }
    }

    #[test]
    fn the_code_and_the_url_can_always_be_copied() {
        for (columns, rows) in [(40, 10), (80, 24), (80, 60), (200, 60)] {
            let seen = seen_on(columns, rows);
            assert!(
                seen.contains(ENTRA.code) && seen.contains(ENTRA.address),
                "{seen}"
            );
        }
        let words = plain(&ENTRA, usize::MAX).join(" ");
        assert!(
            words.contains(ENTRA.code) && words.contains(ENTRA.address),
            "{words}"
        );
    }

    #[test]
    fn the_url_is_a_link_if_the_terminal_supports_links() {
        let linking = Screen {
            has_links: true,
            ..screen(80, 24)
        };
        let shown = rich(&ENTRA, linking).join("\n");
        let begin = "\u{1b}]8;;https://microsoft.com/devicelogin\u{1b}\\";
        assert!(shown.contains(begin), "{shown:?}");
        assert!(!rich(&ENTRA, screen(80, 24)).join("\n").contains("\u{1b}]8"));
    }

    #[test]
    fn the_qr_code_has_the_code_too_if_the_provider_returns_such_a_url() {
        let with = |complete| rich(&Shown { complete, ..ENTRA }, screen(120, 40));
        assert_ne!(
            with(None),
            with(Some("https://id.example/device?user_code=A1B2C3D4E"))
        );
    }

    #[test]
    fn a_code_without_large_letters_is_shown_as_text() {
        let shown = Shown {
            code: "correct horse",
            ..ENTRA
        };
        let lines: Vec<String> = rich(&shown, screen(80, 24))
            .iter()
            .map(|line| strip(line))
            .collect();
        assert!(lines.contains(&"    correct horse".to_owned()), "{lines:?}");
    }

    #[test]
    fn a_code_of_wide_letters_fits_the_screen() {
        let shown = Shown {
            code: "合言葉合言葉合言葉合言葉",
            ..ENTRA
        };
        for columns in [40, 80, 130] {
            for line in rich(&shown, screen(columns, 40)) {
                assert!(width_of(&line) <= columns, "{columns}: {line}");
            }
        }
    }
}
