//! Gets tokens without the person: with the sign-in on the disk, or else with this process's.

use super::{PersonSource, SignsIn, Who, username};
use crate::{
    account::{self, Record, Store},
    credential::redeem::{self, Silent, with_kept},
    facts::{Error, ErrorKind, Result},
    request::TokenRequest,
};
use tokio::time::{Instant, timeout_at};

/// The result of a try without the person.
pub(super) struct Tried {
    pub(super) silent: Silent,
    /// The sign-in that was used.
    pub(super) record: Option<Record>,
}

impl Tried {
    pub(super) fn session(&self) -> Option<&str> {
        self.record.as_ref().map(|record| record.session.as_str())
    }
}

impl<A: SignsIn> PersonSource<A> {
    /// Tries without the person, within the limit of a request.
    pub(super) async fn without_person(
        &self,
        request: &TokenRequest,
        end: Instant,
    ) -> Result<Tried> {
        let end = end.min(Instant::now() + self.endpoint.deadline());
        let tried = loop {
            let tried = match self.with_kept(request, end).await? {
                Some(tried) => tried,
                None => self.with_held(request, end).await?,
            };
            match (&tried.silent, &tried.record) {
                // Another call was first, with another person's sign-in.
                (Silent::Token(_), Some(record)) if !self.is_for(record) => {}
                _ => break tried,
            }
        };
        match tried.silent {
            // A credential keeps its person. If it has none yet, another person may sign in to this
            // tenant.
            Silent::NotInTenant(error) if self.held().who.is_some() => Err(error),
            Silent::NotInTenant(_) => Ok(Tried {
                silent: Silent::Nobody,
                record: None,
            }),
            _ => Ok(tried),
        }
    }

    /// Whether the sign-in is of this credential's person. The first token decides who that is.
    fn is_for(&self, record: &Record) -> bool {
        let who = &mut self.held().who;
        let is_same = who.as_ref().is_none_or(|known| known.id == record.id);
        if is_same {
            *who = Who::of(record);
        }
        is_same
    }

    /// Tries with a stored sign-in; `None` if there is none that can be used.
    async fn with_kept(&self, request: &TokenRequest, end: Instant) -> Result<Option<Tried>> {
        let Some(store) = &self.store else {
            return Ok(None);
        };
        let chosen = match self.chosen(store, end).await {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(None),
            Err(error) => {
                tracing::warn!(%error, "the stored sign-ins can't be used");
                return Ok(None);
            }
        };
        let who = self.way.name();
        let (silent, record) = with_kept(who, store, &self.endpoint, chosen, request, end).await?;
        Ok(record.map(|record| Tried {
            silent,
            record: Some(record),
        }))
    }

    /// Tries with this process's sign-in.
    async fn with_held(&self, request: &TokenRequest, end: Instant) -> Result<Tried> {
        let who = self.way.name();
        let renewing = self.shared.renewing.clone();
        let one_at_a_time = timeout_at(end, renewing.lock_owned()).await.map_err(|_| {
            Error::new(
                ErrorKind::Unreachable,
                format!("{who} gave up waiting for another call that renews the same sign-in"),
                "it did not finish in time",
            )
        })?;
        let Some(mut record) = self.held().record.clone() else {
            return Ok(Tried {
                silent: Silent::Nobody,
                record: None,
            });
        };
        let (endpoint, shared) = (self.endpoint.clone(), self.shared.clone());
        let request = request.clone();
        account::run_to_end(async move {
            let _until_held = one_at_a_time;
            let mut changed = false;
            let silent =
                redeem::with_record(who, &endpoint, &mut record, &request, end, &mut changed).await;
            // A person who signed in meanwhile stays signed in.
            if changed
                && let Some(place) = &mut shared.held().record
                && place.session == record.session
            {
                *place = record.clone();
            }
            Ok(Tried {
                silent: silent?,
                record: Some(record),
            })
        })
        .await
    }

    /// The stored sign-in of this credential: the one that it had before. Without one, of those
    /// that fit: the profile's current one, or the only one.
    async fn chosen(&self, store: &Store, end: Instant) -> Result<Option<Record>> {
        let who = self.held().who.clone();
        let hint = self.login_hint.clone();
        store
            .off_thread(end, move |store| {
                if let Some(who) = who {
                    return store.read(&who.id);
                }
                let fits = |record: &Record| {
                    record.person().is_some()
                        && hint.as_deref().is_none_or(|hint| {
                            username(record).is_some_and(|name| name.eq_ignore_ascii_case(hint))
                        })
                };
                if let Some(current) = store.current()?.filter(|record| fits(record)) {
                    return Ok(Some(current));
                }
                let mut others = store.of_profile()?;
                others.retain(|(record, _)| fits(record));
                Ok(match others.len() {
                    1 => others.pop().map(|(record, _)| record),
                    _ => None,
                })
            })
            .await
    }

    /// The sign-in that is stored now.
    pub(super) async fn session(&self, end: Instant) -> Option<String> {
        let kept = match &self.store {
            Some(store) => self.chosen(store, end).await.ok().flatten(),
            None => None,
        };
        match kept {
            Some(record) => Some(record.session),
            None => {
                let held = self.held();
                held.record.as_ref().map(|record| record.session.clone())
            }
        }
    }
}
