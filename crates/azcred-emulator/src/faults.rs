//! Faults: how a service fails on request, for which clients, and how often.

use crate::{clock::Clock, expires_on::ExpiresOnFormat, service::Service};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A fault: which requests it applies to, what it does, and how many times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The service; every one where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// A part of the path; any path where it is left out. Case counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A client id; any client where it is left out. Case does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// How many requests it applies to; all of them where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// What happens.
    pub effect: Effect,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// The right answer, later.
    Latency {
        /// How much later, in milliseconds; an hour at most.
        milliseconds: u64,
    },
    /// An error status with the body the service has for it: 429, 500, 503 and the like.
    Status {
        /// The status, 400 to 599.
        status: u16,
        /// `Retry-After` in seconds.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// The connection is reset and nothing is answered.
    Reset,
    /// Nothing is answered and the connection stays open, until the client or the emulator goes.
    Hang,
    /// 200 with a page of HTML, as a captive portal or a proxy would answer.
    Html,
    /// The right answer cut in the middle, as a complete response.
    TruncatedJson,
    /// The right answer's head, half of its body, and then the end of the connection.
    CutOff,
    /// The right answer, with `expires_on` written in another way.
    ExpiresOn {
        /// In which.
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
    /// Entra ID refuses with this code. Services other than `login` are left alone.
    Aadsts {
        /// The number after `AADSTS`.
        code: u32,
    },
    /// The emulator's clock is off, for all services and everyone, until the fault is withdrawn.
    ClockSkew {
        /// By how many seconds; negative is behind.
        seconds: i64,
    },
}

fn found() -> u16 {
    302
}

/// The longest latency: an hour.
const MAX_LATENCY_MS: u64 = 3_600_000;
/// Faults that can be armed at once.
const MAX_FAULTS: usize = 1000;

impl Effect {
    /// The name of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::Status { .. } => "status",
            Self::Reset => "reset",
            Self::Hang => "hang",
            Self::Html => "html",
            Self::TruncatedJson => "truncated_json",
            Self::CutOff => "cut_off",
            Self::ExpiresOn { .. } => "expires_on",
            Self::HugeBody => "huge_body",
            Self::Redirect { .. } => "redirect",
            Self::Aadsts { .. } => "aadsts",
            Self::ClockSkew { .. } => "clock_skew",
        }
    }
}

