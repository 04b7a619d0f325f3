//! `azcred sp rotate`.

use super::{
    create::{EXPIRES, client_id, span},
    credential::{Credential, KeyEntry, word},
    found::existing,
    handover::{Expected, Handover, HandoverOptions, NewCredential, ProofKind},
    pending::{End, NAME, add_certificate, add_secret, settle, take_back},
    proof::{Candidate, Target, prove},
    replication::{LIMIT, Patience},
};
use crate::{
    commands::reader::{As, Reader},
    failure::{Failure, Kind},
    given,
    output::{
        Output, Spinner,
        style::{CODE, STRONG, paint},
        table, time,
    },
    sign_in::Place,
};
use ::time::OffsetDateTime;
use azcred::TenantId;
use azcred_azure::{Application, Key};
use clap::Args;
use serde::Serialize;
use std::time::Duration;
use uuid::Uuid;

/// Replace the secret or certificate of a service principal
///
/// Adds a new secret, proves it by a sign-in, hands it over, and only then removes the old one. If
/// the command is interrupted, the old secret still works: run it again.
///
/// With --overlap, the old secret works a while longer, for programs that read the new one later.
/// `azcred sp rotate --finish` removes it when the time is over, and so does the next rotation.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred sp rotate ci-train
  azcred sp rotate ci-train --overlap 1d --for github
  azcred sp rotate ci-train --finish
  azcred sp rotate --client-id CLIENT_ID --for dotenv")]
pub(super) struct RotateSp {
    /// The name of an application that azcred made
    #[arg(value_name = "NAME", value_parser = given::text, required_unless_present = "client_id")]
    name: Option<String>,

    /// The client id of any application
    #[arg(long, value_name = "ID", value_parser = given::guid)]
    client_id: Option<Uuid>,

    /// Let the old secret work this much longer [default: remove it at the end]
    #[arg(long, value_name = "TIME", value_parser = given::duration)]
    overlap: Option<Duration>,

    /// Only remove secrets that an earlier rotation replaced, if their time is over
    #[arg(long, conflicts_with_all = ["overlap", "replace", "certificate", "expires", "purpose", "to"])]
    finish: bool,

    /// The key id of the secret that is replaced, if it is not clear; can be given several times.
    /// `azcred sp show` has the ids
    #[arg(long, value_name = "ID", value_parser = given::guid)]
    replace: Vec<Uuid>,

    /// Make a new key with a certificate. This is the default if the application has certificates
    /// and no secret. Needs --to FILE
    #[arg(long)]
    certificate: bool,

    /// How long the new secret or certificate can be used [default: 90d]
    #[arg(long, value_name = "TIME", value_parser = given::duration)]
    expires: Option<Duration>,

    /// Wait this long, at most, until all of Azure knows the new secret [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = given::duration)]
    wait: Option<Duration>,

    #[command(flatten)]
    identity: As,

    #[command(flatten)]
    handover: HandoverOptions,
}

/// The output of `--output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RotatedDocument<'a> {
    name: &'a str,
    client_id: Uuid,
    /// The new secret or certificate; `null` with `--finish`.
    secret: Option<KeyEntry<'a>>,
    /// The key ids of secrets that were removed.
    removed: &'a [Uuid],
    /// Secrets that were replaced and still work.
    replaced: Vec<ReplacedEntry>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReplacedEntry {
    key_id: Uuid,
    /// From when a later run removes it.
    until: Option<String>,
}

/// What came of it.
struct Rotated {
    application: Application,
    fresh: Option<Credential>,
    removed: Vec<Uuid>,
}

/// What a rotation does with the keys that are there.
#[derive(Debug, PartialEq, Eq)]
struct Old {
    kind: ProofKind,
    /// The secrets or certificates that the new one replaces.
    replaced: Vec<Uuid>,
    /// Those that were replaced before, and whose time is over.
    due: Vec<Uuid>,
}

