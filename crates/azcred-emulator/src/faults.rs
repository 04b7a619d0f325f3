//! Faults: how a service fails on request, for which clients, and how often.

use crate::{
    clock::Clock,
    expires_on::ExpiresOnFormat,
    replication::{Delay, Replication},
    service::Service,
};
use serde::{Deserialize, Serialize};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A fault: the requests to which it applies, its effect, and how many times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The service. Without it, every service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// A part of the path, with regard to case. Without it, any path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A client id, without regard to case. Without it, any client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Only requests that change something: not GET and HEAD.
    #[serde(default, skip_serializing_if = "is_false")]
    pub only_changes: bool,
    /// The number of requests that are served before it applies. Without it, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
    /// The number of requests. Without it, all requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// The effect.
    pub effect: Effect,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// The normal response, but later.
    Latency {
        /// The delay in milliseconds; an hour at most.
        milliseconds: u64,
    },
    /// An error status with the service's usual body: 429, 500, 503 and others.
    Status {
        /// The status, 400 to 599.
        status: u16,
        /// `Retry-After` in seconds.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// The connection is reset, without a response.
    Reset,
    /// No response, and nothing is done. The connection stays open until the client or the emulator
    /// closes it.
    Hang,
    /// The service does what was requested, and its response never comes: as `Hang` otherwise.
    Withheld,
    /// 200 with an HTML page, like that of a captive portal or a proxy.
    Html,
    /// The normal response, cut in the middle, as a complete response.
    TruncatedJson,
    /// The header and half of the body of the normal response, then the connection ends.
    CutOff,
    /// The normal response, with `expires_on` in another format.
    ExpiresOn {
        /// The format.
        format: ExpiresOnFormat,
    },
    /// 200 with a JSON text of ten million bytes.
    HugeBody,
    /// A redirect.
    Redirect {
        /// The status, 300 to 399.
        #[serde(default = "found")]
        status: u16,
        /// `Location`.
        location: String,
    },
    /// Entra ID rejects the request with this code. It applies to the service `login` only.
    Aadsts {
        /// The number after `AADSTS`.
        code: u32,
    },
    /// A service does not see what is created from now on: for so many requests that look for it,
    /// and for so long. Without a service, no service sees it.
    ReplicationDelay {
        /// The number of requests. Each place of a service that looks for an object counts for
        /// itself.
        #[serde(default)]
        reads: u32,
        /// The time in milliseconds; an hour at most.
        #[serde(default)]
        milliseconds: u64,
    },
    /// The emulator's clock is wrong, for all services and clients, until the fault is removed.
    ClockSkew {
        /// The shift in seconds. Negative: the clock is slow.
        seconds: i64,
    },
}

fn found() -> u16 {
    302
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// The longest latency: an hour.
const MAX_LATENCY_MS: u64 = 3_600_000;
/// Most faults at once.
const MAX_FAULTS: usize = 1000;

impl Effect {
    /// The name of the effect.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::Status { .. } => "status",
            Self::Reset => "reset",
            Self::Hang => "hang",
            Self::Withheld => "withheld",
            Self::Html => "html",
            Self::TruncatedJson => "truncated_json",
            Self::CutOff => "cut_off",
            Self::ExpiresOn { .. } => "expires_on",
            Self::HugeBody => "huge_body",
            Self::Redirect { .. } => "redirect",
            Self::Aadsts { .. } => "aadsts",
            Self::ReplicationDelay { .. } => "replication_delay",
            Self::ClockSkew { .. } => "clock_skew",
        }
    }

    /// Whether it concerns the emulator, and no single request.
    fn is_of_all_requests(&self) -> bool {
        matches!(self, Self::ReplicationDelay { .. } | Self::ClockSkew { .. })
    }
}

/// The fault is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the fault can't be used: {0}")]
pub struct InvalidFault(String);

impl Fault {
    /// A fault for every request of every service, without a limit.
    pub fn new(effect: Effect) -> Self {
        Self {
            service: None,
            path: None,
            client_id: None,
            only_changes: false,
            after: None,
            count: None,
            effect,
        }
    }

