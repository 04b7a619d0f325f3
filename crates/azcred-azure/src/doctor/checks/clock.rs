//! Does this machine's clock match Azure's?

use super::{
    cloud_addresses::{
        ResourceManagerReach, SignInServiceReach, resource_manager, sign_in_service,
    },
    sign_in::SignIn,
};
use crate::doctor::{
    case::Case,
    check::Check,
    checks::CheckId,
    opened::Opened,
    report::{Area, Subject, Verdict},
};
use azcred::{Evidence, Fix, UsedKind, azure_evidence, http::skew_in_words, system::System};

/// Clocks that differ by fewer seconds match.
const TOLERANCE: i64 = 60;
/// Entra ID allows this difference, in seconds, for an assertion's beginning and its end.
const ALLOWED: i64 = 300;

pub(super) struct ClockCheck;

/// A machine, by how its clock is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Machine {
    Linux,
    /// The Windows Subsystem for Linux, whose clock can stop while the computer sleeps.
    Wsl,
    MacOs,
    Windows,
}

pub(super) enum ClockOutcome {
    /// No response had a date.
    Unknown,
    /// The clocks differ.
    Skew {
        /// The difference between Azure's clock and this machine's, in seconds. It is positive if
        /// this machine is behind.
        seconds: i64,
        /// Whether Entra ID rejected what this machine dated: a certificate's assertion or a
        /// federated token.
        is_cause: bool,
        machine: Machine,
    },
}

impl Machine {
    fn of(system: &dyn System) -> Self {
        match system.os() {
            "windows" => Self::Windows,
            "macos" => Self::MacOs,
            _ if azure_evidence(system) == Evidence::Wsl => Self::Wsl,
            _ => Self::Linux,
        }
    }

    /// How its clock is set.
    fn fix(self) -> Fix {
        match self {
            Self::Linux => Fix::SetClock,
            Self::Wsl => Fix::from(
                "set the clock of this WSL distribution by that of Windows: `sudo hwclock --hctosys`",
            ),
            Self::MacOs => Fix::from("set this machine's clock: `sudo sntp -sS time.apple.com`"),
            Self::Windows => {
                Fix::from("set this machine's clock, as an administrator: `w32tm /resync`")
            }
        }
    }
}

impl Check for ClockCheck {
    type Outcome = ClockOutcome;

    fn area(&self) -> Area {
        Area::Machine
    }

    fn title(&self) -> &'static str {
        "clock"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<ClockOutcome> {
        // A rejection has a date too. The sign-in service's own clock is the one that counts.
        tokio::join!(
            case.find::<SignInServiceReach>(),
            case.find::<ResourceManagerReach>()
        );
        let opened = case.find::<Opened>().await;
        let seconds = opened.session.as_ref().ok().and_then(|session| {
            let cloud = session.options().cloud().ok()?;
            let http = session.options().http();
            [sign_in_service(&cloud), resource_manager(&cloud)]
                .into_iter()
                .flatten()
                .find_map(|address| http.last_response(&address.url)?.clock_skew)
        });
        let (Some(seconds), Some(system)) = (seconds, opened.system()) else {
            return Some(ClockOutcome::Unknown);
        };
        let is_cause = match seconds.abs() > ALLOWED {
            true => {
                let sign_in = case.find::<SignIn>().await;
                is_dated_here(&sign_in)
            }
            false => false,
        };
        Some(ClockOutcome::Skew {
            seconds,
            is_cause,
            machine: Machine::of(&**system),
        })
    }

    fn tell(&self, outcome: ClockOutcome, _: &Case<'_>) -> Verdict {
        let ClockOutcome::Skew {
            seconds,
            is_cause,
            machine,
        } = outcome
        else {
            return Verdict::does_not_apply("no response from Azure had a date");
        };
        let skew = skew_in_words(seconds);
        let verdict = match seconds.abs() {
            ..=TOLERANCE => return Verdict::ok("matches Azure's clock"),
            _ if is_cause => Verdict::failed(
                Subject::Refused,
                format!("{skew} Azure's clock"),
                format!(
                    "this machine's clock is {skew} Azure's, and Entra ID rejects what is dated by it"
                ),
            ),
            _ => Verdict::warning(
                format!("{skew} Azure's clock"),
                format!(
                    "this machine's clock is {skew} Azure's; above five minutes, Entra ID rejects \
                     certificates and federated tokens"
                ),
            ),
        };
        verdict.fix(machine.fix())
    }
}

/// Whether Entra ID rejected a sign-in that has a time of this machine in it, or one of the machine
/// that issued its token.
fn is_dated_here(sign_in: &SignIn) -> bool {
    /// The assertion is not within its valid time.
    const OUTSIDE_ITS_TIME: [u32; 2] = [700_024, 500_133];
    let Err(error) = &sign_in.0 else {
        return false;
    };
    let Some(error) = error.token_error().filter(|error| error.is_refused()) else {
        return false;
    };
    let cause = error.report().and_then(|report| report.cause());
    let used = cause.and_then(|attempt| attempt.used.as_ref());
    match error.code() {
        Some(code) => OUTSIDE_ITS_TIME.contains(&code),
        // Another provider has no codes.
        None => used.is_some_and(|used| {
            matches!(
                used.kind,
                UsedKind::ClientCertificate { .. }
                    | UsedKind::ClientAssertion
                    | UsedKind::FederatedToken { .. }
                    | UsedKind::GitHubActions
                    | UsedKind::ServiceConnection { .. }
            )
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        case::tests::{case, doctor},
        report::Status,
    };
    use azcred::system::Fixture;

    fn tell(outcome: ClockOutcome) -> Verdict {
        let doctor = doctor();
        ClockCheck.tell(outcome, &case(&doctor))
    }

    fn skew(seconds: i64, is_cause: bool) -> Verdict {
        tell(ClockOutcome::Skew {
            seconds,
            is_cause,
            machine: Machine::Linux,
        })
    }

    #[test]
    fn each_outcome_has_its_words() {
        assert_eq!(tell(ClockOutcome::Unknown).status, Status::DoesNotApply);
        for right in [-60, 0, 60] {
            assert_eq!(skew(right, false), Verdict::ok("matches Azure's clock"));
        }
        let behind = skew(5400, false);
        assert_eq!(behind.status, Status::Warning);
        assert_eq!(behind.detail, "90 minutes behind Azure's clock");
        assert_eq!(
            skew(-5400, false).detail,
            "90 minutes ahead of Azure's clock"
        );
        assert_eq!(skew(61, false).status, Status::Warning);
        let cause = skew(600, true);
        assert_eq!(
            (cause.status, cause.subject),
            (Status::Failed, Some(Subject::Refused))
        );
        assert_eq!(
            cause.reason,
            "this machine's clock is 10 minutes behind Azure's, and Entra ID rejects what is dated by it"
        );
    }

    #[test]
    fn each_machine_has_its_command() {
        let wsl = Fixture::new().with_file(
            "/proc/sys/kernel/osrelease",
            "6.6.87.2-microsoft-standard-WSL2\n",
        );
        for (system, command) in [
            (Fixture::new(), "`sudo timedatectl set-ntp true`"),
            (wsl, "`sudo hwclock --hctosys`"),
            (
                Fixture::new().with_os("macos"),
                "`sudo sntp -sS time.apple.com`",
            ),
            (Fixture::new().with_os("windows"), "`w32tm /resync`"),
        ] {
            let fix = Machine::of(&system).fix().to_string();
            assert!(fix.contains(command), "{fix}");
        }
    }
}
