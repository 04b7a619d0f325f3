//! Accounts: which accounts are signed in to azcred on this machine, and which of them
//! [`crate::AzcredCredential`] uses.
//!
//! Sign-ins are stored encrypted in the user's data folder, by profile ([`crate::Profile`]) and by
//! authority: an emulator or another cloud has its own. Each profile and authority has one current
//! account.

#[cfg(feature = "disk-cache")]
mod add;
#[cfg(feature = "people")]
mod keep;
mod record;
mod renewal;
#[cfg(feature = "disk-cache")]
mod secret;
mod store;

#[cfg(feature = "people")]
pub(crate) use keep::{Current, keep, of_person};
pub(crate) use record::{Ended, Person, Record, RefreshToken, StoredProof};
pub(crate) use renewal::run_to_end;
#[cfg(feature = "disk-cache")]
pub(crate) use secret::secret_of;
pub(crate) use store::Store;

pub use renewal::settled;
#[cfg(feature = "disk-cache")]
pub use secret::SecretStore;

use crate::{
    facts::{Error, ErrorKind, Fix, Result},
    options::ClientOptions,
    profile::Profile,
    sieve::{invalid, tidied},
    untrusted::{Untrusted, printable},
};
use serde::{Serialize, Serializer};
use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc, time::Duration};
use time::OffsetDateTime;
use tokio::time::Instant;

/// The accounts of a profile. Every method reads or writes files, in its own thread, and ends
/// within [`ClientOptions::deadline`].
///
/// The errors of all methods: [`ErrorKind::Unavailable`] if sign-ins can't be stored here (no home
/// folder, a keyring out of reach), [`ErrorKind::Unreachable`] if the keyring fails or the disk
/// hangs, [`ErrorKind::Invalid`] if what is stored can't be used or must not be, with the fix.
#[cfg(feature = "disk-cache")]
#[derive(Clone, Debug)]
pub struct Accounts {
    store: Store,
    secrets: SecretStore,
    deadline: Duration,
}

/// An account, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Account {
    /// The account's id on this machine.
    pub id: AccountId,
    /// The kind of account.
    pub kind: AccountKind,
    /// A person's sign-in name, such as `ada@contoso.com`.
    pub username: Option<Untrusted>,
    /// A person's name.
    pub name: Option<Untrusted>,
    /// A person's object id in [`tenant`](Self::tenant). In a tenant where they are a guest, the
    /// object id is another.
    pub object_id: Option<Untrusted>,
    /// A person's object id and tenant at home, `OBJECT-ID.TENANT-ID`. It is the same in every
    /// tenant where they are a guest.
    pub home_account_id: Option<Untrusted>,
    /// The tenant that tokens are for, unless a request names another; `None` for a managed
    /// identity.
    pub tenant: Option<Untrusted>,
    /// The tenants that a person signed in to, the latest first.
    pub tenants: Vec<Untrusted>,
    /// The names of a person's tenants by id, as far as [`Accounts::name_tenants`] stored them.
    pub tenant_names: BTreeMap<String, Untrusted>,
    /// The client id: a service principal's own, or that of the application that a person signed in
    /// to, or the one that selects a managed identity.
    pub client_id: Option<Untrusted>,
    /// The file with the certificate or the federated token.
    pub path: Option<Untrusted>,
    /// The authority at which the account signs in.
    pub authority: String,
    /// The profile.
    pub profile: String,
    /// When the account signed in, in UTC.
    #[serde(serialize_with = "time::serde::rfc3339::serialize")]
    pub signed_in_on: OffsetDateTime,
    /// Whether the account is the current one of its profile and authority.
    pub is_current: bool,
    /// Why the account has to sign in again, if the provider has ended the sign-in.
    pub trouble: Option<Untrusted>,
}

/// The kind of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AccountKind {
    /// A person.
    Person,
    /// An application with a secret.
    ClientSecret,
    /// An application with a certificate in a file.
    ClientCertificate,
    /// An application with a token in a file that another program renews.
    FederatedToken,
    /// An identity that Azure keeps for this machine.
    ManagedIdentity,
}

/// The id of an account: 16 digits. The same account has the same id at every sign-in.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(Arc<str>);

impl AccountId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountId({})", self.0.escape_debug())
    }
}

impl FromStr for AccountId {
    type Err = Error;

    fn from_str(id: &str) -> Result<Self> {
        let given = id;
        let id = tidied(given).to_ascii_lowercase();
        if id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self(id.into()));
        }
        Err(invalid(
            "the account id",
            given,
            "an account's id is 16 hexadecimal digits",
        )
        .with_fix(Fix::NameAccount))
    }
}

