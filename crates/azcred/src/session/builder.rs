//! The options of a session, and how options, variables and files are combined.

use super::{
    Session, SessionInner,
    decided::{self, Wishes},
    variables,
};
use crate::{
    audience::FederatedAudience,
    chain::{Chain, Expect, Preset, Settings, Source},
    facts::{Error, ErrorKind, Result},
    options::ClientOptions,
    profile::Profile,
    prompt::Prompt,
    scope::Scope,
    system::{RealSystem, SharedSystem, System, check_text, is_in_program},
    tenant::TenantId,
    workspace::Named,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Options for a [`Session`]. All are optional. What is not set here is decided by variables, then
/// by files.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct SessionBuilder {
    machine: Option<(SharedSystem, PathBuf)>,
    wishes: Wishes,
    scope: Option<Scope>,
    tenant: Option<TenantId>,
    allowed_tenants: Vec<TenantId>,
    any_tenant: bool,
    claims: Option<String>,
    workspace: Named,
    prompt: Option<Arc<dyn Prompt>>,
    unattended: bool,
    fresh: bool,
    process_timeout: Option<Duration>,
    federated_audience: Option<FederatedAudience>,
}

impl SessionBuilder {
    /// Opens the session on `system` and searches files from `folder` upward. `folder` must be an
    /// absolute path. The defaults are the real machine and the current folder.
    pub fn at(mut self, system: SharedSystem, folder: impl Into<PathBuf>) -> Self {
        self.machine = Some((system, folder.into()));
        self
    }

    /// Sets the order of sources. It comes before `AZCRED_PRESET`, which comes before files.
    pub fn preset(mut self, preset: Preset) -> Self {
        self.wishes.preset = Some(preset);
        self
    }

