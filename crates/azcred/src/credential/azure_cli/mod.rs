//! The account that is signed in to Azure CLI: from its files if they are sufficient, or else by
//! running it.

mod direct;
mod files;
mod process;
mod profile;
mod service_principal;
mod token_cache;

pub(crate) use profile::tenant_name;

use super::{
    Availability,
    developer_tool::DeveloperTool,
    source::{Kept, TokenSource, credential},
};
use crate::{
    facts::{Error, ErrorKind, Fix, Result, ToolFiles},
    options::ClientOptions,
    request::TokenRequest,
    scope::Scope,
    sieve::{Misplaced, invalid, tidied_id},
    system::System,
    tenant::TenantId,
    token::AccessToken,
    untrusted::printable_path,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use files::{Fact, Folder, NotHere};
use futures_util::{FutureExt, future::BoxFuture};
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};

/// Gets tokens for the account that is signed in to Azure CLI (`az login`).
///
/// The token is the one that `az account get-access-token` returns. It comes from Azure CLI's
/// files, in a millisecond, or by running `az` if the files are encrypted or unknown. The files are
/// never changed, so only this process has a token that it renewed.
///
/// ```no_run
/// # async fn example() -> azcred::Result<()> {
/// use azcred::{AzureCliCredential, ClientOptions, Credential, Scope, TokenRequest};
/// let credential = AzureCliCredential::new(ClientOptions::default()).with_subscription("Contoso ML")?;
/// let token = credential.get_token(&TokenRequest::new(Scope::ARM)).await?;
/// # Ok(()) }
/// ```
pub struct AzureCliCredential(Kept<AzureCli>);

#[derive(Clone)]
struct AzureCli {
    tool: DeveloperTool,
    subscription: Option<Arc<str>>,
}

const NAME: &str = "AzureCliCredential";
/// If reading the files takes longer, the disk counts as hanging.
const READING: Duration = Duration::from_secs(2);

impl AzureCliCredential {
    /// A credential for the default subscription's account and tenant. Reads nothing yet.
    pub fn new(options: ClientOptions) -> Self {
        let system = options.system().clone();
        let source = AzureCli {
            tool: DeveloperTool::new(&process::ABOUT, options),
            subscription: None,
        };
        Self(Kept::new(Arc::new(source), system))
    }

    /// Requests tokens in this tenant instead of the subscription's.
    #[must_use]
    pub fn with_tenant(self, tenant: TenantId) -> Self {
        Self(self.0.changed(|source| source.tool.set_tenant(tenant)))
    }

    /// Uses the account and the tenant of this subscription, given by id or name, instead of the
    /// default one.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the text is empty or has characters other than letters, digits,
    /// spaces and `_-.`: it becomes a program's argument.
    pub fn with_subscription(self, subscription: &str) -> Result<Self> {
        let given = subscription;
        let subscription = tidied_id(given);
        let is_good = !subscription.is_empty()
            && subscription.len() <= 256
            && Misplaced::of(subscription).is_none()
            && !subscription.starts_with('-')
            && subscription
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-. ".contains(&b));
        if !is_good {
            return Err(invalid(
                "the subscription",
                given,
                "it may only contain letters, digits, spaces, '_', '-' and '.'",
            )
            .with_fix("give the subscription's id: `az account list --output table`"));
        }
        Ok(Self(self.0.changed(|source| {
            source.subscription = Some(subscription.into());
        })))
    }

    /// Limits one run of `az`; the default is 10 seconds. [`ClientOptions::deadline`] limits it
    /// too.
    #[must_use]
    pub fn with_process_deadline(self, deadline: Duration) -> Self {
        Self(self.0.changed(|source| source.tool.set_deadline(deadline)))
    }
}

credential!(AzureCliCredential);

