//! Where an application's secret is stored: in the system's keyring, or in the account's encrypted
//! record if the person chose that.

use super::{
    Account,
    record::{KeptSecret, Record, StoredProof},
    store::Store,
};
use crate::{
    facts::{Error, ErrorKind, Fix, Result},
    system::{Keyring, NoKeyring},
    vault,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

/// Where [`Accounts`](super::Accounts) stores the secrets of applications and the passwords of
/// certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SecretStore {
    /// The system's keyring. Without one, a secret is not stored.
    #[default]
    Keyring,
    /// The encrypted file of the account. Its key is in the system's keyring, or else in a file
    /// beside it: then a secret is only as safe as a file that no other user may read.
    File,
}

/// A secret to store, or one that would be.
pub(super) struct Wanted<'a> {
    /// The application.
    pub(super) client_id: &'a str,
    /// Whether the secret is a certificate's password.
    pub(super) is_password: bool,
}

impl Wanted<'_> {
    fn what(&self) -> String {
        let client_id = self.client_id;
        match self.is_password {
            true => format!(
                "could not store the password of the certificate of the application {client_id}"
            ),
            false => format!("could not store the secret of the application {client_id}"),
        }
    }

    /// The error if no keyring can be used. `first` is the fix that would allow it.
    fn no_keyring(&self, why: String, first: Fix) -> Error {
        let others = match self.is_password {
            true => Fix::from("use a certificate file without a password").or(Fix::set([
                "AZURE_TENANT_ID",
                "AZURE_CLIENT_ID",
                "AZURE_CLIENT_CERTIFICATE_PATH",
                "AZURE_CLIENT_CERTIFICATE_PASSWORD",
            ])),
            false => Fix::set(["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"])
                .or("sign in with a certificate or a federated token instead of a secret"),
        };
        Error::new(ErrorKind::Unavailable, self.what(), why)
            .with_fix(first.or(Fix::StoreSecretInFile).or(others))
    }

    fn unusable(&self, keyring: &dyn Keyring, trouble: NoKeyring) -> Error {
        match trouble {
            NoKeyring::Absent(why) => self.no_keyring(
                format!("this machine has no keyring ({why})"),
                Fix::default(),
            ),
            NoKeyring::Locked => self.no_keyring(
                format!("{} is locked", keyring.title()),
                "unlock it, for example by signing in to the desktop".into(),
            ),
            NoKeyring::Failed(why) => self.no_keyring(
                format!("{} failed ({why})", keyring.title()),
                Fix::default(),
            ),
        }
    }

    /// The keyring.
    fn keyring<'s>(&self, store: &'s Store) -> Result<&'s dyn Keyring> {
        let system = &**store.system();
        if vault::refuses_keyring(system)? {
            return Err(self.no_keyring(
                "AZCRED_KEYRING switches the keyring off".to_owned(),
                Fix::UnsetVariable("AZCRED_KEYRING".into()),
            ));
        }
        system.keyring().ok_or_else(|| {
            self.no_keyring("this machine has no keyring".to_owned(), Fix::default())
        })
    }
}

/// Checks that a secret could be stored, by storing something and removing it.
pub(super) fn check(store: &Store, place: SecretStore, wanted: &Wanted<'_>) -> Result<()> {
    if place == SecretStore::File {
        return Ok(());
    }
    let keyring = wanted.keyring(store)?;
    let name = store.vault().keyring_item("test")?;
    let tried = keyring.set(&name, b"test");
    tried
        .and_then(|()| keyring.remove(&name))
        .map_err(|trouble| wanted.unusable(keyring, trouble))
}

/// Stores a secret of the account; returns what its record has of it.
pub(super) fn keep(
    store: &Store,
    place: SecretStore,
    id: &str,
    wanted: &Wanted<'_>,
    secret: SecretString,
) -> Result<KeptSecret> {
    if place == SecretStore::File {
        return Ok(KeptSecret::Here { secret });
    }
    let keyring = wanted.keyring(store)?;
    let name = store.vault().keyring_item(&item(store.profile(), id))?;
    let kept = keyring.set(&name, secret.expose_secret().as_bytes());
    kept.map_err(|trouble| wanted.unusable(keyring, trouble))?;
    Ok(KeptSecret::Item)
}

/// The secret of an account, or the password of its certificate; `None` if it is not there any
/// more.
///
/// # Errors
/// Why the keyring can't be read; `None` if there is no keyring.
pub(crate) fn secret_of(
    store: &Store,
    record: &Record,
) -> Result<Result<Option<SecretString>, Option<NoKeyring>>> {
    let name = match record.kept_secret() {
        Some(KeptSecret::Here { secret }) => return Ok(Ok(Some(secret.clone()))),
        Some(KeptSecret::Item) => {
            let of = item(&record.profile, &record.id);
            store.vault().known_keyring_item(&of)?
        }
        Some(KeptSecret::OldItem) | None => Some(old_name(record)),
    };
    let Some(keyring) = store.system().keyring() else {
        return Ok(Err(None));
    };
    let Some(name) = name else {
        return Ok(Ok(None));
    };
    let text = |bytes: &[u8]| Some(SecretString::from(str::from_utf8(bytes).ok()?.to_owned()));
    Ok(match keyring.get(&name) {
        Ok(found) => Ok(found.and_then(|bytes| text(&bytes))),
        Err(trouble) => Err(Some(trouble)),
    })
}

/// Removes an account's secret from the keyring. One that an older version stored stays there,
/// since another data folder may use it; returns its name.
pub(super) fn forget(store: &Store, record: &Record) -> Result<Option<String>> {
    match record.kept_secret() {
        None | Some(KeptSecret::Here { .. }) => return Ok(None),
        Some(KeptSecret::OldItem) => return Ok(Some(old_name(record))),
        Some(KeptSecret::Item) => {}
    }
    let of = item(&record.profile, &record.id);
    let name = store.vault().known_keyring_item(&of)?;
    let (Some(keyring), Some(name)) = (store.system().keyring(), name) else {
        return Ok(None);
    };
    keyring.remove(&name).map_err(|trouble| {
        let (kind, why) = match trouble {
            NoKeyring::Locked => (ErrorKind::Invalid, format!("{} is locked", keyring.title())),
            NoKeyring::Absent(why) | NoKeyring::Failed(why) => (
                ErrorKind::Unreachable,
                format!("{} does not answer ({why})", keyring.title()),
            ),
        };
        Error::new(
            kind,
            format!(
                "could not remove the secret of {} from the keyring",
                Account::of(record, false).who()
            ),
            why,
        )
        .with_fix("unlock the keyring and sign out again")
    })?;
    Ok(None)
}

fn item(profile: &str, id: &str) -> String {
    format!("{profile}-{id}")
}

/// The name that older versions used, in all data folders.
fn old_name(record: &Record) -> String {
    format!("azcred-{}-{}", record.profile, record.id)
}

impl Record {
    /// Where the account's secret is; `None` if it has none.
    fn kept_secret(&self) -> Option<&KeptSecret> {
        match &self.proof {
            StoredProof::ClientSecret { secret } => Some(secret),
            StoredProof::ClientCertificate {
                has_password: true,
                password,
                ..
            } => Some(password),
            _ => None,
        }
    }
}
