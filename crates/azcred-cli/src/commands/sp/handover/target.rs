//! `--to`: the place that a person names.

use crate::given;
use std::path::PathBuf;

/// The place of `--to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Target {
    /// The system's keyring, as an account of azcred's.
    Keyring,
    /// The encrypted file of an account of azcred's.
    EncryptedFile,
    /// Standard output.
    Stdout,
    /// GitHub: this repository, or the one of the current folder.
    GitHub(Option<String>),
    /// A file.
    File(PathBuf),
}

/// Reads the value of `--to`. A file that is called as a place is, is `./keyring`.
pub(super) fn parse(text: &str) -> Result<Target, String> {
    let text = given::text(text)?;
    Ok(match text.as_str() {
        "" => return Err("it is keyring, encrypted-file, gh, stdout or a file".to_owned()),
        "keyring" => Target::Keyring,
        "encrypted-file" => Target::EncryptedFile,
        "stdout" | "-" => Target::Stdout,
        "gh" => Target::GitHub(None),
        other => match other.strip_prefix("gh:") {
            Some(repository) => Target::GitHub(Some(self::repository(repository)?)),
            None => Target::File(PathBuf::from(text)),
        },
    })
}

/// A repository as `gh --repo` takes it: `OWNER/REPO` or `HOST/OWNER/REPO`.
fn repository(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('/').collect();
    let is_name = |part: &&str| {
        let mut letters = part.chars();
        // No part is an option of gh.
        letters
            .next()
            .is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
            && letters.all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    match (2..=3).contains(&parts.len()) && parts.iter().all(is_name) {
        true => Ok(text.to_owned()),
        false => Err("a repository of GitHub is gh:OWNER/REPO".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_word_a_repository_or_a_file() {
        for (text, place) in [
            ("keyring", Target::Keyring),
            ("encrypted-file", Target::EncryptedFile),
            ("stdout", Target::Stdout),
            ("-", Target::Stdout),
            ("gh", Target::GitHub(None)),
            (
                "gh:contoso/train",
                Target::GitHub(Some("contoso/train".to_owned())),
            ),
            (
                "gh:ghe.contoso.com/contoso/train",
                Target::GitHub(Some("ghe.contoso.com/contoso/train".to_owned())),
            ),
            (".env", Target::File(".env".into())),
            ("./gh", Target::File("./gh".into())),
        ] {
            assert_eq!(parse(text), Ok(place), "{text}");
        }
    }

    #[test]
    fn a_repository_is_never_an_option_of_gh() {
        for text in [
            "gh:",
            "gh:contoso",
            "gh:contoso/",
            "gh:--x/y",
            "gh:a/b/c/d",
            "gh:a/-b",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
