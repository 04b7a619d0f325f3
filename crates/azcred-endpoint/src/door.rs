//! Checks a request by its head: only a program that has the endpoint's variables gets further.
//!
//! Web pages and other programs of the machine can reach the port too.

use crate::{options::Protocol, reason::Reason, secret::Secret};
use azcred::Untrusted;
use hyper::{
    Method,
    header::{self, HeaderMap},
    http::request::Parts,
};
use url::form_urlencoded;

/// The path of the endpoint. It is App Service's.
pub(crate) const PATH: &str = "/msi/token";

/// Headers that a proxy adds.
const FORWARDED: [&str; 6] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];
/// Headers that only browsers send (Fetch Metadata Request Headers; Fetch Standard).
const BROWSER: [&str; 6] = [
    "origin",
    "referer",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-fetch-user",
];

/// What is requested.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) protocol: Protocol,
    pub(crate) resource: String,
    /// The parameter that names an identity, and its value.
    pub(crate) identity: Option<(&'static str, String)>,
}

/// The checks that need the endpoint's state.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) secret: Secret,
    /// The values of `Host` under which the endpoint can be reached; `None` where a web page can't
    /// reach it: by TLS, its host name is in no certificate, and on a Unix socket it has no way.
    pub(crate) hosts: Option<Vec<String>>,
    pub(crate) serves_azure_ml: bool,
}

impl Door {
    /// The request, if its head is a program's that has the secret.
    pub(crate) fn check(&self, request: &Parts) -> Result<Asked, Reason> {
        self.check_origin(request)?;
        let path = request.uri.path();
        // Some clients end the address with a slash, or write its path in another case.
        let path = path.strip_suffix('/').unwrap_or(path);
        if !path.eq_ignore_ascii_case(PATH) {
            return Err(Reason::Path);
        }
        let query = request.uri.query().unwrap_or_default();
        let protocol = self.protocol(one(query, "api-version")?.as_deref())?;
        self.check_secret(&request.headers, protocol.header())?;
        let resource = self.shown(query, "resource")?.ok_or(Reason::NoResource)?;
        let mut identity = None;
        for name in protocol.identities() {
            if let Some(value) = self.shown(query, name)? {
                if identity.is_some() {
                    return Err(Reason::Twice(name));
                }
                identity = Some((*name, value));
            }
        }
        Ok(Asked {
            protocol,
            resource,
            identity,
        })
    }

    /// Fails if a proxy or a web page sent the request, or if it is for another host.
    fn check_origin(&self, request: &Parts) -> Result<(), Reason> {
        let headers = &request.headers;
        if request.method == Method::CONNECT || request.uri.authority().is_some() {
            return Err(Reason::Proxy("a whole address instead of a path"));
        }
        if let Some(name) = FORWARDED.iter().find(|name| headers.contains_key(**name)) {
            return Err(Reason::Proxy(name));
        }
        if let Some(name) = BROWSER.iter().find(|name| headers.contains_key(**name)) {
            return Err(Reason::WebPage(name));
        }
        let host = only(headers, header::HOST.as_str()).unwrap_or_default();
        let is_own = |hosts: &Vec<String>| hosts.iter().any(|own| own.eq_ignore_ascii_case(host));
        if self.hosts.as_ref().is_some_and(|hosts| !is_own(hosts)) {
            return Err(Reason::Host);
        }
        let has_body = headers.contains_key(header::TRANSFER_ENCODING)
            || headers
                .get_all(header::CONTENT_LENGTH)
                .iter()
                .any(|length| length != "0");
        if request.method != Method::GET || has_body {
            return Err(Reason::Method);
        }
        Ok(())
    }

    /// A parameter of a client that has the secret. Its value may be shown, so it must not have the
    /// secret in it.
    fn shown(&self, query: &str, name: &'static str) -> Result<Option<String>, Reason> {
        let value = one(query, name)?;
        match value.as_ref().is_some_and(|value| self.secret.is_in(value)) {
            true => Err(Reason::Misplaced(name)),
            false => Ok(value),
        }
    }

    fn protocol(&self, version: Option<&str>) -> Result<Protocol, Reason> {
        match version {
            Some("2019-08-01") => Ok(Protocol::AppService),
            Some("2017-09-01") if self.serves_azure_ml => Ok(Protocol::AzureMl),
            // Anything else may be a secret in the wrong place.
            other => Err(Reason::Version(
                other
                    .filter(|other| other.len() <= 20 && other.as_bytes().get(4) == Some(&b'-'))
                    .map(Untrusted::new),
            )),
        }
    }

    fn check_secret(&self, headers: &HeaderMap, name: &'static str) -> Result<(), Reason> {
        if !headers.contains_key(name) {
            return Err(Reason::NoSecret(name));
        }
        let sent = only(headers, name).unwrap_or_default();
        match self.secret.matches(sent.as_bytes()) {
            true => Ok(()),
            false => Err(Reason::WrongSecret(name)),
        }
    }
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// The value of a parameter that is there once, and `None` if it is missing or empty.
fn one(query: &str, name: &'static str) -> Result<Option<String>, Reason> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(other, _)| other == name);
    let value = values.next().map(|(_, value)| value.into_owned());
    match values.next() {
        Some(_) => Err(Reason::Twice(name)),
        None => Ok(value.filter(|value| !value.is_empty())),
    }
}

#[cfg(test)]
#[path = "door_tests.rs"]
mod tests;
