//! Does the secret or the certificate end soon?
//!
//! A certificate's end is in its file. A secret's end is in the directory: an identity that may not
//! read its application there learns nothing, which is the usual case and no fault.

use super::sign_in::Identity;
use crate::{
    applications::Key,
    doctor::{
        case::Case,
        check::Check,
        report::{Area, Verdict},
    },
    graph::Graph,
};
use azcred::{Fix, Principal, Proof, Used, UsedKind, session::certificate_end};
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;

/// Fewer days are a reason to act.
const SOON: i64 = 14;

pub(super) struct ExpiryCheck;

pub(super) enum ExpiryOutcome {
    /// Nothing that has an end proved the identity.
    Endless,
    /// This identity may not read its application.
    Hidden,
    Ends {
        thing: String,
        on: OffsetDateTime,
        /// Whole days until then.
        days: i64,
        fix: Fix,
    },
}

impl Check for ExpiryCheck {
    type Outcome = ExpiryOutcome;

    fn area(&self) -> Area {
        Area::SignIn
    }

    fn title(&self) -> &'static str {
        "expiry"
    }

    async fn examine(&self, case: &Case<'_>) -> Option<ExpiryOutcome> {
        let identity = case.identity().await?;
        let used = identity.used();
        let Ok(principal) = &identity.principal else {
            return Some(ExpiryOutcome::Endless);
        };
        let client_id = principal.application_id.as_deref().unwrap_or_default();
        let system = identity.session.options().system().clone();
        let now = OffsetDateTime::from(system.now());
        let ends = |thing: String, on: OffsetDateTime, fix| ExpiryOutcome::Ends {
            thing,
            on,
            days: (on - now).whole_days(),
            fix,
        };
        if let Some(UsedKind::ClientCertificate { variable, .. }) = used.map(|used| &used.kind) {
            // Deriving the key of the file from a password takes time.
            let end = tokio::task::spawn_blocking(move || certificate_end(&*system)).await;
            let Some(on) = end.ok().flatten() else {
                return Some(ExpiryOutcome::Hidden);
            };
            let fix = Fix::NewCertificate {
                client_id: Some(client_id.to_owned()),
                variable: *variable,
            };
            return Some(ends("the certificate".to_owned(), on, fix));
        }
        if principal.proof != Proof::Secret {
            return Some(ExpiryOutcome::Endless);
        }
        let variable = used.and_then(variable);
        let secret = variable.and_then(|name| system.var(name));
        let Some(on) = secret_end(case, &identity, principal, secret.as_deref(), now).await else {
            return Some(ExpiryOutcome::Hidden);
        };
        let thing = match variable {
            Some(name) => format!("the client secret in {name}"),
            None => "the client secret".to_owned(),
        };
        let fix = Fix::NewSecret {
            client_id: client_id.to_owned(),
            variable,
        };
        Some(ends(thing, on, fix))
    }

    fn tell(&self, outcome: ExpiryOutcome, _: &Case<'_>) -> Verdict {
        match outcome {
            ExpiryOutcome::Endless => {
                Verdict::does_not_apply("no secret and no certificate was used")
            }
            ExpiryOutcome::Hidden => {
                Verdict::does_not_apply("this identity may not read when its secret ends")
            }
            ExpiryOutcome::Ends {
                thing,
                on,
                days,
                fix,
            } => {
                let detail = format!("{thing} ends on {}", on.date());
                match days {
                    ..SOON => Verdict::warning(
                        detail,
                        format!("{thing} ends {} ({})", in_days(days), on.date()),
                    )
                    .fix(fix),
                    SOON.. => Verdict::ok(detail),
                }
            }
        }
    }
}

fn in_days(days: i64) -> String {
    match days {
        ..=0 => "today".to_owned(),
        1 => "in 1 day".to_owned(),
        days => format!("in {days} days"),
    }
}

/// The variable with the secret.
fn variable(used: &Used) -> Option<&'static str> {
    match used.kind {
        UsedKind::ClientSecret { variable } => variable,
        _ => None,
    }
}

