//! A profile: a named set of accounts.

use crate::{
    facts::{Error, Result},
    sieve::{Misplaced, invalid, tidied},
};
use std::{fmt, str::FromStr, sync::Arc};

/// The name of a profile: 1 to 64 letters, digits, `-`, `_` and `.`. Upper and lower case are
/// equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Profile(Arc<str>);

const LONGEST: usize = 64;

impl Profile {
    /// Parses a name. White space, quotes and unseen characters around it are ignored.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] if the text is empty, too long, or has other characters.
    pub fn new(name: &str) -> Result<Self> {
        let given = name;
        let name = tidied(given);
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_secret = Misplaced::of(name).is_some_and(|secret| secret != Misplaced::Random);
        if name.is_empty() || name.len() > LONGEST || !name.bytes().all(is_fit) || is_secret {
            return Err(invalid(
                "the profile",
                given,
                "a profile's name is 1 to 64 letters, digits, '-', '_' and '.'",
            )
            .with_fix("use a name such as 'work'"));
        }
        Ok(Self(name.to_ascii_lowercase().into()))
    }

    /// The name as text.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// The profile `default`.
impl Default for Profile {
    fn default() -> Self {
        Self("default".into())
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Profile {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::ErrorKind;

    #[test]
    fn a_name_is_a_word_and_never_a_path() {
        assert_eq!(
            Profile::new(" Work-1 ").unwrap(),
            Profile::new("work-1").unwrap()
        );
        for bad in ["", " ", "a/b", "a b", "ä", &"x".repeat(65)] {
            assert_eq!(
                Profile::new(bad).unwrap_err().kind(),
                ErrorKind::Invalid,
                "{bad}"
            );
        }
    }
}
