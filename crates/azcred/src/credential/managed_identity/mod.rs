//! The managed identity of the Azure resource on which this program runs: a virtual machine, an
//! app, a compute, a connected server.
//!
//! The variables show which host it is, in azure-identity's order:
//! 1. `IDENTITY_ENDPOINT`, `IDENTITY_HEADER` and `IDENTITY_SERVER_THUMBPRINT`: Service Fabric;
//! 2. `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`: App Service, and hosts with its protocol
//!    (Functions, Container Apps, Automation);
//! 3. `IDENTITY_ENDPOINT` and `IMDS_ENDPOINT`: a server that is connected by Azure Arc;
//! 4. `MSI_ENDPOINT` and `MSI_SECRET`: an Azure Machine Learning compute;
//! 5. `MSI_ENDPOINT` only: Cloud Shell;
//! 6. none of them, but Azure Arc's agent is installed: a connected server, whose variables this
//!    program does not have;
//! 7. none of them: a virtual machine, whose instance metadata service (IMDS) has a fixed address.
//!
//! A host that variables describe exists. Whether IMDS exists, they don't show. A laptop that
//! requests a token from it would wait in vain: see [`evidence`] and [`imds`].

mod answer;
mod app_service;
mod arc;
mod azure_ml;
mod cloud_shell;
mod endpoint;
mod evidence;
mod imds;
mod probe;
mod service_fabric;

use super::{
    Availability,
    source::{Kept, TokenSource, credential},
    variables,
};
use crate::{
    cache::{self, Identity},
    facts::{Error, ErrorKind, Result, Used},
    managed_identity_id::ManagedIdentityId,
    options::ClientOptions,
    request::TokenRequest,
    system::{SharedSystem, System},
    tenant::ClientId,
    token::AccessToken,
};
use evidence::Wish;
use futures_util::{FutureExt, future::BoxFuture};
use std::{fmt, sync::Arc, time::Duration};

/// Signs in as the managed identity of the Azure resource on which this program runs.
///
/// ```no_run
/// # async fn example() -> azcred::Result<()> {
/// use azcred::{ClientOptions, Credential, ManagedIdentityCredential, ManagedIdentityId, Scope, TokenRequest};
/// let credential = ManagedIdentityCredential::new(ManagedIdentityId::SYSTEM, ClientOptions::default())?;
/// let token = credential.get_token(&TokenRequest::new(Scope::ARM)).await?;
/// # Ok(()) }
/// ```
///
/// The tenant is the identity's own, and a claims challenge can't be answered. Of a request, only
/// its scope is sent, which must be a single one. On a virtual machine a call takes up to 80
/// seconds unless [`ClientOptions::with_deadline`] sets another limit: the metadata service can be
/// unavailable for 70 seconds during an update.
pub struct ManagedIdentityCredential(Kept<ManagedIdentity>);

struct ManagedIdentity {
    id: ManagedIdentityId,
    /// The variable that names the identity, if there is one.
    variable: Option<&'static str>,
    host: Box<dyn Host>,
    options: ClientOptions,
}

const NAME: &str = "ManagedIdentityCredential";

/// A host of managed identities.
trait Host: Send + Sync + fmt::Debug {
    /// The host's name: 'App Service'.
    fn name(&self) -> &'static str;

    /// A short name, for tables.
    fn short_name(&self) -> &'static str {
        self.name()
    }

    /// See [`super::Credential::prepare`]. If variables describe the host, everything that it needs
    /// is here.
    fn look(&self, using: Used, _: &dyn System) -> Availability {
        Availability::Ready { using }
    }

    /// The host's address and secret, which distinguish it from other hosts of its kind.
    fn whereabouts(&self) -> [&[u8]; 2];

    /// The default limit of a call.
    fn deadline(&self, options: &ClientOptions) -> Duration {
        options.deadline()
    }

    fn request_token<'a>(&'a self, asking: Asking<'a>) -> BoxFuture<'a, Result<AccessToken>>;
}

