//! The account that is signed in to Azure Developer CLI (`azd auth login`).

use super::{
    Availability,
    developer_tool::{About, DeveloperTool},
    source::{Kept, TokenSource, credential},
    tool_output::{self, Times},
    tool_phrases::Phrase,
};
use crate::{
    expiry,
    facts::{ErrorKind, Result, Source},
    options::ClientOptions,
    request::TokenRequest,
    system::{Finished, System},
    tenant::TenantId,
    token::AccessToken,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{FutureExt, future::BoxFuture};
use serde::Deserialize;
use serde_json::Value;
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Gets tokens for the account that is signed in to Azure Developer CLI.
pub struct AzureDeveloperCliCredential(Kept<AzureDeveloperCli>);

#[derive(Clone)]
struct AzureDeveloperCli {
    tool: DeveloperTool,
}

const NAME: &str = "AzureDeveloperCliCredential";
const NO_PROMPT: &str = "--no-prompt";

static ABOUT: About = About {
    source: Source::AzureDeveloperCli,
    credential: NAME,
    title: "Azure Developer CLI",
    programs: &["azd"],
    install: "https://aka.ms/azd-install",
    sign_in: "azd auth login",
    sign_in_to: "azd auth login --tenant-id ",
    try_it: "azd auth login --check-status",
    signed_out: &["not logged in", "azd auth login"],
    phrases: &[
        Phrase {
            says: "unknown flag: --claims",
            kind: ErrorKind::Unavailable,
            why: "this version of Azure Developer CLI can't answer a claims challenge",
            fix: "update Azure Developer CLI to 1.18.1 or later (https://aka.ms/azd-install)",
        },
        Phrase {
            says: "unknown flag",
            kind: ErrorKind::Unavailable,
            why: "Azure Developer CLI is too old",
            fix: "update Azure Developer CLI (https://aka.ms/azd-install)",
        },
    ],
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AzdOutput<'a> {
    token: &'a str,
    /// In UTC.
    #[serde(default)]
    expires_on: Option<Value>,
}

impl AzureDeveloperCliCredential {
    /// A credential for that account in its own tenant. Reads nothing yet.
    pub fn new(options: ClientOptions) -> Self {
        let system = options.system().clone();
        let tool = DeveloperTool::new(&ABOUT, options);
        Self(Kept::new(Arc::new(AzureDeveloperCli { tool }), system))
    }

    /// Requests tokens in this tenant instead of the account's own.
    #[must_use]
    pub fn with_tenant(self, tenant: TenantId) -> Self {
        Self(self.0.changed(|source| source.tool.set_tenant(tenant)))
    }

    /// Limits one run of `azd`; the default is 10 seconds. [`ClientOptions::deadline`] limits it
    /// too.
    #[must_use]
    pub fn with_process_deadline(self, deadline: Duration) -> Self {
        Self(self.0.changed(|source| source.tool.set_deadline(deadline)))
    }
}

credential!(AzureDeveloperCliCredential);

impl AzureDeveloperCli {
    async fn request_token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let tool = &self.tool;
        let what = tool.what(request);
        tool.check_scopes(request)?;
        let tenant = tool.tenant_of(request)?;
        let end = Instant::now() + tool.deadline();
        let args = arguments(request, tenant);
        let mut finished = self.run(&what, args.clone(), end).await?;
        // Old versions do not know the option. They don't prompt without a terminal either.
        if finished.code != Some(0)
            && tool_output::said(&finished).contains("unknown flag: --no-prompt")
        {
            let args = args.into_iter().filter(|one| one != NO_PROMPT).collect();
            finished = self.run(&what, args, end).await?;
        }
        if let Some(error) = tool.failure(&what, &finished, request) {
            return Err(error);
        }
        let text = tool_output::text(&finished.stdout);
        let read = match &text {
            Some(text) => read(text),
            None => Err(tool_output::shape(&finished.stdout)),
        };
        tool.token(&what, tool.system().now(), read)
    }

    async fn run(&self, what: &str, args: Vec<String>, end: Instant) -> Result<Finished> {
        let vars = vec![("NO_COLOR", "true".to_owned())];
        let left = end.saturating_duration_since(Instant::now());
        self.tool.run(what, args, vars, left).await
    }
}

fn arguments(request: &TokenRequest, tenant: Option<&TenantId>) -> Vec<String> {
    let mut args: Vec<String> = ["auth", "token", "--output", "json", NO_PROMPT]
        .map(str::to_owned)
        .into();
    for scope in request.scopes() {
        args.extend(["--scope".to_owned(), scope.to_string()]);
    }
    if let Some(tenant) = tenant {
        args.extend(["--tenant-id".to_owned(), tenant.to_string()]);
    }
    if let Some(claims) = request.claims() {
        args.extend(["--claims".to_owned(), STANDARD.encode(claims)]);
    }
    args
}

fn read(text: &str) -> Result<(&str, Times), String> {
    let answer: AzdOutput<'_> = tool_output::the_object(text, |answer: &AzdOutput<'_>| {
        tool_output::is_token(answer.token)
    })?;
    let times = Times {
        epoch: None,
        date: answer.expires_on.as_ref().and_then(expiry::moment),
    };
    Ok((answer.token, times))
}

impl TokenSource for AzureDeveloperCli {
    fn name(&self) -> &'static str {
        NAME
    }

    fn look(&self, system: &dyn System) -> Availability {
        self.tool.find(system).map_or_else(
            || {
                Availability::Unavailable(
                    self.tool
                        .not_installed(format!("{NAME} could not use Azure Developer CLI")),
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

impl fmt::Debug for AzureDeveloperCli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(NAME)
            .field("tool", &self.tool)
            .finish_non_exhaustive()
    }
}
