//! The account that is signed in to Azure PowerShell (`Connect-AzAccount`).

use super::{
    Availability,
    developer_tool::{About, DeveloperTool},
    source::{Kept, TokenSource, credential},
    tool_output::{self, Times},
    tool_phrases::Phrase,
};
use crate::{
    expiry,
    facts::{Error, ErrorKind, Result, Source},
    options::ClientOptions,
    request::TokenRequest,
    system::System,
    tenant::TenantId,
    token::AccessToken,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{FutureExt, future::BoxFuture};
use std::{fmt, sync::Arc, time::Duration};

/// Gets tokens for the account that is signed in to Azure PowerShell: the module Az.Accounts, in
/// PowerShell 7 or, on Windows, 5.1.
pub struct AzurePowerShellCredential(Kept<AzurePowerShell>);

#[derive(Clone)]
struct AzurePowerShell {
    tool: DeveloperTool,
}

const NAME: &str = "AzurePowerShellCredential";

static ABOUT: About = About {
    source: Source::AzurePowerShell,
    credential: NAME,
    title: "Azure PowerShell",
    programs: if cfg!(windows) {
        &["pwsh", "powershell"]
    } else {
        &["pwsh"]
    },
    install: "https://aka.ms/powershell, then `Install-Module Az.Accounts`",
    sign_in: "Connect-AzAccount",
    sign_in_to: "Connect-AzAccount -Tenant ",
    try_it: "(Get-AzAccessToken).ExpiresOn",
    signed_out: &["Connect-AzAccount"],
    phrases: &[
        Phrase {
            says: "AuthorizationManager check failed",
            kind: ErrorKind::Unavailable,
            why: "the execution policy does not allow the module Az.Accounts",
            fix: "allow it with `Set-ExecutionPolicy -Scope CurrentUser RemoteSigned`",
        },
        Phrase {
            says: "cannot be loaded because running scripts is disabled",
            kind: ErrorKind::Unavailable,
            why: "the execution policy does not allow the module Az.Accounts",
            fix: "allow it with `Set-ExecutionPolicy -Scope CurrentUser RemoteSigned`",
        },
    ],
};

/// The script prints this before its output. A profile or a module may print other lines.
const MARK: &str = "azcred%";
/// The script's output if the module is missing.
const NO_MODULE: &str = "no-module";

/// Requests a token. `RESOURCE` and `TENANT` are placeholders; their values have no quotes.
/// Az.Accounts returns the token as a secure string on request (from 2.17 on) or always (from 5.0,
/// Az 14).
const SCRIPT: &str = r"$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'
$module = Import-Module Az.Accounts -MinimumVersion 2.2.0 -PassThru -ErrorAction SilentlyContinue
if (-not $module) {
    [Console]::Out.WriteLine('azcred%no-module')
    exit 0
}
$ask = @{ ResourceUrl = 'RESOURCE' }
if ('TENANT') { $ask.TenantId = 'TENANT' }
if ((Get-Command Get-AzAccessToken).Parameters.ContainsKey('AsSecureString')) { $ask.AsSecureString = $true }
$answer = Get-AzAccessToken @ask
$token = $answer.Token
if ($token -is [System.Security.SecureString]) {
    $token = (New-Object System.Net.NetworkCredential('', $token)).Password
}
[Console]::Out.WriteLine('azcred%' + $token + '%' + $answer.ExpiresOn.ToUnixTimeSeconds())
";

impl AzurePowerShellCredential {
    /// A credential for the current context's account and tenant. Reads nothing yet.
    pub fn new(options: ClientOptions) -> Self {
        let system = options.system().clone();
        let tool = DeveloperTool::new(&ABOUT, options);
        Self(Kept::new(Arc::new(AzurePowerShell { tool }), system))
    }

    /// Requests tokens in this tenant instead of the context's.
    #[must_use]
    pub fn with_tenant(self, tenant: TenantId) -> Self {
        Self(self.0.changed(|source| source.tool.set_tenant(tenant)))
    }

    /// Limits one run of PowerShell; the default is 10 seconds. [`ClientOptions::deadline`] limits
    /// it too.
    #[must_use]
    pub fn with_process_deadline(self, deadline: Duration) -> Self {
        Self(self.0.changed(|source| source.tool.set_deadline(deadline)))
    }
}

credential!(AzurePowerShellCredential);

impl AzurePowerShell {
    async fn request_token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let tool = &self.tool;
        let what = tool.what(request);
        tool.check_scopes(request)?;
        let tenant = tool.tenant_of(request)?;
        if let Some(claims) = request.claims() {
            let command = format!(
                "{} -ClaimsChallenge {}",
                tool.sign_in(tenant),
                STANDARD.encode(claims)
            );
            return Err(Error::new(
                ErrorKind::Unavailable,
                what,
                "a claims challenge needs a person to sign in",
            )
            .with_fix(format!("run `{command}` (Az.Accounts 5.2 or later)")));
        }
        let [scope] = request.scopes() else {
            return Err(Error::new(
                ErrorKind::Invalid,
                what,
                "Azure PowerShell gets tokens for one whole resource, and several scopes were requested",
            )
            .with_fix("request only RESOURCE/.default"));
        };
        let args = arguments(scope.resource(), tenant);
        let finished = tool.run(&what, args, Vec::new(), tool.deadline()).await?;
        if let Some(error) = tool.failure(&what, &finished, request) {
            return Err(error);
        }
        let text = tool_output::text(&finished.stdout);
        let read = match &text {
            Some(text) => read(text),
            None => Err(tool_output::shape(&finished.stdout)),
        };
        if matches!(read, Ok(None)) {
            return Err(Error::new(
                ErrorKind::Unavailable,
                what,
                "PowerShell is installed, but its module Az.Accounts (2.2 or later) is not",
            )
            .with_fix("run `Install-Module Az.Accounts`, then `Connect-AzAccount`"));
        }
        let read = read.and_then(|found| found.ok_or_else(|| "nothing".to_owned()));
        tool.token(&what, tool.system().now(), read)
    }
}