impl Serialize for AccountId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Account {
    /// The account's name: the user name, the name, the application or the managed identity.
    pub fn who(&self) -> String {
        let name = self.username.as_ref().or(self.name.as_ref());
        match (self.kind, name, &self.client_id) {
            (AccountKind::Person, Some(name), _) => name.to_string(),
            (AccountKind::Person, None, _) => format!("a person ({})", self.id),
            (AccountKind::ManagedIdentity, _, Some(id)) => format!("the managed identity {id}"),
            (AccountKind::ManagedIdentity, _, None) => "this machine's managed identity".to_owned(),
            (_, _, Some(id)) => format!("the application {id}"),
            (_, _, None) => format!("an application ({})", self.id),
        }
    }

    pub(crate) fn of(record: &Record, is_current: bool) -> Self {
        let person = record.person();
        let text = |text: &String| Untrusted::from(text.as_str());
        let path = match &record.proof {
            StoredProof::ClientCertificate { path, .. } | StoredProof::FederatedToken { path } => {
                Some(text(path))
            }
            _ => None,
        };
        let named = match &record.proof {
            StoredProof::ManagedIdentity { named } => named.as_ref().map(|(_, value)| text(value)),
            _ => None,
        };
        Self {
            id: AccountId(record.id.as_str().into()),
            kind: match &record.proof {
                StoredProof::Person(_) => AccountKind::Person,
                StoredProof::ClientSecret { .. } => AccountKind::ClientSecret,
                StoredProof::ClientCertificate { .. } => AccountKind::ClientCertificate,
                StoredProof::FederatedToken { .. } => AccountKind::FederatedToken,
                StoredProof::ManagedIdentity { .. } => AccountKind::ManagedIdentity,
            },
            username: person.and_then(|person| person.username.as_ref().map(text)),
            name: person.and_then(|person| person.name.as_ref().map(text)),
            object_id: person.and_then(|person| {
                let at_home = || person.home_account_id.as_deref()?.split_once('.');
                let of_home = || at_home().map(|(object_id, _)| object_id.into());
                person.object_id.as_ref().map(text).or_else(of_home)
            }),
            home_account_id: person.and_then(|person| person.home_account_id.as_ref().map(text)),
            tenant: Untrusted::some(&record.tenant),
            tenants: person
                .map_or_else(Vec::new, |person| person.tenants.iter().map(text).collect()),
            tenant_names: person.map_or_else(BTreeMap::new, |person| {
                let names = person.tenant_names.iter();
                names.map(|(id, name)| (id.clone(), text(name))).collect()
            }),
            client_id: record.client_id.as_ref().map(text).or(named),
            path,
            authority: record.authority.clone(),
            profile: record.profile.clone(),
            signed_in_on: record.signed_in_on().into(),
            is_current,
            trouble: person
                .and_then(|person| person.ended.as_ref())
                .map(|ended| text(&ended.why)),
        }
    }
}

/// The result of [`Accounts::remove`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Removed {
    /// The account that was signed out.
    pub account: Account,
    /// The account that became the current one because it is the only one left; `None` if the
    /// current one did not change or several are left.
    pub now_current: Option<Account>,
    /// Why cached tokens of the account are still on the disk; `None` if they are not.
    pub tokens_left: Option<Arc<Error>>,
    /// The item in the keyring with the account's secret, which an older version stored under a
    /// name without the data folder. It is still there, because another data folder may use it;
    /// `None` if there is none.
    pub old_keyring_item: Option<String>,
}

/// The result of [`Accounts::remove_all`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RemovedAll {
    /// The accounts that were signed out.
    pub removed: Vec<Removed>,
    /// What is still signed in, in a few words, and why.
    pub left: Vec<(String, Error)>,
}

#[cfg(feature = "disk-cache")]
impl Accounts {
    /// The accounts of the options' profile at the options' cloud. Reads nothing yet.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the cloud is unknown.
    pub fn new(options: &ClientOptions) -> Result<Self> {
        Ok(Self {
            store: Store::new(options)?,
            secrets: SecretStore::default(),
            deadline: options.deadline(),
        })
    }

    fn end(&self) -> Instant {
        Instant::now() + self.deadline
    }

    async fn read<T: Send + 'static>(
        &self,
        does: impl FnOnce(&Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.store.off_thread(self.end(), does).await
    }

