//! Gets tokens without the person, with the refresh tokens of their sign-in.

mod refusal;

use crate::{
    account::{self, Account, Ended, Person, Record, RefreshToken, Store},
    cache::{self, Identity},
    entra::{Grant, PersonTokens, TokenEndpoint},
    facts::{Error, ErrorKind, Result},
    request::TokenRequest,
    system::FileLock,
    tenant::TenantId,
    token::AccessToken,
};
use refusal::{Follows, follows};
use secrecy::ExposeSecret;
use std::time::Duration;
use tokio::time::Instant;

/// Azure CLI's application. Every tenant knows it, and it may request tokens for all of Azure. The
/// Azure SDKs also use it for people.
pub(crate) const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
/// The most refresh tokens of a person that are tried for one token.
const MOST_TRIED: usize = 4;
/// The limit of writing a result, even if the caller's time is over.
const WRITING: Duration = Duration::from_secs(10);

/// The result of a request without the person.
pub(crate) enum Silent {
    /// A token.
    Token(AccessToken),
    /// There is no sign-in.
    Nobody,
    /// The requested tenant does not know the account.
    NotInTenant(Error),
    /// The person has to be asked. If the provider sent a claims challenge, the error's refusal has
    /// it.
    AskPerson(Error),
}

impl Silent {
    /// Why there is no token.
    fn error(&self, who: &str) -> Error {
        match self {
            Self::NotInTenant(error) | Self::AskPerson(error) => error.clone(),
            Self::Token(_) | Self::Nobody => Error::new(
                ErrorKind::Unavailable,
                format!("{who} could not find a sign-in"),
                "it has been removed",
            ),
        }
    }
}

/// Gets a token with a stored sign-in: from the disk, or else with its refresh token.
///
/// Returns the changed record too. Cancel-safe: if the future is dropped during the request, the
/// result is stored all the same.
///
/// # Errors
/// Those of the vault; those of the provider that the person can't fix.
pub(crate) async fn with_kept(
    who: &'static str,
    store: &Store,
    endpoint: &TokenEndpoint,
    record: Record,
    request: &TokenRequest,
    end: Instant,
) -> Result<(Silent, Option<Record>)> {
    let endpoint = &at_home(endpoint, &record);
    let identity = identity(endpoint, &record, request)?;
    let id = record.id.clone();
    let mut other = None;
    let mut after = Some(record);
    let deadline = end.saturating_duration_since(Instant::now());
    let ask = async |left| {
        let end = Instant::now() + left;
        let (silent, record) = renewed(who, store, endpoint, &id, request, end).await?;
        after = record;
        match silent {
            Silent::Token(token) => Ok(token),
            silent => {
                let error = silent.error(who);
                other = Some(silent);
                Err(error)
            }
        }
    };
    let answer = cache::through(endpoint.options(), Some(identity), request, deadline, ask).await;
    match (answer, other) {
        (Ok(token), _) => Ok((Silent::Token(token), after)),
        (Err(_), Some(silent)) => Ok((silent, after)),
        (Err(error), None) => Err(error),
    }
}

/// Stores the token of a new sign-in on the disk, as if it had been requested with that sign-in.
pub(crate) async fn remember(
    endpoint: &TokenEndpoint,
    record: &Record,
    request: &TokenRequest,
    token: &AccessToken,
) {
    let endpoint = &at_home(endpoint, record);
    let Ok(identity) = identity(endpoint, record, request) else {
        return;
    };
    let had = async |_| Ok(token.clone());
    let _ = cache::through(endpoint.options(), Some(identity), request, WRITING, had).await;
}

/// The identity of tokens: the sign-in, independent of the credential.
fn identity(endpoint: &TokenEndpoint, record: &Record, request: &TokenRequest) -> Result<Identity> {
    let whose = Account::of(record, false).who();
    Ok(Identity::at(endpoint, "AzcredCredential", whose, request)?
        .and(&record.profile)
        .and(&record.id)
        .of_sign_in(&record.session))
}

