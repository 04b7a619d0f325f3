//! How and when a user has signed in: for `amr`, and for Conditional Access.

use serde::{Deserialize, Serialize};

/// The factors that a user has proved in one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proofs {
    /// The password was entered.
    pub(crate) password: bool,
    /// A second factor was entered.
    pub(crate) mfa: bool,
    /// When the last factor was proved, in Unix seconds.
    pub(crate) at: i64,
}

impl Proofs {
    /// Only a password, entered now.
    pub(crate) fn by_password(now: i64) -> Self {
        Self {
            password: true,
            mfa: false,
            at: now,
        }
    }

    /// `amr` (RFC 8176): `pwd`, and `mfa` with a second factor.
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
    fn amr_names_the_proved_factors() {
        let password = Proofs::by_password(5);
        assert_eq!(password.amr(), ["pwd"]);
        let both = Proofs {
            mfa: true,
            ..password
        };
        assert_eq!(both.amr(), ["pwd", "mfa"]);
    }
}
