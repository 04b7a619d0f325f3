//! Variables as lines for a shell, quoted so that every value stays unchanged.

use clap::ValueEnum;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

/// The syntax of a shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// sh, bash, zsh, dash, ksh, mksh, ash
    #[value(aliases = ["bash", "zsh", "dash", "ksh", "mksh", "ash"])]
    Sh,
    /// fish
    Fish,
    /// PowerShell
    #[value(alias = "pwsh")]
    Powershell,
    /// JSON, for programs: `{"set": {…}, "unset": […]}`
    Json,
}

impl Shell {
    /// The user's shell, according to the environment.
    pub(crate) fn current() -> Self {
        let shell = std::env::var("SHELL").unwrap_or_default();
        match shell.rsplit(['/', '\\']).next() {
            Some("fish") => Self::Fish,
            Some("pwsh") => Self::Powershell,
            _ if cfg!(windows) && shell.is_empty() => Self::Powershell,
            _ => Self::Sh,
        }
    }

    /// The command line that runs the lines of `command` in this shell.
    pub(crate) fn set_by(self, command: &str) -> String {
        match self {
            Self::Sh | Self::Json => format!("eval \"$({command})\""),
            Self::Fish => format!("{command} --shell fish | source"),
            Self::Powershell => {
                format!("{command} --shell powershell | Out-String | Invoke-Expression")
            }
        }
    }

    /// A variable's value in a string between double quotes.
    pub(crate) fn value_of(self, name: &str) -> String {
        match self {
            Self::Powershell => format!("${{env:{name}}}"),
            Self::Sh | Self::Fish | Self::Json => format!("${name}"),
        }
    }

    /// The lines that set and unset variables. Names are plain words. A value may be any string
    /// without NUL.
    pub(crate) fn lines(self, set: &BTreeMap<String, String>, unset: &BTreeSet<String>) -> String {
        let mut lines = String::new();
        if !unset.is_empty() {
            let unset: Vec<&str> = unset.iter().map(String::as_str).collect();
            // To write to a String never fails.
            let _ = match self {
                Self::Sh | Self::Json => writeln!(lines, "unset {}", unset.join(" ")),
                Self::Fish => writeln!(lines, "set -e {}", unset.join(" ")),
                Self::Powershell => writeln!(
                    lines,
                    "Remove-Item -ErrorAction SilentlyContinue Env:{}",
                    unset.join(",Env:")
                ),
            };
        }
        for (name, value) in set {
            let _ = match self {
                Self::Sh | Self::Json => writeln!(lines, "export {name}={}", posix(value)),
                Self::Fish => writeln!(lines, "set -gx {name} {}", fish(value)),
                Self::Powershell => writeln!(lines, "$env:{name} = {}", powershell(value)),
            };
        }
        lines
    }
}

/// A text as comments, which are the same in every shell. Each line of it stays a comment.
pub(crate) fn comments(text: &str) -> String {
    let line = |line: &str| match line {
        "" => "#".to_owned(),
        line => format!("# {}", line.replace(char::is_control, "?")),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A word of a command line, quoted if it needs quotes.
pub(crate) fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:@%,=".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => posix(text),
    }
}

/// Between single quotes, every character except the quote is literal (POSIX, Shell Command
/// Language, section 2.2.2).
fn posix(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Between single quotes, only `\'` and `\\` are special (fish documentation, 'Quotes').
fn fish(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}

/// Between single quotes, a quote is doubled. PowerShell accepts typographic quotes too
/// (about_Quoting_Rules and the language specification, section 2.3.5.2).
fn powershell(value: &str) -> String {
    let mut quoted = String::from("'");
    for c in value.chars() {
        if matches!(c, '\'' | '\u{2018}'..='\u{201b}') {
            quoted.push(c);
        }
        quoted.push(c);
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    const NASTY: &str = "a'b \"c\" $(d) `e` \\f $g\nh\\'";

    #[test]
    fn values_are_quoted_by_each_shells_own_rules() {
        assert_eq!(posix("a'b"), r"'a'\''b'");
        assert_eq!(fish(r"a\'b"), r"'a\\\'b'");
        assert_eq!(powershell("a'b\u{2019}c"), "'a''b\u{2019}\u{2019}c'");
    }

    #[test]
    fn every_posix_shell_has_the_lines_of_sh() {
        for name in ["sh", "bash", "zsh", "dash", "ksh", "mksh", "ash"] {
            assert_eq!(Shell::from_str(name, false), Ok(Shell::Sh), "{name}");
        }
    }

    #[test]
    fn no_line_of_a_text_leaves_its_comment() {
        assert_eq!(comments("a\n\nb\rc\r\nd"), "# a\n#\n# b?c\n# d");
    }

    #[test]
    #[cfg(unix)]
    fn sh_reads_every_value_back_unchanged() {
        let script = format!(
            "{}printf %s \"$A\"; printf %s \"${{B-gone}}\"",
            Shell::Sh.lines(
                &[("A".to_owned(), NASTY.to_owned())].into(),
                &["B".to_owned()].into()
            )
        );
        let said = std::process::Command::new("sh")
            .args(["-c", &script])
            .env("B", "there")
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8(said.stdout).unwrap(),
            format!("{NASTY}gone")
        );
    }
}
