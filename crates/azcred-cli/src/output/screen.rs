//! What a stream's screen can show, according to variables and its size.

use azcred::system::{RealSystem, System};
use std::{
    io::{self, IsTerminal, Read},
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use terminal_size::{Height, Width, terminal_size_of};

/// The target of lines: a terminal, a file or a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Screen {
    /// Characters in a line.
    pub(crate) columns: usize,
    /// Lines of the screen.
    pub(crate) rows: usize,
    /// Whether it can show characters beyond ASCII.
    pub(crate) is_unicode: bool,
    /// Whether it shows block characters and colours, and whether a line can be redrawn. Otherwise
    /// lines are plain and written once, for screen readers and logs.
    pub(crate) is_rich: bool,
    /// Whether it supports links (OSC 8).
    pub(crate) has_links: bool,
    /// Whether programs can write to the clipboard (OSC 52).
    pub(crate) clipboard: Clipboard,
}

/// What writes to the clipboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clipboard {
    /// Nothing, as far as azcred knows.
    None,
    /// The terminal, by default.
    Terminal,
    /// tmux, if its option `set-clipboard` is `on`.
    Tmux,
}

/// On a narrower screen, everything is in one column.
const NARROW: usize = 40;

impl Screen {
    /// The screen of standard output, for tables, which use its full width.
    pub(crate) fn of_stdout() -> Self {
        let size = terminal_size_of(io::stdout());
        let size = size.map(|(Width(columns), Height(rows))| (columns.into(), rows.into()));
        let mut screen = Self::with(false, size, |name| std::env::var(name).ok());
        screen.columns = screen.columns.max(NARROW);
        screen
    }

    /// The screen of standard error. With `plain`, only lines of text.
    pub(crate) fn of_stderr(plain: bool) -> Self {
        let size = terminal_size_of(io::stderr());
        let size = size.map(|(Width(columns), Height(rows))| (columns.into(), rows.into()));
        let coloured = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
        let is_watched = !plain && coloured && io::stderr().is_terminal();
        Self::with(is_watched, size, |name| std::env::var(name).ok())
    }

    /// A screen for plain lines of this width.
    #[cfg(test)]
    pub(super) fn of_width(columns: usize, is_unicode: bool) -> Self {
        Self {
            is_unicode,
            ..Self::with(false, Some((columns, 24)), |_| None)
        }
    }

    /// A screen of this size, with these variables.
    fn with(
        is_watched: bool,
        size: Option<(usize, usize)>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let (columns, rows) = size.unwrap_or((usize::MAX, usize::MAX));
        let has = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let is_unicode = Self::is_unicode(&variable);
        let is_rich =
            is_watched && size.is_some() && columns >= NARROW && !has("NO_COLOR") && is_unicode;
        Self {
            columns,
            rows,
            is_unicode,
            is_rich,
            has_links: is_rich && makes_links(&variable),
            clipboard: match is_rich {
                true => writes_clipboard(&variable),
                false => Clipboard::None,
            },
        }
    }

    /// Whether a screen with these variables shows block characters. It does not if the locale
    /// names another encoding (the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set, POSIX
    /// 'Internationalization Variables'), nor on Linux's console, whose font has few of them.
    /// Without a locale, as in most containers, terminals use UTF-8.
    pub(crate) fn is_unicode(variable: impl Fn(&str) -> Option<String>) -> bool {
        if variable("TERM").is_some_and(|term| matches!(term.as_str(), "linux" | "dumb")) {
            return false;
        }
        ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .filter_map(variable)
            .find(|value| !value.is_empty())
            .is_none_or(|locale| {
                let locale = locale.to_ascii_lowercase();
                locale.contains("utf-8") || locale.contains("utf8")
            })
    }
}

/// Terminals that support OSC 8 links, by the variables that they set. Others ignore links, or show
/// their codes, as some old ones do.
fn makes_links(variable: &impl Fn(&str) -> Option<String>) -> bool {
    let is_known = match variable("TERM_PROGRAM").as_deref() {
        Some("iTerm.app" | "WezTerm" | "vscode" | "ghostty" | "Hyper" | "rio" | "zed") => true,
        // Since 3.4, tmux passes links on to terminals that support them.
        Some("tmux") => {
            variable("TERM_PROGRAM_VERSION").is_some_and(|version| is_at_least(&version, (3, 4)))
        }
        _ => false,
    };
    // GNOME's terminal library supports links since 0.50, and shows them correctly since 0.52.
    let vte = variable("VTE_VERSION").and_then(|version| version.parse::<u32>().ok());
    is_known
        || vte.is_some_and(|version| version >= 5200)
        || variable("WT_SESSION").is_some()
        || variable("KONSOLE_VERSION").is_some()
        || variable("TERM").is_some_and(|term| is_one_of(&term, &LINKING))
}

const LINKING: [&str; 5] = [
    "xterm-kitty",
    "xterm-ghostty",
    "alacritty",
    "foot",
    "contour",
];

/// Whether `3.5a` is 3.4 or later.
fn is_at_least(version: &str, least: (u32, u32)) -> bool {
    let mut numbers = version.split('.').map(|part| {
        let digits = part.find(|c: char| !c.is_ascii_digit());
        part[..digits.unwrap_or(part.len())]
            .parse::<u32>()
            .unwrap_or(0)
    });
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= least
}

