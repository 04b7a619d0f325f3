//! Reads MSAL's token cache and selects the tokens that MSAL would return: the 'unified cache
//! schema', as `token_cache.py` and `application.py` of MSAL for Python 1.39 read it.
//!
//! Secrets are borrowed from the file's bytes, which are wiped. A secret with an escape would have
//! to be copied; MSAL writes none. Such an entry, and every other one that MSAL would not write, is
//! skipped: other programs share the cache.

use super::{super::tool_output, files::NotHere};
use crate::json;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    marker::PhantomData,
    time::{Duration, SystemTime},
};

/// A token with less time left counts as expired.
const TIME_LEFT: Duration = Duration::from_secs(5 * 60);
/// The family of Microsoft's own applications, which may use each other's refresh tokens.
const FAMILY: &str = "1";

/// The cache in the order of the file. If several tokens fit, MSAL returns the first.
#[derive(Deserialize)]
pub(super) struct TokenCache<'a> {
    #[serde(rename = "AccessToken", borrow, default)]
    access: Members<'a, AccessEntry<'a>>,
    #[serde(rename = "RefreshToken", borrow, default)]
    refresh: Members<'a, RefreshEntry<'a>>,
    #[serde(rename = "Account", borrow, default)]
    accounts: Members<'a, AccountEntry<'a>>,
    #[serde(rename = "AppMetadata", borrow, default)]
    applications: Members<'a, ApplicationEntry<'a>>,
}

#[derive(Deserialize)]
struct AccessEntry<'a> {
    secret: &'a str,
    #[serde(borrow, default)]
    home_account_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    environment: Cow<'a, str>,
    #[serde(borrow)]
    client_id: Cow<'a, str>,
    #[serde(borrow)]
    realm: Cow<'a, str>,
    #[serde(borrow)]
    target: Cow<'a, str>,
    #[serde(borrow, default)]
    token_type: Option<Cow<'a, str>>,
    expires_on: Seconds,
    #[serde(default)]
    refresh_on: Option<Seconds>,
    /// A token for a request with unusual parameters.
    #[serde(default)]
    ext_cache_key: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct RefreshEntry<'a> {
    secret: &'a str,
    #[serde(borrow, default)]
    home_account_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    environment: Cow<'a, str>,
    #[serde(borrow, default)]
    client_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    family_id: Option<Cow<'a, str>>,
    #[serde(default)]
    last_modification_time: Option<Seconds>,
}

#[derive(Deserialize)]
struct AccountEntry<'a> {
    #[serde(borrow, default)]
    home_account_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    environment: Cow<'a, str>,
    #[serde(borrow)]
    username: Cow<'a, str>,
    #[serde(borrow)]
    authority_type: Cow<'a, str>,
    #[serde(borrow, default)]
    account_source: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct ApplicationEntry<'a> {
    #[serde(borrow, default)]
    family_id: Option<Cow<'a, str>>,
}

/// A person in the cache.
#[derive(Debug)]
pub(super) struct CachedPerson {
    pub(super) home_account_id: String,
    /// Whether the system's broker signed them in. Then only the broker can get tokens that are not
    /// in the cache.
    pub(super) is_brokers: bool,
}

/// The account whose tokens are selected.
#[derive(Clone, Copy)]
pub(super) struct Whose<'q> {
    pub(super) client_id: &'q str,
    pub(super) environment: &'q str,
    /// `None` for an application's own tokens.
    pub(super) home_account_id: Option<&'q str>,
}

/// A token that MSAL would return.
#[derive(Debug)]
pub(super) struct Cached<'a> {
    pub(super) secret: &'a str,
    pub(super) lifetime: Duration,
    /// When it is due for refresh, from now.
    pub(super) refresh_in: Option<Duration>,
    /// Whether it is due. Then MSAL returns it only if it gets no other.
    pub(super) is_due: bool,
}