/// A fault that can't be used.
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
            count: None,
            effect,
        }
    }

    /// Only this service.
    #[must_use]
    pub fn on(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Only paths that contain this.
    #[must_use]
    pub fn path(mut self, part: impl Into<String>) -> Self {
        self.path = Some(part.into());
        self
    }

    /// Only this client.
    #[must_use]
    pub fn client(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// Only so many times.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    fn check(&self) -> Result<(), InvalidFault> {
        let refuse = |why: String| Err(InvalidFault(why));
        match &self.effect {
            Effect::Latency { milliseconds } if *milliseconds > MAX_LATENCY_MS => {
                refuse(format!("a latency of {milliseconds} ms is over {MAX_LATENCY_MS}"))
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
                    || self.count.is_some() =>
            {
                refuse("clock_skew moves the one clock of all services: service, path, client_id and count can't limit it".into())
            }
            Effect::Aadsts { .. } if self.service.is_some_and(|s| s != Service::Login) => {
                refuse("only the service 'login' has AADSTS codes".into())
            }
            _ if self.count == Some(0) => refuse("a count of 0 matches no request".into()),
            _ => Ok(()),
        }
    }

    fn meets(&self, service: Service, path: &str, client_id: Option<&str>) -> bool {
        let only_login = matches!(self.effect, Effect::Aadsts { .. });
        self.service.is_none_or(|s| s == service)
            && (!only_login || (service == Service::Login && path.ends_with("/token")))
            && self.path.as_deref().is_none_or(|part| path.contains(part))
            && self
                .client_id
                .as_deref()
                .is_none_or(|id| client_id.is_some_and(|c| c.eq_ignore_ascii_case(id)))
    }
}

/// The faults that are armed, in the order in which they were.
#[derive(Debug, Default)]
pub struct Faults {
    armed: Mutex<Vec<Fault>>,
    clock: Arc<Clock>,
}

impl Faults {
    /// No faults yet; skews will move this clock.
    pub(crate) fn new(clock: Arc<Clock>) -> Self {
        Self {
            armed: Mutex::default(),
            clock,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Arms a fault. Of several that meet a request the first armed is played.
    ///
    /// # Errors
    /// When it can't be used: a status that is not an error, a limit on the clock.
    pub fn arm(&self, fault: Fault) -> Result<(), InvalidFault> {
        fault.check()?;
        let mut all = self.lock();
        if all.len() >= MAX_FAULTS {
            return Err(InvalidFault(format!("{MAX_FAULTS} are armed already")));
        }
        if let Effect::ClockSkew { seconds } = fault.effect {
            self.clock.set_skew(seconds);
        }
        all.push(fault);
        Ok(())
    }

    /// Withdraws all faults and puts the clock right. Requests that hang or wait go on doing so.
    pub fn clear(&self) {
        self.clock.set_skew(0);
        self.lock().clear();
    }

    /// What is armed, with what is left of each count.
    pub fn all(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    /// The effect for a request, counting it.
    pub(crate) fn take(
        &self,
        service: Service,
        path: &str,
        client_id: Option<&str>,
    ) -> Option<Effect> {
        let mut all = self.lock();
        let index = all.iter().position(|fault| {
            !matches!(fault.effect, Effect::ClockSkew { .. })
                && fault.meets(service, path, client_id)
        })?;
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
mod tests {
    use super::*;

    #[test]
    fn a_fault_with_a_count_meets_so_many_requests_and_is_gone() {
        let faults = Faults::default();
        faults
            .arm(Fault::new(Effect::Reset).on(Service::Arm).times(2))
            .unwrap();
        assert_eq!(faults.take(Service::Login, "/", None), None);
        assert_eq!(faults.take(Service::Arm, "/", None), Some(Effect::Reset));
        assert_eq!(faults.take(Service::Arm, "/", None), Some(Effect::Reset));
        assert_eq!(faults.take(Service::Arm, "/", None), None);
        assert!(faults.all().is_empty());
    }

    #[test]
    fn a_fault_for_one_client_leaves_others_alone() {
        let faults = Faults::default();
        faults
            .arm(Fault::new(Effect::Aadsts { code: 50196 }).client("ABC"))
            .unwrap();
        let code = Some(Effect::Aadsts { code: 50196 });
        assert_eq!(
            faults.take(Service::Login, "/t/oauth2/v2.0/token", Some("abc")),
            code
        );
        assert_eq!(
            faults.take(Service::Login, "/t/oauth2/v2.0/token", Some("other")),
            None
        );
        assert_eq!(
            faults.take(Service::Login, "/t/oauth2/v2.0/token", None),
            None
        );
        assert_eq!(faults.take(Service::Arm, "/token", Some("abc")), None);
    }

    #[test]
    fn faults_that_make_no_sense_are_refused() {
        let faults = Faults::default();
        let skew = Effect::ClockSkew { seconds: 1 };
        for fault in [
            Fault::new(Effect::Status {
                status: 200,
                retry_after: None,
            }),
            Fault::new(Effect::Redirect {
                status: 200,
                location: "x".into(),
            }),
            Fault::new(Effect::Redirect {
                status: 302,
                location: "a\r\nb".into(),
            }),
            Fault::new(Effect::Latency {
                milliseconds: u64::MAX,
            }),
            Fault::new(skew.clone()).on(Service::Arm),
            Fault::new(skew).times(1),
            Fault::new(Effect::Aadsts { code: 1 }).on(Service::Arm),
            Fault::new(Effect::Reset).times(0),
        ] {
            assert!(faults.arm(fault.clone()).is_err(), "{fault:?}");
        }
        assert!(faults.all().is_empty());
    }

    #[test]
    fn a_skew_moves_the_clock_until_it_is_withdrawn() {
        let clock = Arc::new(Clock::default());
        let faults = Faults::new(clock.clone());
        faults
            .arm(Fault::new(Effect::ClockSkew { seconds: -3600 }))
            .unwrap();
        assert_eq!(clock.skew(), -3600);
        assert_eq!(faults.take(Service::Login, "/", None), None);
        faults.clear();
        assert_eq!(clock.skew(), 0);
    }

    #[test]
    fn a_fault_is_read_from_json_as_tests_in_other_languages_write_it() {
        let fault: Fault = serde_json::from_str(
            r#"{"service":"login","count":1,"effect":{"kind":"status","status":429,"retry_after":1}}"#,
        )
        .unwrap();
        assert_eq!(
            fault.effect,
            Effect::Status {
                status: 429,
                retry_after: Some(1)
            }
        );
        assert!(serde_json::from_str::<Fault>(r#"{"effect":{"kind":"reset"},"typo":1}"#).is_err());
    }
}
