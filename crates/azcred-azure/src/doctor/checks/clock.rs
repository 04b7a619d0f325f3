//! Does this machine's clock match Azure's?

use super::subscription::SubscriptionsSeen;
use crate::doctor::{case::Case, check::Check, report::Verdict};
use azcred::{Fix, http::skew_in_words};

/// Clocks closer than this match, in seconds. Entra ID itself allows five minutes.
const TOLERANCE: i64 = 60;

pub(super) struct ClockCheck;

pub(super) enum Outcome {
    /// No response had a date.
    Unknown,
    /// How far Azure's clock is from this machine's, in seconds: positive where this machine's is
    /// behind.
    Skew(i64),
}

impl Check for ClockCheck {
    type Outcome = Outcome;

    fn title(&self) -> &'static str {
        "clock"
    }

    async fn examine(&self, case: &Case<'_>) -> Option<Outcome> {
        // A rejection has a date too.
        let skew = match &case.find::<SubscriptionsSeen>().await.0 {
            Ok(seen) => seen.clock_skew,
            Err(error) => error.clock_skew(),
        };
        Some(skew.map_or(Outcome::Unknown, Outcome::Skew))
    }

    fn tell(&self, outcome: Outcome, _: &Case<'_>) -> Verdict {
        match outcome {
            Outcome::Unknown => Verdict::skipped("no response from Azure had a date"),
            Outcome::Skew(skew) if skew.abs() <= TOLERANCE => Verdict::ok("matches Azure's clock"),
            Outcome::Skew(skew) => Verdict::warning(
                format!("{} Azure's clock", skew_in_words(skew)),
                "Entra ID rejects certificates and federated tokens if clocks differ by more than \
                 five minutes",
            )
            .fix(Fix::SetClock),
        }
    }
}
