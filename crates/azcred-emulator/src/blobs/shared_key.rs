//! Requests that are signed with an account's key ("Authorize with Shared Key", Microsoft Learn).

use super::{call::Call, error::BlobError, signature};
use crate::world::World;
use http::header;
use std::{collections::BTreeMap, time::SystemTime};
use time::Duration;

/// How far a request's time may be from the service's.
const TOLERANCE: Duration = Duration::minutes(15);

/// Checks the header `Authorization: SharedKey ACCOUNT:SIGNATURE`, or `SharedKeyLite`.
///
/// # Errors
/// When the signature is not that of a key of the account, or when the request is too old.
pub(super) fn check(world: &World, call: &Call, authorization: &str) -> Result<(), BlobError> {
    let malformed = || {
        BlobError::bad(
            "InvalidAuthenticationInfo",
            "Authentication information is not given in the correct format. Check the value of Authorization header.",
        )
        .in_front()
    };
    let (scheme, rest) = authorization.split_once(' ').ok_or_else(malformed)?;
    let (account, given) = rest.trim().split_once(':').ok_or_else(malformed)?;
    let keys = signature::keys(world, call)?;
    if !account.eq_ignore_ascii_case(&call.account) {
        return Err(BlobError::not_authenticated(
            "The account name in the Authorization header is not that of the request.",
        ));
    }
    check_date(call)?;
    let text = match scheme.eq_ignore_ascii_case("SharedKeyLite") {
        true => lite(call),
        false => full(call),
    };
    if keys.have_signed(&text, given) {
        return Ok(());
    }
    let shown = crate::text::clip_to(given, 88);
    Err(BlobError::not_authenticated(format!(
        "The MAC signature found in the HTTP request '{shown}' is not the same as any computed signature. Server used following string to sign: '{text}'."
    )))
}

fn check_date(call: &Call) -> Result<(), BlobError> {
    let date = call.header("x-ms-date").or_else(|| call.header("date"));
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let near = |date: SystemTime| {
        let age = call.now - time::OffsetDateTime::from(date);
        age.abs() <= TOLERANCE
    };
    match date {
        Some(date) if near(date) => Ok(()),
        Some(_) => Err(BlobError::not_authenticated(
            "The Date header in the request is incorrect.",
        )),
        None => Err(BlobError::not_authenticated(
            "The Date header in the request is missing or is not in the correct format.",
        )),
    }
}

/// The headers whose values are signed, in this order.
const SIGNED: [header::HeaderName; 11] = [
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::HeaderName::from_static("content-md5"),
    header::CONTENT_TYPE,
    header::DATE,
    header::IF_MODIFIED_SINCE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_UNMODIFIED_SINCE,
    header::RANGE,
];

/// The text that `SharedKey` signs.
fn full(call: &Call) -> String {
    let mut text = format!("{}\n", call.method);
    for name in &SIGNED {
        let value = call.header(name.as_str()).unwrap_or_default();
        let is_left_out = match *name {
            // Since 2015-02-21, nothing has no length.
            header::CONTENT_LENGTH => value == "0",
            header::DATE => call.header("x-ms-date").is_some(),
            _ => false,
        };
        text.push_str(if is_left_out { "" } else { value });
        text.push('\n');
    }
    text.push_str(&own_headers(call));
    text.push_str(&resource(call));
    let mut parameters: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, value) in &call.query {
        let values = parameters.entry(name.to_lowercase()).or_default();
        values.push(value);
    }
    for (name, mut values) in parameters {
        values.sort_unstable();
        text.push_str(&format!("\n{name}:{}", values.join(",")));
    }
    text
}

/// The text that `SharedKeyLite` signs.
fn lite(call: &Call) -> String {
    let value = |name| call.header(name).unwrap_or_default();
    let date = match call.header("x-ms-date") {
        Some(_) => "",
        None => value("date"),
    };
    let (md5, kind) = (value("content-md5"), value("content-type"));
    let mut text = format!("{}\n{md5}\n{kind}\n{date}\n", call.method);
    text.push_str(&own_headers(call));
    text.push_str(&resource(call));
    if call.has("comp") {
        text.push_str("?comp=");
        text.push_str(call.query("comp"));
    }
    text
}

/// Azure's own headers, by name.
fn own_headers(call: &Call) -> String {
    let mut own: Vec<(&str, String)> = Vec::new();
    for name in call
        .headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-ms-"))
    {
        let values = call.headers.get_all(name).iter();
        let values =
            values.map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned());
        own.push((name.as_str(), values.collect::<Vec<_>>().join(",")));
    }
    own.sort();
    let lines = own.iter().map(|(name, value)| format!("{name}:{value}\n"));
    lines.collect()
}

fn resource(call: &Call) -> String {
    format!("/{}{}", call.account, call.path)
}