/// Redeems a refresh token of the sign-in `id`, one process at a time: reads the sign-in, requests
/// a token, and stores the changes before any caller gets the token. So a refresh token for one use
/// survives any number of processes and cancelled callers.
async fn renewed(
    who: &'static str,
    store: &Store,
    endpoint: &TokenEndpoint,
    id: &str,
    request: &TokenRequest,
    end: Instant,
) -> Result<(Silent, Option<Record>)> {
    let lock = locked(store, id, end).await?;
    let wanted = id.to_owned();
    let read = store.off_thread(end, move |store| store.read(&wanted));
    let Some(record) = read.await? else {
        return Ok((Silent::Nobody, None));
    };
    let (store, endpoint, request) = (store.clone(), endpoint.clone(), request.clone());
    account::run_to_end(async move {
        redeemed(who, &store, &endpoint, lock, record, &request, end).await
    })
    .await
}

/// Redeems a refresh token of `record`, stores the changes, and then releases the `lock`.
async fn redeemed(
    who: &str,
    store: &Store,
    endpoint: &TokenEndpoint,
    lock: Option<FileLock>,
    mut record: Record,
    request: &TokenRequest,
    end: Instant,
) -> Result<(Silent, Option<Record>)> {
    let mut changed = false;
    let answer = with_record(who, endpoint, &mut record, request, end, &mut changed).await;
    if changed {
        let kept = record.clone();
        let written = store.off_thread(Instant::now() + WRITING, move |store| {
            let _until_written = lock;
            // Not every file system has locks: another process may have signed out or in again.
            let there = store.read(&kept.id)?;
            if there.is_some_and(|there| there.session == kept.session) {
                store.write(&kept)?;
            }
            Ok(())
        });
        if let Err(error) = written.await {
            tracing::warn!(%error, "a renewed sign-in could not be stored");
        }
    }
    answer.map(|silent| (silent, Some(record)))
}

/// Locks a sign-in. If locking is not possible (a folder that can't be written to), continues
/// without a lock.
async fn locked(store: &Store, id: &str, end: Instant) -> Result<Option<FileLock>> {
    match store.lock(id, end).await {
        Ok(Some(lock)) => Ok(Some(lock)),
        Ok(None) => Err(Error::new(
            ErrorKind::Unreachable,
            "gave up waiting for another process that renews the same sign-in",
            "it did not finish in time",
        )
        .with_fix("try again; if it happens again, stop the process that hangs")),
        Err(error) => {
            tracing::debug!(%error, "a sign-in is used without a lock");
            Ok(None)
        }
    }
}

/// Requests a token with a sign-in, and notes the changes in it.
pub(crate) async fn with_record(
    who: &str,
    endpoint: &TokenEndpoint,
    record: &mut Record,
    request: &TokenRequest,
    end: Instant,
    changed: &mut bool,
) -> Result<Silent> {
    let endpoint = at_home(endpoint, record);
    let client_id = endpoint.client_id().as_str().to_owned();
    let Some(person) = record.person_mut() else {
        return Ok(Silent::Nobody);
    };
    let candidates = candidates(person, &client_id);
    let mut last = None;
    for candidate in candidates {
        let grant = Grant::Refresh {
            token: candidate.token.clone(),
            home_account_id: person.home_account_id.clone(),
        };
        let left = end.saturating_duration_since(Instant::now());
        match endpoint.request_tokens(who, &grant, request, left).await {
            Ok(tokens) => {
                check_same(who, person, &tokens)?;
                *changed |= renew(person, &client_id, &candidate, &tokens);
                return Ok(Silent::Token(tokens.access));
            }
            Err(error) => match follows(&error) {
                // The provider may have rejected the claims and not the sign-in, which may still be
                // valid for other requests.
                Follows::Ended if request.claims().is_some() => {
                    return Ok(Silent::AskPerson(error));
                }
                Follows::Ended => {
                    let dead = candidate.token.expose_secret();
                    person
                        .refresh
                        .retain(|one| one.token.expose_secret() != dead);
                    *changed = true;
                    last = Some(error);
                }
                Follows::NotOfFamily => {
                    person.not_of_family.push(client_id.clone());
                    *changed = true;
                    last = Some(error);
                    break;
                }
                Follows::AskPerson => return Ok(Silent::AskPerson(error)),
                Follows::NotInTenant => return Ok(Silent::NotInTenant(error)),
                Follows::Nothing => return Err(error),
            },
        }
    }
    if let Some(error) = last {
        // The refresh tokens that are left, if any, belong to other applications.
        if let Some(refusal) = error.refusal().filter(|_| !is_stranger(person, &client_id)) {
            person.ended = Some(Ended::new(&client_id, error.why(), refusal));
        }
        return Ok(Silent::AskPerson(error));
    }
    Ok(match &person.ended {
        Some(ended) if ended.client_id.eq_ignore_ascii_case(&client_id) => {
            Silent::AskPerson(has_ended(who, person, ended))
        }
        _ => Silent::Nobody,
    })
}

