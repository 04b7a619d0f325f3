//! Shows the account that has signed in, what it can see, and why commands here may not use it.

use super::{
    notes::notes,
    reach::Instead,
    seen::{Seen, is_here, reference},
    summary::Summary,
};
use crate::{
    commands::reader::{named_tenant, tenant_name},
    output::{
        Output,
        style::{GOOD, STRONG, paint},
        table,
        wrap::Stream,
    },
};
use azcred::{Untrusted, Used, account::Account};
use azcred_azure::{Principal, PrincipalKind, Source, WorkspaceRef};
use serde::Serialize;
use std::borrow::Cow;

/// The output of `--output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LoginDocument<'a> {
    /// The account, as in `azcred account list`.
    account: &'a Account,
    /// The identity in the token; `null` if the token does not name it.
    principal: Option<&'a Principal>,
    /// The tenant's name, if it is known.
    tenant_name: Option<&'a Untrusted>,
    /// The account's tenants.
    tenants: Vec<TenantLine<'a>>,
    subscriptions: Vec<SubscriptionLine<'a>>,
    workspaces: Vec<WorkspaceLine<'a>>,
    /// The workspace of this folder, even if the account can't see it; `null` without one.
    workspace: Option<Meant<'a>>,
    /// The command that gets a token with this sign-in here, as a test run has shown; `null`
    /// without one.
    command: Option<&'a str>,
    /// What `azcred token` uses here in place of this sign-in; `null` if it uses this sign-in, or
    /// if the test run took too long.
    instead: Option<InsteadLine<'a>>,
    /// What could not be listed.
    trouble: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TenantLine<'a> {
    tenant_id: &'a Untrusted,
    display_name: Option<&'a Untrusted>,
    default_domain: Option<&'a Untrusted>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SubscriptionLine<'a> {
    subscription_id: &'a Untrusted,
    display_name: &'a Untrusted,
    state: &'a Untrusted,
    tenant_id: Option<&'a Untrusted>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkspaceLine<'a> {
    #[serde(flatten)]
    workspace: WorkspaceRef,
    location: &'a Untrusted,
    /// Whether it is the workspace of this folder.
    is_here: bool,
}

#[derive(Serialize)]
struct Meant<'a> {
    #[serde(flatten)]
    workspace: &'a WorkspaceRef,
    /// The source of its name.
    source: String,
}

#[derive(Serialize)]
struct InsteadLine<'a> {
    /// The source that returns a token; `null` if none does.
    source: Option<&'a str>,
    /// What the source uses, or why none returns a token.
    why: Cow<'a, str>,
    /// What the source uses, as values; `null` if none returns a token.
    used: Option<&'a Used>,
}

/// Shows the account, and what it can see.
pub(super) fn tell(told: &Summary<'_>, output: &mut Output) {
    let (account, principal, seen) = (told.account, told.principal, told.seen);
    if output.is_json() {
        output.json(&document(account, principal, seen));
        return;
    }
    let width = Stream::Stdout.width();
    for line in lines(account, principal, seen, width) {
        output.line(line);
    }
    for note in notes(told) {
        output.remark(&note);
    }
}

fn document<'a>(
    account: &'a Account,
    principal: Option<&'a Principal>,
    seen: &'a Seen,
) -> LoginDocument<'a> {
    LoginDocument {
        account,
        principal,
        tenant_name: principal
            .and_then(|principal| tenant_name(principal.tenant_id.as_deref()?, &seen.tenants)),
        tenants: seen
            .tenants
            .iter()
            .map(|tenant| TenantLine {
                tenant_id: &tenant.tenant_id,
                display_name: tenant.display_name.as_ref(),
                default_domain: tenant.default_domain.as_ref(),
            })
            .collect(),
        subscriptions: seen
            .subscriptions
            .iter()
            .map(|subscription| SubscriptionLine {
                subscription_id: &subscription.subscription_id,
                display_name: &subscription.display_name,
                state: &subscription.state,
                tenant_id: subscription.tenant_id.as_ref(),
            })
            .collect(),
        workspaces: seen
            .workspaces
            .iter()
            .filter_map(|workspace| {
                let reference = reference(workspace)?;
                Some(WorkspaceLine {
                    is_here: is_here(&reference, seen),
                    workspace: reference,
                    location: &workspace.location,
                })
            })
            .collect(),
        workspace: seen.here.as_ref().map(|here| Meant {
            workspace: &here.workspace,
            source: here.source.to_string(),
        }),
        command: seen.reach.command.as_deref(),
        instead: seen.reach.instead.as_ref().map(|instead| match instead {
            Instead::Answers { source, used } => InsteadLine {
                source: Some(source.id()),
                why: used.to_string().into(),
                used: Some(used),
            },
            Instead::Fails { why } => InsteadLine {
                source: None,
                why: why.into(),
                used: None,
            },
        }),
        trouble: &seen.trouble,
    }
}

