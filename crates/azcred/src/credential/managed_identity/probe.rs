//! Whether the instance metadata service responds: a short probe, and the memory of an earlier one
//! without a response.
//!
//! Only missing responses are remembered, because only they take time: the service responds within
//! a millisecond. The memory is valid until something indicates that the service exists. So on a
//! laptop, one run per boot waits, and the others don't.

use super::endpoint::Endpoint;
use crate::{
    facts::{Error, ErrorKind, Evidence},
    http::{HttpRequest, Retry},
    moment,
    system::{FileKind, System, cache_folder, make_own},
    untrusted::printable,
};
use serde::{Deserialize, Serialize};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};
use time::format_description::well_known::Rfc3339;
use tokio::time::timeout;

/// The time limit of the probe. The service is on the machine's own host and responds within a
/// millisecond.
const TIME: Duration = Duration::from_secs(1);
/// On an Azure machine, where the service should exist, the probe waits longer.
const TIME_IN_AZURE: Duration = Duration::from_secs(2);
/// How much the request's own deadline exceeds the probe's.
const BEYOND: Duration = Duration::from_secs(60);
/// How long the memory is valid if nothing indicates that the service does not exist: the network
/// may only have been starting.
const UNDECIDED: Duration = Duration::from_secs(10 * 60);
/// How long the memory is valid if the time of the boot is unknown.
const NO_BOOT: Duration = Duration::from_secs(60 * 60);
/// The memory, in the cache folder.
const FILE: &str = "imds";
const FILE_LIMIT: u64 = 4096;

/// A probe, and the memory of earlier ones.
#[derive(Debug)]
pub(super) struct Probe {
    what: String,
    time: Option<Duration>,
    /// For machines on which the memory can't be stored.
    silence: Mutex<Option<Silence>>,
}

/// That the service did not respond.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Silence {
    boot: Option<String>,
    /// Seconds since 1970.
    at: u64,
}

impl Probe {
    pub(super) fn new(what: String) -> Self {
        Self {
            what,
            time: None,
            silence: Mutex::new(None),
        }
    }

    /// Why no probe is needed, if the service did not respond recently.
    pub(super) fn remembered(&self, evidence: &Evidence, system: &dyn System) -> Option<Error> {
        let here = self
            .silence
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let at = here
            .and_then(|silence| silence.counts(evidence, system))
            .or_else(|| read(system)?.counts(evidence, system))?;
        let at = moment::date(at).format(&Rfc3339).unwrap_or_default();
        Some(
            self.unavailable(format!(
                "{evidence}, and the metadata service did not answer at {at}"
            ))
            .absent(),
        )
    }

    /// Probes once.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the instance metadata service does not respond, or something
    /// else does.
    pub(super) async fn look(
        &self,
        endpoint: &Endpoint,
        evidence: &Evidence,
        system: &dyn System,
    ) -> Result<(), Error> {
        let time = self.time.unwrap_or(match evidence.is_azure() {
            Some(true) => TIME_IN_AZURE,
            Some(false) | None => TIME,
        });
        // The request lacks the required header. The service rejects it at once, and so shows that
        // it is the service.
        let request = HttpRequest::get(endpoint.url([("api-version", super::imds::API_VERSION)]))
            .with_retry(Retry::NEVER);
        // The timeout below is the limit. If the request's own deadline were close to it, a busy
        // machine could report an error instead of a missing response.
        let sent = endpoint.send(&self.what, "", &request, time + BEYOND);
        let Ok(answer) = timeout(time, sent).await else {
            self.remember(evidence, system);
            return Err(self
                .unavailable(format!(
                    "{evidence}, and the metadata service did not answer within {} s",
                    time.as_secs_f32()
                ))
                .absent());
        };
        let response = match answer {
            // The address can't be used, on whatever machine.
            Err(error) if error.kind() == ErrorKind::Invalid => return Err(error),
            Err(error) => {
                return Err(self.unavailable(format!("{evidence}, and {}", error.why())));
            }
            Ok(response) => response,
        };
        tracing::debug!(status = response.status, "IMDS was probed");
        match response.status {
            400 | 410 | 429 | 500.. => Ok(()),
            403 if is_docker_desktop(&response.body) => {
                Err(self.unavailable(DOCKER_DESKTOP.to_owned()))
            }
            status => Err(self.unavailable(format!(
                "another service answers there (HTTP {status}), such as another cloud's"
            ))),
        }
    }

    fn unavailable(&self, why: String) -> Error {
        Error::new(ErrorKind::Unavailable, self.what.clone(), why).with_fix(
            "run this on an Azure resource with a managed identity, or sign in another way; with AZCRED_IMDS=always, azcred waits for the metadata service in any case",
        )
    }

    /// Stores that the service did not respond. If that fails, the next process probes again.
    fn remember(&self, evidence: &Evidence, system: &dyn System) {
        if evidence.is_azure() == Some(true) {
            return;
        }
        let Ok(since) = system.now().duration_since(SystemTime::UNIX_EPOCH) else {
            return;
        };
        let silence = Silence {
            boot: system.boot(),
            at: since.as_secs(),
        };
        if let (Some(folder), Ok(text)) = (cache_folder(system), serde_json::to_vec(&silence))
            && let Err(error) =
                make_own(system, &folder).and_then(|()| system.write(&folder.join(FILE), &text))
        {
            tracing::debug!(%error, path = %folder.display(), "the note that IMDS does not answer can't be stored");
        }
        *self.silence.lock().unwrap_or_else(PoisonError::into_inner) = Some(silence);
    }
}

pub(super) const DOCKER_DESKTOP: &str = "Docker Desktop's proxy can't reach the address, so this machine has no instance metadata service";

/// Docker Desktop accepts requests to addresses that it can't reach, and responds itself.
pub(super) fn is_docker_desktop(body: &[u8]) -> bool {
    String::from_utf8_lossy(body).contains("unreachable")
}

impl Silence {
    /// When the memory was stored, if it is still valid.
    fn counts(&self, evidence: &Evidence, system: &dyn System) -> Option<SystemTime> {
        let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(self.at))?;
        // A time in the future was written with another clock.
        let age = system.now().duration_since(at).ok()?;
        let longest = match (evidence.is_azure(), &self.boot) {
            (Some(true), _) => return None,
            (None, _) => UNDECIDED,
            (Some(false), None) => NO_BOOT,
            (Some(false), Some(_)) => Duration::MAX,
        };
        (self.boot == system.boot() && age <= longest).then_some(at)
    }
}

fn read(system: &dyn System) -> Option<Silence> {
    let path = cache_folder(system)?.join(FILE);
    let file = system.open(&path).ok()?;
    let facts = file.facts;
    // Otherwise another user could keep this one from the managed identity until the next boot.
    if facts.kind != FileKind::File || facts.foreign(system.user()).is_some() {
        tracing::debug!(path = %path.display(), "the note that IMDS does not answer may be another user's; it is ignored");
        return None;
    }
    let bytes = file.read(FILE_LIMIT).ok()?;
    serde_json::from_slice(&bytes)
        .inspect_err(|error| {
            let error = printable(&error.to_string(), 200);
            tracing::debug!(
                error,
                "the note that IMDS does not answer is damaged; it is ignored"
            );
        })
        .ok()
}

#[cfg(test)]
#[path = "probe_tests.rs"]
pub(super) mod tests;