/// Terminals that accept OSC 52 by default. iTerm2, xterm and Konsole need a setting, which
/// programs can't read.
fn writes_clipboard(variable: &impl Fn(&str) -> Option<String>) -> Clipboard {
    if variable("TMUX").is_some() {
        return Clipboard::Tmux;
    }
    let term = variable("TERM").unwrap_or_default();
    // screen discards it.
    if variable("STY").is_some() || term.starts_with("screen") {
        return Clipboard::None;
    }
    let by_program = matches!(
        variable("TERM_PROGRAM").as_deref(),
        Some("WezTerm" | "vscode" | "ghostty" | "rio" | "zed")
    );
    let by_name = is_one_of(&term, &COPYING);
    match by_program || by_name || variable("WT_SESSION").is_some() {
        true => Clipboard::Terminal,
        false => Clipboard::None,
    }
}

const COPYING: [&str; 5] = [
    "xterm-kitty",
    "xterm-ghostty",
    "alacritty",
    "foot",
    "contour",
];

fn is_one_of(term: &str, names: &[&str]) -> bool {
    names.iter().any(|name| {
        term.strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

impl Clipboard {
    /// Whether text is likely to reach the clipboard.
    pub(crate) fn takes(self) -> bool {
        match self {
            Self::None => false,
            Self::Terminal => true,
            Self::Tmux => tmux_takes().unwrap_or(false),
        }
    }
}

/// Longest wait for tmux.
const TMUX: Duration = Duration::from_millis(300);

/// Whether tmux passes on copied text (tmux(1), `set-clipboard`: only with `on`).
fn tmux_takes() -> Option<bool> {
    let mut asked = Command::new(RealSystem.find_program("tmux")?)
        .args(["show-options", "-s", "-v", "set-clipboard"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let end = Instant::now() + TMUX;
    while asked.try_wait().ok()?.is_none() {
        if Instant::now() >= end {
            let _ = asked.kill();
            let _ = asked.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let mut said = String::new();
    asked.stdout?.take(16).read_to_string(&mut said).ok()?;
    Some(said.trim() == "on")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(variables: &[(&str, &str)]) -> Screen {
        sized(Some((80, 24)), variables)
    }

    fn sized(size: Option<(usize, usize)>, variables: &[(&str, &str)]) -> Screen {
        Screen::with(true, size, |wanted| {
            let mut found = variables.iter().filter(|(name, _)| *name == wanted);
            found.next().map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_wide_enough_screen_with_colours_shows_more_than_lines() {
        assert!(screen(&[("TERM", "xterm-256color")]).is_rich);
        for plain in [
            screen(&[("TERM", "dumb")]),
            screen(&[("TERM", "linux")]),
            screen(&[("NO_COLOR", "1")]),
            screen(&[("LC_ALL", "C")]),
            sized(Some((39, 24)), &[]),
            sized(None, &[]),
            Screen::with(false, Some((80, 24)), |_| None),
        ] {
            assert!(!plain.is_rich && !plain.has_links, "{plain:?}");
            assert_eq!(plain.clipboard, Clipboard::None);
        }
        assert!(screen(&[("NO_COLOR", "")]).is_rich, "empty is unset");
    }

    #[test]
    fn links_are_for_terminals_that_support_them() {
        for yes in [
            ("TERM", "xterm-kitty"),
            ("TERM", "foot-extra"),
            ("TERM_PROGRAM", "WezTerm"),
            ("VTE_VERSION", "7600"),
            ("WT_SESSION", "x"),
        ] {
            assert!(screen(&[yes]).has_links, "{yes:?}");
        }
        for no in [
            ("TERM", "xterm"),
            ("TERM", "footing"),
            ("TERM_PROGRAM", "Apple_Terminal"),
            ("VTE_VERSION", "4999"),
        ] {
            assert!(!screen(&[no]).has_links, "{no:?}");
        }
        let tmux = |version| {
            screen(&[("TERM_PROGRAM", "tmux"), ("TERM_PROGRAM_VERSION", version)]).has_links
        };
        assert!(tmux("3.4") && tmux("3.5a") && tmux("4.0"));
        assert!(!tmux("3.3a") && !tmux("2.9") && !tmux("next"));
    }

    #[test]
    fn the_clipboard_is_announced_if_the_terminal_accepts_it_by_default() {
        let clipboard = |variables| screen(variables).clipboard;
        assert_eq!(clipboard(&[("TERM", "alacritty")]), Clipboard::Terminal);
        assert_eq!(
            clipboard(&[("TERM_PROGRAM", "vscode")]),
            Clipboard::Terminal
        );
        assert_eq!(clipboard(&[("TERM_PROGRAM", "iTerm.app")]), Clipboard::None);
        assert_eq!(clipboard(&[("TERM", "xterm-256color")]), Clipboard::None);
        let between = [("TERM", "xterm-kitty"), ("TMUX", "/tmp/tmux")];
        assert_eq!(clipboard(&between), Clipboard::Tmux);
        let screen = [("TERM_PROGRAM", "WezTerm"), ("STY", "1.pts")];
        assert_eq!(clipboard(&screen), Clipboard::None);
        assert!(!Clipboard::None.takes());
    }

    #[test]
    fn blocks_are_for_screens_that_can_show_them() {
        let on = |variables: &[(&str, &str)]| {
            let variables: Vec<(String, String)> = variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            Screen::is_unicode(move |name| {
                variables
                    .iter()
                    .find(|(one, _)| one == name)
                    .map(|(_, value)| value.clone())
            })
        };
        assert!(on(&[]));
        assert!(on(&[("LANG", "de_DE.UTF-8")]));
        assert!(on(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8"), ("LANG", "C")]));
        assert!(!on(&[("LANG", "C")]));
        assert!(!on(&[("LC_ALL", "POSIX"), ("LANG", "de_DE.UTF-8")]));
        assert!(!on(&[("LANG", "de_DE@euro")]));
        assert!(!on(&[("LANG", "C.UTF-8"), ("TERM", "linux")]));
    }
}