/// The endpoint in the sign-in's tenant, if the given one is not for a single tenant.
fn at_home(endpoint: &TokenEndpoint, record: &Record) -> TokenEndpoint {
    match TenantId::new(&record.tenant) {
        Ok(tenant) if endpoint.tenant().is_shared() => endpoint.clone().with_tenant(tenant),
        _ => endpoint.clone(),
    }
}

/// The refresh tokens to try for an application: its own, then its family's, the latest first.
fn candidates(person: &Person, client_id: &str) -> Vec<RefreshToken> {
    let is_own = |one: &&RefreshToken| one.client_id.eq_ignore_ascii_case(client_id);
    let is_stranger = is_stranger(person, client_id);
    let own = person.refresh.iter().filter(is_own);
    let of_family = person
        .refresh
        .iter()
        .filter(|one| !is_own(one) && one.family.is_some() && !is_stranger);
    own.chain(of_family).take(MOST_TRIED).cloned().collect()
}

/// Whether the provider rejected an application as not in the family.
fn is_stranger(person: &Person, client_id: &str) -> bool {
    let strangers = &person.not_of_family;
    strangers
        .iter()
        .any(|one| one.eq_ignore_ascii_case(client_id))
}

/// Replaces the used refresh token by the new one. Returns whether that changed anything.
fn renew(person: &mut Person, client_id: &str, used: &RefreshToken, tokens: &PersonTokens) -> bool {
    let is_ours = |ended: &mut Ended| ended.client_id.eq_ignore_ascii_case(client_id);
    let had_ended = person.ended.take_if(is_ours).is_some();
    let Some(new) = &tokens.refresh else {
        return had_ended;
    };
    let is_same = used.client_id == client_id
        && used.family == tokens.family
        && used.token.expose_secret() == new.expose_secret();
    if is_same {
        return had_ended;
    }
    put_first(
        person,
        RefreshToken {
            client_id: client_id.to_owned(),
            family: tokens.family.clone(),
            token: new.clone(),
        },
    );
    true
}

/// Puts an application's refresh token first, and removes the older one.
pub(crate) fn put_first(person: &mut Person, token: RefreshToken) {
    person
        .refresh
        .retain(|one| !one.client_id.eq_ignore_ascii_case(&token.client_id));
    person.refresh.insert(0, token);
    person.refresh.truncate(16);
}

/// Fails if the tokens are of another person than the refresh token.
fn check_same(who: &str, person: &Person, tokens: &PersonTokens) -> Result<()> {
    match (&person.home_account_id, &tokens.home_account_id) {
        (Some(ours), Some(theirs)) if !ours.eq_ignore_ascii_case(theirs) => Err(Error::new(
            ErrorKind::Unexpected,
            format!("{who} could not renew a sign-in"),
            "the provider returned another person's token",
        )
        .with_fix("check the authority's address and the proxy")),
        _ => Ok(()),
    }
}

fn has_ended(who: &str, person: &Person, ended: &Ended) -> Error {
    let whose = person
        .username
        .as_deref()
        .or(person.name.as_deref())
        .unwrap_or("the person who had signed in");
    Error::new(
        ErrorKind::Refused,
        format!("{who} could not renew the sign-in of {whose}"),
        format!("the identity provider has ended it: {}", ended.why),
    )
    .with_refusal(ended.refusal())
}
