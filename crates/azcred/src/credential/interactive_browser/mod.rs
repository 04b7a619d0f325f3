//! A person who signs in in this machine's browser (RFC 8252): the authorization code flow with
//! PKCE and a loopback port.

mod door;
#[cfg(feature = "fuzzing")]
mod fuzz;
mod loopback;
mod pages;

use super::{
    Availability,
    person::{Accepted, PersonSource, Shown, SignsIn, Whom},
    source::{Kept, credential},
};
use crate::{
    account::Account,
    entra::{Authorization, AuthorizationOptions, TokenEndpoint},
    facts::{Error, ErrorKind, Fix, Result, SignIn, SignInWay, UsedKind},
    options::ClientOptions,
    prompt::Notice,
    request::TokenRequest,
    system::{
        System,
        browser::{self, no_browser},
    },
    tenant::{ClientId, TenantId},
    token::AccessToken,
};
use door::Door;
use futures_util::{FutureExt, future::BoxFuture};
#[cfg(feature = "fuzzing")]
pub use fuzz::{redirected, welcome};
use loopback::{Arrival, Loopback, Visitors};
use pages::Page;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

/// Signs in a person in the browser of this machine.
///
/// ```no_run
/// # async fn example() -> azcred::Result<()> {
/// use azcred::{ClientOptions, Credential, InteractiveBrowserCredential, Scope, TokenRequest};
/// let credential = InteractiveBrowserCredential::new(ClientOptions::default())?
///     .with_login_hint("ada@contoso.com");
/// let token = credential.get_token(&TokenRequest::new(Scope::ARM)).await?;
/// # Ok(()) }
/// ```
///
/// The browser goes to the authority and is then redirected to a port of this machine, which is
/// open during the sign-in. Other requests to the port are rejected and reported
/// ([`crate::Notice::Strange`]). If no browser can be opened (a session over SSH, a container), the
/// call fails at once with [`ErrorKind::Unavailable`] and the reason.
/// [`crate::DeviceCodeCredential`] needs no browser here.
///
/// The person is asked once. Then tokens come from the sign-in's refresh token, and with
/// [`ClientOptions::with_disk_cache`] also in the next process. If the provider requires the person
/// again, it must be the same person. A call waits for the person, by default at most five minutes
/// ([`InteractiveBrowserCredential::with_timeout`], [`ClientOptions::with_deadline`]).
pub struct InteractiveBrowserCredential(Kept<PersonSource<Browser>>);

credential!(InteractiveBrowserCredential);

const NAME: &str = "InteractiveBrowserCredential";
/// Time for a password, a second factor and a consent. The person may also have closed the tab.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// What the browser asks a person who is already signed in there (`prompt`, OpenID Connect Core 1.0
/// section 3.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignInPrompt {
    /// To sign in again.
    Login,
    /// Which account to use.
    SelectAccount,
    /// To consent to the application's permissions again.
    Consent,
    /// Nothing. If the person can't be signed in without a question, the sign-in is rejected.
    None,
}

impl SignInPrompt {
    fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::SelectAccount => "select_account",
            Self::Consent => "consent",
            Self::None => "none",
        }
    }
}

impl InteractiveBrowserCredential {
    /// A credential for people of any organization, with Azure CLI's application. Requests nothing
    /// yet.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the cloud is unknown.
    pub fn new(options: ClientOptions) -> Result<Self> {
        let system = options.system().clone();
        let person = PersonSource::new(Browser::default(), options)?;
        Ok(Self(Kept::new(Arc::new(person), system)))
    }

    /// Signs in to this tenant. The default is `organizations`: the person's own.
    #[must_use]
    pub fn with_tenant(self, tenant: TenantId) -> Self {
        Self(self.0.changed(|person| person.set_tenant(tenant)))
    }

    /// Signs in with this application, which needs the redirect address `http://localhost` for
    /// mobile and desktop applications. The default is Azure CLI's.
    #[must_use]
    pub fn with_client_id(self, client_id: ClientId) -> Self {
        Self(self.0.changed(|person| person.set_client_id(client_id)))
    }

    /// Offers this sign-in name, such as `ada@contoso.com`.
    #[must_use]
    pub fn with_login_hint(self, login_hint: impl Into<String>) -> Self {
        let login_hint = login_hint.into();
        Self(self.0.changed(|person| person.set_login_hint(login_hint)))
    }

    /// Sets what the browser asks a person who is signed in there. By default, the provider
    /// decides.
    #[must_use]
    pub fn with_sign_in_prompt(self, prompt: SignInPrompt) -> Self {
        let change = |person: &mut PersonSource<Browser>| person.way_mut().prompt = Some(prompt);
        Self(self.0.changed(change))
    }

