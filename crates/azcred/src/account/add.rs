//! Adds accounts that are not people. What is stored says where the account's secret, certificate
//! or token is. Only the keyring stores the secret itself.

use super::{
    Account, Accounts,
    record::{Record, StoredProof, id_of, new_session, seconds},
    store::Store,
};
use crate::{
    facts::{Error, ErrorKind, Fix, Result},
    managed_identity_id::ManagedIdentityId,
    redact::shown_path,
    system::NoKeyring,
    tenant::{ClientId, TenantId},
    vault,
};
use secrecy::{ExposeSecret, SecretString};
use std::path::{Path, PathBuf};

impl Accounts {
    /// Adds an application with its secret, and makes it the current account. Only the system's
    /// keyring stores the secret. The secret is not checked: request a token with it first.
    ///
    /// # Errors
    /// See [`Accounts`]; [`ErrorKind::Unavailable`] if no keyring can be used; the fix names the
    /// other ways.
    pub async fn add_client_secret(
        &self,
        tenant: TenantId,
        client_id: ClientId,
        secret: SecretString,
    ) -> Result<Account> {
        self.add(
            Some((tenant, client_id)),
            StoredProof::ClientSecret,
            Some(secret),
        )
        .await
    }

    /// Adds an application with the certificate in a file, and makes it the current account. The
    /// file stays where it is and is read for every token. Only the system's keyring stores its
    /// password, if it has one.
    ///
    /// # Errors
    /// As [`Accounts::add_client_secret`]; [`ErrorKind::Invalid`] if the path is not absolute or
    /// not valid Unicode.
    pub async fn add_certificate(
        &self,
        tenant: TenantId,
        client_id: ClientId,
        path: impl Into<PathBuf>,
        password: Option<SecretString>,
    ) -> Result<Account> {
        let proof = StoredProof::ClientCertificate {
            path: full(&path.into())?,
            has_password: password.is_some(),
        };
        self.add(Some((tenant, client_id)), proof, password).await
    }

    /// Adds an application that trusts the token in a file, and makes it the current account. The
    /// file is read for every token.
    ///
    /// # Errors
    /// See [`Accounts`]; [`ErrorKind::Invalid`] if the path is not absolute or not valid Unicode.
    pub async fn add_federated_token_file(
        &self,
        tenant: TenantId,
        client_id: ClientId,
        path: impl Into<PathBuf>,
    ) -> Result<Account> {
        let proof = StoredProof::FederatedToken {
            path: full(&path.into())?,
        };
        self.add(Some((tenant, client_id)), proof, None).await
    }

    /// Adds a managed identity of this machine, and makes it the current account. Without `id`, it
    /// is the machine's own.
    ///
    /// # Errors
    /// See [`Accounts`].
    pub async fn add_managed_identity(&self, id: Option<ManagedIdentityId>) -> Result<Account> {
        let named = id.and_then(|id| id.named());
        self.add(None, StoredProof::ManagedIdentity { named }, None)
            .await
    }

    async fn add(
        &self,
        application: Option<(TenantId, ClientId)>,
        proof: StoredProof,
        secret: Option<SecretString>,
    ) -> Result<Account> {
        let (tenant, client_id) = match application {
            Some((tenant, client_id)) => (tenant.to_string(), Some(client_id.to_string())),
            None => (String::new(), None),
        };
        let store = &self.store;
        let (kind, one, other) = match (&proof, &client_id) {
            (StoredProof::ManagedIdentity { named }, _) => {
                let (by, value) = named.clone().unwrap_or_default();
                ("managed identity", by, value)
            }
            (_, client_id) => {
                let client_id = client_id.clone().unwrap_or_default();
                ("application", tenant.clone(), client_id)
            }
        };
        let [one, other] = [one, other].map(|part| part.to_ascii_lowercase());
        let id = id_of(&[kind, store.authority(), &one, &other]);
        let record = Record {
            profile: store.profile().to_owned(),
            authority: store.authority().to_owned(),
            id,
            tenant,
            client_id,
            signed_in_on: seconds(store.system().now()),
            session: new_session(),
            proof,
        };
        let end = self.end();
        let lock = store.lock(&record.id, end).await?;
        store
            .off_thread(end, move |store| {
                let _until_added = lock;
                if let Some(before) = store.read(&record.id)? {
                    store.forget_old_tokens(&before);
                    if let (None, Err(error)) = (&secret, forget_secret(store, &before)) {
                        tracing::warn!(%error, "a secret that is not used any more is still in the keyring");
                    }
                }
                if let Some(secret) = secret {
                    keep_secret(store, &record, &secret)?;
                }
                store.write(&record)?;
                store.make_current(&record.id)?;
                Ok(Account::of(&record, true))
            })
            .await
    }
}

