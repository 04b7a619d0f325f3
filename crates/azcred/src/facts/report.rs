//! The report of a chain: every source, its verdict, the reason, and the time it took.

use super::{Error, ErrorKind, Fix, Preset, Source, Used};
use crate::untrusted::Seen;
use serde::{Serialize, Serializer};
use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    time::Duration,
};

/// The result of a source in one run of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// The chain returned its token.
    Chosen,
    /// The source has nothing to sign in with here.
    Unavailable,
    /// The source is set up, and the identity provider rejected the request.
    Refused,
    /// The source is set up, but could not be reached or used, or its response was invalid.
    Failed,
    /// The token is for another identity than the expected one.
    WrongAccount,
    /// An earlier source decided, so the chain did not try this one, or did not wait for it.
    NotNeeded,
    /// The source would ask a person to sign in, because no earlier source has a token. This run
    /// must not ask.
    WouldAsk,
    /// The source does not take part in this chain.
    Excluded,
}

impl Verdict {
    pub(crate) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Unavailable => Self::Unavailable,
            ErrorKind::Refused => Self::Refused,
            _ => Self::Failed,
        }
    }

    /// The verdict in plain words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Chosen => "chosen",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::WrongAccount => "wrong account",
            Self::NotNeeded => "not needed",
            Self::WouldAsk => "would ask",
            Self::Excluded => "excluded",
        }
    }
}

/// Why a chain did not try a source, or did not wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Skipped {
    /// An earlier source decided.
    Decided,
    /// The time of the run was over.
    OutOfTime,
    /// A more likely source decided ([`Used::doubt`]).
    Unlikely,
    /// The program requested other sources only.
    NotRequested,
    /// The program or a file excludes the source.
    Excluded,
    /// This variable chooses other sources.
    ByVariable {
        /// The variable's name.
        name: &'static str,
        /// The variable's value.
        value: String,
    },
    /// The preset leaves out the source if this variable is set.
    ByPreset {
        /// The variable.
        variable: &'static str,
    },
}

/// The reason, without a full stop.
impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = Seen(f);
        match self {
            Self::Decided | Self::Unlikely => f.write_str("a source before it decided"),
            Self::OutOfTime => f.write_str("the time was over before it was tried"),
            Self::NotRequested => f.write_str("it is not among the requested sources"),
            Self::Excluded => f.write_str("it was excluded"),
            Self::ByVariable { name, value } => write!(f, "{name} is '{value}'"),
            Self::ByPreset { variable } => write!(
                f,
                "{variable} is set, and then kedro-azureml-pipeline skips managed identity"
            ),
        }
    }
}

/// One source in a run. As JSON: `source`, `credential`, `verdict`, `reason`, `used`, `fix`,
/// `code`, `correlationId`, `startedMs`, `tookMs`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// The source.
    pub source: Source,
    /// The result.
    pub verdict: Verdict,
    /// What the source used, or would use; `None` if it has nothing here or does not take part.
    pub used: Option<Used>,
    /// Why the source was not tried, or not waited for.
    pub skipped: Option<Skipped>,
    /// When it first requested a token, counted from the start of the run; `None` if it never did.
    pub started: Option<Duration>,
    /// How long the request took, or the check if that was enough.
    pub took: Duration,
    /// The error, if there was one.
    pub error: Option<Error>,
}

impl Attempt {
    /// Why the source has this result, or what it used, without a full stop.
    pub fn reason(&self) -> Cow<'_, str> {
        match (&self.error, &self.skipped, &self.used) {
            (Some(error), ..) => Cow::Borrowed(error.why()),
            (None, Some(skipped @ Skipped::OutOfTime), Some(used)) => {
                format!("{skipped} ({used})").into()
            }
            (None, Some(Skipped::Unlikely), Some(used)) => match used.doubt() {
                Some(doubt) => doubt.to_string().into(),
                None => used.to_string().into(),
            },
            (None, Some(skipped), _) => skipped.to_string().into(),
            (None, None, Some(used)) if self.verdict == Verdict::Failed => {
                format!("it did not answer in time ({used})").into()
            }
            (None, None, Some(used)) => used.to_string().into(),
            (None, None, None) => Cow::Borrowed(""),
        }
    }
}

impl Serialize for Attempt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct AttemptJson<'a> {
            source: Source,
            credential: &'static str,
            verdict: Verdict,
            reason: Cow<'a, str>,
            used: Option<&'a Used>,
            fix: Option<String>,
            code: Option<u32>,
            correlation_id: Option<&'a str>,
            started_ms: Option<f64>,
            took_ms: f64,
        }
        let error = self.error.as_ref();
        AttemptJson {
            source: self.source,
            credential: self.source.credential_name(),
            verdict: self.verdict,
            reason: self.reason(),
            used: self.used.as_ref(),
            fix: error.and_then(Error::fix).map(ToString::to_string),
            code: error.and_then(Error::code),
            correlation_id: error
                .and_then(Error::refusal)
                .and_then(|refusal| refusal.correlation_id.as_deref()),
            started_ms: self.started.map(milliseconds),
            took_ms: milliseconds(self.took),
        }
        .serialize(serializer)
    }
}

