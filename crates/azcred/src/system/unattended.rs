//! Whether a person is there to be asked.

use super::System;
use std::fmt;

/// Why nobody can be asked for anything. `Display` is that in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unattended {
    /// This is a job of a CI system, which says so by this variable.
    CiJob(&'static str),
    /// Nobody is at a terminal.
    NoTerminal,
}

impl fmt::Display for Unattended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CiJob(variable) => {
                write!(f, "interactive use is off in a CI job ({variable} is set)")
            }
            Self::NoTerminal => {
                f.write_str("this is not run in a terminal (standard error is redirected)")
            }
        }
    }
}

/// Why nobody can be asked for anything here; `None` where somebody can.
pub fn unattended(system: &dyn System) -> Option<Unattended> {
    /// The variables by which CI systems say what they are: most of them, GitHub Actions, Azure
    /// Pipelines.
    const CI: [&str; 3] = ["CI", "GITHUB_ACTIONS", "TF_BUILD"];
    // `CI=false` is how people tell tools that a shell is none.
    let says_no = |value: &str| {
        let words = ["false", "no", "0"];
        words
            .iter()
            .any(|word| value.trim().eq_ignore_ascii_case(word))
    };
    let says_so = |variable: &&str| system.var(variable).is_some_and(|value| !says_no(&value));
    match CI.into_iter().find(says_so) {
        Some(variable) => Some(Unattended::CiJob(variable)),
        None if !system.has_terminal() => Some(Unattended::NoTerminal),
        None => None,
    }
}
