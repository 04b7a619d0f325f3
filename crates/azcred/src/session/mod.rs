//! One identity for a machine and a folder, the same for the library and the command line.
//!
//! A session reads the same variables, files and cloud description as the command line. So in the
//! same folder, a program that opens a session has the same identity as the command line.

mod builder;
mod decided;
#[cfg(test)]
mod tests;
mod variables;

pub use builder::SessionBuilder;
pub use decided::{Setting, SettingKind};
pub use variables::{EXEC_VARIABLE, PRESET_VARIABLE, PROFILE_VARIABLE};

#[cfg(feature = "disk-cache")]
use crate::account::Accounts;
#[cfg(feature = "developer-tools")]
use crate::credential::azure_cli_tenant_name;
use crate::{
    chain::{Chain, Preset, Report, Settings},
    credential::{Availability, Credential},
    facts::Result,
    options::ClientOptions,
    request::TokenRequest,
    scope::Scope,
    tenant::TenantId,
    token::AccessToken,
    token_future::TokenFuture,
    untrusted::Untrusted,
    workspace::{self, Located, Named},
};
use std::{fmt, path::PathBuf, sync::Arc};
#[cfg(feature = "developer-tools")]
use tokio::task::spawn_blocking;
#[cfg(any(feature = "disk-cache", feature = "developer-tools"))]
use {std::time::Duration, tokio::time::timeout};

/// A name for display is not worth a longer wait.
#[cfg(any(feature = "disk-cache", feature = "developer-tools"))]
const READING: Duration = Duration::from_secs(2);

/// The identity of this machine and folder, and its tokens.
///
/// ```no_run
/// # async fn example() -> azcred::Result<()> {
/// use azcred::Session;
/// let session = Session::open().await?;
/// let token = session.token().await?;
/// # Ok(()) }
/// ```
///
/// [`Session::builder`] takes options: a preset, a scope, the expected identity. A session is also
/// a [`Credential`], for clients that request tokens for their own scopes, and so a credential of
/// the official SDK.
///
/// Clones are the same session. After the first token, a session uses only that token's source.
#[derive(Clone)]
pub struct Session(Arc<SessionInner>);

struct SessionInner {
    chain: Chain,
    options: ClientOptions,
    preset: Preset,
    scope: Scope,
    tenant: Option<TenantId>,
    claims: Option<String>,
    files: Settings,
    decided: Vec<Setting>,
    folder: PathBuf,
    workspace: Named,
    #[cfg(feature = "azure_core")]
    requests: crate::azure_core::Requests,
}

impl Session {
    /// Opens the session of this machine and the current folder, as the command line does.
    ///
    /// Reads variables, `azcred.toml` and `config.toml`. Requests nothing, unless
    /// `ARM_CLOUD_METADATA_URL` names a description of the cloud.
    ///
    /// # Errors
    /// As [`SessionBuilder::open`].
    pub async fn open() -> Result<Self> {
        Self::builder().open().await
    }

    /// Options for a session of this machine and the current folder.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::default()
    }

    /// A token for the session's scope and tenant: a valid one from the cache, or else from the
    /// first source that has one.
    ///
    /// Cancel-safe and bounded, as [`Credential::get_token`].
    ///
    /// # Errors
    /// See [`crate::ErrorKind`]. If no source has a token, the error has the report of all sources
    /// ([`crate::Error::report`]).
    pub async fn token(&self) -> Result<AccessToken> {
        self.0.chain.get_token(&self.request()).await
    }

    /// Tries the sources now and ignores cached tokens and the chosen source. Reports what each
    /// source did.
    ///
    /// Cancel-safe and bounded, as [`Session::token`].
    pub async fn explain(&self) -> (Result<AccessToken>, Arc<Report>) {
        self.0.chain.explain(&self.request()).await
    }

    /// The report of the last run, with the chosen source; `None` before the first token.
    pub fn report(&self) -> Option<Arc<Report>> {
        self.0.chain.report()
    }

    /// The request that [`Session::token`] sends.
    pub fn request(&self) -> TokenRequest {
        let mut request = TokenRequest::new(self.0.scope.clone());
        if let Some(tenant) = &self.0.tenant {
            request = request.with_tenant(tenant.clone());
        }
        if let Some(claims) = &self.0.claims {
            request = request.with_claims(claims);
        }
        request
    }

    /// The scope of [`Session::token`].
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// The order of sources.
    pub fn preset(&self) -> Preset {
        self.0.preset
    }

    /// What decided the identity: options, then files, then variables.
    pub fn decided_by(&self) -> &[Setting] {
        &self.0.decided
    }

    /// The settings in `azcred.toml` and `config.toml`.
    pub fn files(&self) -> &Settings {
        &self.0.files
    }

    /// The options of the session's credentials: its system, its cloud, its profile.
    pub fn options(&self) -> &ClientOptions {
        &self.0.options
    }

    /// The name of a tenant, if this machine knows it: from a sign-in of azcred or from Azure CLI's
    /// files. Sends no request.
    #[cfg_attr(
        not(any(feature = "disk-cache", feature = "developer-tools")),
        expect(clippy::unused_async, unused_variables, reason = "without files")
    )]
    pub async fn tenant_name(&self, tenant_id: &str) -> Option<Untrusted> {
        #[cfg(feature = "disk-cache")]
        {
            let accounts = Accounts::new(&self.0.options).ok()?;
            let accounts = timeout(READING, accounts.list()).await.ok()?;
            let name = accounts.unwrap_or_default().iter().find_map(|account| {
                let mut names = account.tenant_names.iter();
                names
                    .find_map(|(id, name)| id.eq_ignore_ascii_case(tenant_id).then(|| name.clone()))
            });
            if name.is_some() {
                return name;
            }
        }
        #[cfg(feature = "developer-tools")]
        {
            let system = self.0.options.system().clone();
            let id = tenant_id.to_owned();
            let read = move || azure_cli_tenant_name(&*system, &id);
            let read = timeout(READING, spawn_blocking(read));
            read.await.ok()?.ok()?
        }
        #[cfg(not(feature = "developer-tools"))]
        None
    }

    /// The workspace of the session: from [`SessionBuilder::workspace`], or else from the variables
    /// of an Azure ML job, `config.json` or hi-ml's variables. `None` if nothing names one. Files
    /// are read at each call.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] if a name that was found can't be used.
    pub fn workspace(&self) -> Result<Option<Located>> {
        let system = &**self.0.options.system();
        workspace::locate(system, &self.0.folder, &self.0.workspace)
    }
}

impl Credential for Session {
    fn name(&self) -> &'static str {
        "Session"
    }

    fn prepare(&self) -> Availability {
        self.0.chain.prepare()
    }

    /// A token for the request's own scopes. If the request has no tenant, the session's is used.
    fn get_token<'a>(&'a self, request: &'a TokenRequest) -> TokenFuture<'a> {
        match &self.0.tenant {
            Some(tenant) if request.tenant().is_none() => {
                let request = request.clone().with_tenant(tenant.clone());
                TokenFuture::pending(async move { self.0.chain.get_token(&request).await })
            }
            _ => self.0.chain.get_token(request),
        }
    }
}

#[cfg(feature = "azure_core")]
crate::azure_core::token_credential!(Session, |session| (&session.0.requests, session));

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("preset", &self.0.preset)
            .field("profile", self.0.options.profile())
            .field("scope", &self.0.scope)
            .field("decided_by", &self.0.decided)
            .finish_non_exhaustive()
    }
}