    /// The accounts of this profile at this authority, in the order in which they signed in.
    ///
    /// # Errors
    /// See [`Accounts`].
    pub async fn list(&self) -> Result<Vec<Account>> {
        self.read(|store| known(store, &store.of_profile()?)).await
    }

    /// The accounts of all profiles at all authorities.
    ///
    /// # Errors
    /// See [`Accounts`].
    pub async fn list_all(&self) -> Result<Vec<Account>> {
        self.read(|store| known(store, &store.all()?)).await
    }

    /// The current account, if there is one.
    ///
    /// # Errors
    /// See [`Accounts`].
    pub async fn current(&self) -> Result<Option<Account>> {
        self.read(|store| {
            let records: Vec<_> = store
                .current()?
                .map(|record| (record, true))
                .into_iter()
                .collect();
            Ok(known(store, &records)?.pop())
        })
        .await
    }

    /// Makes an account the current one.
    ///
    /// # Errors
    /// See [`Accounts`]; [`ErrorKind::Invalid`] if it does not exist.
    pub async fn use_account(&self, id: &AccountId) -> Result<Account> {
        let id = id.clone();
        self.read(move |store| {
            let record = store
                .read(id.as_str())?
                .ok_or_else(|| no_such(id.as_str()))?;
            store.make_current(id.as_str())?;
            Ok(Account::of(&record, true))
        })
        .await
    }

    /// Stores the names of tenants with a person's account, by the tenants' ids. They are for
    /// display: a token does not say its tenant's name. Control characters are removed. Returns the
    /// account. Nothing changes for an account that is not a person's, or if another process holds
    /// the account until the deadline.
    ///
    /// # Errors
    /// See [`Accounts`]; [`ErrorKind::Invalid`] if the account does not exist.
    pub async fn name_tenants(
        &self,
        id: &AccountId,
        names: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Account> {
        /// A consultant has some hundreds.
        const MOST: usize = 500;
        let names: Vec<_> = names
            .into_iter()
            .take(MOST)
            .map(|(id, name)| (id.to_ascii_lowercase(), printable(&name, 128)))
            .collect();
        let (id, end) = (id.clone(), self.end());
        // Another process may redeem the account's refresh token now.
        let lock = self.store.lock(id.as_str(), end).await?;
        self.read(move |store| {
            let mut record = store
                .read(id.as_str())?
                .ok_or_else(|| no_such(id.as_str()))?;
            if let (Some(_until_stored), Some(person)) = (lock, record.person_mut()) {
                person.tenant_names.extend(names);
                store.write(&record)?;
            }
            let is_current = store.current_id()?.as_deref() == Some(id.as_str());
            Ok(Account::of(&record, is_current))
        })
        .await
    }

    /// The account that `text` names: by its id, user name, object id or application, or by a
    /// prefix of one of these that no other account has. `this machine` names the machine's own
    /// managed identity. Case does not matter.
    ///
    /// # Errors
    /// See [`Accounts`]; [`ErrorKind::Invalid`] if no account or several match; the error names
    /// them.
    pub async fn find(&self, text: &str) -> Result<Account> {
        let there = self.list().await?;
        match meant(&there, text)[..] {
            [one] => Ok(one.clone()),
            [] => Err(self.elsewhere(text).await?),
            ref several => Err(ambiguous(several, text)),
        }
    }

    /// The error if there is no such account here. Another profile or authority may have it.
    async fn elsewhere(&self, text: &str) -> Result<Error> {
        let all = self.list_all().await?;
        let [account] = meant(&all, text)[..] else {
            return Ok(no_such(text));
        };
        let why = format!(
            "it signed in at {} in the profile '{}'",
            account.authority, account.profile
        );
        let fix = Fix::LookIn {
            profile: Some(account.profile.clone()).filter(|it| it != self.store.profile()),
            authority: Some(account.authority.clone()).filter(|it| it != self.store.authority()),
        };
        let what = format!("could not find the account '{}'", printable(text, 64));
        Ok(Error::new(ErrorKind::Invalid, what, why).with_fix(fix))
    }

    /// Signs an account out: removes its sign-in and its cached tokens. If only one account is
    /// left, it is then the current one. The sign-in does not open again, even if a copy of its
    /// file is put back.
    ///
    /// # Errors
    /// See [`Accounts`]; [`ErrorKind::Invalid`] if it does not exist.
    pub async fn remove(&self, id: &AccountId) -> Result<Removed> {
        removed(&self.store, id.clone(), self.end()).await
    }

    /// Signs all accounts out, at every authority: those of all profiles, or of one. An account
    /// that can't be signed out does not stop the others.
    pub async fn remove_all(&self, profile: Option<&Profile>) -> RemovedAll {
        let mut all = RemovedAll::default();
        for store in [self.store.clone(), self.store.without_keyring()] {
            let end = self.end();
            let records = match store.off_thread(end, Store::all).await {
                Ok(records) => records,
                Err(error) => {
                    all.left.push(("the accounts".to_owned(), error));
                    continue;
                }
            };
            for (record, _) in records {
                if profile.is_some_and(|profile| profile.name() != record.profile) {
                    continue;
                }
                let id = AccountId(record.id.as_str().into());
                match removed(&store.of(&record), id, self.end()).await {
                    Ok(removed) => all.removed.push(removed),
                    Err(error) => all.left.push((Account::of(&record, false).who(), error)),
                }
            }
            if store.vault().used_file() {
                break;
            }
        }
        let away = self.read(|store| Ok(store.out_of_reach()));
        if let Ok(Some(error)) = away.await {
            all.left
                .push(("the accounts of other sessions".to_owned(), error));
        }
        all
    }
}

/// Signs an account out.
#[cfg(feature = "disk-cache")]
async fn removed(store: &Store, id: AccountId, end: Instant) -> Result<Removed> {
    // A renewal at the same time would store the sign-in again.
    let lock = store.lock(id.as_str(), end).await?;
    store
        .off_thread(end, move |store| {
            let _until_removed = lock;
            let record = store
                .read(id.as_str())?
                .ok_or_else(|| no_such(id.as_str()))?;
            let was_current = store.current_id()?.as_deref() == Some(id.as_str());
            let old_keyring_item = secret::forget(store, &record)?;
            store.remove(id.as_str())?;
            let tokens_left = store.forget_tokens(&record).err().map(Arc::new);
            let now_current = match &store.of_profile()?[..] {
                [(only, false)] => {
                    store.make_current(&only.id)?;
                    Some(Account::of(only, true))
                }
                _ => None,
            };
            Ok(Removed {
                account: Account::of(&record, was_current),
                now_current,
                tokens_left,
                old_keyring_item,
            })
        })
        .await
}

/// The accounts. If this session can't reach the keyring, that is an error, not an empty list.
fn known(store: &Store, records: &[(Record, bool)]) -> Result<Vec<Account>> {
    if records.is_empty()
        && let Some(error) = store.out_of_reach()
    {
        return Err(error);
    }
    Ok(records
        .iter()
        .map(|(record, is_current)| Account::of(record, *is_current))
        .collect())
}

fn no_such(id: &str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!("could not find the account '{}'", printable(id, 64)),
        "no account has this name or id",
    )
    .with_fix(Fix::NameAccount)
}

