//! Adds accounts that are not people. What is stored says where the account's secret, certificate
//! or token is.

use super::{
    Account, Accounts, SecretStore,
    record::{KeptSecret, Record, StoredProof, id_of, new_session, seconds},
    secret::{self, Wanted},
};
use crate::{
    facts::{Error, ErrorKind, Result},
    managed_identity_id::ManagedIdentityId,
    sieve::shown_path,
    tenant::{ClientId, TenantId},
};
use secrecy::SecretString;
use std::path::{Path, PathBuf};

impl Accounts {
    /// The same accounts; the secrets that are added from now on are stored in `place`.
    #[must_use]
    pub fn with_secret_store(mut self, place: SecretStore) -> Self {
        self.secrets = place;
        self
    }

    /// Checks that the secret of an application could be stored. Call it before you ask a person
    /// for the secret.
    ///
    /// # Errors
    /// As [`Accounts::add_client_secret`].
    pub async fn check_stores_secret(&self, client_id: &ClientId) -> Result<()> {
        self.check(client_id, false).await
    }

    /// As [`Accounts::check_stores_secret`], for the password of a certificate.
    ///
    /// # Errors
    /// As [`Accounts::add_client_secret`].
    pub async fn check_stores_password(&self, client_id: &ClientId) -> Result<()> {
        self.check(client_id, true).await
    }

    async fn check(&self, client_id: &ClientId, is_password: bool) -> Result<()> {
        let (client_id, place, end) = (client_id.to_string(), self.secrets, self.end());
        // The lock needs the key, and a folder that can be written to.
        let _lock = self.store.lock(&id_of(&["check"]), end).await?;
        self.read(move |store| {
            let wanted = Wanted {
                client_id: &client_id,
                is_password,
            };
            secret::check(store, place, &wanted)
        })
        .await
    }

    /// Adds an application with its secret, and makes it the current account. The system's keyring
    /// stores the secret, unless [`Accounts::with_secret_store`] says otherwise. The secret is not
    /// checked: request a token with it first.
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
            StoredProof::ClientSecret {
                secret: KeptSecret::default(),
            },
            Some(secret),
        )
        .await
    }

    /// Adds an application with the certificate in a file, and makes it the current account. The
    /// file stays where it is and is read for every token. Its password, if it has one, is stored
    /// as a secret is.
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
            password: KeptSecret::default(),
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
        let mut record = Record {
            profile: store.profile().to_owned(),
            authority: store.authority().to_owned(),
            id,
            tenant,
            client_id,
            signed_in_on: seconds(store.system().now()),
            session: new_session(),
            proof,
        };
        let (place, end) = (self.secrets, self.end());
        let lock = store.lock(&record.id, end).await?;
        store
            .off_thread(end, move |store| {
                let _until_added = lock;
                let before = store.read(&record.id)?;
                let client_id = record.client_id.clone().unwrap_or_default();
                let mut wanted = Wanted {
                    client_id: &client_id,
                    is_password: false,
                };
                let mut is_in_keyring = false;
                if let Some(secret) = secret {
                    let kept = match &mut record.proof {
                        StoredProof::ClientCertificate { password, .. } => {
                            wanted.is_password = true;
                            Some(password)
                        }
                        StoredProof::ClientSecret { secret } => Some(secret),
                        _ => None,
                    };
                    if let Some(kept) = kept {
                        *kept = secret::keep(store, place, &record.id, &wanted, secret)?;
                        is_in_keyring = matches!(kept, KeptSecret::Item);
                    }
                }
                store.write(&record)?;
                if let Some(before) = before {
                    store.forget_old_tokens(&before);
                    // The new secret replaced the old one under the same name.
                    if !is_in_keyring && let Err(error) = secret::forget(store, &before) {
                        tracing::warn!(%error, "a secret that is not used any more is still in the keyring");
                    }
                }
                store.make_current(&record.id)?;
                Ok(Account::of(&record, true))
            })
            .await
    }
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
