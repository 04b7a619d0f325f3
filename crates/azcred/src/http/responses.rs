//! The last response of each server. A reader that only wants to know whether a server responds, or
//! what its clock shows, need not send a request of its own.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use url::Url;

/// The most servers that are remembered. A program uses a few.
const MOST: usize = 64;

/// What a server's last response said of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastResponse {
    /// The status code.
    pub status: u16,
    /// The difference between the server's clock and this machine's in seconds, if the response had
    /// a `Date`. It is positive if this machine is behind.
    pub clock_skew: Option<i64>,
}

/// The responses by scheme, host and port.
#[derive(Default)]
pub(super) struct Responses(Mutex<HashMap<String, LastResponse>>);

impl Responses {
    pub(super) fn note(&self, address: &Url, response: LastResponse) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let server = address.origin().ascii_serialization();
        if all.len() < MOST || all.contains_key(&server) {
            all.insert(server, response);
        }
    }

    pub(super) fn of(&self, address: &Url) -> Option<LastResponse> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&address.origin().ascii_serialization()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_remembered_by_its_scheme_host_and_port_and_their_number_is_limited() {
        let url = |text: &str| Url::parse(text).unwrap();
        let response = |status| LastResponse {
            status,
            clock_skew: Some(1),
        };
        let all = Responses::default();
        all.note(&url("https://a.example/one"), response(401));
        all.note(&url("https://a.example:443/two"), response(200));
        assert_eq!(all.of(&url("https://a.example/")), Some(response(200)));
        for other in [
            "http://a.example/",
            "https://a.example:1/",
            "https://b.example/",
        ] {
            assert_eq!(all.of(&url(other)), None, "{other}");
        }
        for port in 1..200 {
            all.note(&url(&format!("https://a.example:{port}/")), response(200));
        }
        assert_eq!(all.0.lock().unwrap().len(), MOST);
        all.note(&url("https://a.example/"), response(500));
        assert_eq!(all.of(&url("https://a.example/")), Some(response(500)));
    }
}
