//! A person who signs in on another computer, by a code that they type there (RFC 8628).

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

/// Signs in a person who types a code in a browser on whatever computer they like: over SSH, in a
/// container, on a compute without a display.
///
/// ```no_run
/// # async fn example() -> azcred::Result<()> {
/// use azcred::{ClientOptions, Credential, DeviceCodeCredential, Scope, TokenRequest};
/// let credential = DeviceCodeCredential::new(ClientOptions::default())?;
/// let token = credential.get_token(&TokenRequest::new(Scope::ARM)).await?;
/// # Ok(()) }
/// ```
///
/// The code is shown by [`ClientOptions::with_prompt`]. A person is asked once: from then on tokens
/// come by what the sign-in left, and with [`ClientOptions::with_disk_cache`] in the next process
/// too. One who is asked again, because the provider wants to see them, must be the same. A call
/// takes as long as the person, a quarter of an hour at most unless
/// [`DeviceCodeCredential::with_timeout`] or [`ClientOptions::with_deadline`] says otherwise.
pub struct DeviceCodeCredential(Kept<PersonSource<ByCode>>);

credential!(DeviceCodeCredential);

const NAME: &str = "DeviceCodeCredential";
/// As long as Entra ID's codes last.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// What the pause grows by, for good, where the provider asks for that (RFC 8628 section 3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// A network in trouble is tried at this pause at the latest.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// One question may take this long.
const QUESTION: Duration = Duration::from_secs(20);

impl DeviceCodeCredential {
    /// A credential for people of any organization, as the application that Azure CLI is. Asks
    /// nobody yet.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where the cloud can't be told.
    pub fn new(options: ClientOptions) -> Result<Self> {
        let system = options.system().clone();
        Ok(Self(Kept::new(
            Arc::new(PersonSource::new(ByCode, options)?),
            system,
        )))
    }

    /// Signs in to this tenant; `organizations`, which stands for a person's own, unless told
    /// otherwise.
    #[must_use]
    pub fn with_tenant(self, tenant: TenantId) -> Self {
        Self(self.0.changed(|person| person.set_tenant(tenant)))
    }

    /// Signs in to this application, which has to allow public client flows; Azure CLI's unless
    /// told otherwise.
    #[must_use]
    pub fn with_client_id(self, client_id: ClientId) -> Self {
        Self(self.0.changed(|person| person.set_client_id(client_id)))
    }

    /// Waits this long for the person at most, whatever the options' deadline is.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self(self.0.changed(|person| person.set_timeout(timeout)))
    }

    /// Asks the person, whoever is signed in, and keeps what comes of it as the current account of
    /// the profile ([`crate::account`]); without [`ClientOptions::with_disk_cache`] for as long as
    /// the credential lives.
    ///
    /// Cancel-safe and bounded, as [`crate::Credential::get_token`].
    ///
    /// # Errors
    /// As [`crate::Credential::get_token`]; what keeps the sign-in from being kept.
    pub async fn sign_in(&self, request: &TokenRequest) -> Result<(AccessToken, Account)> {
        self.0.source().sign_in(request).await
    }
}

/// The way in by a code.
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
            // Whoever waits may give up before the code ends.
            let given_up =
                endpoint.options().system().now() + end.saturating_duration_since(Instant::now());
            device.shown.expires_on = device.shown.expires_on.min(given_up);
            let notice = Notice::DeviceCode(&device.shown);
            let _shown = Shown::new(endpoint.options().prompt(), &notice);
            let tokens = wait(&device, end, |within| {
                endpoint.ask_all(NAME, &grant, request, within)
            });
            let signed_in = endpoint.signed_in(NAME, tokens.await?, None, request);
            (whom.accept)(signed_in.await?)
        }
        .boxed()
    }
}

/// Asks until the person has entered the code, at the provider's pace.
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

/// What a provider's answer means to who waits.
enum PollResult {
    /// Nobody has entered the code yet.
    Pending,
    SlowDown,
    /// There was no answer that could be understood, or one that passes.
    Nothing,
    Declined,
    Ended,
    /// A policy forbids it.
    Forbidden,
    /// No, for a reason of its own.
    Refused,
}

/// RFC 8628 section 3.5, and Entra ID's own words for the same ('device authorization grant flow').
fn poll_result(error: &Error) -> PollResult {
    if error.kind() == ErrorKind::Unreachable {
        return PollResult::Nothing;
    }
    let word = error.refusal().map_or("", |refusal| refusal.error.as_str());
    match (word, error.code()) {
        ("authorization_pending", _) => PollResult::Pending,
        ("slow_down", _) => PollResult::SlowDown,
        // The word for this may be that of a person who declined.
        (_, Some(53_003)) => PollResult::Forbidden,
        ("authorization_declined" | "access_denied", _) => PollResult::Declined,
        ("expired_token" | "code_expired", _) | (_, Some(70_019 | 70_020)) => PollResult::Ended,
        _ => PollResult::Refused,
    }
}

/// The provider's answer in plain words.
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
