//! The log of requests, without secrets.

use serde::{Deserialize, Serialize};
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// One request, with or without a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// The service by its name, such as `login` or `imds`. `proxy` for a request that the proxy
    /// rejected.
    pub service: String,
    /// The method.
    pub method: String,
    /// The requested host, with the port if the request has one.
    pub host: String,
    /// The path, without the query.
    pub path: String,
    /// The status, or `None` if the connection was closed without a response.
    pub status: Option<u16>,
    /// The client id in the form or in the token, if there is one. It may be unverified.
    pub client_id: Option<String>,
    /// The fault that was applied, by its kind.
    pub fault: Option<String>,
    /// The error code of the response, such as `AADSTS7000215` or `AuthorizationFailed`.
    pub error: Option<String>,
}

/// Most requests in the log. Older ones are dropped.
const CAPACITY: usize = 4096;

/// The last requests, oldest first.
#[derive(Debug, Default)]
pub struct RequestLog(Mutex<VecDeque<Served>>);

impl RequestLog {
    pub(crate) fn push(&self, served: Served) {
        tracing::info!(
            service = served.service,
            method = served.method,
            host = served.host,
            path = served.path,
            status = served.status,
            client_id = served.client_id,
            fault = served.fault,
            error = served.error,
            "served"
        );
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() >= CAPACITY {
            log.pop_front();
        }
        log.push_back(served);
    }

    /// The last requests, oldest first, at most 4096.
    pub fn all(&self) -> Vec<Served> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }

    /// Clears the log.
    pub fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
