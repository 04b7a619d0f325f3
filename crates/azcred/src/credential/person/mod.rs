//! People: how they sign in, and what is stored so that they are asked once.
//!
//! A token comes from the first of these:
//! 1. the refresh token of the stored sign-in, without the person ([`super::redeem`]);
//! 2. the person, if there is no sign-in or the provider requires them. One caller asks at a time.
//!    Others wait and use the result.

mod silent;
mod way;

pub(crate) use way::{Accepted, Shown, SignsIn, Whom};

use super::{
    Availability,
    redeem::{self, AZURE_CLI, Silent},
    source::TokenSource,
};
use crate::{
    account::{self, Account, Record, Store},
    cache,
    entra::{SignedIn, TokenEndpoint},
    facts::{Error, ErrorKind, Fix, Result, SignIn},
    options::ClientOptions,
    prompt::Notice,
    request::TokenRequest,
    system::{FileLock, System},
    tenant::{ClientId, TenantId},
    token::AccessToken,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{fmt, sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::{Instant, timeout_at},
};

/// The endpoint for every organization's tenant: signs a person in to their own.
const ORGANIZATIONS: &str = "organizations";

/// The limit of checking whether a sign-in can be stored. It takes less time even if another
/// process makes the key; a disk that takes longer hangs.
const LOOK: Duration = Duration::from_secs(20);

/// A person who signs in in one way, and the stored sign-in.
#[derive(Clone)]
pub(crate) struct PersonSource<A> {
    way: A,
    endpoint: TokenEndpoint,
    login_hint: Option<String>,
    timeout: Option<Duration>,
    /// Where sign-ins are stored for the next process.
    store: Option<Store>,
    shared: Arc<PersonState>,
}

/// What all callers of one credential share.
#[derive(Default)]
struct PersonState {
    held: std::sync::Mutex<Held>,
    /// One refresh at a time if the sign-in is not on the disk: a refresh token may be valid for
    /// one use.
    renewing: Arc<Mutex<()>>,
}

/// What a credential knows about its person.
#[derive(Default)]
struct Held {
    /// The person, after the first token.
    who: Option<Who>,
    /// The sign-in, if it is not on the disk.
    record: Option<Record>,
    /// When the person was last asked without success, and the error.
    failed: Option<(Instant, Error)>,
}

#[derive(Clone)]
struct Who {
    id: String,
    shown: String,
}

/// The right to ask the person: in this process, and among this user's processes.
struct Turn {
    _here: OwnedMutexGuard<()>,
    _among_processes: Option<FileLock>,
}

impl<A: SignsIn> PersonSource<A> {
    /// A person of any organization, with Azure CLI's application.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the cloud is unknown.
    pub(crate) fn new(way: A, options: ClientOptions) -> Result<Self> {
        let store = options
            .has_disk_cache()
            .then(|| Store::new(&options))
            .transpose()?;
        let tenant = TenantId::new(ORGANIZATIONS)?;
        let client_id = ClientId::new(AZURE_CLI)?;
        Ok(Self {
            way,
            endpoint: TokenEndpoint::of_person(tenant, client_id, options)?,
            login_hint: None,
            timeout: None,
            store,
            shared: Arc::default(),
        })
    }

    /// The way to sign in, for changes.
    pub(crate) fn way_mut(&mut self) -> &mut A {
        self.shared = Arc::default();
        &mut self.way
    }

    pub(crate) fn set_tenant(&mut self, tenant: TenantId) {
        self.endpoint = self.endpoint.clone().with_tenant(tenant);
        self.shared = Arc::default();
    }

    pub(crate) fn set_client_id(&mut self, client_id: ClientId) {
        self.endpoint = self.endpoint.clone().with_client_id(client_id);
        self.shared = Arc::default();
    }

    /// Sets the sign-in name to offer, such as `ada@contoso.com`.
    pub(crate) fn set_login_hint(&mut self, login_hint: String) {
        self.login_hint = Some(login_hint);
        self.shared = Arc::default();
    }

    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = Some(timeout);
        self.shared = Arc::default();
    }

    fn options(&self) -> &ClientOptions {
        self.endpoint.options()
    }

    /// The limit of a call.
    fn patience(&self) -> Duration {
        self.timeout
            .unwrap_or_else(|| self.options().deadline_or(self.way.patience()))
            .min(crate::http::LONGEST_CALL)
    }

    /// See [`crate::DeviceCodeCredential::sign_in`].
    pub(crate) async fn sign_in(&self, request: &TokenRequest) -> Result<(AccessToken, Account)> {
        let began = Instant::now();
        let end = began + self.patience();
        let _turn = self.turn(end, false).await?;
        if let Some(store) = &self.store {
            self.check_keeps(store, end).await?;
        }
        let hint = self.login_hint.as_deref();
        let (token, record) = self.ask(request, hint, None, end).await?;
        let Some(store) = &self.store else {
            let account = Account::of(&record, true);
            self.hold(Who::of(&record), Some(record));
            return Ok((token, account));
        };
        let record = account::keep(store, record, account::Current::Always).await?;
        redeem::remember(&self.endpoint, &record, request, &token).await;
        self.hold(Who::of(&record), None);
        Ok((token, Account::of(&record, true)))
    }

    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let began = Instant::now();
        let end = began + self.patience();
        let mut tried = self.without_person(request, end).await?;
        if let Silent::Token(token) = tried.silent {
            return Ok(token);
        }
        if cache::in_background() {
            // The cached token is still valid. A caller that comes after its end asks the person.
            return Err(match tried.silent {
                Silent::AskPerson(error) => error,
                _ => self.nobody(request),
            });
        }
        let _turn = self.turn(end, true).await?;
        if let Some(error) = self.failed_since(began) {
            return Err(error);
        }
        // Another caller may have signed the person in meanwhile.
        let session = tried.session().map(str::to_owned);
        if self.session(end).await != session {
            tried = self.without_person(request, end).await?;
        }
        let asked = match tried.silent {
            Silent::Token(token) => return Ok(token),
            Silent::Nobody | Silent::NotInTenant(_) => request.clone(),
            Silent::AskPerson(error) => {
                tracing::debug!(credential = self.way.name(), %error, "a person has to sign in");
                let challenge = error.refusal().and_then(|refusal| refusal.claims.clone());
                challenge.map_or_else(|| request.clone(), |claims| request.answering(&claims))
            }
        };
        let known = tried.record.as_ref().and_then(Who::of);
        let known = known.or_else(|| self.held().who.clone());
        let hint = self
            .login_hint
            .as_deref()
            .or(tried.record.as_ref().and_then(username));
        let (token, record) = match self.ask(&asked, hint, known.as_ref(), end).await {
            Ok(answer) => answer,
            Err(error) => {
                self.held().failed = Some((Instant::now(), error.clone()));
                return Err(error);
            }
        };
        let who = Who::of(&record);
        let in_memory = match &self.store {
            None => Some(record),
            Some(store) => {
                match account::keep(store, record.clone(), account::Current::IfNone).await {
                    Ok(record) => {
                        redeem::remember(&self.endpoint, &record, &asked, &token).await;
                        None
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the sign-in is stored for this process only");
                        Some(record)
                    }
                }
            }
        };
        self.hold(who, in_memory);
        Ok(token)
    }

    /// Checks that a sign-in could be stored, before the person signs in.
    async fn check_keeps(&self, store: &Store, end: Instant) -> Result<()> {
        let tenant = self.endpoint.tenant().as_str().to_owned();
        let client_id = self.endpoint.client_id().as_str().to_owned();
        // This needs the key and a folder that can be written to. The lock may be another
        // process's.
        let end = end.min(Instant::now() + LOOK);
        let tried = store.off_thread(end, move |store| store.try_lock_asking(&tenant, &client_id));
        tried.await.map(drop)
    }

    /// Waits for the right to ask the person.
    async fn turn(&self, end: Instant, among_processes: bool) -> Result<Turn> {
        let turn = self.options().turn().clone();
        let here = timeout_at(end, turn.lock_owned())
            .await
            .map_err(|_| self.no_turn("another sign-in of this process"))?;
        let mut turn = Turn {
            _here: here,
            _among_processes: None,
        };
        let Some(store) = self.store.as_ref().filter(|_| among_processes) else {
            return Ok(turn);
        };
        let tenant = self.endpoint.tenant().as_str().to_owned();
        let client_id = self.endpoint.client_id().as_str().to_owned();
        let (of, for_client) = (tenant.clone(), client_id.clone());
        let tried = store.off_thread(end, move |store| store.try_lock_asking(&of, &for_client));
        turn._among_processes = match tried.await {
            Ok(Some(lock)) => Some(lock),
            Ok(None) => {
                let _shown = Shown::new(self.options().prompt(), &Notice::AnotherProcess);
                match store.lock_asking(&tenant, &client_id, end).await {
                    Ok(None) => return Err(self.no_turn("a sign-in of another process")),
                    Ok(lock) => lock,
                    Err(_) => None,
                }
            }
            Err(error) => {
                tracing::debug!(%error, "a person signs in without a lock");
                None
            }
        };
        Ok(turn)
    }

    fn no_turn(&self, other: &str) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            format!("{} gave up waiting for {other}", self.way.name()),
            format!("it did not finish within {} s", self.patience().as_secs()),
        )
        .with_fix("finish or cancel that sign-in")
    }

    /// Asks the person, who must be `known` if a person is known.
    async fn ask(
        &self,
        request: &TokenRequest,
        login_hint: Option<&str>,
        known: Option<&Who>,
        end: Instant,
    ) -> Result<Accepted> {
        let left = end.saturating_duration_since(Instant::now());
        let accept = |signed_in: SignedIn| {
            let record = self.record(&signed_in, request);
            self.check_same(known, &record)?;
            Ok((signed_in.tokens.access, record))
        };
        let whom = Whom {
            login_hint,
            accept: &accept,
        };
        self.way.ask(&self.endpoint, request, whom, left).await
    }

    /// The record of a sign-in.
    fn record(&self, signed_in: &SignedIn, request: &TokenRequest) -> Record {
        let options = self.options();
        account::of_person(
            options.profile(),
            self.endpoint.authority(),
            request.tenant().unwrap_or(self.endpoint.tenant()),
            self.endpoint.client_id().as_str(),
            signed_in,
            options.system().now(),
        )
    }

    /// Fails if another person signed in: a credential does not change its identity.
    fn check_same(&self, known: Option<&Who>, record: &Record) -> Result<()> {
        let Some(known) = known.filter(|known| known.id != record.id) else {
            return Ok(());
        };
        let other = Who::of(record).map_or_else(String::new, |who| who.shown);
        Err(Error::new(
            ErrorKind::WrongAccount,
            format!(
                "{} could not sign in {} again",
                self.way.name(),
                known.shown
            ),
            format!("{other} signed in instead"),
        )
        .with_fix(Fix::from(format!("sign in as {}", known.shown)).or(SignIn::default())))
    }

    fn failed_since(&self, began: Instant) -> Option<Error> {
        let held = self.held();
        held.failed
            .as_ref()
            .filter(|(at, _)| *at >= began)
            .map(|(_, error)| error.clone())
    }

    fn hold(&self, who: Option<Who>, record: Option<Record>) {
        *self.held() = Held {
            who,
            record,
            failed: None,
        };
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.shared.held()
    }

    fn nobody(&self, request: &TokenRequest) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            format!(
                "{} could not get a token for {}",
                self.way.name(),
                request.scopes()[0].describe()
            ),
            "no account is signed in, and a refresh in the background can't ask a person",
        )
    }
}

impl PersonState {
    /// Code that holds this lock can't panic within a change.
    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        let held = self.held.lock();
        held.unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Who {
    fn of(record: &Record) -> Option<Self> {
        record.person()?;
        Some(Self {
            id: record.id.clone(),
            shown: Account::of(record, false).who().to_owned(),
        })
    }
}

fn username(record: &Record) -> Option<&str> {
    record.person()?.username.as_deref()
}

impl<A: SignsIn> TokenSource for PersonSource<A> {
    fn name(&self) -> &'static str {
        self.way.name()
    }

    fn look(&self, system: &dyn System) -> Availability {
        self.way.look(system)
    }

    fn fetch(self: Arc<Self>, request: TokenRequest) -> BoxFuture<'static, Result<AccessToken>> {
        async move { self.token(&request).await }.boxed()
    }
}

impl<A: SignsIn> fmt::Debug for PersonSource<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(self.way.name())
            .field("tenant", self.endpoint.tenant())
            .field("client_id", self.endpoint.client_id())
            .finish_non_exhaustive()
    }
}
