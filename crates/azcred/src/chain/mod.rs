//! The chain: tries sources in order, some of them at the same time, and reports what each did.
//!
//! 1. Every source checks local facts: variables, small files, programs on PATH. That excludes most
//!    of them.
//! 2. The others are tried in order. A source starts when those before it have failed. It also
//!    starts if the source before it has not responded for a quarter of a second and may have
//!    nothing. The chain returns the token of the first source in order that has one: a later
//!    source that is faster waits.
//! 3. A source that is unlikely and slow (the instance metadata service, on a laptop) is tried
//!    last.
//! 4. Then the chain uses only the source that returned a token: a program does not change its
//!    identity while it runs.
//!
//! The [`Preset`] decides what happens after a source that is set up fails. Every run makes a
//! [`Report`].

mod expect;
mod no_token;
mod people;
mod preset;
mod resolve;
mod settings;
mod source;

pub use crate::facts::{AfterFailure, Attempt, Preset, Report, Skipped, Source, Verdict};
pub use expect::Expect;
pub use settings::{SETTINGS_FILE, Settings};

use crate::{
    cache,
    credential::{
        Availability,
        source::{Kept, TokenSource, credential},
    },
    facts::{Error, ErrorKind, Fix, Result, UsedKind},
    options::ClientOptions,
    request::TokenRequest,
    system::System,
    token::AccessToken,
};
use arc_swap::ArcSwapOption;
use futures_util::{FutureExt, future::BoxFuture};
use people::People;
use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};

/// The default limit of a run: the instance metadata service may be unavailable for 70 s during an
/// update.
const DEADLINE: Duration = Duration::from_secs(100);

/// The default limit of asking a person: a device code lives for a quarter of an hour.
const PERSON: Duration = Duration::from_secs(16 * 60);

/// How long a caller waits for another caller's run, and at most half of its own time: the other
/// may be on a runtime that stands still.
const TURN: Duration = Duration::from_secs(30);

/// Gets a token from the first source of a [`Preset`]'s order that has one.
///
/// ```no_run
/// # async fn example() -> azcred::Result<()> {
/// use azcred::{ClientOptions, Credential, Scope, TokenRequest, chain::{Chain, Preset, Source}};
/// let chain = Chain::builder(ClientOptions::default())
///     .preset(Preset::Azure)
///     .exclude([Source::ManagedIdentity])
///     .build();
/// let token = chain.get_token(&TokenRequest::new(Scope::ARM)).await?;
/// println!("by {}", chain.chosen().expect("a source was chosen"));
/// # Ok(()) }
/// ```
///
/// Nothing is read or requested before the first token. All callers that wait for it share one run.
/// Dropping every call ends all requests and programs, except the renewal of a sign-in
/// ([`crate::account::settled`]).
pub struct Chain(Kept<Resolver>);

credential!(Chain);

impl Chain {
    /// The chain of the preset [`Preset::Azcred`].
    pub fn new(options: ClientOptions) -> Self {
        Self::builder(options).build()
    }

    /// A builder of a chain.
    pub fn builder(options: ClientOptions) -> ChainBuilder {
        ChainBuilder(Setup {
            preset: None,
            only: None,
            exclude: Vec::new(),
            expect: Vec::new(),
            unattended: false,
            options,
        })
    }

    /// The source that returned a token, which the chain uses from then on; `None` before the first
    /// token.
    pub fn chosen(&self) -> Option<Source> {
        self.0.source().winner.get().map(|winner| winner.source)
    }

    /// The report of the last run; `None` before the first.
    pub fn report(&self) -> Option<Arc<Report>> {
        self.0.source().last.load_full()
    }

    /// The sources that take part, in order.
    #[cfg(test)]
    pub(crate) fn tried(&self) -> Vec<Source> {
        let places = preset::places(&self.0.source().setup).unwrap();
        let taking_part = places.iter().filter(|place| place.excluded.is_none());
        taking_part.map(|place| place.source).collect()
    }