/// What is requested.
struct Asking<'a> {
    /// What did not work, as a sentence.
    what: String,
    resource: &'a str,
    id: &'a ManagedIdentityId,
    /// The variable that names the identity, if there is one.
    variable: Option<&'static str>,
    system: &'a SharedSystem,
    deadline: Duration,
}

impl ManagedIdentityCredential {
    /// A credential for one of this machine's identities, even if the machine is unlikely to have
    /// one. Requests nothing yet.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if a variable that describes the host can't be used, or the host
    /// can't select this identity; [`ErrorKind::Unavailable`] if `IDENTITY_ENDPOINT` is set and
    /// describes no host, or if `AZCRED_IMDS` is `never` and there is no other host.
    pub fn new(id: ManagedIdentityId, options: ClientOptions) -> Result<Self> {
        Self::of(id, None, InChain::ALONE, options)
    }

    /// The identity for a chain: the one that `AZURE_CLIENT_ID` names, or else, on an Azure Machine
    /// Learning compute, `DEFAULT_IDENTITY_CLIENT_ID`, or else the machine's own.
    ///
    /// # Errors
    /// As [`Self::new`], and [`ErrorKind::Invalid`] if such a variable can't be used.
    pub(crate) fn in_chain(chain: InChain, options: ClientOptions) -> Result<Self> {
        let system = &**options.system();
        let names: &[&'static str] = match Kind::of(system, chain)? {
            // Cloud Shell has one identity, the user's. The variable means another one.
            Kind::CloudShell => &[],
            Kind::AzureMl => &["AZURE_CLIENT_ID", "DEFAULT_IDENTITY_CLIENT_ID"],
            _ => &["AZURE_CLIENT_ID"],
        };
        let mut names = names.iter().copied();
        let variable = names.find(|name| system.var(name).is_some());
        let id = match variable {
            Some(variable) => {
                ManagedIdentityId::client(variables::read(system, variable, |text| {
                    let id = ClientId::new(text)?;
                    id.in_entra().map(|()| id)
                })?)
            }
            None => ManagedIdentityId::SYSTEM,
        };
        Self::of(id, variable, chain, options)
    }

    fn of(
        id: ManagedIdentityId,
        variable: Option<&'static str>,
        chain: InChain,
        options: ClientOptions,
    ) -> Result<Self> {
        let host: Box<dyn Host> = match Kind::of(&**options.system(), chain)? {
            Kind::ServiceFabric => Box::new(service_fabric::ServiceFabric::new(&id, &options)?),
            Kind::AppService => Box::new(app_service::AppService::new(&options)?),
            Kind::Arc => Box::new(arc::Arc::new(&options)?),
            Kind::ArcUnsaid => Box::new(arc::Arc::installed(&options)?),
            Kind::AzureMl => Box::new(azure_ml::AzureMl::new(&id, &options)?),
            Kind::CloudShell => Box::new(cloud_shell::CloudShell::new(&id, &options)?),
            Kind::Imds => Box::new(imds::Imds::new(chain.pinned, &options)?),
        };
        let system = options.system().clone();
        let source = ManagedIdentity {
            id,
            variable,
            host,
            options,
        };
        Ok(Self(Kept::new(Arc::new(source), system)))
    }
}

credential!(ManagedIdentityCredential);

/// How a chain uses a managed identity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InChain {
    /// No other source is tried: IMDS is waited for without a probe.
    pub(crate) pinned: bool,
    /// Whether Azure Arc's agent is used even if no variable describes it.
    pub(crate) finds_agent: bool,
}

impl InChain {
    /// Not in a chain.
    const ALONE: Self = Self {
        pinned: true,
        finds_agent: true,
    };
}

/// The kinds of hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    ServiceFabric,
    AppService,
    Arc,
    /// Azure Arc's agent that no variable describes.
    ArcUnsaid,
    AzureMl,
    CloudShell,
    Imds,
}