fn lines(
    account: &Account,
    principal: Option<&Principal>,
    seen: &Seen,
    width: usize,
) -> Vec<String> {
    let who = match principal {
        Some(principal) if principal.kind == PrincipalKind::User => {
            let name = principal.name.as_deref().or(principal.user_name.as_deref());
            name.map_or_else(|| account.who(), str::to_owned)
        }
        Some(principal) => format!("the {}", principal.describe()),
        None => account.who(),
    };
    let mut lines = vec![format!(
        "{} {}",
        paint(GOOD, "✓"),
        paint(STRONG, format!("Signed in as {who}"))
    )];
    lines.push(String::new());
    lines.extend(table::pairs(&rows(account, principal, seen)));
    if !seen.subscriptions.is_empty() {
        lines.push(String::new());
        let rows: Vec<[String; 3]> = seen
            .subscriptions
            .iter()
            .map(|subscription| {
                [
                    subscription.display_name.to_string(),
                    subscription.subscription_id.to_string(),
                    subscription.state.to_string(),
                ]
            })
            .collect();
        lines.extend(table::columns(
            ["Subscription", "id", "state"],
            &rows,
            width,
        ));
    }
    if !seen.workspaces.is_empty() {
        lines.push(String::new());
        lines.extend(table::columns(
            ["Workspace", "resource group", "subscription", "region", ""],
            &workspaces(seen),
            width,
        ));
    }
    lines
}

/// The identity, with the ids that other tools need.
fn rows(
    account: &Account,
    principal: Option<&Principal>,
    seen: &Seen,
) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let mut add = |name, value: Option<&str>| {
        if let Some(value) = value {
            rows.push((name, value.to_owned()));
        }
    };
    if let Some(principal) = principal {
        add("Sign-in name", principal.user_name.as_deref());
        if principal.kind != PrincipalKind::User {
            add("Application", principal.application_id.as_deref());
        }
        add("Object id", principal.object_id.as_deref());
        let tenant = principal.tenant_id.as_deref();
        let tenant = tenant.map(|id| ("Tenant", named_tenant(id, &seen.tenants)));
        rows.extend(tenant);
    }
    if account.profile != azcred::Profile::default().name() {
        rows.push(("Profile", account.profile.clone()));
    }
    rows
}

fn workspaces(seen: &Seen) -> Vec<[String; 5]> {
    let subscription = |id: &str| {
        let named = seen
            .subscriptions
            .iter()
            .find(|one| one.subscription_id.eq_ignore_ascii_case(id));
        named.map_or_else(|| id.to_owned(), |one| one.display_name.to_string())
    };
    seen.workspaces
        .iter()
        .filter_map(|workspace| {
            let reference = reference(workspace)?;
            let mark = match (is_here(&reference, seen), &seen.here) {
                (true, Some(here)) => paint(GOOD, format!("← {}", meant(&here.source))),
                _ => String::new(),
            };
            Some([
                reference.name().to_owned(),
                reference.resource_group().to_owned(),
                subscription(reference.subscription()),
                workspace.location.to_string(),
                mark,
            ])
        })
        .collect()
}

/// Where the name of this folder's workspace comes from.
fn meant(source: &Source) -> String {
    match source {
        Source::File(_) => "this folder's workspace".to_owned(),
        Source::Variable(name) => format!("the workspace of {name}"),
        _ => "the workspace that is meant".to_owned(),
    }
}