    /// Tries the sources now and ignores cached tokens and the chosen source. For other callers, it
    /// changes only [`Chain::report`].
    ///
    /// Cancel-safe and bounded, as [`crate::Credential::get_token`].
    pub async fn explain(&self, request: &TokenRequest) -> (Result<AccessToken>, Arc<Report>) {
        let resolver = self.0.source();
        let end = Instant::now() + resolver.deadline();
        let (answer, report) = resolver.run(&People::default(), request, end).await;
        (answer.map(|answer| answer.token), report)
    }
}

/// Builds a chain. A later call replaces an earlier one; expectations add up.
#[derive(Clone, Debug)]
pub struct ChainBuilder(Setup);

impl ChainBuilder {
    /// Sets the order; the default is [`Preset::Azcred`].
    #[must_use]
    pub fn preset(mut self, preset: Preset) -> Self {
        self.0.preset = Some(preset);
        self
    }

    /// Tries only these sources, in the preset's order; sources that the preset does not have come
    /// last. It comes before `AZURE_TOKEN_CREDENTIALS`. If [`Source::ManagedIdentity`] is the only
    /// one, the instance metadata service is requested with all retries, without a probe.
    #[must_use]
    pub fn only(mut self, sources: impl IntoIterator<Item = Source>) -> Self {
        self.0.only = Some(sources.into_iter().collect());
        self
    }

    /// Excludes these sources.
    #[must_use]
    pub fn exclude(mut self, sources: impl IntoIterator<Item = Source>) -> Self {
        self.0.exclude.extend(sources);
        self
    }

    /// Never asks a person to sign in, not even at a terminal. The chain ends where it would ask,
    /// and its report says so ([`Verdict::WouldAsk`]).
    #[must_use]
    pub fn unattended(mut self) -> Self {
        self.0.unattended = true;
        self
    }

    /// Fails unless the token is for the expected identity.
    #[must_use]
    pub fn expect(mut self, expect: Expect) -> Self {
        self.0.expect.push(expect);
        self
    }

    /// Uses the settings of files, where this builder has none yet.
    #[must_use]
    pub fn settings(mut self, settings: &Settings) -> Self {
        let setup = &mut self.0;
        setup.preset = setup.preset.or(settings.preset);
        if setup.only.is_none() {
            setup.only.clone_from(&settings.only);
        }
        setup.exclude.extend(&settings.exclude);
        setup.expect.extend(settings.expect.iter().cloned());
        self
    }

    /// The chain.
    pub fn build(self) -> Chain {
        let system = self.0.options.system().clone();
        let resolver = Resolver {
            setup: self.0,
            winner: OnceLock::new(),
            people: People::default(),
            turn: Mutex::default(),
            last: ArcSwapOption::empty(),
        };
        Chain(Kept::new(Arc::new(resolver), system))
    }
}

/// The settings of a chain.
#[derive(Clone, Debug)]
struct Setup {
    preset: Option<Preset>,
    only: Option<Vec<Source>>,
    exclude: Vec<Source>,
    expect: Vec<Expect>,
    unattended: bool,
    options: ClientOptions,
}

impl Setup {
    fn preset(&self) -> Preset {
        self.preset.unwrap_or_default()
    }

    fn deadline(&self) -> Duration {
        self.options.deadline_or(DEADLINE)
    }

    /// The limit of a call to this source; `None` for the chain's own.
    fn patience(&self, source: Source) -> Option<Duration> {
        // People take longer than programs, and each way to sign in has its own limit.
        (source.asks_person() && !self.unattended).then(|| self.options.deadline_or(PERSON))
    }

    /// Requests a token from a source. In an unattended chain, the source asks no person.
    async fn fetch(
        &self,
        token_source: Arc<dyn TokenSource>,
        request: TokenRequest,
    ) -> Result<AccessToken> {
        let answer = token_source.fetch(request);
        if self.unattended {
            cache::without_person(answer).await
        } else {
            answer.await
        }
    }
}

/// Runs through the sources once, then uses the source that returned a token.
struct Resolver {
    setup: Setup,
    winner: OnceLock<Winner>,
    /// The sources that ask a person, shared by all runs: there may be several runs, see [`TURN`].
    people: People,
    /// One run at a time: callers with different requests wait for the first run's result. The
    /// value is when a person was last asked without success, and the error.
    turn: Mutex<Option<(Instant, Error)>>,
    last: ArcSwapOption<Report>,
}

