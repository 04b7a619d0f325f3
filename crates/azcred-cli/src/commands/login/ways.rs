//! The ways to sign in: each gets a token first, and then stores what the next one needs.

use super::{Login, attended};
use crate::{
    failure::{Failure, Kind},
    output::Output,
    prompt::secret,
    sign_in::Person,
};
use azcred::{
    AccessToken, Availability, ClientCertificate, ClientCertificateCredential, ClientId,
    ClientOptions, ClientSecretCredential, Credential, DeviceCodeCredential,
    InteractiveBrowserCredential, ManagedIdentityCredential, ManagedIdentityId, Notice,
    SecretString, TenantId, TokenRequest, WorkloadIdentityCredential,
    account::{Account, Accounts, SecretStore},
    printable_path,
};
use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Signs in as the options say.
pub(super) async fn sign_in(
    login: &Login,
    options: &ClientOptions,
    request: &TokenRequest,
    output: &Output,
) -> Result<(AccessToken, Account), Failure> {
    let application = &login.application;
    if login.identity.identity {
        return identity(login, options, request, output).await;
    }
    let (Some(tenant), Some(client_id)) = (&login.tenant, &application.client_id) else {
        return person(login, options, request, output).await;
    };
    let this = App {
        tenant: tenant.clone(),
        client_id: client_id.clone(),
        store: application.store.map(SecretStore::from).unwrap_or_default(),
        options,
        request,
        output,
    };
    match (&application.federated_token, &application.certificate) {
        (Some(file), _) => this.by_federated_token(file).await,
        (None, Some(file)) => this.by_certificate(file).await,
        (None, None) if application.service_principal => this.by_secret().await,
        (None, None) => person(login, options, request, output).await,
    }
}

/// Signs a person in: with a browser if one can be opened, else with a device code.
async fn person(
    login: &Login,
    options: &ClientOptions,
    request: &TokenRequest,
    output: &Output,
) -> Result<(AccessToken, Account), Failure> {
    attended(&**options.system(), Person::of(output))?;
    if !login.person.device_code {
        let credential = browser(login, options)?;
        match credential.prepare() {
            Availability::Unavailable(error) if login.person.browser => return Err(error.into()),
            Availability::Unavailable(error) => {
                options
                    .prompt()
                    .show(&Notice::NoBrowser { why: error.why() });
            }
            _ => return Ok(credential.sign_in(request).await?),
        }
    }
    let mut credential = DeviceCodeCredential::new(options.clone())?;
    if let Some(tenant) = &login.tenant {
        credential = credential.with_tenant(tenant.clone());
    }
    if let Some(client_id) = &login.application.client_id {
        credential = credential.with_client_id(client_id.clone());
    }
    Ok(credential.sign_in(request).await?)
}

fn browser(login: &Login, options: &ClientOptions) -> azcred::Result<InteractiveBrowserCredential> {
    let mut credential = InteractiveBrowserCredential::new(options.clone())?;
    if let Some(tenant) = &login.tenant {
        credential = credential.with_tenant(tenant.clone());
    }
    if let Some(client_id) = &login.application.client_id {
        credential = credential.with_client_id(client_id.clone());
    }
    if let Some(name) = &login.person.login_hint {
        credential = credential.with_login_hint(name);
    }
    Ok(credential)
}

/// The sign-in of an application.
struct App<'a> {
    tenant: TenantId,
    client_id: ClientId,
    store: SecretStore,
    options: &'a ClientOptions,
    request: &'a TokenRequest,
    output: &'a Output,
}

/// The largest file that is read. A certificate with its key is smaller.
const LARGEST_FILE: u64 = 1 << 20;

