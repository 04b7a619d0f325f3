//! A virtual machine's instance metadata service (IMDS), and services that replace it.
//!
//! 'How to use managed identities on an Azure VM to acquire an access token'. Its address is the
//! same on every machine, so only a response shows that it exists. [`super::evidence`] and
//! [`super::probe`] keep machines without one from waiting for it.

use super::{
    Asking, Host, NAME,
    answer::{self, HostRequest},
    endpoint::Endpoint,
    evidence::{Wish, gather},
    probe::{DOCKER_DESKTOP, Probe, is_docker_desktop},
};
use crate::{
    credential::Availability,
    facts::{Error, ErrorKind, Fix, Result, Used},
    http::{HeaderName, HeaderValue, HttpRequest, HttpResponse, Retry, parse_url},
    options::ClientOptions,
    system::System,
    token::AccessToken,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Imds {
    endpoint: Endpoint,
    /// `None` if the service is waited for in any case.
    probe: Option<Probe>,
}

const ADDRESS: &str = "http://169.254.169.254";
const MOVED: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
const TOKEN_PATH: &str = "/metadata/identity/oauth2/token";
pub(super) const API_VERSION: &str = "2018-02-01";
/// The service can be unavailable for 70 seconds during an update.
const DEADLINE: Duration = Duration::from_secs(80);
/// The service also returns 404 during an update.
const RETRY: Retry = Retry {
    times: 5,
    also: &[404, 410],
    may_repeat: true,
};
/// As many retries as the deadline allows.
const RETRY_AWAY: Retry = Retry {
    times: u32::MAX,
    also: &[410],
    may_repeat: true,
};
const FIX: &str = "run this on an Azure resource with a managed identity, and check that no firewall or network policy blocks 169.254.169.254";

/// The error if `AZCRED_IMDS` is `never`.
///
/// Beside another address, that is how an environment without a managed identity is made, such as
/// the emulator's: without the variable, the machine's own identity could be used. So unsetting it
/// is no fix there.
fn switched_off(what: String, is_moved: bool) -> Error {
    let error = |why: String| Error::new(ErrorKind::Unavailable, what, why);
    let never = "AZCRED_IMDS is set to \"never\", which switches managed identity off";
    match is_moved {
        true => error(format!("{never}, and {MOVED} replaces the service"))
            .with_fix(
                "run this on an Azure resource with a managed identity, or sign in in another way",
            )
            .absent(),
        false => error(never.to_owned()).with_fix(Fix::UnsetVariable("AZCRED_IMDS".into())),
    }
}

impl Imds {
    /// # Errors
    /// [`ErrorKind::Unavailable`] if `AZCRED_IMDS` is `never`; [`ErrorKind::Invalid`] if a variable
    /// can't be used.
    pub(super) fn new(pinned: bool, options: &ClientOptions) -> Result<Self> {
        let system = &**options.system();
        let what = format!("{NAME} could not find the instance metadata service (IMDS)");
        let wish = Wish::read(system)?;
        if wish == Wish::Never {
            return Err(switched_off(what, system.var(MOVED).is_some()));
        }
        let endpoint = match system.var(MOVED) {
            Some(address) => Endpoint::from_variable(MOVED, &address, options)?,
            None => Endpoint::fixed(parse_url(&what, ADDRESS)?, options),
        };
        let is_certain = pinned || wish == Wish::Always;
        Ok(Self {
            endpoint: endpoint.with_path(TOKEN_PATH),
            probe: (!is_certain).then(|| Probe::new(what)),
        })
    }

    async fn answer(&self, asking: &Asking<'_>) -> Result<HttpResponse> {
        let started = Instant::now();
        let parameters = [("api-version", API_VERSION), ("resource", asking.resource)];
        let id = asking.id.parameter("msi_res_id");
        let id = id.as_ref().map(|(name, id)| (*name, id.as_str()));
        let request = HttpRequest::get(self.endpoint.url(parameters.into_iter().chain(id)))
            .with_header(
                HeaderName::from_static("metadata"),
                HeaderValue::from_static("true"),
            )
            .with_retry(RETRY);
        let first = self
            .endpoint
            .send(&asking.what, FIX, &request, asking.deadline)
            .await?;
        let left = asking.deadline.saturating_sub(started.elapsed());
        if first.status != 410 || left.is_zero() {
            return Ok(first);
        }
        let request = request.with_retry(RETRY_AWAY);
        match self.endpoint.send(&asking.what, FIX, &request, left).await {
            Ok(mut last) => {
                last.attempts = last.attempts.saturating_add(first.attempts);
                Ok(last)
            }
            // The time ended within an attempt: report that the service is unavailable.
            Err(error) if error.kind() == ErrorKind::Unreachable => Ok(first),
            Err(error) => Err(error),
        }
    }
}

impl Host for Imds {
    fn name(&self) -> &'static str {
        "the instance metadata service (IMDS)"
    }

    fn whereabouts(&self) -> [&[u8]; 2] {
        [self.endpoint.address().as_bytes(), b""]
    }

    fn short_name(&self) -> &'static str {
        "IMDS"
    }

    fn look(&self, using: Used, system: &dyn System) -> Availability {
        let using = |evidence| using.at(self.endpoint.place(), evidence);
        let Some(probe) = &self.probe else {
            return Availability::Possible { using: using(None) };
        };
        let evidence = gather(system);
        if let Some(error) = probe.remembered(&evidence, system) {
            return Availability::Unavailable(error);
        }
        let is_doubtful = evidence.is_azure() == Some(false);
        let using = using(Some(evidence));
        if is_doubtful {
            Availability::Doubtful { using }
        } else {
            Availability::Possible { using }
        }
    }

    fn deadline(&self, options: &ClientOptions) -> Duration {
        options.deadline_or(DEADLINE)
    }

    fn request_token<'a>(&'a self, asking: Asking<'a>) -> BoxFuture<'a, Result<AccessToken>> {
        async move {
            let system = &**asking.system;
            if let Some(probe) = &self.probe {
                let evidence = gather(system);
                if let Some(error) = probe.remembered(&evidence, system) {
                    return Err(error);
                }
                probe.look(&self.endpoint, &evidence, system).await?;
            }
            let response = self.answer(&asking).await?;
            if response.status == 403 && is_docker_desktop(&response.body) {
                return Err(
                    Error::new(ErrorKind::Unavailable, asking.what, DOCKER_DESKTOP).with_fix(FIX)
                );
            }
            let asked = HostRequest {
                what: &asking.what,
                resource: asking.resource,
                id: asking.id,
                variable: asking.variable,
                host: self.name(),
                assign: "assign it with `az vm identity assign --resource-group GROUP --name VM` (with `--identities ID` for one that is user-assigned; `az vmss` for a scale set)",
                secrets: &[],
                now: system.now(),
            };
            Ok(answer::read(&asked, &response)?.token)
        }
        .boxed()
    }
}

#[cfg(test)]
#[path = "imds_tests.rs"]
mod tests;
