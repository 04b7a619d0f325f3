//! Conditional headers ("Specifying conditional headers for Blob service operations", Microsoft
//! Learn).

use super::{call::Call, error::BlobError};
use http::StatusCode;
use time::OffsetDateTime;

/// The conditions of a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    if_match: Option<String>,
    if_none_match: Option<String>,
    if_modified_since: Option<OffsetDateTime>,
    if_unmodified_since: Option<OffsetDateTime>,
}

impl Conditions {
    /// Those of a request.
    pub(super) fn of(call: &Call) -> Result<Self, BlobError> {
        Self::named(call, "")
    }

    /// Those for the source of a copy.
    pub(super) fn of_source(call: &Call) -> Result<Self, BlobError> {
        Self::named(call, "x-ms-source-")
    }

    fn named(call: &Call, prefix: &str) -> Result<Self, BlobError> {
        let text = |name: &str| call.header(&format!("{prefix}{name}")).map(str::to_owned);
        let time = |name: &str| match text(name) {
            None => Ok(None),
            Some(value) => match httpdate::parse_http_date(&value) {
                Ok(time) => Ok(Some(OffsetDateTime::from(time))),
                Err(_) => Err(BlobError::invalid_header(name, &value)),
            },
        };
        Ok(Self {
            if_match: text("if-match"),
            if_none_match: text("if-none-match"),
            if_modified_since: time("if-modified-since")?,
            if_unmodified_since: time("if-unmodified-since")?,
        })
    }

    /// Checks them for something that has this tag and time, which is read.
    pub(super) fn check_read(&self, etag: &str, modified: OffsetDateTime) -> Result<(), BlobError> {
        self.check_positive(Some((etag, modified)))?;
        if self.is_unchanged(etag, modified) {
            let mut error = BlobError::condition_not_met();
            error.status = StatusCode::NOT_MODIFIED;
            return Err(error);
        }
        Ok(())
    }

    /// Checks them for something that is written: `None` if it does not exist.
    pub(super) fn check_write(
        &self,
        current: Option<(&str, OffsetDateTime)>,
    ) -> Result<(), BlobError> {
        self.check_positive(current)?;
        let Some((etag, modified)) = current else {
            return Ok(());
        };
        if self.if_none_match.as_deref() == Some("*") {
            return Err(BlobError::new(
                StatusCode::CONFLICT,
                "BlobAlreadyExists",
                "The specified blob already exists.",
            ));
        }
        match self.is_unchanged(etag, modified) {
            true => Err(BlobError::condition_not_met()),
            false => Ok(()),
        }
    }

    /// `If-Match` and `If-Unmodified-Since`.
    fn check_positive(&self, current: Option<(&str, OffsetDateTime)>) -> Result<(), BlobError> {
        let is_met = match (&self.if_match, current) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wanted), Some((etag, _))) => is_listed(wanted, etag),
        };
        let is_old_enough = match (self.if_unmodified_since, current) {
            (Some(since), Some((_, modified))) => whole(modified) <= since,
            _ => true,
        };
        match is_met && is_old_enough {
            true => Ok(()),
            false => Err(BlobError::condition_not_met()),
        }
    }

    /// `If-None-Match` and `If-Modified-Since`. If both are there, the first decides (RFC 9110
    /// section 13.2.2).
    fn is_unchanged(&self, etag: &str, modified: OffsetDateTime) -> bool {
        match (&self.if_none_match, self.if_modified_since) {
            (Some(known), _) => is_listed(known, etag),
            (None, Some(since)) => whole(modified) <= since,
            (None, None) => false,
        }
    }
}

/// Headers have whole seconds.
fn whole(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_nanosecond(0).unwrap_or(time)
}

/// Whether a header's list of entity tags has this one. `*` has each.
fn is_listed(list: &str, etag: &str) -> bool {
    list.split(',')
        .map(|one| one.trim().trim_start_matches("W/").trim_matches('"'))
        .any(|one| one == "*" || one == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = time::macros::datetime!(2026-01-01 00:00:00.5 UTC);

    fn none_match(tag: &str) -> Conditions {
        Conditions {
            if_none_match: Some(tag.to_owned()),
            ..Conditions::default()
        }
    }

    fn if_match(tag: &str) -> Conditions {
        Conditions {
            if_match: Some(tag.to_owned()),
            ..Conditions::default()
        }
    }

    fn code(result: Result<(), BlobError>) -> (u16, &'static str) {
        result.map_or_else(|error| (error.status.as_u16(), error.code), |()| (200, ""))
    }

    #[test]
    fn a_write_is_refused_in_azures_words() {
        let there = Some(("0x1", NOW));
        assert_eq!(
            code(none_match("*").check_write(there)),
            (409, "BlobAlreadyExists")
        );
        assert_eq!(code(none_match("*").check_write(None)), (200, ""));
        assert_eq!(
            code(none_match("\"0x1\"").check_write(there)),
            (412, "ConditionNotMet")
        );
        assert_eq!(code(none_match("\"0x2\"").check_write(there)), (200, ""));
        assert_eq!(code(if_match("\"0x1\"").check_write(there)), (200, ""));
        assert_eq!(code(if_match("0x1").check_write(there)), (200, ""));
        assert_eq!(
            code(if_match("\"0x2\"").check_write(there)),
            (412, "ConditionNotMet")
        );
        assert_eq!(
            code(if_match("*").check_write(None)),
            (412, "ConditionNotMet")
        );
    }

    #[test]
    fn a_read_of_what_has_not_changed_is_304() {
        assert_eq!(
            code(none_match("\"0x1\"").check_read("0x1", NOW)),
            (304, "ConditionNotMet")
        );
        assert_eq!(
            code(if_match("\"0x2\"").check_read("0x1", NOW)),
            (412, "ConditionNotMet")
        );
        let second = NOW.replace_nanosecond(0).unwrap();
        let since = |time| Conditions {
            if_modified_since: Some(time),
            ..Conditions::default()
        };
        assert_eq!(
            code(since(second).check_read("0x1", NOW)),
            (304, "ConditionNotMet")
        );
        let before = second - time::Duration::SECOND;
        assert_eq!(code(since(before).check_read("0x1", NOW)), (200, ""));
        let unmodified = Conditions {
            if_unmodified_since: Some(before),
            ..Conditions::default()
        };
        assert_eq!(
            code(unmodified.check_read("0x1", NOW)),
            (412, "ConditionNotMet")
        );
    }
}
