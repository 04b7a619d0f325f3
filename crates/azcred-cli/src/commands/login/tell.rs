//! Tells who has signed in, what they can see, and what stands in their way here.

use super::seen::{Instead, Seen, reference};
use crate::output::{
    Output,
    style::{GOOD, STRONG, paint},
    table,
    wrap::Stream,
};
use azcred::account::Account;
use azcred_azure::{Principal, PrincipalKind, Source, WorkspaceRef};
use serde::Serialize;

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
    /// The workspace that is meant in this folder, whether it can be seen or not; `null` where none is.
    workspace: Option<Meant<'a>>,
    /// Who answers `azcred token` here in place of this sign-in; `null` where nobody does.
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
    why: &'a str,
}

/// Tells it.
pub(super) fn tell(
    account: &Account,
    principal: Option<&Principal>,
    seen: &Seen,
    output: &mut Output,
) {
    if output.is_json() {
        output.json(&document(account, principal, seen));
        return;
    }
    let width = Stream::Stdout.width();
    for line in lines(account, principal, seen, width) {
        output.line(line);
    }
    for note in notes(principal, seen) {
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
        instead: seen.instead.as_ref().map(|instead| match instead {
            Instead::Answers { source, using } => InsteadLine {
                source: Some(source.id()),
                why: using,
            },
            Instead::Fails { why } => InsteadLine { source: None, why },
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

fn is_here(workspace: &WorkspaceRef, seen: &Seen) -> bool {
    let id = workspace.resource_id();
    let here = seen.here.as_ref();
    here.is_some_and(|here| here.workspace.resource_id().eq_ignore_ascii_case(&id))
}

/// By what a workspace is meant here.
fn meant(source: &Source) -> String {
    match source {
        Source::File(_) => "this folder's workspace".to_owned(),
        Source::Variables(names) => format!("the workspace of {names}"),
        _ => "the workspace that is meant".to_owned(),
    }
}

/// What is to be known besides, each with what to do.
fn notes(principal: Option<&Principal>, seen: &Seen) -> Vec<String> {
    let mut notes = Vec::new();
    match &seen.instead {
        Some(Instead::Answers { source, using }) => notes.push(format!(
            "in this place the source `{source}` answers before this sign-in ({using}). For this sign-in run `azcred token --only azcred`, or write \
             `only = [\"azcred\"]` below `[chain]` into azcred.toml"
        )),
        Some(Instead::Fails { why }) => notes.push(format!(
            "in this place `azcred token` does not come to this sign-in ({why}). `azcred chain` shows why; `azcred token --only azcred` \
             asks for it alone"
        )),
        None => {}
    }
    notes.extend(seen.trouble.iter().cloned());
    if seen.trouble.is_empty() && seen.subscriptions.is_empty() {
        notes.push(no_subscription(principal, seen));
    }
    match &seen.here {
        Some(here) if seen.trouble.is_empty() && !seen.workspaces.iter().filter_map(reference).any(|one| is_here(&one, seen)) => {
            notes.push(format!(
                "the workspace that {} names, {}, is not among what you can see. `azcred doctor` looks why",
                here.source,
                here.workspace.name()
            ));
        }
        None if seen.is_unnamed && !seen.workspaces.is_empty() => notes.push(match &seen.workspaces[..] {
            [only] => match reference(only) {
                Some(only) => format!(
                    "this folder has no config.json, by which programs find their workspace. To make one: `echo '{{\"subscription_id\": \
                     \"{}\", \"resource_group\": \"{}\", \"workspace_name\": \"{}\"}}' > config.json`",
                    only.subscription(),
                    only.resource_group(),
                    only.name()
                ),
                None => NO_CONFIG.to_owned(),
            },
            _ => NO_CONFIG.to_owned(),
        }),
        _ => {}
    }
    notes
}

const NO_CONFIG: &str = "this folder has no config.json, by which programs find their workspace. Download it in Azure Machine Learning studio \
                         (the workspace's menu at the top right, 'Download config file')";

fn no_subscription(principal: Option<&Principal>, seen: &Seen) -> String {
    let own = principal.and_then(|principal| principal.tenant_id.as_deref());
    let others: Vec<String> = seen
        .tenants
        .iter()
        .filter(|tenant| own.is_none_or(|own| !own.eq_ignore_ascii_case(&tenant.tenant_id)))
        .map(|tenant| {
            let id = shown(&tenant.tenant_id);
            let named = tenant
                .default_domain
                .as_deref()
                .or(tenant.display_name.as_deref());
            match named {
                Some(name) => format!("`azcred login --tenant {id}` for {}", shown(name)),
                None => format!("`azcred login --tenant {id}`"),
            }
        })
        .take(5)
        .collect();
    let who = principal.and_then(|principal| principal.object_id.as_deref());
    let grant = match who {
        Some(id) => format!("ask an owner for a role, for object id {id}"),
        None => "ask an owner for a role".to_owned(),
    };
    match others.is_empty() {
        true => format!(
            "no subscription can be seen in this tenant: {grant}; one that is in another tenant is seen after `azcred login --tenant TENANT`"
        ),
        false => format!(
            "no subscription can be seen in this tenant: {grant}, or look in another tenant: {}",
            others.join(", ")
        ),
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

/// What Azure says, fit for a terminal.
fn shown(text: &str) -> String {
    azcred::printable(text, 80)
}