/// The name in the keyring of an application's secret, or of its certificate's password.
pub(crate) fn secret_name(record: &Record) -> String {
    format!("azcred-{}-{}", record.profile, record.id)
}

fn keep_secret(store: &Store, record: &Record, secret: &SecretString) -> Result<()> {
    let client = record.client_id.as_deref().unwrap_or_default();
    let what = match &record.proof {
        StoredProof::ClientCertificate { .. } => {
            format!("could not store the password of the certificate of the application {client}")
        }
        _ => format!("could not store the secret of the application {client}"),
    };
    let trouble = |why: String, unlock: Fix| {
        let others = match &record.proof {
            StoredProof::ClientCertificate { .. } => {
                Fix::from("use a certificate file without a password").or(Fix::set([
                    "AZURE_TENANT_ID",
                    "AZURE_CLIENT_ID",
                    "AZURE_CLIENT_CERTIFICATE_PATH",
                    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
                ]))
            }
            _ => Fix::set(["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"])
                .or("sign in with a certificate or a federated token instead of a secret"),
        };
        Error::new(
            ErrorKind::Unavailable,
            what.clone(),
            format!("{why}, and a secret is never written to a file"),
        )
        .with_fix(unlock.or(others))
    };
    let system = &**store.system();
    if vault::refuses_keyring(system)? {
        return Err(trouble(
            "AZCRED_KEYRING switches the keyring off".to_owned(),
            Fix::UnsetVariable("AZCRED_KEYRING".into()),
        ));
    }
    let Some(keyring) = system.keyring() else {
        return Err(trouble(
            "this machine has no keyring".to_owned(),
            Fix::default(),
        ));
    };
    let kept = keyring.set(&secret_name(record), secret.expose_secret().as_bytes());
    kept.map_err(|error| match error {
        NoKeyring::Absent(why) => trouble(
            format!("this machine has no keyring ({why})"),
            Fix::default(),
        ),
        NoKeyring::Locked => trouble(
            format!("{} is locked", keyring.title()),
            "unlock it, for example by signing in to the desktop".into(),
        ),
        NoKeyring::Failed(why) => trouble(
            format!("{} failed ({why})", keyring.title()),
            Fix::default(),
        ),
    })
}

/// Removes an account's secret from the keyring.
pub(super) fn forget_secret(store: &Store, record: &Record) -> Result<()> {
    let has_one = matches!(
        record.proof,
        StoredProof::ClientSecret
            | StoredProof::ClientCertificate {
                has_password: true,
                ..
            }
    );
    let Some(keyring) = store.system().keyring().filter(|_| has_one) else {
        return Ok(());
    };
    keyring.remove(&secret_name(record)).map_err(|trouble| {
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
    })
}

fn full(path: &Path) -> Result<String> {
    let wrong = |why: &'static str| {
        Error::new(
            ErrorKind::Invalid,
            format!("could not read the path {}", shown_path(path)),
            why,
        )
        .with_fix("give the file's full path")
    };
    if !path.is_absolute() {
        return Err(wrong(
            "it is a relative path, which names another file in each folder",
        ));
    }
    let text = path.to_str().ok_or_else(|| wrong("it is not valid text"))?;
    Ok(text.to_owned())
}