/// A duration in milliseconds, to the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// What a chain did in one run. As JSON: `preset`, `chosen`, `tookMs`, `attempts`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The order that was used.
    pub preset: Preset,
    /// The sources of the preset, in order.
    pub attempts: Vec<Attempt>,
    /// How long the whole run took.
    pub took: Duration,
    /// The index of the attempt that ended the run.
    pub(crate) decisive: Option<usize>,
}

impl Report {
    /// The same report with fixes in the words of a program, which can name its own commands.
    #[must_use]
    pub fn in_words(&self, words: impl Fn(&Fix) -> String) -> Self {
        let mut report = self.clone();
        for attempt in &mut report.attempts {
            if let Some(error) = attempt.error.take() {
                let text = error.fix().map(&words);
                attempt.error = Some(match text {
                    Some(text) => error.with_fix(text),
                    None => error,
                });
            }
        }
        report
    }

    /// The attempt with a service principal's variables, if only some of them are set.
    pub fn half_set(&self) -> Option<&Attempt> {
        let mut attempts = self.attempts.iter();
        let environment = attempts.find(|attempt| attempt.source == Source::Environment)?;
        let error = environment.error.as_ref()?;
        (error.is_unavailable() && !error.is_absent()).then_some(environment)
    }

    /// The attempt that ended the run, by its token or its failure; `None` if the run went through
    /// all sources or ran out of time.
    pub fn decisive(&self) -> Option<&Attempt> {
        self.attempts.get(self.decisive?)
    }

    /// The attempt whose error is the run's: the one that ended it, or else the first that was set
    /// up and failed. `None` if no source had anything to sign in with.
    pub fn cause(&self) -> Option<&Attempt> {
        let failed =
            |attempt: &&Attempt| matches!(attempt.verdict, Verdict::Refused | Verdict::Failed);
        self.decisive()
            .filter(|attempt| attempt.error.is_some())
            .or_else(|| self.attempts.iter().find(failed))
    }

    /// The attempt whose token was returned.
    pub fn chosen(&self) -> Option<&Attempt> {
        self.attempts
            .iter()
            .find(|attempt| attempt.verdict == Verdict::Chosen)
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct ReportJson<'a> {
            preset: Preset,
            chosen: Option<Source>,
            took_ms: f64,
            attempts: &'a [Attempt],
        }
        ReportJson {
            preset: self.preset,
            chosen: self.chosen().map(|attempt| attempt.source),
            took_ms: milliseconds(self.took),
            attempts: &self.attempts,
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Evidence, UsedKind},
        *,
    };

    fn attempt(verdict: Verdict, used: Option<Used>, skipped: Option<Skipped>) -> Attempt {
        Attempt {
            source: Source::ManagedIdentity,
            verdict,
            used,
            skipped,
            started: None,
            took: Duration::ZERO,
            error: None,
        }
    }

    #[test]
    fn the_reason_is_the_error_or_why_it_was_skipped_or_what_it_used() {
        use Verdict::{Chosen, Excluded, Failed, NotNeeded, WouldAsk};
        let browser = || {
            Some(Used::new(UsedKind::Browser {
                opener: "xdg-open".into(),
            }))
        };
        let machine = UsedKind::ManagedIdentity {
            host: "IMDS",
            address: None,
            object_id: None,
            resource_id: None,
            evidence: Some(Evidence::Wsl),
        };
        let by = |name, value: &str| {
            Some(Skipped::ByVariable {
                name,
                value: value.to_owned(),
            })
        };
        let preset = Some(Skipped::ByPreset {
            variable: "MSI_ENDPOINT",
        });
        for (attempt, reason) in [
            (
                attempt(Chosen, browser(), None),
                "the browser that xdg-open opens",
            ),
            (
                attempt(WouldAsk, browser(), None),
                "the browser that xdg-open opens",
            ),
            (
                attempt(Failed, browser(), None),
                "it did not answer in time (the browser that xdg-open opens)",
            ),
            (
                attempt(NotNeeded, browser(), Some(Skipped::OutOfTime)),
                "the time was over before it was tried (the browser that xdg-open opens)",
            ),
            (
                attempt(NotNeeded, browser(), Some(Skipped::Decided)),
                "a source before it decided",
            ),
            (
                attempt(NotNeeded, Some(machine.into()), Some(Skipped::Unlikely)),
                "this is WSL on a Windows computer",
            ),
            (
                attempt(Excluded, None, Some(Skipped::NotRequested)),
                "it is not among the requested sources",
            ),
            (
                attempt(Excluded, None, Some(Skipped::Excluded)),
                "it was excluded",
            ),
            (
                attempt(Excluded, None, by("AZURE_TOKEN_CREDENTIALS", "dev")),
                "AZURE_TOKEN_CREDENTIALS is 'dev'",
            ),
            (
                attempt(Excluded, None, preset),
                "MSI_ENDPOINT is set, and then kedro-azureml-pipeline skips managed identity",
            ),
        ] {
            assert_eq!(attempt.reason(), reason);
        }
        let error = Error::new(ErrorKind::Refused, "could not get a token", "it expired");
        let refused = Attempt {
            error: Some(error),
            ..attempt(Verdict::Refused, browser(), None)
        };
        let json = serde_json::to_value(&refused).unwrap();
        assert_eq!(json["reason"], "it expired");
        assert_eq!(json["used"]["kind"], "browser");
    }
}