impl RotateSp {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let read = async {
            let reader = self.identity.reader(&place, output).await?;
            let found = existing(&reader.graph, self.name.as_deref(), self.client_id).await?;
            Ok::<_, Failure>((reader, found))
        };
        let (reader, application) = output.waiting("Reading the application", read).await?;
        let now: OffsetDateTime = place.system.now().into();
        let (rotated, stdout_is_taken) = match self.finish {
            true => (self.finish(&reader, application, now, output).await?, false),
            false => {
                let old = old(&application, self.certificate, &self.replace, now)?;
                let handover = self.check(&application, old.kind, &place, output).await?;
                let work = self.rotate(&reader, application, &old, &handover, &place, output);
                (work.await?, handover.takes_stdout())
            }
        };
        if output.is_json() {
            output.json(&rotated.document());
            return Ok(0);
        }
        for line in rotated.lines() {
            match stdout_is_taken {
                true => output.note(line),
                false => output.line(line),
            }
        }
        Ok(0)
    }

    async fn check(
        &self,
        application: &Application,
        kind: ProofKind,
        place: &Place,
        output: &Output,
    ) -> Result<Handover, Failure> {
        let expected = Expected {
            name: &application.name,
            client_id: Some(&client_id(application.app_id)?),
            proof: kind,
        };
        self.handover.check(&expected, place, output).await
    }

    /// Removes what earlier rotations replaced, if its time is over.
    async fn finish(
        &self,
        reader: &Reader,
        mut application: Application,
        now: OffsetDateTime,
        output: &Output,
    ) -> Result<Rotated, Failure> {
        let removed = due(&application, now);
        let spinner = output.spinner("Removing secrets");
        let patience = self.patience(output, &spinner);
        if !removed.is_empty() {
            patience.say(format!("Removing {}", keys(removed.len())));
        }
        let work = async {
            // A key that is not handed over yet may be one of a run that goes on.
            for key in &removed {
                take_back(&reader.graph, &mut application, *key, patience).await?;
            }
            Ok::<_, Failure>(())
        };
        spinner.during(work).await?;
        Ok(Rotated {
            application,
            fresh: None,
            removed,
        })
    }

    async fn rotate(
        &self,
        reader: &Reader,
        mut application: Application,
        old: &Old,
        handover: &Handover,
        place: &Place,
        output: &mut Output,
    ) -> Result<Rotated, Failure> {
        let graph = &reader.graph;
        let tenant = reader.tenant_id().unwrap_or_default().to_owned();
        let expires = self.expires.unwrap_or(EXPIRES);
        let ends_on = OffsetDateTime::now_utc() + expires;
        let fresh = {
            let spinner = output.spinner("Rotating");
            let patience = self.patience(output, &spinner);
            let work = async {
                patience.say(format!(
                    "Adding a {} that can be used for {}",
                    word(old.kind),
                    span(expires)
                ));
                let fresh = match old.kind {
                    ProofKind::Certificate => {
                        add_certificate(graph, &mut application, ends_on, patience).await?
                    }
                    _ => add_secret(graph, &mut application, ends_on, patience).await?,
                };
                patience.say(format!("Signing in as {} with it", application.name));
                let candidate = Candidate {
                    tenant: &tenant,
                    client_id: application.app_id,
                    proof: fresh.proof.clone(),
                };
                let target = Target {
                    workspace: None,
                    roles: Vec::new(),
                };
                if let Err(error) = prove(place, candidate, &target, patience).await {
                    take_back(graph, &mut application, fresh.key, patience).await?;
                    return Err(error);
                }
                Ok(fresh)
            };
            spinner.during(work).await?
        };
        let (key, ends_on) = (fresh.key, fresh.ends_on);
        let new = NewCredential {
            client_id: client_id(application.app_id)?,
            tenant: TenantId::new(&tenant)?,
            name: application.name.to_string(),
            proof: fresh.into_new(),
            expires_on: ends_on,
            workspace: None,
        };
        let delivered = handover.deliver(&new, place, output).await;
        let spinner = output.spinner("Finishing");
        let patience = self.patience(output, &spinner);
        let until = self
            .overlap
            .map(|overlap| OffsetDateTime::now_utc() + overlap);
        let work = async {
            let delivered = match delivered {
                Ok(delivered) => delivered,
                Err(error) => {
                    take_back(graph, &mut application, key, patience).await?;
                    return Err(error);
                }
            };
            let mut removed = old.due.clone();
            let mut replaced = Vec::new();
            match until {
                Some(until) => replaced.extend(old.replaced.iter().map(|key| (*key, until))),
                None => removed.extend(&old.replaced),
            }
            if !removed.is_empty() {
                patience.say(format!("Removing {}", keys(removed.len())));
            }
            let end = End {
                kept: Some(key),
                removed: &removed,
                replaced: &replaced,
            };
            settle(graph, &mut application, &end, patience).await?;
            Ok((delivered, removed))
        };
        let (delivered, removed) = spinner.during(work).await?;
        Ok(Rotated {
            application,
            fresh: Some(Credential {
                kind: old.kind,
                key: Some(key),
                ends_on,
                delivered,
            }),
            removed,
        })
    }

    fn patience<'a>(&self, output: &'a Output, spinner: &'a Spinner) -> Patience<'a> {
        Patience {
            output,
            spinner,
            limit: self.wait.unwrap_or(LIMIT),
        }
    }
}