    /// Uses this port for the redirect, for applications that are registered with one. The default
    /// is a free port.
    #[must_use]
    pub fn with_redirect_port(self, port: u16) -> Self {
        let change = |person: &mut PersonSource<Browser>| person.way_mut().port = Some(port);
        Self(self.0.changed(change))
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

/// Signs in with a browser.
#[derive(Clone, Debug, Default)]
pub(crate) struct Browser {
    prompt: Option<SignInPrompt>,
    port: Option<u16>,
}

impl SignsIn for Browser {
    fn name(&self) -> &'static str {
        NAME
    }

    fn look(&self, system: &dyn System) -> Availability {
        match browser::find(system) {
            Ok(browser) => Availability::Ready {
                using: UsedKind::Browser {
                    opener: browser.name().to_string(),
                }
                .into(),
            },
            Err(why) => Availability::Unavailable(
                Error::new(
                    ErrorKind::Unavailable,
                    format!("{NAME} could not open a browser"),
                    why,
                )
                .with_fix(no_browser()),
            ),
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
        self.sign_in(endpoint, request, whom, deadline).boxed()
    }
}

impl Browser {
    async fn sign_in(
        &self,
        endpoint: &TokenEndpoint,
        request: &TokenRequest,
        whom: Whom<'_>,
        deadline: Duration,
    ) -> Result<Accepted> {
        let end = Instant::now() + deadline;
        let options = endpoint.options();
        let system = &**options.system();
        if let Availability::Unavailable(error) = self.look(system) {
            return Err(error);
        }
        let within = deadline.min(endpoint.deadline());
        let endpoints = endpoint.endpoints(request, within).await?;
        let loopback = Loopback::bind(self.port).await?;
        let wishes = AuthorizationOptions {
            login_hint: whom.login_hint,
            prompt: self.prompt.map(SignInPrompt::as_str),
        };
        let client_id = endpoint.client_id().as_str();
        let redirect_uri = loopback.redirect_uri();
        let authorization =
            Authorization::new(&endpoints, client_id, request, redirect_uri, wishes)?;
        let door = Arc::new(Door::new(authorization, loopback.port()));
        let (mut visitors, mut arrivals) = Visitors::new(loopback, door.clone());

        let url = door.authorization().url();
        browser::open(system, url)?;
        let until = system.now() + end.saturating_duration_since(Instant::now());
        let _shown = Shown::new(options.prompt(), &Notice::Browser { url, until });
        let outcome = tokio::select! {
            never = visitors.serve() => match never {},
            outcome = timeout_at(end, wait(&door, &mut arrivals, endpoint, request, whom, end)) => outcome,
        };
        visitors.finish().await;
        outcome.unwrap_or_else(|_| Err(timed_out(endpoint, deadline)))
    }
}

/// Waits for the browser with the response, and sends it the result.
async fn wait(
    door: &Door,
    arrivals: &mut mpsc::Receiver<Arrival>,
    endpoint: &TokenEndpoint,
    request: &TokenRequest,
    whom: Whom<'_>,
    end: Instant,
) -> Result<Accepted> {
    // Each kind of rejected request is reported once.
    let mut told = BTreeSet::new();
    loop {
        match arrivals.recv().await {
            Some(Arrival::Strange(what)) => {
                if told.insert(what) {
                    endpoint.options().prompt().show(&Notice::Strange { what });
                }
            }
            Some(Arrival::Back(redirected, browser)) => {
                let within = endpoint
                    .deadline()
                    .min(end.saturating_duration_since(Instant::now()));
                let redeemed = door
                    .authorization()
                    .redeem(NAME, redirected, endpoint, request, within)
                    .await;
                let accepted = redeemed.and_then(|signed_in| {
                    let page = Page::signed_in(&signed_in.claims);
                    (whom.accept)(signed_in).map(|accepted| (page, accepted))
                });
                let (page, outcome) = match accepted {
                    Ok((page, accepted)) => (page, Ok(accepted)),
                    Err(error) => (Page::failed(&error), Err(error)),
                };
                // The tab may be closed already.
                let _ = browser.send(page);
                return outcome;
            }
            // The task that serves the port has the sender, and lives as long as this future.
            None => std::future::pending().await,
        }
    }
}

fn timed_out(endpoint: &TokenEndpoint, deadline: Duration) -> Error {
    let seconds = deadline.as_secs();
    let time = if seconds >= 120 {
        format!("{} minutes", seconds / 60)
    } else {
        format!("{seconds} seconds")
    };
    Error::new(
        ErrorKind::Unreachable,
        format!(
            "{NAME} could not finish the sign-in at {} in a browser",
            endpoint.authority().host()
        ),
        format!("the sign-in was not finished within {time}"),
    )
    .with_fix(
        Fix::from("run it again, and sign in in the tab that opens")
            .or(SignIn::by(SignInWay::DeviceCode)),
    )
}
