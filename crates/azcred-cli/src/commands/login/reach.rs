//! Whether the commands in this folder use this sign-in. If not: what they use or lack, and which
//! command uses it.

use crate::{
    sign_in::{Chosen, Place, chosen},
    suggested::Suggested,
    words,
};
use azcred::{
    AccessToken, ErrorKind, Profile, Session, Used,
    chain::{Report, Skipped, Source, Verdict},
    session::{PRESET_VARIABLE, SessionBuilder},
};
use std::sync::Arc;

/// Whether and how the commands use this sign-in.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// The command that gets a token with this sign-in, as a test run has shown. `None` if none
    /// does.
    pub(super) command: Option<String>,
    /// What `azcred token` uses in this profile, if it is not this sign-in.
    pub(super) instead: Option<Instead>,
    /// Why the commands don't use it and what to do, as text.
    pub(super) note: Option<String>,
}

/// What the commands use in place of this sign-in.
#[derive(Debug)]
pub(super) enum Instead {
    /// Another source returns a token.
    Answers {
        /// The source.
        source: Source,
        /// What the source uses.
        used: Used,
    },
    /// No source returns a token.
    Fails {
        /// The cause.
        why: String,
    },
}

/// Why a chain never tries azcred's own sign-in.
struct Exclusion {
    /// A clause that names the variable or the file.
    why: String,
    /// The fix, if no command works without it.
    fix: &'static str,
}

impl Reach {
    /// Finds out without prompting.
    pub(super) async fn look(place: &Place, profile: &Profile, suggested: &Suggested) -> Self {
        let builder = place.session().profile(profile.clone());
        let (session, answer, report) = match run(builder.clone()).await {
            Ok(done) => done,
            Err(error) => {
                // A setting is not valid. It stops every command.
                return Self {
                    note: Some(format!("`azcred token` fails here: {error}")),
                    instead: Some(Instead::Fails {
                        why: error.why().to_owned(),
                    }),
                    command: None,
                };
            }
        };
        if is_by_azcred(&report) {
            return Self {
                command: Some(suggested.command("token")),
                ..Self::default()
            };
        }
        let exclusion = exclusion(&session, &report);
        let (instead, mut note) = match (chosen(&report), &answer) {
            (Some(Chosen { source, used }), _) => {
                let note = match &exclusion {
                    Some(exclusion) => format!(
                        "`azcred token` uses the source {source} here ({used}), and never this account: {}",
                        exclusion.why
                    ),
                    None => format!(
                        "`azcred token` uses the source {source} here, which comes before this account ({used})"
                    ),
                };
                (Instead::Answers { source, used }, note)
            }
            (None, Err(error)) => {
                let why = match &exclusion {
                    Some(exclusion) => exclusion.why.clone(),
                    None => failed(error),
                };
                let note = format!("`azcred token` does not use this account here: {why}");
                (Instead::Fails { why }, note)
            }
            (None, Ok(_)) => return Self::default(),
        };
        // The note names only a command that was tried.
        let alone = match run(builder.only([Source::Azcred])).await {
            Ok((.., report)) if is_by_azcred(&report) => Ok(()),
            Ok((_, Err(error), _)) | Err(error) => Err(error),
            Ok((_, Ok(_), _)) => return Self::default(),
        };
        let command = alone
            .is_ok()
            .then(|| suggested.command("token --only azcred"));
        note += &match (&command, alone, exclusion) {
            (Some(command), _, None) if suggested.is_plain() && report.chosen().is_some() => {
                format!(
                    ". To use this account, run `{command}`, or write `only = [\"azcred\"]` below `[chain]` in azcred.toml"
                )
            }
            (Some(command), ..) => format!(". To use this account, run `{command}`"),
            (None, _, Some(exclusion)) => format!(". {}", exclusion.fix),
            // The cause is the same as above.
            (None, Err(error), None) if report.chosen().is_none() => match error.fix() {
                None => String::new(),
                Some(fix) => format!(". Fix: {}", words::fix(fix)),
            },
            (None, Err(error), None) => {
                format!(". It fails also when it is the only source: {error}")
            }
            (None, Ok(()), None) => String::new(),
        };
        Self {
            command,
            instead: Some(instead),
            note: Some(note),
        }
    }
}

/// A session that never prompts, and one run of its chain.
async fn run(
    builder: SessionBuilder,
) -> azcred::Result<(Session, azcred::Result<AccessToken>, Arc<Report>)> {
    // A cached token does not show the present state.
    let session = builder.unattended().without_cached_tokens().open().await?;
    let (answer, report) = session.explain().await;
    Ok((session, answer, report))
}

fn is_by_azcred(report: &Report) -> bool {
    report
        .chosen()
        .is_some_and(|attempt| attempt.source == Source::Azcred)
}

/// Why a chain returned no token: the error of the source that failed. `azcred chain` shows all of
/// them.
fn failed(error: &azcred::Error) -> String {
    let attempts = error.report().map(|report| &report.attempts[..]);
    let failed = attempts.unwrap_or_default().iter().find(|attempt| {
        let error = attempt.error.as_ref();
        error.is_some_and(|error| error.kind() != ErrorKind::Unavailable)
    });
    match failed {
        Some(attempt) if attempt.verdict != Verdict::WrongAccount => {
            format!("{}: {}", attempt.source, attempt.reason())
        }
        _ => format!("{}: {}", error.what(), error.why()),
    }
}

/// The setting that excludes azcred's own sign-in from the chain of this folder.
fn exclusion(session: &Session, report: &Report) -> Option<Exclusion> {
    let settings = session.files();
    let files = || {
        let files = settings.files.iter();
        let files = files.map(|path| azcred::printable_path(path));
        files.collect::<Vec<_>>().join(" or ")
    };
    let mut attempts = report.attempts.iter();
    let Some(attempt) = attempts.find(|attempt| attempt.source == Source::Azcred) else {
        // If a setting is not valid, there are no attempts.
        report.attempts.first()?;
        let by = match session.options().system().var(PRESET_VARIABLE) {
            Some(_) => PRESET_VARIABLE.to_owned(),
            None => files(),
        };
        return Some(Exclusion {
            why: format!(
                "{by} sets the preset {}, which has no source azcred",
                report.preset
            ),
            fix: "Name another preset there",
        });
    };
    let (why, fix) = match attempt.skipped.as_ref()? {
        Skipped::Excluded => (
            format!("{} excludes the source azcred (`exclude`)", files()),
            "Remove `azcred` from `exclude` there",
        ),
        Skipped::NotRequested => (
            format!("{} allows only other sources (`only`)", files()),
            "Add `azcred` to `only` there",
        ),
        by @ Skipped::ByVariable { .. } => (
            format!("{by}, which excludes the source azcred"),
            "Unset AZURE_TOKEN_CREDENTIALS",
        ),
        _ => return None,
    };
    Some(Exclusion { why, fix })
}
