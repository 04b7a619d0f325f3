//! A person who signs in on another computer with a device code (RFC 8628).

use super::{
    Availability,
    person::{Accepted, PersonSource, Shown, SignsIn, Whom},
    source::{Kept, credential},
};
use crate::{
    account::Account,
    entra::{Device, Grant, PersonTokens, TokenEndpoint},
    facts::{Error, ErrorKind, Fix, Result, SignIn, SignInWay, UsedKind},
    options::ClientOptions,
    prompt::Notice,
    request::TokenRequest,
    system::System,
    tenant::{ClientId, TenantId},
    token::AccessToken,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until, timeout_at};

/// Signs in a person who enters a code in a browser on any computer: over SSH, in a container, on a
/// compute without a display.
///
/// ```no_run
/// # async fn example() -> azcred::Result<()> {
/// use azcred::{ClientOptions, Credential, DeviceCodeCredential, Scope, TokenRequest};
/// let credential = DeviceCodeCredential::new(ClientOptions::default())?;
/// let token = credential.get_token(&TokenRequest::new(Scope::ARM)).await?;
/// # Ok(()) }
/// ```
///
/// [`ClientOptions::with_prompt`] shows the code. The person is asked once. Then tokens come from
/// the sign-in's refresh token, and with [`ClientOptions::with_disk_cache`] also in the next
/// process. If the provider requires the person again, it must be the same person. A call waits for
/// the person, by default at most 15 minutes ([`DeviceCodeCredential::with_timeout`],
/// [`ClientOptions::with_deadline`]).
pub struct DeviceCodeCredential(Kept<PersonSource<ByCode>>);

credential!(DeviceCodeCredential);

const NAME: &str = "DeviceCodeCredential";
/// The lifetime of Entra ID's codes.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// How much the pause grows when the provider says `slow_down` (RFC 8628 section 3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// The longest pause between requests while the network fails.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The limit of one request.
const QUESTION: Duration = Duration::from_secs(20);

impl DeviceCodeCredential {
    /// A credential for people of any organization, with Azure CLI's application. Requests nothing
    /// yet.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the cloud is unknown.
    pub fn new(options: ClientOptions) -> Result<Self> {
        let system = options.system().clone();
        Ok(Self(Kept::new(
            Arc::new(PersonSource::new(ByCode, options)?),
            system,
        )))
    }

    /// Signs in to this tenant. The default is `organizations`: the person's own.
    #[must_use]
    pub fn with_tenant(self, tenant: TenantId) -> Self {
        Self(self.0.changed(|person| person.set_tenant(tenant)))
    }

    /// Signs in with this application, which must allow public client flows. The default is Azure
    /// CLI's.
    #[must_use]
    pub fn with_client_id(self, client_id: ClientId) -> Self {
        Self(self.0.changed(|person| person.set_client_id(client_id)))
    }

    /// Waits at most this long for the person. It replaces the options' deadline.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self(self.0.changed(|person| person.set_timeout(timeout)))
    }

    /// Asks the person, even if an account is signed in, and stores the sign-in as the current
    /// account of the profile ([`crate::account`]). Without [`ClientOptions::with_disk_cache`], it
    /// is kept as long as the credential.
    ///
    /// Cancel-safe and bounded, as [`crate::Credential::get_token`].
    ///
    /// # Errors
    /// As [`crate::Credential::get_token`]; also why the sign-in can't be stored.
    pub async fn sign_in(&self, request: &TokenRequest) -> Result<(AccessToken, Account)> {
        self.0.source().sign_in(request).await
    }
}

/// Signs in with a device code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByCode;

impl SignsIn for ByCode {
    fn name(&self) -> &'static str {
        NAME
    }

    fn look(&self, _: &dyn System) -> Availability {
        Availability::Ready {
            using: UsedKind::DeviceCode.into(),
        }
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn ask<'a>(
        &'a self,
        endpoint: &'a TokenEndpoint,
        request: &'a TokenRequest,
        whom: Whom<'a>,
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Accepted>> {
        async move {
            let end = Instant::now() + deadline;
            let mut device = endpoint
                .device_code(NAME, request, deadline.min(endpoint.deadline()))
                .await?;
            let grant = Grant::DeviceCode(device.code.clone());
            // The caller's time may be over before the code ends.
            let given_up =
                endpoint.options().system().now() + end.saturating_duration_since(Instant::now());
            device.shown.expires_on = device.shown.expires_on.min(given_up);
            let notice = Notice::DeviceCode(&device.shown);
            let _shown = Shown::new(endpoint.options().prompt(), &notice);
            let tokens = wait(&device, end, |within| {
                endpoint.request_tokens(NAME, &grant, request, within)
            });
            let signed_in = endpoint.signed_in(NAME, tokens.await?, None, request);
            (whom.accept)(signed_in.await?)
        }
        .boxed()
    }
}