impl<'a> TokenCache<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, NotHere> {
        let cache: Self = json::object(bytes)
            .ok_or_else(|| NotHere::because("Azure CLI's token cache has an unknown format"))?;
        let skipped = cache.access.skipped
            + cache.refresh.skipped
            + cache.accounts.skipped
            + cache.applications.skipped;
        if skipped > 0 {
            tracing::debug!(
                skipped,
                "some entries of Azure CLI's token cache have an unknown form; the others are used"
            );
        }
        Ok(cache)
    }

    /// The only person with this name.
    pub(super) fn person(&self, environment: &str, name: &str) -> Result<CachedPerson, NotHere> {
        // A person has an entry for each tenant; the last one counts.
        let mut people = BTreeMap::new();
        for (_, entry) in &self.accounts.entries {
            if entry.environment == environment
                && ["MSSTS", "ADFS"].contains(&entry.authority_type.as_ref())
            {
                people.insert(entry.home_account_id.as_deref(), entry);
            }
        }
        let name = name.to_lowercase();
        let mut named = people
            .values()
            .filter(|entry| entry.username.to_lowercase() == name);
        match (named.next(), named.next()) {
            (Some(entry), None) => Ok(CachedPerson {
                home_account_id: entry
                    .home_account_id
                    .as_deref()
                    .ok_or_else(|| NotHere::because("the account has no id in the token cache"))?
                    .to_owned(),
                is_brokers: entry.account_source.as_deref() == Some("broker"),
            }),
            (None, _) => Err(NotHere::because("the account is not in the token cache")),
            (Some(_), Some(_)) => Err(NotHere::because(
                "the token cache has several accounts with this name",
            )),
        }
    }

    /// The access token for all of `scopes` in the tenant `realm` (`search` in `token_cache.py`).
    pub(super) fn access(
        &self,
        whose: Whose<'_>,
        realm: &str,
        scopes: &[&str],
        now: SystemTime,
    ) -> Result<Option<Cached<'a>>, NotHere> {
        let mut sorted = scopes.to_vec();
        sorted.sort_unstable();
        let key = [
            whose.home_account_id.unwrap_or_default(),
            whose.environment,
            "AccessToken",
            whose.client_id,
            realm,
            &sorted.join(" "),
        ]
        .join("-")
        .to_lowercase();
        let is_whose = |entry: &AccessEntry<'_>| {
            entry.environment == whose.environment
                && entry.client_id == whose.client_id
                && entry.realm == realm
                && entry.home_account_id.as_deref() == whose.home_account_id
        };
        let has_all = |entry: &AccessEntry<'_>| {
            scopes
                .iter()
                .all(|scope| entry.target.split_whitespace().any(|one| one == *scope))
        };
        let exact = self
            .access
            .entries
            .iter()
            .rfind(|(name, entry)| *name == key && is_whose(entry));
        let others = self.access.entries.iter().filter(|(_, entry)| {
            entry.ext_cache_key.is_none() && is_whose(entry) && has_all(entry)
        });
        for (_, entry) in exact.into_iter().chain(others) {
            let Some(lifetime) = entry.expires_on.after(now) else {
                continue;
            };
            if lifetime < TIME_LEFT {
                continue;
            }
            let is_bearer = entry
                .token_type
                .as_deref()
                .is_none_or(|kind| kind.eq_ignore_ascii_case("Bearer"));
            if !is_bearer || !tool_output::is_token(entry.secret) {
                continue;
            }
            let refresh_in = entry.refresh_on.as_ref().map(|time| time.after(now));
            return Ok(Some(Cached {
                secret: entry.secret,
                lifetime,
                refresh_in: refresh_in.flatten(),
                is_due: refresh_in.is_some_and(|left| left.is_none()),
            }));
        }
        Ok(None)
    }

    /// A person's refresh tokens in the order in which MSAL tries them: the family's, then the
    /// application's own, newer ones first
    /// (`_acquire_token_silent_by_finding_rt_belongs_to_me_or_my_family` in `application.py`).
    pub(super) fn refresh(&self, whose: Whose<'_>) -> Vec<&'a str> {
        let name = format!("appmetadata-{}-{}", whose.environment, whose.client_id);
        let family = match self
            .applications
            .entries
            .iter()
            .rfind(|(key, _)| *key == name)
        {
            // The application is used for the first time and may be in the family.
            None => Some(FAMILY),
            Some((_, application)) => application.family_id.as_deref(),
        };
        let mut tokens: Vec<&str> = Vec::new();
        let mut take = |is_wanted: &dyn Fn(&RefreshEntry<'_>) -> bool| {
            let mut found: Vec<_> = self
                .refresh
                .entries
                .iter()
                .map(|(_, entry)| entry)
                .filter(|entry| {
                    entry.environment == whose.environment
                        && entry.home_account_id.as_deref() == whose.home_account_id
                        && is_wanted(entry)
                })
                .collect();
            found.sort_by_key(|entry| {
                std::cmp::Reverse(entry.last_modification_time.as_ref().map_or(0, |at| at.0))
            });
            for entry in found {
                if !tokens.contains(&entry.secret) {
                    tokens.push(entry.secret);
                }
            }
        };
        if let Some(family) = family {
            take(&|entry| entry.family_id.as_deref() == Some(family));
        }
        take(&|entry| entry.client_id.as_deref() == Some(whose.client_id));
        tokens
    }
}

/// Seconds since 1970: a string by the schema, or a number.
#[derive(Clone, Copy)]
struct Seconds(u64);

impl Seconds {
    /// The time until then; `None` if it has passed.
    fn after(self, now: SystemTime) -> Option<Duration> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Duration::from_secs(self.0).checked_sub(now)
    }
}

/// A later end is not accepted; more would overflow a clock.
const LATEST: u64 = 1 << 34;

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form<'a> {
            Number(u64),
            Text(#[serde(borrow)] Cow<'a, str>),
        }
        let seconds = match Form::deserialize(deserializer)? {
            Form::Number(seconds) => Some(seconds),
            Form::Text(text) => text.trim().parse().ok(),
        };
        seconds
            .filter(|seconds| *seconds < LATEST)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("no time"))
    }
}

/// An object's members in their order, as far as they have the form of `T`.
struct Members<'a, T> {
    entries: Vec<(Cow<'a, str>, T)>,
    /// How many have another form.
    skipped: usize,
}

impl<T> Default for Members<'_, T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            skipped: 0,
        }
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Members<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<'a, T>(PhantomData<(&'a (), T)>);

        impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for InOrder<'a, T> {
            type Value = Members<'a, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members::default();
                while let Some(Key(key)) = map.next_key()? {
                    let entry: &'de RawValue = map.next_value()?;
                    match serde_json::from_str(entry.get()) {
                        Ok(entry) => members.entries.push((key, entry)),
                        Err(_) => members.skipped += 1,
                    }
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(InOrder(PhantomData))
    }
}

/// A member's name, borrowed if possible.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
#[path = "token_cache_tests.rs"]
mod tests;
