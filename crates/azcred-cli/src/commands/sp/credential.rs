//! A credential that was handed over, for people and for programs.

use super::handover::{Delivered, ProofKind};
use crate::output::{
    style::{CODE, paint},
    time,
};
use ::time::OffsetDateTime;
use serde::Serialize;
use uuid::Uuid;

/// What was handed over: a new secret or certificate, or only the ids.
pub(super) struct Credential {
    pub(super) kind: ProofKind,
    /// The key id of the new secret or certificate.
    pub(super) key: Option<Uuid>,
    pub(super) ends_on: Option<OffsetDateTime>,
    pub(super) delivered: Delivered,
}

/// A new secret or certificate in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyEntry<'a> {
    key_id: Uuid,
    /// `secret` or `certificate`.
    #[serde(rename = "type")]
    kind: &'static str,
    ends_on: Option<String>,
    #[serde(flatten)]
    delivered: &'a Delivered,
}

impl Credential {
    /// The new secret or certificate for programs; `None` if only the ids were handed over.
    pub(super) fn entry(&self) -> Option<KeyEntry<'_>> {
        Some(KeyEntry {
            key_id: self.key?,
            kind: word(self.kind),
            ends_on: self.ends_on.and_then(time::rfc3339),
            delivered: &self.delivered,
        })
    }

    /// For people: where it is, when it ends, and how it is used.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&'static str, String)> {
        let what = match self.kind {
            ProofKind::Secret => "Secret",
            ProofKind::Certificate => "Certificate",
            ProofKind::Federated => "Ids",
        };
        let place = self.delivered.place().map(|place| (what, place));
        let end = self.ends_on.map(|end| ("It ends", time::until(end)));
        let command = self.delivered.command();
        let command = command.map(|command| ("Use it", paint(CODE, command)));
        [place, end, command].into_iter().flatten()
    }
}

/// `secret` or `certificate`.
pub(super) fn word(kind: ProofKind) -> &'static str {
    match kind {
        ProofKind::Certificate => "certificate",
        _ => "secret",
    }
}
