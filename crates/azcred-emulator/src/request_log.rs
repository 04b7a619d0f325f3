//! What the emulator has answered, without anything that is secret.

use serde::{Deserialize, Serialize};
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// One request that was answered, or would have been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// The service by its name, such as `login` or `imds`, or `proxy` for what the proxy refused.
    pub service: String,
    /// The method.
    pub method: String,
    /// The host that was asked for, with the port where it was named.
    pub host: String,
    /// The path, without the query.
    pub path: String,
    /// The status, or `None` where the connection was cut instead.
    pub status: Option<u16>,
    /// The client id in the form or in the token, where there was one. It was not necessarily
    /// verified.
    pub client_id: Option<String>,
    /// The fault that was played, by its kind.
    pub fault: Option<String>,
    /// The error code of the answer, such as `AADSTS7000215` or `AuthorizationFailed`.
    pub error: Option<String>,
}

/// Requests kept; older ones are forgotten.
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

    /// The last requests, oldest first: up to 4096.
    pub fn all(&self) -> Vec<Served> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }

    /// Forgets all of them.
    pub fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
