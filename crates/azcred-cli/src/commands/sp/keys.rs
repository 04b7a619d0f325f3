//! Secrets and certificates of an application, and when they end.

use crate::output::{
    style::{BAD, WARN, paint},
    time,
};
use ::time::{Duration, OffsetDateTime};
use azcred::Untrusted;
use azcred_azure::{Application, Key};
use serde::Serialize;
use uuid::Uuid;

/// A key that ends within this time is shown as a warning.
pub(super) const SOON: Duration = Duration::days(30);

/// A secret or a certificate in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyEntry {
    pub(super) key_id: Uuid,
    /// `secret` or `certificate`.
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// The description.
    pub(super) name: Option<Untrusted>,
    /// The first characters of a secret, as the portal shows them.
    pub(super) hint: Option<Untrusted>,
    pub(super) thumbprint: Option<Untrusted>,
    #[serde(with = "::time::serde::rfc3339::option")]
    pub(super) starts_on: Option<OffsetDateTime>,
    /// `null` if the directory does not say.
    #[serde(with = "::time::serde::rfc3339::option")]
    pub(super) ends_on: Option<OffsetDateTime>,
    pub(super) is_expired: bool,
    /// Whether `azcred sp rotate` replaced it, so that a later run removes it.
    pub(super) is_replaced: bool,
}

/// The keys of an application, those that end first at the top.
pub(super) fn keys(application: &Application, now: OffsetDateTime) -> Vec<KeyEntry> {
    let replaced = application.marks.replaced();
    let entry = |kind, key: &Key| KeyEntry {
        key_id: key.id,
        kind,
        name: key.name.clone().filter(|name| !name.raw().is_empty()),
        hint: key.hint.clone(),
        thumbprint: key.thumbprint.clone(),
        starts_on: key.starts_on,
        ends_on: key.ends_on,
        is_expired: key.ends_on.is_some_and(|end| end <= now),
        is_replaced: replaced.iter().any(|(id, _)| *id == key.id),
    };
    let secrets = application.secrets.iter();
    let certificates = application.certificates.iter();
    let mut keys: Vec<_> = secrets
        .map(|key| entry("secret", key))
        .chain(certificates.map(|key| entry("certificate", key)))
        .collect();
    keys.sort_by_key(|key| (key.ends_on.is_none(), key.ends_on, key.key_id));
    keys
}

/// The keys without which programs soon can't sign in: those that end within `time`, and those that
/// have ended if no other key is valid. A key that was replaced is left out.
pub(super) fn expiring(
    application: &Application,
    now: OffsetDateTime,
    within: Duration,
) -> Vec<KeyEntry> {
    let mut keys = keys(application, now);
    let has_valid = keys.iter().any(|key| !key.is_expired && !key.is_replaced);
    keys.retain(|key| {
        let ends_soon = key.ends_on.is_some_and(|end| end <= now + within);
        ends_soon && !key.is_replaced && !(key.is_expired && has_valid)
    });
    keys
}

impl KeyEntry {
    /// What it is, in a few words.
    pub(super) fn described(&self) -> String {
        match (&self.name, &self.hint) {
            (Some(name), _) => format!("{} {name}", self.kind),
            (None, Some(hint)) => format!("{} {hint}…", self.kind),
            (None, None) => format!("{} {}", self.kind, self.key_id),
        }
    }

    /// When it ends.
    pub(super) fn end(&self, now: OffsetDateTime) -> String {
        let Some(end) = self.ends_on else {
            return "unknown".to_owned();
        };
        let text = format!("{} ({})", time::in_time(end), end.date());
        match end - now {
            _ if self.is_expired => paint(BAD, text),
            left if left <= SOON => paint(WARN, text),
            _ => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    /// An application with secrets that end after so many days.
    fn application(days: &[i64], replaced: Option<usize>) -> Application {
        let id = |number: usize| Uuid::from_u128(number as u128 + 1);
        let secrets: Vec<String> = days
            .iter()
            .enumerate()
            .map(|(number, days)| {
                let end = time::rfc3339(NOW + Duration::days(*days)).unwrap();
                format!(r#"{{"keyId": "{}", "endDateTime": "{end}"}}"#, id(number))
            })
            .collect();
        let tags = replaced.map(|number| format!(r#""azcred-until:9:{}""#, id(number)));
        let json = format!(
            r#"{{"id": "{0}", "appId": "{0}", "displayName": "ci", "tags": [{1}],
                "passwordCredentials": [{2}]}}"#,
            id(9),
            tags.unwrap_or_default(),
            secrets.join(",")
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn a_key_is_reported_if_programs_soon_cannot_sign_in() {
        let reported = |days: &[i64], replaced| {
            let found = expiring(&application(days, replaced), NOW, Duration::days(30));
            let number = |key: &KeyEntry| key.key_id.as_u128() as usize - 1;
            found.iter().map(number).collect::<Vec<_>>()
        };
        assert_eq!(reported(&[90, 29, 3], None), [2, 1]);
        // An old one is of no use to anyone while a newer one is valid.
        assert_eq!(reported(&[-1, 90], None), Vec::<usize>::new());
        assert_eq!(reported(&[-1], None), [0]);
        assert_eq!(reported(&[-1, 29], None), [1]);
        // `rotate` has made another in place of it.
        assert_eq!(reported(&[1, 90], Some(0)), Vec::<usize>::new());
        assert_eq!(reported(&[], None), Vec::<usize>::new());
    }
}
