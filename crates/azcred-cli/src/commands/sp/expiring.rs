//! `azcred sp expiring`.

use super::{
    applications::Which,
    keys::{KeyEntry, SOON, expiring},
};
use crate::{
    commands::reader::As,
    failure::{Failure, Kind},
    given,
    output::{Output, table, time::span, wrap::Stream},
    sign_in::Place,
};
use azcred::Untrusted;
use azcred_azure::Application;
use clap::Args;
use serde::Serialize;
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// List secrets and certificates that end soon
///
/// Lists the secrets and certificates of the applications that azcred made, if they end within the
/// time. One that has ended is listed if the application has no other that is valid. One that
/// `azcred sp rotate` has replaced is not listed. The exit code says whether there is one, for a
/// scheduled CI job.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred sp expiring --within 14d
  azcred sp expiring --all || echo 'rotate them'

Exit codes:
  0  no secret or certificate ends within the time
  1  one ends, or has ended
Others are as in `azcred --help`.")]
pub(super) struct ExpiringSp {
    /// The time [default: 30d]
    #[arg(long, value_name = "TIME", value_parser = given::duration)]
    within: Option<Duration>,

    #[command(flatten)]
    which: Which,

    #[command(flatten)]
    identity: As,
}

/// The output of `--output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExpiringDocument<'a> {
    within_seconds: i64,
    expiring: Vec<ExpiringEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExpiringEntry<'a> {
    name: &'a Untrusted,
    client_id: Uuid,
    key: &'a KeyEntry,
}

impl ExpiringSp {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let now: OffsetDateTime = place.system.now().into();
        let within = match self.within {
            // An option is a year at most.
            Some(within) => within.try_into().unwrap_or(SOON),
            None => SOON,
        };
        let looked = async {
            let reader = self.identity.reader(&place, output).await?;
            self.which.read(&reader).await
        };
        let read = output.waiting("Listing the applications", looked).await?;
        let found: Vec<(&Application, KeyEntry)> = read
            .iter()
            .flat_map(|one| {
                let keys = expiring(one, now, within);
                keys.into_iter().map(move |key| (one, key))
            })
            .collect();
        let is_any = !found.is_empty();
        if output.is_json() {
            output.json(&ExpiringDocument {
                within_seconds: within.whole_seconds(),
                expiring: entries(&found),
            });
        } else {
            for line in lines(
                &found,
                now,
                within.whole_seconds(),
                Stream::Stdout.columns(),
            ) {
                output.line(line);
            }
            if let Some((one, _)) = found.first() {
                output.remark(&format!(
                    "to replace one without an interruption, run `{}`",
                    rotate(one)
                ));
            }
        }
        match is_any {
            true => Ok(Kind::Failed.exit_code()),
            false => Ok(0),
        }
    }
}

fn entries<'a>(found: &'a [(&'a Application, KeyEntry)]) -> Vec<ExpiringEntry<'a>> {
    let entry = |(one, key): &'a (&'a Application, KeyEntry)| ExpiringEntry {
        name: &one.name,
        client_id: one.app_id,
        key,
    };
    found.iter().map(entry).collect()
}

/// The command that replaces a key of an application.
fn rotate(application: &Application) -> String {
    match application.marks.is_own() {
        true => format!(
            "azcred sp rotate {}",
            crate::shell::word(application.name.as_ref())
        ),
        false => format!("azcred sp rotate --client-id {}", application.app_id),
    }
}

fn lines(
    found: &[(&Application, KeyEntry)],
    now: OffsetDateTime,
    within: i64,
    width: usize,
) -> Vec<String> {
    if found.is_empty() {
        return vec![format!(
            "No secret or certificate ends within {}.",
            span(within)
        )];
    }
    let rows: Vec<[String; 4]> = found
        .iter()
        .map(|(one, key)| {
            [
                one.name.to_string(),
                one.app_id.to_string(),
                key.described(),
                key.end(now),
            ]
        })
        .collect();
    table::columns(["Name", "client id", "what", "ends"], &rows, width)
}