/// `the one that was replaced`.
fn keys(count: usize) -> String {
    match count {
        1 => "the one that was replaced".to_owned(),
        count => format!("{count} that were replaced"),
    }
}

/// The secrets that were replaced, and whose time is over.
fn due(application: &Application, now: OffsetDateTime) -> Vec<Uuid> {
    let replaced = application.marks.replaced().into_iter();
    replaced
        .filter(|(_, until)| *until <= now)
        .map(|(key, _)| key)
        .collect()
}

/// Which secrets a new one replaces: those that were named, or else azcred's own, or else the only
/// one.
fn old(
    application: &Application,
    wants_certificate: bool,
    named: &[Uuid],
    now: OffsetDateTime,
) -> Result<Old, Failure> {
    let has_only_certificates =
        application.secrets.is_empty() && !application.certificates.is_empty();
    let (kind, all) = match wants_certificate || has_only_certificates {
        true => (ProofKind::Certificate, &application.certificates),
        false => (ProofKind::Secret, &application.secrets),
    };
    let what_it_is = word(kind);
    let due = due(application, now);
    let before = application.marks.replaced();
    let pending = application.marks.pending();
    let live: Vec<_> = all
        .iter()
        .filter(|key| !before.iter().any(|(id, _)| *id == key.id) && !pending.contains(&key.id))
        .collect();
    let what = || format!("could not rotate the {what_it_is} of {}", application.name);
    let ids = |keys: &[&Key]| {
        let ids = keys.iter().map(|key| format!("`--replace {}`", key.id));
        ids.collect::<Vec<_>>().join(" or ")
    };
    if let Some(unknown) = named
        .iter()
        .find(|id| !all.iter().any(|key| key.id == **id))
    {
        return Err(Failure::new(
            Kind::NotFound,
            what(),
            format!("it has no {what_it_is} with the key id {unknown}"),
        )
        .fix("see the key ids with `azcred sp show`"));
    }
    let own: Vec<_> = live
        .iter()
        .filter(|key| key.name.as_deref() == Some(NAME))
        .collect();
    let replaced = match (named, &own[..], &live[..]) {
        ([], [], [] | [_]) => live.iter().map(|key| key.id).collect(),
        ([], [], several) => {
            return Err(Failure::new(
                Kind::Invalid,
                what(),
                format!(
                    "it has {} {what_it_is}s, and azcred added none of them",
                    several.len()
                ),
            )
            .fix(format!(
                "name the one that your program uses: {}",
                ids(several)
            )));
        }
        ([], own, _) => own.iter().map(|key| key.id).collect(),
        (named, ..) => named.to_vec(),
    };
    Ok(Old {
        kind,
        replaced,
        due,
    })
}