fn arguments(resource: &str, tenant: Option<&TenantId>) -> Vec<String> {
    let script = SCRIPT
        .replace("RESOURCE", resource)
        .replace("TENANT", tenant.map_or("", TenantId::as_str));
    // The option takes base64 of little-endian UTF-16, so that nothing has to be quoted.
    let bytes: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
    ["-NoProfile", "-NonInteractive", "-EncodedCommand"]
        .map(str::to_owned)
        .into_iter()
        .chain([STANDARD.encode(bytes)])
        .collect()
}

/// The token and its end; `None` if the module is missing.
fn read(text: &str) -> Result<Option<(&str, Times)>, String> {
    let mut answers = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix(MARK));
    let (Some(answer), None) = (answers.next(), answers.next()) else {
        return Err(tool_output::shape(text.as_bytes()));
    };
    if answer == NO_MODULE {
        return Ok(None);
    }
    let (token, epoch) = answer
        .split_once('%')
        .and_then(|(token, epoch)| Some((token, expiry::seconds_in(epoch)?)))
        .filter(|(token, _)| tool_output::is_token(token))
        .ok_or_else(|| "something else".to_owned())?;
    let times = Times {
        epoch: Some(epoch),
        date: None,
    };
    Ok(Some((token, times)))
}

impl TokenSource for AzurePowerShell {
    fn name(&self) -> &'static str {
        NAME
    }

    fn look(&self, system: &dyn System) -> Availability {
        self.tool.find(system).map_or_else(
            || {
                Availability::Unavailable(
                    self.tool
                        .not_installed(format!("{NAME} could not use PowerShell")),
                )
            },
            |program| Availability::Possible {
                using: self.tool.used(Some(&program), None),
            },
        )
    }

    fn fetch(self: Arc<Self>, request: TokenRequest) -> BoxFuture<'static, Result<AccessToken>> {
        async move { self.request_token(&request).await }.boxed()
    }
}

impl fmt::Debug for AzurePowerShell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(NAME)
            .field("tool", &self.tool)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Fixture;

    #[test]
    fn a_run_is_limited_to_ten_seconds_unless_the_program_says_otherwise() {
        let seconds = Duration::from_secs;
        let limit = |options: ClientOptions, own: Option<Duration>| {
            let mut tool = DeveloperTool::new(&ABOUT, options);
            if let Some(own) = own {
                tool.set_deadline(own);
            }
            tool.deadline()
        };
        let options = || ClientOptions::new(Fixture::new().shared());
        assert_eq!(limit(options(), None), seconds(10));
        let raised = || options().with_process_timeout(seconds(60));
        // Without another limit, the whole call may take as long.
        assert_eq!(limit(raised(), None), seconds(60));
        assert_eq!(limit(raised(), Some(seconds(5))), seconds(5));
        assert_eq!(
            limit(raised().with_deadline(seconds(20)), None),
            seconds(20)
        );
        let longest = options().with_process_timeout(seconds(1 << 40));
        assert_eq!(limit(longest, None), ClientOptions::LONGEST_PROCESS_TIMEOUT);
    }
}
