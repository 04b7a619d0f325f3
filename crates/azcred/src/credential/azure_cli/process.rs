//! Azure CLI's token by running `az account get-access-token`.

use super::super::{
    developer_tool::{About, DeveloperTool},
    tool_output::{self, Times},
    tool_phrases::Phrase,
};
use crate::{
    expiry,
    facts::{ErrorKind, Result, Source},
    request::TokenRequest,
    system::AZ_CALLED,
    tenant::TenantId,
    token::AccessToken,
};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// The properties of Azure CLI.
pub(super) static ABOUT: About = About {
    source: Source::AzureCli,
    credential: super::NAME,
    title: "Azure CLI",
    programs: &["az"],
    install: "https://aka.ms/azure-cli",
    sign_in: "az login",
    sign_in_to: "az login --tenant ",
    try_it: "az account get-access-token --query expiresOn",
    signed_out: &["az login", "az account set"],
    phrases: &[
        Phrase {
            says: "Please specify only one of subscription and tenant",
            kind: ErrorKind::Invalid,
            why: "both a subscription, which has its own tenant, and a tenant are given",
            fix: "give only one of the two",
        },
        Phrase {
            says: "Multiple subscriptions with the name",
            kind: ErrorKind::Invalid,
            why: "several subscriptions have this name",
            fix: "give the subscription's id: `az account list --output table`",
        },
        Phrase {
            says: "Check the spelling and casing",
            kind: ErrorKind::Invalid,
            why: "the account that is signed in to Azure CLI does not have this subscription",
            fix: "choose one of `az account list --output table`; to see new ones, run `az login` again",
        },
        Phrase {
            says: "unrecognized arguments",
            kind: ErrorKind::Unavailable,
            why: "Azure CLI is too old",
            fix: "run `az upgrade`",
        },
        Phrase {
            says: "ModuleNotFoundError",
            kind: ErrorKind::Unavailable,
            why: "the installation of Azure CLI is incomplete",
            fix: "install Azure CLI again (https://aka.ms/azure-cli)",
        },
        Phrase {
            says: "Permission denied",
            kind: ErrorKind::Unavailable,
            why: "Azure CLI may not write to its own folder",
            fix: "make ~/.azure (or AZURE_CONFIG_DIR) yours: `sudo chown -R \"$(id -un)\" ~/.azure`",
        },
    ],
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AzOutput<'a> {
    access_token: &'a str,
    /// Since version 2.54.
    #[serde(default, rename = "expires_on")]
    epoch: Option<Value>,
    /// In the program's time zone, which is set to UTC.
    #[serde(default)]
    expires_on: Option<Value>,
    #[serde(default)]
    token_type: Option<&'a str>,
}

/// Runs `az` and reads its token.
pub(super) async fn run_az(
    tool: &DeveloperTool,
    request: &TokenRequest,
    tenant: Option<&TenantId>,
    subscription: Option<&str>,
    deadline: Duration,
) -> Result<AccessToken> {
    let what = tool.what(request);
    let args = arguments(request, tenant, subscription);
    let vars = vec![
        (AZ_CALLED, "1".to_owned()),
        ("AZURE_CORE_NO_COLOR", "true".to_owned()),
        ("AZURE_CORE_COLLECT_TELEMETRY", "false".to_owned()),
        // Older versions print the token's end in local time only.
        ("TZ", "UTC0".to_owned()),
    ];
    let finished = tool.run(&what, args, vars, deadline).await?;
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

fn arguments(
    request: &TokenRequest,
    tenant: Option<&TenantId>,
    subscription: Option<&str>,
) -> Vec<String> {
    let mut args: Vec<String> = ["account", "get-access-token", "--output", "json"]
        .map(str::to_owned)
        .into();
    match request.scopes() {
        // Every version knows resources; scopes exist since 2.21.
        [one] if one.resource() != one.as_str() => {
            args.extend(["--resource".to_owned(), one.resource().to_owned()]);
        }
        scopes => {
            args.push("--scope".to_owned());
            args.extend(scopes.iter().map(|scope| scope.as_str().to_owned()));
        }
    }
    if let Some(tenant) = tenant {
        args.extend(["--tenant".to_owned(), tenant.to_string()]);
    }
    if let Some(subscription) = subscription {
        args.extend(["--subscription".to_owned(), subscription.to_owned()]);
    }
    args
}

fn read(text: &str) -> Result<(&str, Times), String> {
    let answer: AzOutput<'_> = tool_output::the_object(text, |answer: &AzOutput<'_>| {
        let kind = answer.token_type.unwrap_or("Bearer");
        kind.eq_ignore_ascii_case("Bearer") && tool_output::is_token(answer.access_token)
    })?;
    let times = Times {
        epoch: answer.epoch.as_ref().and_then(expiry::moment),
        date: answer.expires_on.as_ref().and_then(expiry::moment),
    };
    Ok((answer.access_token, times))
}
