//! Whether the commands come to this sign-in in this place; else who or what stands in the way, and
//! which command comes to it.

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

/// How the commands come to this sign-in.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// What gets a token of it, tried out; `None` where nothing does.
    pub(super) command: Option<String>,
    /// What `azcred token` comes to in this profile, where that is not this sign-in.
    pub(super) instead: Option<Instead>,
    /// What stands in the way, and what to do, for people.
    pub(super) note: Option<String>,
}

/// What the commands come to here, where that is not this sign-in.
#[derive(Debug)]
pub(super) enum Instead {
    /// Another source answers.
    Answers {
        /// Which.
        source: Source,
        /// What it uses.
        used: Used,
    },
    /// Nobody does.
    Fails {
        /// Why.
        why: String,
    },
}

/// Why a chain never comes to azcred's own sign-in.
struct KeptOut {
    /// Half a sentence, with the variable or the file that says so.
    why: String,
    /// What lets it in, where no command does without that.
    fix: &'static str,
}

impl Reach {
    /// Looks for it, without asking anybody for anything.
    pub(super) async fn look(place: &Place, profile: &Profile, suggested: &Suggested) -> Self {
        let builder = place.session().profile(profile.clone());
        let (session, answer, report) = match run(builder.clone()).await {
            Ok(done) => done,
            Err(error) => {
                // A setting that can't be read; it is in every command's way.
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
        let kept_out = kept_out(&session, &report);
        let (instead, mut note) = match (chosen(&report), &answer) {
            (Some(Chosen { source, used }), _) => {
                let note = match &kept_out {
                    Some(kept_out) => format!(
                        "`azcred token` uses the source {source} here ({used}), and never this account: {}",
                        kept_out.why
                    ),
                    None => format!(
                        "`azcred token` uses the source {source} here, which comes before this account ({used})"
                    ),
                };
                (Instead::Answers { source, used }, note)
            }
            (None, Err(error)) => {
                let why = match &kept_out {
                    Some(kept_out) => kept_out.why.clone(),
                    None => failed(error),
                };
                let note = format!("`azcred token` does not use this account here: {why}");
                (Instead::Fails { why }, note)
            }
            (None, Ok(_)) => return Self::default(),
        };
        // Nothing is told that was not tried.
        let alone = match run(builder.only([Source::Azcred])).await {
            Ok((.., report)) if is_by_azcred(&report) => Ok(()),
            Ok((_, Err(error), _)) | Err(error) => Err(error),
            Ok((_, Ok(_), _)) => return Self::default(),
        };
        let command = alone
            .is_ok()
            .then(|| suggested.command("token --only azcred"));
        note += &match (&command, alone, kept_out) {
            (Some(command), _, None) if suggested.is_plain() && report.chosen().is_some() => {
                format!(
                    ". To use this account, run `{command}`, or write `only = [\"azcred\"]` below `[chain]` in azcred.toml"
                )
            }
            (Some(command), ..) => format!(". To use this account, run `{command}`"),
            (None, _, Some(kept_out)) => format!(". {}", kept_out.fix),
            // The same as said before.
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

/// A session in which no person is asked, and one run through its sources.
async fn run(
    builder: SessionBuilder,
) -> azcred::Result<(Session, azcred::Result<AccessToken>, Arc<Report>)> {
    // An hour ago is not now.
    let session = builder.unattended().without_cached_tokens().open().await?;
    let (answer, report) = session.explain().await;
    Ok((session, answer, report))
}

fn is_by_azcred(report: &Report) -> bool {
    report
        .chosen()
        .is_some_and(|attempt| attempt.source == Source::Azcred)
}

/// Why a chain gave no token: the source that was there and failed, as `azcred chain` tells the
/// whole.
fn failed(error: &azcred::Error) -> String {
    let attempts = error.report().map(|report| &report.attempts[..]);
    let failed = attempts.unwrap_or_default().iter().find(|attempt| {
        let error = attempt.error.as_ref();
        error.is_some_and(|error| error.kind() != ErrorKind::Unavailable)
    });
    match failed {
        Some(attempt) if attempt.verdict != Verdict::NotExpected => {
            format!("{}: {}", attempt.source, attempt.reason())
        }
        _ => format!("{}: {}", error.what(), error.why()),
    }
}

/// What keeps azcred's own sign-in out of the chain of this place, where something does.
fn kept_out(session: &Session, report: &Report) -> Option<KeptOut> {
    let settings = session.files();
    let files = || {
        let files = settings.files.iter();
        let files = files.map(|path| azcred::printable_path(path));
        files.collect::<Vec<_>>().join(" or ")
    };
    let mut attempts = report.attempts.iter();
    let Some(attempt) = attempts.find(|attempt| attempt.source == Source::Azcred) else {
        // Where a setting could not be read there is none of any source.
        report.attempts.first()?;
        let by = match session.options().system().var(PRESET_VARIABLE) {
            Some(_) => PRESET_VARIABLE.to_owned(),
            None => files(),
        };
        return Some(KeptOut {
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
    Some(KeptOut { why, fix })
}
