//! One request to Blob Storage: what it is for, and what it says.

use super::error::BlobError;
use crate::service::Entrance;
use http::{HeaderMap, Method, Uri, request::Parts};
use percent_encoding::percent_decode_str;
use time::{Date, Duration, OffsetDateTime, format_description::BorrowedFormatItem};

/// The form of a version: a date.
const VERSION: &[BorrowedFormatItem<'_>] =
    time::macros::format_description!("[year]-[month]-[day]");
/// The first version.
const FIRST: &str = "2009-09-19";

/// A request. It can't be printed: its headers and its query may have a credential.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    /// The path as it was sent, which shared keys sign.
    pub(super) path: String,
    /// Decoded, in the order in which they were sent.
    pub(super) query: Vec<(String, String)>,
    pub(super) entrance: Entrance,
    pub(super) account: String,
    /// Empty for requests to the account.
    pub(super) container: String,
    /// Empty for requests to a container.
    pub(super) blob: String,
    pub(super) now: OffsetDateTime,
}

impl Call {
    pub(super) fn read(
        parts: &Parts,
        entrance: &Entrance,
        now: OffsetDateTime,
    ) -> Result<Self, BlobError> {
        Self::new(&parts.method, &parts.uri, &parts.headers, entrance, now)
    }

    pub(super) fn new(
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        entrance: &Entrance,
        now: OffsetDateTime,
    ) -> Result<Self, BlobError> {
        let place = Place::of(entrance, uri.path())?;
        let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        Ok(Self {
            method: method.clone(),
            headers: headers.clone(),
            path: uri.path().to_owned(),
            query: query.into_owned().collect(),
            entrance: entrance.clone(),
            account: place.account,
            container: place.container,
            blob: place.blob,
            now,
        })
    }

    /// A header. `None` if it is missing or not text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A parameter of the query; empty if it is missing.
    pub(super) fn query(&self, name: &str) -> &str {
        let found = self.query.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// Whether the query has a parameter.
    pub(super) fn has(&self, name: &str) -> bool {
        self.query.iter().any(|(known, _)| known == name)
    }

    /// The service's version that the client speaks: its header's, or its signature's.
    pub(super) fn version(&self) -> Option<&str> {
        let signed = Some(self.query("sv")).filter(|version| !version.is_empty());
        self.header("x-ms-version").or(signed)
    }

    /// Fails if the header has a version that does not exist. Versions are dates, and SDKs send
    /// those of the next months.
    pub(super) fn check_version(&self) -> Result<(), BlobError> {
        let Some(version) = self.header("x-ms-version") else {
            return Ok(());
        };
        let last = (self.now + Duration::days(366)).date();
        let date = Date::parse(version, VERSION).ok();
        if version < FIRST || date.is_none_or(|date| date > last) {
            return Err(BlobError::invalid_header("x-ms-version", version));
        }
        Ok(())
    }

    /// The beginning of this account's addresses, with a slash at the end.
    pub(super) fn endpoint(&self, port: &str) -> String {
        match &self.entrance.real_name {
            Some(name) => format!("https://{name}/"),
            None => format!("{port}/{}/", self.account),
        }
    }

    /// The metadata in the headers.
    pub(super) fn metadata(&self) -> Result<std::collections::BTreeMap<String, String>, BlobError> {
        let named = self.headers.iter().filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix("x-ms-meta-")?;
            Some((
                name.to_owned(),
                value.to_str().ok().map(|text| text.trim().to_owned()),
            ))
        });
        named
            .map(|(name, value)| match value {
                // A name is one of C# ("Naming and referencing containers, blobs, and metadata").
                Some(value) if is_identifier(&name) => Ok((name, value)),
                _ => Err(BlobError::invalid_metadata()),
            })
            .collect()
    }
}

fn is_identifier(name: &str) -> bool {
    let first = name.chars().next();
    first.is_some_and(|c| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// What a URL names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) account: String,
    pub(super) container: String,
    pub(super) blob: String,
}

impl Place {
    /// The place that a path names: by a host's name, the account is in the name; by a port, it is
    /// the first part of the path.
    pub(super) fn of(entrance: &Entrance, path: &str) -> Result<Self, BlobError> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let (account, path) = match &entrance.real_name {
            Some(name) => (name.split('.').next().unwrap_or_default(), path),
            None => path.split_once('/').unwrap_or((path, "")),
        };
        let (container, blob) = match path.split_once('/') {
            Some((container, blob)) => (container, blob),
            None => (path, ""),
        };
        let decode = |text: &str| {
            let decoded = percent_decode_str(text).decode_utf8();
            decoded
                .map(String::from)
                .map_err(|_| BlobError::invalid_uri())
        };
        Ok(Self {
            account: decode(account)?.to_lowercase(),
            container: decode(container)?,
            // Azure takes a backslash for a slash.
            blob: decode(blob)?.replace('\\', "/"),
        })
    }
}