/// Requests the token until the person has entered the code, at the provider's interval.
async fn wait<F>(
    device: &Device,
    end: Instant,
    mut ask: impl FnMut(Duration) -> F,
) -> Result<PersonTokens>
where
    F: Future<Output = Result<PersonTokens>>,
{
    let began = Instant::now();
    let ends = began + device.lasts;
    let last = ends.min(end);
    let mut interval = device.interval;
    let mut pause = interval;
    loop {
        let next = Instant::now() + pause;
        if next >= last {
            sleep_until(last).await;
            return Err(too_late(last - began));
        }
        sleep_until(next).await;
        let within = QUESTION.min(last.saturating_duration_since(next));
        let error = match timeout_at(last, ask(within)).await {
            Ok(Ok(tokens)) => return Ok(tokens),
            Ok(Err(error)) => error,
            Err(_) => return Err(too_late(last - began)),
        };
        match poll_result(&error) {
            PollResult::Pending => pause = interval,
            PollResult::SlowDown => {
                interval += SLOWER;
                pause = interval;
            }
            PollResult::Nothing => pause = (pause * 2).clamp(interval, interval.max(LONGEST_PAUSE)),
            PollResult::Declined => {
                return Err(plain_error(
                    &error,
                    ErrorKind::Refused,
                    "the person declined the sign-in",
                    "run it again, and accept",
                ));
            }
            PollResult::Ended => {
                return Err(plain_error(
                    &error,
                    ErrorKind::Unavailable,
                    "the code was not entered before it expired",
                    "run it again, and enter the code before it expires",
                ));
            }
            PollResult::Forbidden => {
                return Err(error.with_fix(
                    Fix::from(SignIn::by(SignInWay::Browser))
                        .or("find the policy in the tenant's sign-in log"),
                ));
            }
            PollResult::Refused => return Err(error),
        }
    }
}

/// What a response means while waiting.
enum PollResult {
    /// The person has not entered the code yet.
    Pending,
    SlowDown,
    /// The response could not be understood, or the failure is temporary.
    Nothing,
    Declined,
    Ended,
    /// A policy forbids device codes.
    Forbidden,
    /// The provider rejected the sign-in for another reason.
    Refused,
}

/// The errors of RFC 8628 section 3.5 and Entra ID's own ('device authorization grant flow').
fn poll_result(error: &Error) -> PollResult {
    if error.kind() == ErrorKind::Unreachable {
        return PollResult::Nothing;
    }
    let word = error.refusal().map_or("", |refusal| refusal.error.as_str());
    match (word, error.code()) {
        ("authorization_pending", _) => PollResult::Pending,
        ("slow_down", _) => PollResult::SlowDown,
        // Entra ID may use the error of a person who declined.
        (_, Some(53_003)) => PollResult::Forbidden,
        ("authorization_declined" | "access_denied", _) => PollResult::Declined,
        ("expired_token" | "code_expired", _) | (_, Some(70_019 | 70_020)) => PollResult::Ended,
        _ => PollResult::Refused,
    }
}

/// The error in plain words.
fn plain_error(error: &Error, kind: ErrorKind, why: &'static str, fix: &'static str) -> Error {
    let told = Error::new(kind, error.what().to_owned(), why).with_fix(fix);
    match error.refusal() {
        Some(refusal) => told.with_refusal(refusal.clone()),
        None => told,
    }
}

fn too_late(after: Duration) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("{NAME} could not finish the sign-in with a device code"),
        format!("the code was not entered within {} s", after.as_secs()),
    )
    .with_fix("run it again, and enter the code before it expires")
}

#[cfg(test)]
#[path = "device_code_tests.rs"]
mod tests;
