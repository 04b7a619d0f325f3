//! How a person has signed in, and when: `amr`, and what Conditional Access checks.

use serde::{Deserialize, Serialize};

/// What a person has proved of themselves in one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proofs {
    /// The password was given.
    pub(crate) password: bool,
    /// A second factor was given.
    pub(crate) mfa: bool,
    /// When the last of them was given, in Unix seconds.
    pub(crate) at: i64,
}

impl Proofs {
    /// A password alone, given just now.
    pub(crate) fn by_password(now: i64) -> Self {
        Self {
            password: true,
            mfa: false,
            at: now,
        }
    }

    /// `amr` (RFC 8176): `pwd`, and `mfa` beside it where there was a second factor.
    pub(crate) fn amr(self) -> Vec<&'static str> {
        [(self.password, "pwd"), (self.mfa, "mfa")]
            .into_iter()
            .filter_map(|(given, name)| given.then_some(name))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_proved_is_told_by_name() {
        let password = Proofs::by_password(5);
        assert_eq!(password.amr(), ["pwd"]);
        let both = Proofs {
            mfa: true,
            ..password
        };
        assert_eq!(both.amr(), ["pwd", "mfa"]);
    }
}