/// The end of the application's secret; `None` if the identity may not read it, or if it is not
/// clear which secret was used.
async fn secret_end(
    case: &Case<'_>,
    identity: &Identity,
    principal: &Principal,
    secret: Option<&str>,
    now: OffsetDateTime,
) -> Option<OffsetDateTime> {
    let client_id = Uuid::try_parse(principal.application_id.as_deref()?).ok()?;
    let options = identity.session.options();
    let graph = Graph::new(options, Arc::new(identity.session.clone())).ok()?;
    let reading = graph.application_of(client_id);
    let read = case.within("could not read the application", reading).await;
    end_of(&read.ok()??.secrets, secret, now)
}

/// The end of the secret among an application's secrets. Azure tells the first characters of each.
fn end_of(secrets: &[Key], secret: Option<&str>, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let live = secrets
        .iter()
        .filter(|key| key.ends_on.is_some_and(|end| end > now));
    let live: Vec<&Key> = live.collect();
    let hinted: Vec<&Key> = live
        .iter()
        .copied()
        .filter(|key| match (&key.hint, secret) {
            (Some(hint), Some(secret)) => !hint.is_empty() && secret.starts_with(&**hint),
            _ => false,
        })
        .collect();
    match (&hinted[..], &live[..]) {
        ([], [only]) => only.ends_on,
        // Of two with the same start, a false alarm would be worse.
        (hinted, _) => hinted.iter().filter_map(|key| key.ends_on).max(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        case::tests::{case, doctor},
        report::Status,
    };
    use serde_json::json;

    fn key(hint: Option<&str>, end: &str) -> Key {
        let key = json!({"keyId": "5ec0ffee-0001-4000-8000-000000000001", "hint": hint, "endDateTime": end});
        serde_json::from_value(key).unwrap()
    }

    #[test]
    fn an_end_within_two_weeks_is_a_warning_with_the_days() {
        let doctor = doctor();
        let tell = |days| {
            let outcome = ExpiryOutcome::Ends {
                thing: "the client secret in AZURE_CLIENT_SECRET".to_owned(),
                on: OffsetDateTime::UNIX_EPOCH,
                days,
                fix: "make a new one".into(),
            };
            ExpiryCheck.tell(outcome, &case(&doctor))
        };
        assert_eq!(tell(14).status, Status::Ok);
        assert_eq!(
            tell(14).detail,
            "the client secret in AZURE_CLIENT_SECRET ends on 1970-01-01"
        );
        for (days, words) in [(13, "in 13 days"), (1, "in 1 day"), (0, "today")] {
            let verdict = tell(days);
            assert_eq!(verdict.status, Status::Warning);
            assert_eq!(
                verdict.reason,
                format!("the client secret in AZURE_CLIENT_SECRET ends {words} (1970-01-01)")
            );
            assert_eq!(verdict.fixes, ["make a new one".into()]);
        }
    }

    #[test]
    fn the_secret_is_known_by_its_first_characters_or_by_being_the_only_one() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let (first, second) = ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
        let two = [key(Some("abc"), first), key(Some("xyz"), second)];
        let year = |end: Option<OffsetDateTime>| end.map(OffsetDateTime::year);
        assert_eq!(year(end_of(&two, Some("abc8Q~"), now)), Some(2026));
        assert_eq!(year(end_of(&two, Some("xyz8Q~"), now)), Some(2027));
        assert_eq!(end_of(&two, Some("qqq8Q~"), now), None);
        assert_eq!(end_of(&two, None, now), None);
        assert_eq!(year(end_of(&two[..1], None, now)), Some(2026));
        let alike = [key(Some("abc"), first), key(Some("abc"), second)];
        assert_eq!(year(end_of(&alike, Some("abc8Q~"), now)), Some(2027));
        let ended = [key(None, "1969-01-01T00:00:00Z")];
        assert_eq!(end_of(&ended, None, now), None);
    }
}