    /// Sets the profile whose sign-ins are used. It comes before `AZCRED_PROFILE`.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.wishes.profile = Some(profile);
        self
    }

    /// Tries only these sources. It comes before `AZURE_TOKEN_CREDENTIALS` and files.
    pub fn only(mut self, sources: impl IntoIterator<Item = Source>) -> Self {
        self.wishes.only = Some(sources.into_iter().collect());
        self
    }

    /// Excludes these sources, in addition to those that files exclude.
    pub fn exclude(mut self, sources: impl IntoIterator<Item = Source>) -> Self {
        self.wishes.exclude.extend(sources);
        self
    }

    /// Fails unless the identity is the expected one. All expectations are checked, also those of
    /// files.
    pub fn expect(mut self, expect: Expect) -> Self {
        self.wishes.expect.push(expect);
        self
    }

    /// Sets the scope of tokens. The default is Azure Resource Manager of the cloud.
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Requests tokens in this tenant. The default is the source's own.
    pub fn tenant(mut self, tenant: TenantId) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// Allows requests for these tenants too. See [`ClientOptions::with_allowed_tenants`].
    pub fn allow_tenants(mut self, tenants: impl IntoIterator<Item = TenantId>) -> Self {
        self.allowed_tenants.extend(tenants);
        self
    }

    /// Allows requests for every tenant.
    pub fn allow_any_tenant(mut self) -> Self {
        self.any_tenant = true;
        self
    }

    /// Answers a claims challenge. Such a request bypasses the cache.
    pub fn claims(mut self, claims: impl Into<String>) -> Self {
        self.claims = Some(claims.into());
        self
    }

    /// Names the workspace or parts of it.
    pub fn workspace(mut self, named: Named) -> Self {
        self.workspace = named;
        self
    }

    /// Shows notices to the person who signs in through `prompt`. The default is plain lines on
    /// standard error.
    pub fn prompt(mut self, prompt: Arc<dyn Prompt>) -> Self {
        self.prompt = Some(prompt);
        self
    }

    /// Limits one run of a developer tool, such as `az`. It comes before files. See
    /// [`ClientOptions::with_process_timeout`].
    pub fn process_timeout(mut self, timeout: Duration) -> Self {
        self.process_timeout = Some(timeout);
        self
    }

    /// Requests identity tokens of a CI job for this audience. It comes before
    /// `AZCRED_FEDERATED_AUDIENCE`; no file can set it. See
    /// [`ClientOptions::with_federated_audience`].
    pub fn federated_audience(mut self, audience: FederatedAudience) -> Self {
        self.federated_audience = Some(audience);
        self
    }

    /// Never asks a person to sign in. By default, a person at a terminal is asked if no other
    /// source has a token.
    pub fn unattended(mut self) -> Self {
        self.unattended = true;
        self
    }

    /// Neither reads tokens from the disk nor stores them there. Use it to test what is possible
    /// now.
    pub fn without_cached_tokens(mut self) -> Self {
        self.fresh = true;
        self
    }

    /// The options of this session's credentials before the cloud is known: the system, the
    /// profile, the disk cache. Reads variables only.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if a variable can't be used; the error names the variable.
    pub fn options(&self) -> Result<ClientOptions> {
        let (system, _) = self.machine()?;
        self.options_on(system)
    }

    /// The order of sources that the session would have. Reads variables and files only.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if a variable or a file can't be used; the error names it.
    pub fn effective_preset(&self) -> Result<Preset> {
        let (system, folder) = self.machine()?;
        let choice = self.choice(&*system, &folder)?;
        Ok(choice.preset.unwrap_or_default())
    }

    /// Opens the session. It reads variables and files, and requests the cloud's description if
    /// `ARM_CLOUD_METADATA_URL` is set. No source is tried.
    ///
    /// Cancel-safe; ends within [`ClientOptions::deadline`].
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if a variable or a file can't be used; the error names it. The errors
    /// of [`ClientOptions::with_discovered_cloud`] for the cloud's description.
    pub async fn open(self) -> Result<Session> {
        let (system, folder) = self.machine()?;
        let mut options = self.options_on(system.clone())?;
        let Choice {
            files,
            preset,
            only,
        } = self.choice(&*system, &folder)?;
        if let Some(timeout) = self.process_timeout.or(files.process_timeout) {
            options = options.with_process_timeout(timeout);
        }
        // If both are given, the description adds nothing.
        if self.scope.is_none() || system.var("AZURE_AUTHORITY_HOST").is_none() {
            options = options.with_discovered_cloud().await?;
        }
        let cloud = options.cloud()?;
        let scope = match self.scope {
            Some(scope) => scope,
            None => Scope::from_resource(cloud.resource_manager_audience())?,
        };
        let decided = decided::by(&*system, &self.wishes, &files, preset.unwrap_or_default());
        let Wishes {
            exclude, expect, ..
        } = self.wishes;
        let mut chain = Chain::builder(options.clone()).exclude(exclude);
        if let Some(only) = only {
            chain = chain.only(only);
        }
        for expect in expect {
            chain = chain.expect(expect);
        }
        if let Some(preset) = preset {
            chain = chain.preset(preset);
        }
        if self.unattended {
            chain = chain.unattended();
        }
        let preset = preset.unwrap_or_default();
        tracing::info!(authority = %cloud.authority(), %preset, "session opened");
        Ok(Session(Arc::new(SessionInner {
            chain: chain.settings(&files).build(),
            options,
            preset,
            scope,
            tenant: self.tenant,
            claims: self.claims,
            files,
            decided,
            folder,
            workspace: self.workspace,
            #[cfg(feature = "azure_core")]
            requests: crate::azure_core::Requests::default(),
        })))
    }

    fn machine(&self) -> Result<(SharedSystem, PathBuf)> {
        if let Some(machine) = &self.machine {
            return Ok(machine.clone());
        }
        // Without the folder, a file there with an expectation would be missed.
        let folder = std::env::current_dir().map_err(|error| {
            Error::new(
                ErrorKind::Invalid,
                "could not read the current folder",
                error.to_string(),
            )
            .with_fix("change to a folder that exists")
        })?;
        Ok((Arc::new(RealSystem), folder))
    }

    fn options_on(&self, system: SharedSystem) -> Result<ClientOptions> {
        check_text(&*system)?;
        let profile = match &self.wishes.profile {
            Some(profile) => profile.clone(),
            None => Profile::from_system(&*system)?,
        };
        let caches = variables::caches_tokens(&*system)?;
        variables::check_home(&*system)?;
        let mut options = ClientOptions::new(system).with_profile(profile);
        #[cfg(feature = "disk-cache")]
        {
            options = options.with_disk_cache();
        }
        if let Some(prompt) = &self.prompt {
            options = options.with_prompt(prompt.clone());
        }
        if self.fresh || !caches {
            options = options.without_cached_tokens();
        }
        if let Some(audience) = &self.federated_audience {
            options = options.with_federated_audience(audience.clone());
        }
        // The program named these tenants on purpose.
        let allowed: Vec<_> = (self.tenant.iter())
            .chain(&self.allowed_tenants)
            .cloned()
            .collect();
        if self.any_tenant {
            options = options.with_any_tenant();
        } else if !allowed.is_empty() {
            options = options.with_allowed_tenants(allowed);
        }
        Ok(options)
    }

    /// What chooses the account. It is chosen already in a program that azcred started with one.
    fn choice(&self, system: &dyn System, folder: &Path) -> Result<Choice> {
        let files = Settings::find(system, folder)?;
        if is_in_program(system) {
            self.wishes.check_in_program()?;
            return Ok(Choice {
                files: files.without_choice(),
                preset: Some(Preset::Azcred),
                only: Some(vec![decided::OF_PROGRAM]),
            });
        }
        let preset = match self.wishes.preset {
            Some(preset) => Some(preset),
            None => Preset::from_system(system)?.or(files.preset),
        };
        Ok(Choice {
            files,
            preset,
            only: self.wishes.only.clone(),
        })
    }
}

/// What chooses the account.
struct Choice {
    files: Settings,
    /// That of the options, or else of the variable, or else of the files.
    preset: Option<Preset>,
    only: Option<Vec<Source>>,
}
