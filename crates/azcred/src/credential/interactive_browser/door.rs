//! Checks requests to the port: only the browser that comes back from the provider is accepted.
//!
//! Other web pages, programs and users of the machine can also reach the port. None of them may end
//! the sign-in, so their requests are rejected and the credential continues to wait.

use crate::entra::{Authorization, Redirected};
use hyper::{
    Method, StatusCode,
    header::{self, HeaderMap},
    http::request::Parts,
};
use std::sync::atomic::{AtomicBool, Ordering};

/// Accepts one response of the provider.
#[derive(Debug)]
pub(super) struct Door {
    authorization: Authorization,
    port: u16,
    is_used: AtomicBool,
}

/// The decision about a request.
#[derive(Debug)]
pub(super) enum Decision {
    /// The provider's response.
    Answer(Redirected),
    /// The same response again.
    Again,
    /// Another request; what it is, as half a sentence.
    Strange(StatusCode, &'static str),
    /// A request that needs no report: browsers request an icon by themselves.
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

    /// Decides about a request by its head.
    pub(super) fn look_at(&self, request: &Parts) -> Decision {
        let uri = &request.uri;
        if let Err((status, what)) = self.check(request) {
            return Decision::Strange(status, what);
        }
        match uri.path() {
            "/" => {}
            "/favicon.ico" => return Decision::Absent,
            _ => {
                return Decision::Strange(
                    StatusCode::NOT_FOUND,
                    "a request for a page that does not exist",
                );
            }
        }
        match self.authorization.read(uri.query().unwrap_or_default()) {
            Err(what) => Decision::Strange(StatusCode::BAD_REQUEST, what),
            Ok(_) if self.is_used.swap(true, Ordering::Relaxed) => Decision::Again,
            Ok(redirected) => Decision::Answer(redirected),
        }
    }

    /// Fails unless a link or a redirect sent the browser to this server.
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
        // Another host name for this address (DNS rebinding) would let its web page read the
        // response.
        if !only(headers, header::HOST.as_str()).is_some_and(|host| self.is_ours(host)) {
            return Err((StatusCode::BAD_REQUEST, "a request for another host"));
        }
        // A script's request has an origin; following a link by GET has none (Fetch Standard,
        // 'append a request Origin header').
        if headers.contains_key(header::ORIGIN) {
            return Err((StatusCode::FORBIDDEN, "a request from another page"));
        }
        // Browsers send the purpose of a request (Fetch Metadata Request Headers); other clients
        // don't.
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

/// The value of a header that occurs once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}
