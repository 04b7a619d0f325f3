//! Lines for the shell of a machine that change a variable, for fixes that can be pasted.
//!
//! A line never has a secret's value: the shell takes it from the variable itself.

use azcred::{shown_value, tidied};

/// The shell that a line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shell {
    /// A POSIX shell.
    Posix,
    /// PowerShell.
    PowerShell,
}

impl Shell {
    /// The shell of an operating system ([`azcred::system::System::os`]).
    pub(super) fn of(os: &str) -> Self {
        match os {
            "windows" => Self::PowerShell,
            _ => Self::Posix,
        }
    }

    /// Sets a variable to a value; `None` if the value may be a secret or can't be quoted.
    pub(super) fn set(self, name: &str, value: &str) -> Option<String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/@+=|".contains(c);
        if !value.chars().all(is_plain) || shown_value(value).starts_with('(') {
            return None;
        }
        Some(match self {
            Self::Posix => format!("export {name}={value}"),
            Self::PowerShell => format!("$env:{name} = '{value}'"),
        })
    }

    /// Unsets variables.
    pub(super) fn unset(self, names: &[&str]) -> String {
        match self {
            Self::Posix => format!("unset {}", names.join(" ")),
            Self::PowerShell => format!("Remove-Item Env:{}", names.join(", Env:")),
        }
    }

    /// Sets a variable to the value of another.
    pub(super) fn copy(self, name: &str, from: &str) -> String {
        match self {
            Self::Posix => format!("export {name}=\"${from}\""),
            Self::PowerShell => format!("$env:{name} = $env:{from}"),
        }
    }

    /// Takes away what is around a secret. `None` if no line can do it: characters of the secret
    /// itself would go too.
    pub(super) fn bare(self, name: &str, secret: &str) -> Option<String> {
        // Entra ID makes secrets of these; others may have more.
        let of_entra = |c: char| c.is_ascii_alphanumeric() || "~._-".contains(c);
        let of_others = |c: char| c.is_ascii_graphic() && !"\"'`".contains(c);
        let bare = tidied(secret);
        let is_entra = bare.chars().all(of_entra);
        if bare.is_empty() || !is_entra && !bare.chars().all(of_others) {
            return None;
        }
        Some(match (self, is_entra) {
            (Self::Posix, true) => format!(
                "export {name}=\"$(printf %s \"${name}\" | LC_ALL=C tr -cd 'A-Za-z0-9~._-')\""
            ),
            // From ! to ~ without quotes.
            (Self::Posix, false) => {
                format!("export {name}=\"$(printf %s \"${name}\" | LC_ALL=C tr -cd '!#-&(-_a-~')\"")
            }
            (Self::PowerShell, true) => {
                format!("$env:{name} = $env:{name} -replace '[^A-Za-z0-9~._-]'")
            }
            (Self::PowerShell, false) => {
                format!("$env:{name} = $env:{name} -replace '[^!#-&(-_a-~]'")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    const NAME: &str = "AZURE_CLIENT_SECRET";

    #[test]
    fn a_line_for_powershell_has_its_forms() {
        let shell = Shell::of("windows");
        assert_eq!(
            shell.set("AZURE_TENANT_ID", "contoso.com").as_deref(),
            Some("$env:AZURE_TENANT_ID = 'contoso.com'")
        );
        assert_eq!(
            shell.unset(&[NAME, "A"]),
            "Remove-Item Env:AZURE_CLIENT_SECRET, Env:A"
        );
        assert_eq!(
            shell.copy(NAME, "AZURE_SECRET"),
            "$env:AZURE_CLIENT_SECRET = $env:AZURE_SECRET"
        );
        let bare = shell.bare(NAME, "\"a~b\"").unwrap();
        assert_eq!(
            bare,
            "$env:AZURE_CLIENT_SECRET = $env:AZURE_CLIENT_SECRET -replace '[^A-Za-z0-9~._-]'"
        );
    }

    #[test]
    fn a_value_that_may_be_a_secret_or_can_not_be_quoted_is_in_no_line() {
        for value in [
            "abc8Q~TopSecretTopSecretTopSecretTopSec",
            "a b",
            "$(id)",
            "a'b",
        ] {
            assert_eq!(Shell::Posix.set(NAME, value), None, "{value}");
        }
        for secret in ["\"a b\"", "'a\"b'", "\"ä\"", "''"] {
            assert_eq!(Shell::Posix.bare(NAME, secret), None, "{secret}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_line_takes_away_what_is_around_a_secret_and_does_not_show_it() {
        for bare in ["abc8Q~Top.Secret_-x", "legacy/Top+Secret=[@]:?*"] {
            for around in [
                "\"S\"",
                "'S'",
                " S ",
                "S\n",
                "S\r",
                "\u{feff}S",
                "`S`",
                "\u{201c}S\u{201d}",
            ] {
                let dressed = around.replace('S', bare);
                let line = Shell::Posix.bare(NAME, &dressed).unwrap();
                assert!(
                    !line.contains("Secret_") && !line.contains("Top+"),
                    "{line}"
                );
                assert!(!line.contains('`'), "{line}");
                let run = Command::new("/bin/sh")
                    .args(["-c", &format!("{line}; printf %s \"${NAME}\"")])
                    .env(NAME, &dressed)
                    .output()
                    .unwrap();
                assert_eq!(String::from_utf8_lossy(&run.stdout), bare, "{dressed:?}");
            }
        }
    }
}