impl Rotated {
    fn document(&self) -> RotatedDocument<'_> {
        RotatedDocument {
            name: &self.application.name,
            client_id: self.application.app_id,
            secret: self.fresh.as_ref().and_then(Credential::entry),
            removed: &self.removed,
            replaced: self
                .application
                .marks
                .replaced()
                .into_iter()
                .map(|(key_id, until)| ReplacedEntry {
                    key_id,
                    until: time::rfc3339(until),
                })
                .collect(),
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut rows = vec![
            ("Service principal", paint(STRONG, &self.application.name)),
            ("Client id", self.application.app_id.to_string()),
        ];
        rows.extend(self.fresh.iter().flat_map(Credential::rows));
        let old = match self.removed.len() {
            0 => None,
            1 => Some("removed".to_owned()),
            count => Some(format!("{count} removed")),
        };
        rows.extend(old.map(|old| ("Old one", old)));
        for (key, until) in self.application.marks.replaced() {
            let until = time::until(until);
            rows.push(("Old one", format!("{key}, removed {until} or later")));
        }
        let mut lines = vec![String::new()];
        lines.extend(table::pairs(&rows));
        let waits = self.application.marks.replaced();
        if !waits.is_empty() {
            let name = &self.application.name;
            let which = match self.application.marks.is_own() {
                true => name.to_string(),
                false => format!("--client-id {}", self.application.app_id),
            };
            lines.push(String::new());
            lines.push(format!(
                "To remove it then, run {}",
                paint(CODE, format!("azcred sp rotate {which} --finish"))
            ));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = ::time::macros::datetime!(2026-11-30 12:00 UTC);

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    /// An application with these secrets (`true`: azcred's own) and tags.
    fn application(secrets: &[(u128, bool)], tags: &[String]) -> Application {
        let secrets: Vec<_> = secrets
            .iter()
            .map(|(number, is_own)| {
                let name = if *is_own { "azcred" } else { "rbac" };
                serde_json::json!({ "keyId": id(*number), "displayName": name })
            })
            .collect();
        serde_json::from_value(serde_json::json!({
            "id": id(0), "appId": id(0), "displayName": "ci", "tags": tags, "passwordCredentials": secrets
        }))
        .expect("it is one")
    }

    fn until(number: u128, hours: i64) -> String {
        let time = (NOW + ::time::Duration::hours(hours)).unix_timestamp();
        format!("azcred-until:{time}:{}", id(number))
    }

    fn replaced(application: &Application, named: &[Uuid]) -> Vec<Uuid> {
        old(application, false, named, NOW)
            .expect("it is clear")
            .replaced
    }

    #[test]
    fn a_rotation_replaces_azcreds_own_secrets_or_the_only_one() {
        assert!(replaced(&application(&[], &[]), &[]).is_empty());
        assert_eq!(replaced(&application(&[(1, false)], &[]), &[]), [id(1)]);
        let mixed = application(&[(1, false), (2, true), (3, true)], &[]);
        assert_eq!(replaced(&mixed, &[]), [id(2), id(3)]);
        assert_eq!(replaced(&mixed, &[id(1)]), [id(1)]);
        let unclear = application(&[(1, false), (2, false)], &[]);
        let failure = old(&unclear, false, &[], NOW).unwrap_err();
        assert!(failure.why.contains("2 secrets"), "{}", failure.why);
        assert!(old(&unclear, false, &[id(9)], NOW).is_err());
    }

    #[test]
    fn what_was_replaced_before_is_removed_when_its_time_is_over() {
        let pending = format!("azcred-pending:{}", id(4));
        let tags = [until(1, -1), until(2, 1), pending];
        let all = application(&[(1, true), (2, true), (3, true), (4, true)], &tags);
        let found = old(&all, false, &[], NOW).unwrap();
        assert_eq!(
            found,
            Old {
                kind: ProofKind::Secret,
                replaced: vec![id(3)],
                due: vec![id(1)]
            }
        );
    }
}