/// The accounts that `text` may name.
fn meant<'a>(accounts: &'a [Account], text: &str) -> Vec<&'a Account> {
    let wanted = text.trim().to_lowercase();
    let words = |account: &Account| -> Vec<String> {
        [
            Some(account.id.as_str()),
            account.username.as_deref(),
            account.object_id.as_deref(),
            account.home_account_id.as_deref(),
            account
                .client_id
                .as_deref()
                .filter(|_| account.kind != AccountKind::Person),
            // The name that lists show.
            Some("this machine").filter(|_| {
                account.kind == AccountKind::ManagedIdentity && account.client_id.is_none()
            }),
        ]
        .into_iter()
        .flatten()
        .map(str::to_lowercase)
        .collect()
    };
    let has = |fits: &dyn Fn(&str) -> bool| -> Vec<&'a Account> {
        accounts
            .iter()
            .filter(|account| words(account).iter().any(|word| fits(word)))
            .collect()
    };
    let meant = has(&|word| word == wanted);
    if meant.is_empty() && !wanted.is_empty() {
        return has(&|word| word.starts_with(&wanted));
    }
    meant
}

fn ambiguous(several: &[&Account], text: &str) -> Error {
    let all: Vec<String> = several
        .iter()
        .map(|account| {
            let tenant = account.tenant.as_deref().unwrap_or("no tenant");
            format!("{} = {} in {tenant}", account.id, account.who())
        })
        .collect();
    Error::new(
        ErrorKind::Invalid,
        format!("could not find the account '{}'", printable(text, 64)),
        format!("several accounts match: {}", all.join("; ")),
    )
    .with_fix("give the id of one of them")
}

#[cfg(all(test, feature = "default"))]
mod tests;
