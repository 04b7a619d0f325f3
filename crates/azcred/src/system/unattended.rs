//! Whether there is a person who can be asked.

use super::System;
use std::fmt;

/// Why no person can be asked. `Display` says it in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unattended {
    /// This is a job of a CI system, by this variable.
    CiJob(&'static str),
    /// Standard error is not a terminal.
    NoTerminal,
}

impl fmt::Display for Unattended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CiJob(variable) => {
                write!(f, "interactive use is off in a CI job ({variable} is set)")
            }
            Self::NoTerminal => f.write_str("there is no terminal (standard error is redirected)"),
        }
    }
}

/// Why no person can be asked here; `None` if a person can.
pub fn unattended(system: &dyn System) -> Option<Unattended> {
    /// The variables that CI systems set: most of them, GitHub Actions, Azure Pipelines.
    const CI: [&str; 3] = ["CI", "GITHUB_ACTIONS", "TF_BUILD"];
    // `CI=false` means that this is not a CI job.
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
