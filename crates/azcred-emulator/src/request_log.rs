//! The log of requests, without secrets.

use crate::{clock::machine_now, text::iso};
use serde::{Deserialize, Serialize};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// One request, with or without a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// Its number since the start of the emulator, from 1.
    #[serde(default)]
    pub number: u64,
    /// When it was answered, by the machine's clock: `2026-11-21T20:09:49.0000000Z`.
    #[serde(default)]
    pub time: String,
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

impl Served {
    /// A connection or a request to this host, which the proxy rejects.
    pub(crate) fn by_proxy(host: String) -> Self {
        Self {
            number: 0,
            time: String::new(),
            service: "proxy".to_owned(),
            method: "CONNECT".to_owned(),
            host,
            path: String::new(),
            status: None,
            client_id: None,
            fault: None,
            error: None,
        }
    }
}

/// Most requests in the log. Older ones are dropped.
const CAPACITY: usize = 4096;

/// The last requests, oldest first.
#[derive(Debug, Default)]
pub struct RequestLog {
    kept: Mutex<Kept>,
    added: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    requests: VecDeque<Served>,
    /// The number of the last one.
    last: u64,
}

impl RequestLog {
    pub(crate) fn push(&self, mut served: Served) {
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
        {
            let mut kept = self.kept();
            kept.last += 1;
            served.number = kept.last;
            served.time = iso(machine_now().unix_timestamp());
            if kept.requests.len() >= CAPACITY {
                kept.requests.pop_front();
            }
            kept.requests.push_back(served);
        }
        self.added.notify_waiters();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last requests, oldest first, at most 4096.
    pub fn all(&self) -> Vec<Served> {
        self.after(0)
    }

    /// As [`RequestLog::all`], without those up to this number.
    pub fn after(&self, number: u64) -> Vec<Served> {
        let kept = self.kept();
        let newer = kept.requests.iter().filter(|one| one.number > number);
        newer.cloned().collect()
    }

    /// As [`RequestLog::after`]. Waits until there is one.
    pub(crate) async fn newer_than(&self, number: u64) -> Vec<Served> {
        loop {
            let added = self.added.notified();
            tokio::pin!(added);
            // From here on, no request is missed.
            added.as_mut().enable();
            let newer = self.after(number);
            if !newer.is_empty() {
                return newer;
            }
            added.await;
        }
    }

    /// Clears the log.
    pub fn clear(&self) {
        self.kept().requests.clear();
    }
}