impl Kind {
    fn of(system: &dyn System, chain: InChain) -> Result<Self> {
        let is_set = |name| system.var(name).is_some();
        if is_set("IDENTITY_ENDPOINT") {
            return match (is_set("IDENTITY_HEADER"), is_set("IMDS_ENDPOINT")) {
                (true, _) if is_set("IDENTITY_SERVER_THUMBPRINT") => Ok(Self::ServiceFabric),
                (true, _) => Ok(Self::AppService),
                (false, true) => Ok(Self::Arc),
                (false, false) => Err(Error::new(
                    ErrorKind::Unavailable,
                    format!("{NAME} could not tell which host this runs on"),
                    "IDENTITY_ENDPOINT is set, but neither IDENTITY_HEADER (App Service, Service Fabric) nor IMDS_ENDPOINT (Azure Arc)",
                )
                .with_fix("pass on all variables of the host, or unset IDENTITY_ENDPOINT")),
            };
        }
        Ok(match (is_set("MSI_ENDPOINT"), is_set("MSI_SECRET")) {
            (true, true) => Self::AzureMl,
            (true, false) => Self::CloudShell,
            // If a variable names IMDS or enables it, the agent is not meant.
            (false, _)
                if is_set("AZURE_POD_IDENTITY_AUTHORITY_HOST")
                    || Wish::read(system)? == Wish::Always =>
            {
                Self::Imds
            }
            (false, _) if chain.finds_agent && arc::is_installed(system) => Self::ArcUnsaid,
            (false, _) => Self::Imds,
        })
    }
}

impl TokenSource for ManagedIdentity {
    fn name(&self) -> &'static str {
        NAME
    }

    fn look(&self, system: &dyn System) -> Availability {
        let using = self.id.used(self.host.short_name());
        self.host.look(using.from_variables(self.variable), system)
    }

    fn fetch(self: Arc<Self>, request: TokenRequest) -> BoxFuture<'static, Result<AccessToken>> {
        async move {
            let resource = one_resource(&request)?;
            let system = &**self.options.system();
            let whose = format!("{} of {}", self.id, self.host.name());
            let identity = Identity::here(system, NAME, whose.clone()).map(|identity| {
                let [address, secret] = self.host.whereabouts();
                identity.and(whose).and(address).and(secret)
            });
            let deadline = self.host.deadline(&self.options);
            let fetch = |left| self.request_token(resource, left);
            cache::through(&self.options, identity, &request, deadline, fetch).await
        }
        .boxed()
    }
}

impl ManagedIdentity {
    async fn request_token(&self, resource: &str, deadline: Duration) -> Result<AccessToken> {
        let asking = Asking {
            what: format!(
                "{NAME} could not get a token from {} for {resource} as {}",
                self.host.name(),
                self.id
            ),
            resource,
            id: &self.id,
            variable: self.variable,
            system: self.options.system(),
            deadline,
        };
        tracing::debug!(credential = NAME, host = self.host.name(), resource, id = %self.id, "asking for a token");
        let answer = self.host.request_token(asking).await;
        match &answer {
            Ok(token) => {
                tracing::debug!(credential = NAME, expires_on = %token.expires_on(), "got a token");
            }
            Err(error) => tracing::debug!(credential = NAME, %error, "got no token"),
        }
        answer
    }
}

impl fmt::Debug for ManagedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(NAME)
            .field("id", &self.id)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// Hosts take a resource, as in Entra ID's older protocol, and not scopes.
fn one_resource(request: &TokenRequest) -> Result<&str> {
    if let [scope] = request.scopes() {
        return Ok(scope.resource());
    }
    Err(Error::new(
        ErrorKind::Invalid,
        format!(
            "{NAME} could not get a token for {}",
            request.joined_scopes()
        ),
        "it names several scopes, but a managed identity's token is for one resource",
    )
    .with_fix("request each one by itself, as RESOURCE/.default"))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
