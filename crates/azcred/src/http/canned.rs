//! Responses that a fuzz target chose, instead of the network's.

use super::{Way, client};
use crate::{
    facts::Result,
    system::{Fixture, System},
};
use hyper::http;
use std::{cell::RefCell, collections::VecDeque, sync::OnceLock};

/// A response. Headers that HTTP does not allow are left out.
#[derive(Clone, Debug, Default)]
pub struct CannedResponse {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

thread_local! {
    static LEFT: RefCell<Option<VecDeque<CannedResponse>>> = const { RefCell::new(None) };
}

/// Runs something whose requests on this thread get these responses, in this order. The last one is
/// repeated.
pub fn with_responses<T>(responses: Vec<CannedResponse>, run: impl FnOnce() -> T) -> T {
    LEFT.set(Some(responses.into()));
    let done = run();
    LEFT.set(None);
    done
}

/// The next response, if the network is not used.
pub(super) fn next() -> Option<reqwest::Response> {
    let canned = LEFT.with_borrow_mut(|left| {
        let left = left.as_mut()?;
        match left.len() {
            0 => Some(CannedResponse {
                status: 404,
                ..CannedResponse::default()
            }),
            1 => left.front().cloned(),
            _ => left.pop_front(),
        }
    })?;
    let mut response = http::Response::new(canned.body);
    let status = http::StatusCode::from_u16(canned.status);
    *response.status_mut() = status.unwrap_or(http::StatusCode::OK);
    for (name, value) in canned.headers {
        let name = http::HeaderName::from_bytes(name.as_bytes());
        let value = http::HeaderValue::from_bytes(&value);
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().append(name, value);
        }
    }
    Some(response.into())
}

/// A client that is never used, if the network is not. To read the system's root certificates would
/// take most of the time. A machine that names its own certificates reads these.
pub(super) fn client(system: &dyn System) -> Option<Result<&'static client::Client>> {
    static UNUSED: OnceLock<client::Client> = OnceLock::new();
    let is_canned = LEFT.with_borrow(Option::is_some);
    if !is_canned || system.var("SSL_CERT_FILE").is_some() {
        return None;
    }
    if let Some(client) = UNUSED.get() {
        return Some(Ok(client));
    }
    Some(client::build(&Fixture::new(), &Way::Direct).map(|client| UNUSED.get_or_init(|| client)))
}