    /// Limits the fault to this service.
    #[must_use]
    pub fn on(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Limits the fault to paths that contain this.
    #[must_use]
    pub fn path(mut self, part: impl Into<String>) -> Self {
        self.path = Some(part.into());
        self
    }

    /// Limits the fault to this client.
    #[must_use]
    pub fn client(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// Limits the fault to requests that change something.
    #[must_use]
    pub fn only_changes(mut self) -> Self {
        self.only_changes = true;
        self
    }

    /// Serves this number of requests before the fault applies.
    #[must_use]
    pub fn after(mut self, count: u32) -> Self {
        self.after = Some(count);
        self
    }

    /// Limits the fault to this number of requests.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    fn check(&self) -> Result<(), InvalidFault> {
        let refuse = |why: String| Err(InvalidFault(why));
        match &self.effect {
            Effect::Latency { milliseconds } if *milliseconds > MAX_LATENCY_MS => {
                refuse(format!("a latency of {milliseconds} ms is more than {MAX_LATENCY_MS}"))
            }
            Effect::Status { status, .. } if !(400..600).contains(status) => {
                refuse(format!("status {status} is not between 400 and 599"))
            }
            Effect::Redirect { status, .. } if !(300..400).contains(status) => {
                refuse(format!("status {status} is not between 300 and 399"))
            }
            Effect::Redirect { location, .. }
                if http::HeaderValue::from_str(location).is_err() =>
            {
                refuse("the location can't be sent in a header".into())
            }
            Effect::ClockSkew { .. }
                if self.service.is_some()
                    || self.path.is_some()
                    || self.client_id.is_some()
                    || self.only_changes
                    || self.after.is_some()
                    || self.count.is_some() =>
            {
                refuse("clock_skew shifts the clock of all services: service, path, client_id, only_changes, after and count can't limit it".into())
            }
            Effect::ReplicationDelay { milliseconds, .. } if *milliseconds > MAX_LATENCY_MS => {
                refuse(format!("a delay of {milliseconds} ms is more than {MAX_LATENCY_MS}"))
            }
            Effect::ReplicationDelay { .. }
                if self.path.is_some() || self.client_id.is_some() || self.count.is_some() =>
            {
                refuse("replication_delay can be limited to a service only".into())
            }
            Effect::ReplicationDelay { .. }
                if !matches!(
                    self.service,
                    None | Some(Service::Login | Service::Arm | Service::Graph)
                ) =>
            {
                refuse("only the services 'login', 'arm' and 'graph' look for what is created".into())
            }
            Effect::Aadsts { .. } if self.service.is_some_and(|s| s != Service::Login) => {
                refuse("only the service 'login' has AADSTS codes".into())
            }
            _ if self.count == Some(0) => refuse("a count of 0 matches no request".into()),
            _ => Ok(()),
        }
    }

    fn meets(&self, service: Service, method: &str, path: &str, client_id: Option<&str>) -> bool {
        let only_login = matches!(self.effect, Effect::Aadsts { .. });
        let changes = !matches!(method, "GET" | "HEAD");
        (changes || !self.only_changes)
            && self.service.is_none_or(|s| s == service)
            && (!only_login || (service == Service::Login && path.ends_with("/token")))
            && self.path.as_deref().is_none_or(|part| path.contains(part))
            && self
                .client_id
                .as_deref()
                .is_none_or(|id| client_id.is_some_and(|c| c.eq_ignore_ascii_case(id)))
    }
}

/// The active faults, in the order in which they were added.
#[derive(Debug, Default)]
pub struct Faults {
    armed: Mutex<Vec<Fault>>,
    clock: Arc<Clock>,
    replication: Arc<Replication>,
}

impl Faults {
    /// No faults yet. `ClockSkew` shifts this clock; `ReplicationDelay` delays this replication.
    pub(crate) fn new(clock: Arc<Clock>, replication: Arc<Replication>) -> Self {
        Self {
            armed: Mutex::default(),
            clock,
            replication,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a fault. If several match a request, the first one applies.
    ///
    /// # Errors
    /// If the fault is not valid: a status that is not an error, a limit on the clock.
    pub fn arm(&self, fault: Fault) -> Result<(), InvalidFault> {
        fault.check()?;
        let mut all = self.lock();
        if all.len() >= MAX_FAULTS {
            return Err(InvalidFault(format!(
                "{MAX_FAULTS} faults are active already"
            )));
        }
        if let Effect::ClockSkew { seconds } = fault.effect {
            self.clock.set_skew(seconds);
        }
        if let Effect::ReplicationDelay {
            reads,
            milliseconds,
        } = fault.effect
        {
            let time = Duration::from_millis(milliseconds);
            self.replication.set(fault.service, Delay { reads, time });
        }
        all.push(fault);
        Ok(())
    }

    /// Removes all faults, and resets the clock. What is new is then seen everywhere. Requests that
    /// already hang or wait continue to do so.
    pub fn clear(&self) {
        self.clock.set_skew(0);
        self.replication.clear();
        self.lock().clear();
    }

    /// The active faults, with the rest of each count.
    pub fn all(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    /// The effect for a request. Reduces the fault's counts.
    pub(crate) fn take(
        &self,
        service: Service,
        method: &str,
        path: &str,
        client_id: Option<&str>,
    ) -> Option<Effect> {
        let mut all = self.lock();
        let index = all.iter().position(|fault| {
            !fault.effect.is_of_all_requests() && fault.meets(service, method, path, client_id)
        })?;
        if let Some(after @ 1..) = &mut all[index].after {
            *after -= 1;
            return None;
        }
        let effect = all[index].effect.clone();
        if let Some(count) = &mut all[index].count {
            *count -= 1;
            if *count == 0 {
                all.remove(index);
            }
        }
        Some(effect)
    }
}

#[cfg(test)]
mod tests;