/// The source that returned a token.
#[derive(Clone)]
struct Winner {
    source: Source,
    token_source: Arc<dyn TokenSource>,
}

/// The result of a run.
struct RunResult {
    token: AccessToken,
    winner: Winner,
}

impl Resolver {
    fn deadline(&self) -> Duration {
        self.setup.deadline()
    }

    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let began = Instant::now();
        let end = began + self.deadline();
        if let Some(winner) = self.winner.get() {
            return self.request_chosen(winner, request, end).await;
        }
        let patience = TURN.min(self.deadline() / 2);
        let turn = timeout_at(began + patience, self.turn.lock()).await;
        if let Some(winner) = self.winner.get() {
            drop(turn);
            return self.request_chosen(winner, request, end).await;
        }
        let mut turn = turn.ok();
        if let Some((_, error)) = turn
            .as_deref()
            .and_then(Option::as_ref)
            .filter(|(at, _)| *at >= began)
        {
            return Err(error.clone());
        }
        let (answer, report) = self.run(&self.people, request, end).await;
        let RunResult { token, winner } = answer.inspect_err(|error| {
            if error.kind() == ErrorKind::WrongAccount {
                // The next person who signs in may be another one.
                self.people.forget();
            }
            if let Some(turn) = turn
                .as_deref_mut()
                .filter(|_| self.has_asked_person(&report))
            {
                *turn = Some((Instant::now(), error.clone()));
            }
        })?;
        let token_source = winner.token_source.clone();
        match self.winner.get_or_init(|| winner) {
            winner if Arc::ptr_eq(&winner.token_source, &token_source) => Ok(token),
            // Another run, for which this caller no longer waited, was first.
            winner => self.request_chosen(winner, request, end).await,
        }
    }

    /// Requests a token from the chosen source. Its failure is the chain's: another source would be
    /// another identity.
    async fn request_chosen(
        &self,
        winner: &Winner,
        request: &TokenRequest,
        end: Instant,
    ) -> Result<AccessToken> {
        let (end, deadline) = match self.setup.patience(winner.source) {
            Some(patience) => (end.max(Instant::now() + patience), patience),
            None => (end, self.deadline()),
        };
        let answer = self
            .setup
            .fetch(winner.token_source.clone(), request.clone());
        let token = timeout_at(end, answer)
            .await
            .map_err(|_| too_late(request, deadline))??;
        expect::check(&self.setup, winner.source, &token)?;
        Ok(token)
    }

    fn has_asked_person(&self, report: &Report) -> bool {
        let mut attempts = report.attempts.iter();
        let is_of_person =
            |attempt: &Attempt| attempt.source.asks_person() && attempt.started.is_some();
        !self.setup.unattended && attempts.any(is_of_person)
    }

    async fn run(
        &self,
        people: &People,
        request: &TokenRequest,
        end: Instant,
    ) -> (Result<RunResult>, Arc<Report>) {
        let (answer, report) = resolve::run(&self.setup, people, request, end).await;
        let report = Arc::new(report);
        self.last.store(Some(report.clone()));
        (
            answer.map_err(|error| error.with_report(report.clone())),
            report,
        )
    }
}

fn too_late(request: &TokenRequest, deadline: Duration) -> Error {
    Error::new(
        ErrorKind::Unreachable,
        format!(
            "could not get a token for {}",
            request.scopes()[0].describe()
        ),
        format!("no source returned one within {} s", deadline.as_secs_f32()),
    )
    .with_fix(Fix::ReadReport)
}

impl TokenSource for Resolver {
    fn name(&self) -> &'static str {
        "Chain"
    }

    /// A chain knows its source after the first token only.
    fn look(&self, _: &dyn System) -> Availability {
        let kind = UsedKind::Chain {
            preset: self.setup.preset(),
            source: self.winner.get().map(|winner| winner.source),
        };
        Availability::Possible { using: kind.into() }
    }

    fn fetch(self: Arc<Self>, request: TokenRequest) -> BoxFuture<'static, Result<AccessToken>> {
        async move { self.token(&request).await }.boxed()
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain")
            .field("preset", &self.setup.preset())
            .field("chosen", &self.winner.get().map(|winner| winner.source))
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "default"))]
mod look_tests;
#[cfg(all(test, feature = "default"))]
mod tests;
