//! Does this machine's clock match Azure's?

use super::subscription::SubscriptionsSeen;
use crate::doctor::{case::Case, check::Check, report::Verdict};
use azcred::{Fix, http::skew_in_words};

/// Clocks that differ by fewer seconds match. Entra ID itself allows five minutes.
const TOLERANCE: i64 = 60;

pub(super) struct ClockCheck;

pub(super) enum ClockOutcome {
    /// No response had a date.
    Unknown,
    /// The difference between Azure's clock and this machine's, in seconds. It is positive if this
    /// machine is behind.
    Skew(i64),
}

impl Check for ClockCheck {
    type Outcome = ClockOutcome;

    fn title(&self) -> &'static str {
        "clock"
    }

    async fn examine(&self, case: &Case<'_>) -> Option<ClockOutcome> {
        // A rejection has a date too.
        let skew = match &case.find::<SubscriptionsSeen>().await.0 {
            Ok(seen) => seen.clock_skew,
            Err(error) => error.clock_skew(),
        };
        Some(skew.map_or(ClockOutcome::Unknown, ClockOutcome::Skew))
    }

    fn tell(&self, outcome: ClockOutcome, _: &Case<'_>) -> Verdict {
        match outcome {
            ClockOutcome::Unknown => Verdict::skipped("no response from Azure had a date"),
            ClockOutcome::Skew(skew) if skew.abs() <= TOLERANCE => {
                Verdict::ok("matches Azure's clock")
            }
            ClockOutcome::Skew(skew) => Verdict::warning(
                format!("{} Azure's clock", skew_in_words(skew)),
                "Entra ID rejects certificates and federated tokens if clocks differ by more than \
                 five minutes",
            )
            .fix(Fix::SetClock),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        case::tests::{case, doctor},
        report::Status,
    };

    #[test]
    fn each_outcome_has_its_words() {
        let doctor = doctor();
        let tell = |outcome| ClockCheck.tell(outcome, &case(&doctor));
        assert_eq!(tell(ClockOutcome::Unknown).status, Status::Skipped);
        assert_eq!(tell(ClockOutcome::Skew(-60)).status, Status::Ok);
        let behind = tell(ClockOutcome::Skew(5400));
        assert_eq!(behind.status, Status::Warning);
        assert_eq!(behind.detail, "90 minutes behind Azure's clock");
        let ahead = tell(ClockOutcome::Skew(-5400));
        assert_eq!(ahead.detail, "90 minutes ahead of Azure's clock");
    }
}
