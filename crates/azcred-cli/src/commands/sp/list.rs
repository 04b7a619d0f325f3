//! `azcred sp list`.

use super::{applications::Which, keys::keys};
use crate::{
    commands::reader::As,
    failure::Failure,
    output::{Output, table, wrap::Stream},
    sign_in::Place,
};
use azcred::Untrusted;
use azcred_azure::Application;
use clap::Args;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

/// List service principals
///
/// Lists the applications that azcred made in this tenant, with their client ids and the next end
/// of a secret or a certificate. With --all, it lists all applications that you own too.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred sp list
  azcred sp list --all
  azcred sp list -o json | jq -r '.applications[].clientId'")]
pub(super) struct ListSp {
    #[command(flatten)]
    which: Which,

    #[command(flatten)]
    identity: As,
}

/// The output of `--output json`.
#[derive(Serialize)]
struct ListDocument<'a> {
    applications: Vec<ApplicationEntry<'a>>,
}

/// An application in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApplicationEntry<'a> {
    pub(super) name: &'a Untrusted,
    pub(super) client_id: Uuid,
    /// The application's object id.
    pub(super) application_id: Uuid,
    /// Whether azcred made it.
    pub(super) is_made_by_azcred: bool,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(super) created_on: Option<OffsetDateTime>,
    pub(super) secrets: usize,
    pub(super) certificates: usize,
    /// The next end of a secret or a certificate that is still valid; `null` without one.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(super) ends_on: Option<OffsetDateTime>,
}

impl<'a> ApplicationEntry<'a> {
    pub(super) fn new(application: &'a Application, now: OffsetDateTime) -> Self {
        let keys = keys(application, now);
        let mut valid = keys.iter().filter(|key| !key.is_expired);
        Self {
            name: &application.name,
            client_id: application.app_id,
            application_id: application.id,
            is_made_by_azcred: application.marks.is_own(),
            created_on: application.created_on,
            secrets: application.secrets.len(),
            certificates: application.certificates.len(),
            ends_on: valid.next().and_then(|key| key.ends_on),
        }
    }
}

impl ListSp {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let now: OffsetDateTime = place.system.now().into();
        let looked = async {
            let reader = self.identity.reader(&place, output).await?;
            self.which.read(&reader).await
        };
        let found = output.waiting("Listing the applications", looked).await?;
        if output.is_json() {
            let entry = |one| ApplicationEntry::new(one, now);
            output.json(&ListDocument {
                applications: found.iter().map(entry).collect(),
            });
            return Ok(0);
        }
        for line in self.lines(&found, now, Stream::Stdout.columns()) {
            output.line(line);
        }
        if found.is_empty() {
            output.remark(match self.which.is_all() {
                true => "`azcred sp create NAME` makes one",
                false => "`azcred sp create NAME` makes one. `azcred sp list --all` lists all that you own",
            });
        }
        Ok(0)
    }

    fn lines(&self, found: &[Application], now: OffsetDateTime, width: usize) -> Vec<String> {
        if found.is_empty() {
            return vec![match self.which.is_all() {
                true => "You own no application in this tenant.".to_owned(),
                false => "azcred made no application in this tenant.".to_owned(),
            }];
        }
        let rows: Vec<[String; 4]> = found
            .iter()
            .map(|one| {
                let keys = keys(one, now);
                let first = keys.iter().find(|key| !key.is_expired).or(keys.last());
                [
                    one.name.to_string(),
                    one.app_id.to_string(),
                    first.map_or_else(String::new, |key| format!("{} {}", key.kind, key.end(now))),
                    match one.marks.is_own() {
                        true => String::new(),
                        false => "not made by azcred".to_owned(),
                    },
                ]
            })
            .collect();
        table::columns(["Name", "client id", "ends", ""], &rows, width)
    }
}