impl AzureCli {
    async fn request_token(self: Arc<Self>, request: TokenRequest) -> Result<AccessToken> {
        let started = Instant::now();
        let tool = &self.tool;
        tool.check_scopes(&request)?;
        let tenant = tool.tenant_of(&request)?;
        if let Some(claims) = request.claims() {
            return Err(self.cannot_answer(&request, claims, tenant));
        }
        if let (Some(tenant), Some(_)) = (tenant, &self.subscription) {
            return Err(Error::new(
                ErrorKind::Invalid,
                tool.what(&request),
                format!("both a subscription, which has its own tenant, and the tenant {tenant} are given"),
            )
            .with_fix("give only one of the two"));
        }
        let whole = tool.options().deadline_with_process();
        let left = || whole.saturating_sub(started.elapsed());
        let looking = {
            let (this, request) = (self.clone(), request.clone());
            tokio::task::spawn_blocking(move || this.look_into_files(&request))
        };
        let found = match timeout(READING.min(left()), looking).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => Err(NotHere::because("the runtime is shutting down")),
            Err(_) => Err(NotHere::because(
                "Azure CLI's files could not be read in time",
            )),
        };
        let why = match found {
            Ok(direct::FilesLookup::Token(token)) => {
                tracing::debug!(credential = NAME, "took the token from Azure CLI's cache");
                return Ok(token);
            }
            Ok(direct::FilesLookup::Redeemable(redeemable)) => {
                return redeemable.redeem(tool.options(), &request, left()).await;
            }
            Ok(direct::FilesLookup::SignedOut) => return Err(tool.signed_out(tool.what(&request))),
            Err(why) => why,
        };
        tracing::debug!(credential = NAME, %why, "Azure CLI's files can't be read in time; running az");
        if tool.find(tool.system()).is_none() {
            return Err(self.neither(&request, &why));
        }
        // Its token would be another cloud's.
        if let Some(Fact::OtherCloud {
            theirs,
            their_authority,
            ours,
        }) = why.fact()
        {
            let fix = Fix::from(format!(
                "to use {ours}, run `az cloud set --name {ours}` and `az login`"
            ))
            .or(Fix::set_to(
                "AZURE_AUTHORITY_HOST",
                format!("https://{their_authority}"),
            )
            .when(format!("you mean {theirs}")));
            return Err(
                Error::new(ErrorKind::Unavailable, tool.what(&request), why.to_string())
                    .with_fix(fix),
            );
        }
        let subscription = self.subscription.as_deref();
        let deadline = tool.deadline().min(left());
        let answer = process::run_az(tool, &request, tenant, subscription, deadline).await;
        answer.map_err(|error| self.with_known(error, &why))
    }

    /// Adds to az's own error what its files show, and a fix that repeats nothing that was done.
    fn with_known(&self, error: Error, why: &NotHere) -> Error {
        let system = self.tool.system();
        let Some(folder) = Folder::of(system) else {
            return error;
        };
        if !matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Unexpected) {
            return error;
        }
        let path = printable_path(folder.path());
        let own = || {
            Fix::from(
                "set AZURE_CONFIG_DIR to a folder of your own on this system, and run `az login`",
            )
        };
        let (known, fix) = if let Some(Fact::Foreign(owner)) = why.fact() {
            (
                format!("{path} belongs to another user (uid {owner}), whose account it is"),
                Fix::from("run this as that user").or(own()),
            )
        } else if system.os() != "windows" && direct::is_encrypted(&folder) {
            (
                format!(
                    "msal_token_cache.bin in {path} is encrypted, for Windows or for a keyring that is not here"
                ),
                own().or("on Windows, where it was written, run this there"),
            )
        } else {
            return error;
        };
        Error::new(
            error.kind(),
            error.what().to_owned(),
            format!("{}; {known}", error.why()),
        )
        .with_fix(fix)
    }

    fn look_into_files(&self, request: &TokenRequest) -> Result<direct::FilesLookup, NotHere> {
        let cloud = self
            .tool
            .options()
            .cloud()
            .map_err(|_| NotHere::because("the cloud is not known"))?;
        let asked = direct::CliRequest {
            scopes: request.scopes().iter().map(Scope::as_str).collect(),
            tenant: self
                .tool
                .tenant_of(request)
                .map_err(|_| NotHere::because("the tenant is not allowed"))?,
            subscription: self.subscription.as_deref(),
        };
        direct::look(self.tool.system(), &cloud, &asked)
    }

    /// The files can't be used, and `az` is not installed.
    fn neither(&self, request: &TokenRequest, why: &NotHere) -> Error {
        let missing = self.tool.not_installed(self.tool.what(request));
        let has_files =
            Folder::of(self.tool.system()).is_some_and(|folder| folder.has("azureProfile.json"));
        if !has_files {
            return missing;
        }
        Error::new(
            ErrorKind::Unavailable,
            self.tool.what(request),
            format!(
                "{}, and its files are of no use without it: {why}",
                missing.why()
            ),
        )
        .with_fix_of(&missing)
    }

    /// Only a person can answer the challenge.
    fn cannot_answer(
        &self,
        request: &TokenRequest,
        claims: &str,
        tenant: Option<&TenantId>,
    ) -> Error {
        let mut command = self.tool.sign_in(tenant);
        command.push_str(&format!(
            " --scope {} --claims-challenge {}",
            request.scopes()[0],
            STANDARD.encode(claims)
        ));
        Error::new(
            ErrorKind::Unavailable,
            self.tool.what(request),
            "a claims challenge needs a person to sign in",
        )
        .with_fix(format!("run `{command}` (Azure CLI 2.76 or later)"))
    }
}

impl TokenSource for AzureCli {
    fn name(&self) -> &'static str {
        NAME
    }

    /// Only the files' content or `az` shows whether an account is signed in. The check only shows
    /// that they exist.
    fn look(&self, system: &dyn System) -> Availability {
        let program = self.tool.find(system);
        let folder = Folder::of(system);
        let has = |name| folder.as_ref().is_some_and(|folder| folder.has(name));
        let is_readable = has("azureProfile.json") && has("msal_token_cache.json");
        let using = match (is_readable, program) {
            (true, _) => self.tool.used(None, Some(ToolFiles::Readable)),
            (false, Some(program)) => {
                let files = match folder.as_ref().is_some_and(direct::is_encrypted) {
                    true => ToolFiles::Encrypted,
                    false => ToolFiles::NoAccount,
                };
                self.tool.used(Some(&program), Some(files))
            }
            (false, None) => {
                return Availability::Unavailable(
                    self.tool
                        .not_installed(format!("{NAME} could not use Azure CLI")),
                );
            }
        };
        Availability::Possible { using }
    }

    fn fetch(self: Arc<Self>, request: TokenRequest) -> BoxFuture<'static, Result<AccessToken>> {
        self.request_token(request).boxed()
    }
}

impl fmt::Debug for AzureCli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(NAME)
            .field("tool", &self.tool)
            .field("subscription", &self.subscription)
            .finish_non_exhaustive()
    }
}
