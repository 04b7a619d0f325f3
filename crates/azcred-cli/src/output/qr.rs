//! A QR code in half-blocks: each character shows two modules, one above the other.

use super::style::paint;
use anstyle::{Ansi256Color, Style};
use qrcode::{Color, EcLevel, QrCode};

/// Black on white, whatever the theme: scanners need dark modules on a light ground. These two of
/// the 256 colours are fixed; themes change only the first sixteen.
const INK: Style = Style::new()
    .fg_color(Some(anstyle::Color::Ansi256(Ansi256Color(16))))
    .bg_color(Some(anstyle::Color::Ansi256(Ansi256Color(231))));

/// The light border that scanners need, in modules (ISO/IEC 18004 section 5.3.8).
const QUIET: usize = 4;

/// Lines of the same width, for screens with colours.
pub(crate) struct Qr {
    pub(crate) lines: Vec<String>,
    /// In characters.
    pub(crate) width: usize,
}

/// The QR code for `text`. `None` if the text is too long. A screen is neither torn nor dirty, so
/// the lowest error correction is enough and makes the code small.
pub(crate) fn qr(text: &str) -> Option<Qr> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let size = code.width();
    let modules = code.into_colors();
    let width = size + 2 * QUIET;
    let is_dark = |x: usize, y: usize| {
        let inside = (QUIET..QUIET + size).contains(&x) && (QUIET..QUIET + size).contains(&y);
        inside && modules[(y - QUIET) * size + (x - QUIET)] == Color::Dark
    };
    let lines = (0..width.div_ceil(2))
        .map(|row| {
            let line: String = (0..width)
                .map(|x| half(is_dark(x, 2 * row), is_dark(x, 2 * row + 1)))
                .collect();
            paint(INK, line)
        })
        .collect();
    Some(Qr { lines, width })
}

/// Two pixels, one above the other.
pub(super) fn half(upper: bool, lower: bool) -> char {
    match (upper, lower) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The modules as a scanner sees them, with the border.
    fn seen(code: &Qr) -> Vec<Vec<bool>> {
        code.lines
            .iter()
            .map(|line| anstream::adapter::strip_str(line).to_string())
            .flat_map(|line| {
                let upper = line.chars().map(|c| "█▀".contains(c)).collect();
                let lower = line.chars().map(|c| "█▄".contains(c)).collect();
                [upper, lower]
            })
            .collect()
    }

    #[test]
    fn the_drawing_is_the_code_with_its_quiet_zone() {
        let text = "https://microsoft.com/devicelogin";
        let drawn = qr(text).unwrap();
        let code = QrCode::with_error_correction_level(text, EcLevel::L).unwrap();
        let (seen, size) = (seen(&drawn), code.width());
        assert_eq!(drawn.width, size + 8);
        for (y, row) in seen.iter().enumerate() {
            assert_eq!(row.len(), drawn.width);
            for (x, dark) in row.iter().enumerate() {
                let inside = (4..4 + size).contains(&x) && (4..4 + size).contains(&y);
                let wanted = inside && code[(x - 4, y - 4)] == Color::Dark;
                assert_eq!(*dark, wanted, "{x},{y}");
            }
        }
    }

    #[test]
    fn every_line_sets_and_resets_its_colours() {
        for line in qr("https://contoso.com/").unwrap().lines {
            assert!(line.starts_with("\u{1b}["), "{line:?}");
            assert!(line.contains("48;5;231"), "{line:?}");
            assert!(line.ends_with("\u{1b}[0m"), "{line:?}");
        }
    }

    #[test]
    fn too_long_a_text_has_no_code() {
        assert!(qr(&"x".repeat(10_000)).is_none());
    }
}