impl App<'_> {
    fn accounts(&self) -> azcred::Result<Accounts> {
        Ok(Accounts::new(self.options)?.with_secret_store(self.store))
    }

    async fn token(&self, credential: &impl Credential) -> azcred::Result<AccessToken> {
        let asked = credential.get_token(self.request);
        self.output.waiting("Signing in", asked).await
    }

    async fn by_secret(self) -> Result<(AccessToken, Account), Failure> {
        let accounts = self.accounts()?;
        accounts.check_stores_secret(&self.client_id).await?;
        let what = format!("client secret of the application {}", self.client_id);
        let secret = ask_for_secret(&what, &self).await?;
        let (tenant, client_id) = (self.tenant.clone(), self.client_id.clone());
        let credential = ClientSecretCredential::new(
            tenant,
            client_id,
            secret.clone(),
            without_cache(self.options)?,
        )?;
        let token = self.token(&credential).await?;
        let kept = accounts.add_client_secret(self.tenant, self.client_id, secret);
        Ok((token, kept.await?))
    }

    async fn by_certificate(self, file: &Path) -> Result<(AccessToken, Account), Failure> {
        let path = absolute_path(file)?;
        let bytes = self
            .options
            .system()
            .read(&path, LARGEST_FILE)
            .map(Zeroizing::new)
            .map_err(|error| {
                Failure::new(
                    Kind::Invalid,
                    format!("could not read {}", path.display()),
                    error.to_string(),
                )
                .fix("give the file that holds the certificate and its private key")
            })?;
        // Another user may have chosen the file's name.
        let shown = printable_path(&path);
        let accounts = self.accounts()?;
        let (certificate, password) = match ClientCertificate::from_bytes(&bytes, None) {
            Err(error) if error.needs_password() => {
                accounts.check_stores_password(&self.client_id).await?;
                let password = ask_for_secret(&format!("password of {shown}"), &self).await?;
                let certificate = ClientCertificate::from_bytes(&bytes, Some(&password))?;
                (certificate, Some(password))
            }
            certificate => (certificate?, None),
        };
        let (tenant, client_id) = (self.tenant.clone(), self.client_id.clone());
        let credential = ClientCertificateCredential::new(
            tenant,
            client_id,
            certificate,
            without_cache(self.options)?,
        )?;
        let token = self.token(&credential).await?;
        let kept = accounts.add_certificate(self.tenant, self.client_id, path, password);
        Ok((token, kept.await?))
    }

    async fn by_federated_token(self, file: &Path) -> Result<(AccessToken, Account), Failure> {
        let path = absolute_path(file)?;
        let (tenant, client_id) = (self.tenant.clone(), self.client_id.clone());
        let credential = WorkloadIdentityCredential::new(
            tenant,
            client_id,
            &path,
            without_cache(self.options)?,
        )?;
        let token = self.token(&credential).await?;
        let accounts = Accounts::new(self.options)?;
        let kept = accounts.add_federated_token_file(self.tenant, self.client_id, path);
        Ok((token, kept.await?))
    }
}

/// Reads a secret: from a pipe, or from a person at a terminal who sees the prompt. Never in a CI
/// job.
async fn ask_for_secret(what: &str, app: &App<'_>) -> Result<SecretString, Failure> {
    if io::stdin().is_terminal() {
        attended(&**app.options.system(), Person::of(app.output)).map_err(|refused| {
            Failure::new(
                refused.kind,
                format!("could not ask for the {what}"),
                refused.why,
            )
            .titled("a secret can't be typed here")
            .fix("pipe it in: `azcred login … < FILE`")
        })?;
    }
    secret::ask(what).await
}

/// Signs in as the machine's own identity, or as one that is named.
async fn identity(
    login: &Login,
    options: &ClientOptions,
    request: &TokenRequest,
    output: &Output,
) -> Result<(AccessToken, Account), Failure> {
    let named = login.identity.object_id.clone();
    let named = named.or_else(|| login.identity.resource_id.clone());
    let named = named.or_else(|| {
        login
            .application
            .client_id
            .clone()
            .map(ManagedIdentityId::client)
    });
    let id = named.clone().unwrap_or(ManagedIdentityId::SYSTEM);
    let credential = ManagedIdentityCredential::new(id, without_cache(options)?)?;
    let asked = credential.get_token(request);
    let token = output.waiting("Signing in", asked).await?;
    let kept = Accounts::new(options)?.add_managed_identity(named).await?;
    Ok((token, kept))
}

/// Options without a cache: a stored token would not prove that the sign-in works.
fn without_cache(options: &ClientOptions) -> azcred::Result<ClientOptions> {
    Ok(ClientOptions::new(options.system().clone()).with_cloud(options.cloud()?))
}

/// An absolute path, which is valid in every folder.
fn absolute_path(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        Failure::new(
            Kind::Usage,
            format!("could not use the path {}", path.display()),
            error.to_string(),
        )
    })
}
