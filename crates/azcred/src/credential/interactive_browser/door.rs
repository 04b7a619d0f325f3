//! Who is let in: tells the browser that comes back from the provider from everything else that
//! finds the port.
//!
//! Other pages in the same browser, other programs and other users of the machine all can. None of
//! them may end the sign-in of who waits, so that what is strange is turned away and waited on.

use crate::entra::{Authorization, Redirected};
use hyper::{
    Method, StatusCode,
    header::{self, HeaderMap},
    http::request::Parts,
};
use std::sync::atomic::{AtomicBool, Ordering};

/// Lets one browser in, once.
#[derive(Debug)]
pub(super) struct Door {
    authorization: Authorization,
    port: u16,
    is_used: AtomicBool,
}

/// What is to be done with a request.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is the answer.
    Answer(Redirected),
    /// It is the answer, again.
    Again,
    /// It is something else: what, as half a sentence.
    Strange(StatusCode, &'static str),
    /// It is nothing worth a word: browsers look for an icon by themselves.
    Absent,
}

impl Door {
    pub(super) fn new(authorization: Authorization, port: u16) -> Self {
        Self {
            authorization,
            port,
            is_used: AtomicBool::new(false),
        }
    }

    pub(super) fn authorization(&self) -> &Authorization {
        &self.authorization
    }

    /// What is to be done with a request, by its head alone.
    pub(super) fn look_at(&self, request: &Parts) -> Verdict {
        let uri = &request.uri;
        if let Err((status, what)) = self.check(request) {
            return Verdict::Strange(status, what);
        }
        match uri.path() {
            "/" => {}
            "/favicon.ico" => return Verdict::Absent,
            _ => {
                return Verdict::Strange(
                    StatusCode::NOT_FOUND,
                    "a request for a page that does not exist",
                );
            }
        }
        match self.authorization.read(uri.query().unwrap_or_default()) {
            Err(what) => Verdict::Strange(StatusCode::BAD_REQUEST, what),
            Ok(_) if self.is_used.swap(true, Ordering::Relaxed) => Verdict::Again,
            Ok(redirected) => Verdict::Answer(redirected),
        }
    }

    /// Whether somebody's browser comes by itself, sent by a link or a redirect, and to us.
    fn check(&self, request: &Parts) -> Result<(), (StatusCode, &'static str)> {
        let headers = &request.headers;
        if request.method != Method::GET {
            return Err((
                StatusCode::METHOD_NOT_ALLOWED,
                "a request that is not a plain visit",
            ));
        }
        if request.uri.authority().is_some() {
            return Err((StatusCode::BAD_REQUEST, "a request for a proxy"));
        }
        // A name of somebody else's that leads here (DNS rebinding) would let their page read what
        // we answer.
        if !only(headers, header::HOST.as_str()).is_some_and(|host| self.is_ours(host)) {
            return Err((StatusCode::BAD_REQUEST, "a request for another host"));
        }
        // A script's request has an origin, and a visit by GET has none (Fetch Standard, 'append a
        // request Origin header').
        if headers.contains_key(header::ORIGIN) {
            return Err((StatusCode::FORBIDDEN, "a request from another page"));
        }
        // Browsers say what a request is for (Fetch Metadata Request Headers); others don't.
        for (name, wanted) in [
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ] {
            if headers.contains_key(name) && only(headers, name) != Some(wanted) {
                return Err((StatusCode::FORBIDDEN, "a request from within another page"));
            }
        }
        Ok(())
    }

    fn is_ours(&self, host: &str) -> bool {
        ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| {
            host.rsplit_once(':').is_some_and(|(host, port)| {
                host.eq_ignore_ascii_case(name) && port == self.port.to_string()
            })
        })
    }
}

/// A header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}
