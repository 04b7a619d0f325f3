//! Tells who has signed in, what they can see, and what stands in their way here.

use super::{
    notes::notes,
    reach::Instead,
    seen::{Seen, is_here, reference, shown},
    summary::Summary,
};
use crate::output::{
    Output,
    style::{GOOD, STRONG, paint},
    table,
    wrap::Stream,
};
use azcred::{Used, account::Account};
use azcred_azure::{Principal, PrincipalKind, Source, WorkspaceRef};
use serde::Serialize;
use std::borrow::Cow;

/// What `--output json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The sign-in, as `azcred account list` has it.
    account: &'a Account,
    /// Who that is, as the token says; `null` where it does not say.
    principal: Option<&'a Principal>,
    /// The tenant's name, where it can be had.
    tenant_name: Option<&'a str>,
    /// The tenants that somebody is in.
    tenants: Vec<TenantLine<'a>>,
    subscriptions: Vec<SubscriptionLine<'a>>,
    workspaces: Vec<WorkspaceLine<'a>>,
    /// The workspace that is meant in this folder, whether it can be seen or not; `null` where none
    /// is.
    workspace: Option<Meant<'a>>,
    /// What gets a token of this sign-in here, tried out; `null` where nothing does.
    command: Option<&'a str>,
    /// Who answers `azcred token` here, in the profile of this sign-in, in place of it; `null`
    /// where this sign-in does, and where it took too long to find out.
    instead: Option<InsteadLine<'a>>,
    /// What could not be looked at.
    trouble: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TenantLine<'a> {
    tenant_id: &'a str,
    display_name: Option<&'a str>,
    default_domain: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SubscriptionLine<'a> {
    subscription_id: &'a str,
    display_name: &'a str,
    state: &'a str,
    tenant_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkspaceLine<'a> {
    #[serde(flatten)]
    workspace: WorkspaceRef,
    location: &'a str,
    /// Whether it is the one that is meant in this folder.
    is_here: bool,
}

#[derive(Serialize)]
struct Meant<'a> {
    #[serde(flatten)]
    workspace: &'a WorkspaceRef,
    /// Where its name was found.
    source: String,
}

#[derive(Serialize)]
struct InsteadLine<'a> {
    /// The source that answers; `null` where nobody does.
    source: Option<&'a str>,
    /// What it uses, or why nobody answers.
    why: Cow<'a, str>,
    /// What it uses, as values; `null` where nobody answers.
    used: Option<&'a Used>,
}

/// Tells who has signed in, and what they can see.
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
) -> Document<'a> {
    Document {
        account,
        principal,
        tenant_name: tenant_name(principal, seen),
        tenants: seen
            .tenants
            .iter()
            .map(|tenant| TenantLine {
                tenant_id: &tenant.tenant_id,
                display_name: tenant.display_name.as_deref(),
                default_domain: tenant.default_domain.as_deref(),
            })
            .collect(),
        subscriptions: seen
            .subscriptions
            .iter()
            .map(|subscription| SubscriptionLine {
                subscription_id: &subscription.subscription_id,
                display_name: &subscription.display_name,
                state: &subscription.state,
                tenant_id: subscription.tenant_id.as_deref(),
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
            name.map_or_else(|| shown(&account.who()), shown)
        }
        Some(principal) => format!("the {}", principal.describe()),
        None => shown(&account.who()),
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
                    shown(&subscription.display_name),
                    shown(&subscription.subscription_id),
                    shown(&subscription.state),
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

/// Who it is, by the names that other tools ask for.
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
        match (tenant_name(Some(principal), seen), tenant) {
            (Some(name), Some(id)) => rows.push(("Tenant", format!("{} ({id})", shown(name)))),
            (_, id) => rows.extend(id.map(|id| ("Tenant", id.to_owned()))),
        }
    }
    if account.profile != azcred::Profile::default().name() {
        rows.push(("Profile", shown(&account.profile)));
    }
    rows
}

fn workspaces(seen: &Seen) -> Vec<[String; 5]> {
    let subscription = |id: &str| {
        let named = seen
            .subscriptions
            .iter()
            .find(|one| one.subscription_id.eq_ignore_ascii_case(id));
        named.map_or_else(|| id.to_owned(), |one| shown(&one.display_name))
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
                shown(&workspace.location),
                mark,
            ])
        })
        .collect()
}

/// By what a workspace is meant here.
fn meant(source: &Source) -> String {
    match source {
        Source::File(_) => "this folder's workspace".to_owned(),
        Source::Variable(name) => format!("the workspace of {name}"),
        _ => "the workspace that is meant".to_owned(),
    }
}

fn tenant_name<'a>(principal: Option<&Principal>, seen: &'a Seen) -> Option<&'a str> {
    let id = principal?.tenant_id.as_deref()?;
    let tenant = seen
        .tenants
        .iter()
        .find(|tenant| tenant.tenant_id.eq_ignore_ascii_case(id))?;
    tenant
        .display_name
        .as_deref()
        .or(tenant.default_domain.as_deref())
}
