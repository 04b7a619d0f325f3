//! The marks that azcred leaves in an application's tags, so that every machine sees them.
//!
//! - [`TAG`]: azcred made the application, so azcred may change and delete it by its name.
//! - `azcred-pending:KEY_ID`: a key was begun, and has not been handed over yet. If that run was
//!   interrupted, the next one removes the key.
//! - `azcred-until:SECONDS:KEY_ID`: a key was replaced, and works until this time (in seconds since
//!   1970). A later run removes it.

use azcred::Untrusted;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

/// The tag of applications that azcred made.
pub const TAG: &str = "azcred";
const PENDING: &str = "azcred-pending:";
const UNTIL: &str = "azcred-until:";

/// The tags of an application: azcred's marks, and what others wrote, which stays.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Marks(Vec<Untrusted>);

impl Marks {
    /// The marks of an application that azcred makes.
    pub fn own() -> Self {
        Self(vec![TAG.into()])
    }

    /// Whether azcred made the application.
    pub fn is_own(&self) -> bool {
        self.0.iter().any(|tag| tag.raw() == TAG)
    }

    /// The keys that were begun and not handed over.
    pub fn pending(&self) -> Vec<Uuid> {
        let tags = self.0.iter();
        tags.filter_map(|tag| Uuid::try_parse(tag.raw().strip_prefix(PENDING)?).ok())
            .collect()
    }

    /// The keys that were replaced, and when each is to be removed.
    pub fn replaced(&self) -> Vec<(Uuid, OffsetDateTime)> {
        let read = |tag: &Untrusted| {
            let (seconds, key) = tag.raw().strip_prefix(UNTIL)?.split_once(':')?;
            let time = OffsetDateTime::from_unix_timestamp(seconds.parse().ok()?).ok()?;
            Some((Uuid::try_parse(key).ok()?, time))
        };
        self.0.iter().filter_map(read).collect()
    }

    /// With a key that is begun.
    #[must_use]
    pub fn with_pending(mut self, key: Uuid) -> Self {
        self.0.push(format!("{PENDING}{key}").into());
        self
    }

    /// With a key that was replaced and works until `time`.
    #[must_use]
    pub fn with_replaced(self, key: Uuid, time: OffsetDateTime) -> Self {
        let mut marks = self.without(key);
        let tag = format!("{UNTIL}{}:{key}", time.unix_timestamp());
        marks.0.push(tag.into());
        marks
    }

    /// Without what is said about a key.
    #[must_use]
    pub fn without(mut self, key: Uuid) -> Self {
        let is_about = |tag: &Untrusted| {
            let tag = tag.raw();
            let is_mark = tag.starts_with(PENDING) || tag.starts_with(UNTIL);
            let name = tag
                .rsplit(':')
                .next()
                .and_then(|id| Uuid::try_parse(id).ok());
            is_mark && name == Some(key)
        };
        self.0.retain(|tag| !is_about(tag));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    #[test]
    fn marks_say_what_was_begun_and_replaced_and_leave_the_tags_of_others() {
        let given = r#"["WindowsAzureActiveDirectoryIntegratedApp", "azcred-pending:no-id"]"#;
        let marks: Marks = serde_json::from_str(given).unwrap();
        assert!(!marks.is_own() && Marks::own().is_own());
        let time = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let changed = marks
            .clone()
            .with_pending(ONE)
            .with_pending(OTHER)
            .with_replaced(OTHER, time);
        assert_eq!(changed.pending(), [ONE]);
        assert_eq!(changed.replaced(), [(OTHER, time)]);
        let text = serde_json::to_string(&changed).unwrap();
        assert_eq!(serde_json::from_str::<Marks>(&text).unwrap(), changed);
        assert_eq!(changed.without(ONE).without(OTHER), marks);
    }
}
