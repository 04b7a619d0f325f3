//! How the proxy fails on request.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU8, Ordering};

/// A way in which the proxy fails, for all clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProxyFault {
    /// It requires a user name and a password: 407. It accepts any.
    WantsPassword = 1,
    /// It accepts connections, and never responds.
    Silent = 2,
    /// It rejects Azure's names: 403.
    Forbids = 4,
    /// It responds in place of the metadata service of virtual machines, as to any other host that
    /// it can't reach: 502.
    SwallowsMetadata = 8,
}

/// The ways in which it fails now.
#[derive(Debug, Default)]
pub(crate) struct ProxyFaults(AtomicU8);

impl ProxyFaults {
    /// Lets it fail in this way too.
    pub(crate) fn begin(&self, fault: ProxyFault) {
        self.0.fetch_or(fault as u8, Ordering::Relaxed);
    }

    /// Ends this way to fail.
    pub(crate) fn end(&self, fault: ProxyFault) {
        self.0.fetch_and(!(fault as u8), Ordering::Relaxed);
    }

    /// Whether it fails in this way.
    pub(crate) fn has(&self, fault: ProxyFault) -> bool {
        self.0.load(Ordering::Relaxed) & fault as u8 != 0
    }
}
