//! From what Azure answered to what a check says.

use super::report::{Check, CheckId, Status, Subject};
use crate::{
    access::Capability,
    error::{Error, ErrorKind, Result},
    locate::{Located, Source},
    permissions::Permissions,
    principal::Principal,
    resource_manager::{Answer, Subscription, Workspace},
    role::assign_command,
    text::clean,
    workspace::WorkspaceRef,
};
use azcred::{TenantId, http::skew_in_words, printable_path};

/// Clocks closer than this agree, in seconds. Entra ID itself allows five minutes.
const CLOCK_TOLERANCE: i64 = 60;

/// The role that somebody who works in a workspace wants.
const USUAL_ROLE: &str = "AzureML Data Scientist";

pub(super) fn tenant(
    principal: Option<&Principal>,
    asked: Option<&TenantId>,
    expected: Result<Option<String>>,
) -> Check {
    let actual = principal.and_then(|principal| principal.tenant_id.as_deref());
    let Some(actual) = actual else {
        return Check::new(CheckId::Tenant, Status::Warning, "").because(
            "the token does not say which tenant it is of",
            "nothing needs fixing where the identity provider is not Microsoft's",
        );
    };
    let detail = match asked {
        Some(asked) if !asked.as_str().eq_ignore_ascii_case(actual) => {
            format!("{actual} ({asked})")
        }
        _ => actual.to_owned(),
    };
    match expected {
        Ok(None) => Check::new(CheckId::Tenant, Status::Ok, actual),
        Ok(Some(expected)) if expected.eq_ignore_ascii_case(actual) => {
            Check::new(CheckId::Tenant, Status::Ok, detail)
        }
        Ok(Some(expected)) => Check {
            subject: Some(Subject::Other),
            ..Check::new(CheckId::Tenant, Status::Failed, actual).because(
                format!("{expected} was asked for, and the token is of {actual}"),
                format!("set AZURE_TENANT_ID={expected}, or HIML_TENANT_ID for hi-ml"),
            )
        },
        Err(error) => Check::new(CheckId::Tenant, Status::Warning, actual).because(
            format!(
                "whether that is the one asked for could not be found out: {}",
                error.why()
            ),
            error.fix(),
        ),
    }
}

pub(super) fn clock(skew: Option<i64>) -> Check {
    match skew {
        None => Check::skipped(CheckId::Clock, "no answer told the time"),
        Some(skew) if skew.abs() <= CLOCK_TOLERANCE => {
            Check::new(CheckId::Clock, Status::Ok, "agrees with Azure's")
        }
        Some(skew) => {
            Check::new(CheckId::Clock, Status::Warning, format!("{} Azure's", skew_in_words(skew))).because(
                "certificates and federated tokens are refused where clocks differ by more than five minutes",
                "set this machine's clock, for example with `sudo timedatectl set-ntp true`",
            )
        }
    }
}

/// The subscription and the workspace in it, judged together: whoever has a role on the workspace
/// alone is well off without one on the subscription, and who has none at all is told so once.
pub(super) fn subscription_and_workspace(
    located: &Located,
    principal: Option<&Principal>,
    seen: &Result<Answer<Vec<Subscription>>>,
    answer: &Result<Answer<Workspace>>,
) -> (Check, Check) {
    let target = &located.workspace;
    let skipped = |because: &str| Check::skipped(CheckId::Workspace, because);
    match (seen, answer) {
        (Ok(seen), answer) => (
            subscription_seen(&seen.value, target),
            workspace(located, principal, answer),
        ),
        (Err(error), Ok(_)) if error.kind() == ErrorKind::NotPermitted => {
            let check = Check::new(
                CheckId::Subscription,
                Status::Ok,
                format!("{}, seen through the workspace only", target.subscription()),
            );
            (check, workspace(located, principal, answer))
        }
        (Err(error), Err(second))
            if error.kind() == ErrorKind::NotPermitted
                && second.kind() == ErrorKind::NotPermitted =>
        {
            let mut check = Check::failed(CheckId::Subscription, target.subscription(), error);
            check.reason = format!(
                "{} has no role in this subscription, neither on the workspace nor above it; one given less than some minutes ago may not count yet",
                principal.map_or_else(|| "the identity".to_owned(), Principal::describe)
            );
            check.fix = grant(principal, target);
            (
                check,
                skipped("the identity has no role in the subscription"),
            )
        }
        (Err(error), answer) if error.kind() == ErrorKind::NotPermitted => (
            Check::skipped(CheckId::Subscription, "the workspace's answer decides"),
            workspace(located, principal, answer),
        ),
        (Err(error), _) => {
            let check = Check::failed(CheckId::Subscription, target.subscription(), error);
            (check, skipped("the subscription could not be seen"))
        }
    }
}

/// The command that gives an identity what work in a workspace takes.
fn grant(principal: Option<&Principal>, target: &WorkspaceRef) -> String {
    format!(
        "have an owner run `{}`",
        assign_command(principal, USUAL_ROLE, &target.resource_id())
    )
}

fn subscription_seen(seen: &[Subscription], target: &WorkspaceRef) -> Check {
    let Some(subscription) = seen.first() else {
        return Check::new(CheckId::Subscription, Status::Ok, target.subscription());
    };
    let name = clean(&subscription.display_name, 80);
    let detail = if name.is_empty() {
        target.subscription().to_owned()
    } else {
        format!("{name} ({})", target.subscription())
    };
    // A subscription whose bill is not paid is read-only before it is gone.
    let state = clean(&subscription.state, 40);
    if state.is_empty() || state.eq_ignore_ascii_case("Enabled") {
        return Check::new(CheckId::Subscription, Status::Ok, detail);
    }
    Check::new(CheckId::Subscription, Status::Warning, detail).because(
        format!("its state is '{state}', in which Azure may refuse changes"),
        "ask the subscription's owner to bring it in order: portal, Subscriptions, Overview",
    )
}

/// The subscriptions that can be seen, where none is meant in particular.
pub(super) fn subscriptions(seen: &Result<Answer<Vec<Subscription>>>) -> Check {
    match seen {
        Err(error) => Check::failed(CheckId::Subscription, "", error),
        Ok(seen) if seen.value.is_empty() => Check {
            subject: Some(Subject::NotPermitted),
            ..Check::new(CheckId::Subscription, Status::Failed, "").because(
                "the identity has no role in any subscription of this tenant",
                "check the tenant, or have a role assigned: https://learn.microsoft.com/azure/machine-learning/how-to-assign-roles",
            )
        },
        Ok(seen) => {
            let names: Vec<String> = seen.value.iter().take(3).map(|one| format!("{} ({})", clean(&one.display_name, 60), clean(&one.subscription_id, 36))).collect();
            let more = seen.value.len().saturating_sub(names.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            Check::new(CheckId::Subscription, Status::Ok, format!("{}{more}", names.join(", ")))
        }
    }
}

fn workspace(
    located: &Located,
    principal: Option<&Principal>,
    answer: &Result<Answer<Workspace>>,
) -> Check {
    let target = &located.workspace;
    let named = format!("{}, named by {}", target.name(), located.source);
    let answer = match answer {
        Ok(answer) => &answer.value,
        Err(error) => return workspace_failed(located, principal, &named, error),
    };
    let mut detail = format!("{} in {}", target.name(), clean(&answer.location, 40));
    if let Some(id) = &answer.properties.workspace_id {
        detail = format!("{detail}, id {}", clean(id, 36));
    }
    if located.source != Source::Flags {
        detail = format!("{detail}, named by {}", located.source);
    }
    if let Some((path, other)) = &located.other {
        return Check::new(CheckId::Workspace, Status::Warning, detail).because(
            format!(
                "MLClient takes this one, and hi-ml '{}', which {} names",
                other.name(),
                printable_path(path)
            ),
            format!(
                "let {} and {} name the same workspace, or remove one",
                located.source,
                printable_path(path)
            ),
        );
    }
    if answer.properties.public_network_access.as_deref() == Some("Disabled") {
        return Check::new(CheckId::Workspace, Status::Warning, detail).because(
            "it can be reached from its own network only; jobs and data may not be, from here",
            "work from inside its virtual network, or through a VPN or a jump host there",
        );
    }
    Check::new(CheckId::Workspace, Status::Ok, detail)
}

fn workspace_failed(
    located: &Located,
    principal: Option<&Principal>,
    named: &str,
    error: &Error,
) -> Check {
    let target = &located.workspace;
    let mut check = Check::failed(CheckId::Workspace, named, error);
    match (error.kind(), error.code()) {
        (ErrorKind::NotPermitted, Some("AuthorizationFailed")) => {
            check.fix = grant(principal, target);
        }
        (ErrorKind::NotFound, Some("ResourceNotFound")) => {
            check.reason = format!(
                "the resource group '{}' has no workspace '{}'",
                target.resource_group(),
                target.name()
            );
        }
        _ => {}
    }
    check
}

pub(super) fn capability(
    capability: Capability,
    permissions: &Permissions,
    required: bool,
    principal: Option<&Principal>,
    target: &WorkspaceRef,
) -> Check {
    let access = capability.judge(permissions);
    if access.is_allowed() {
        return Check::new(capability.into(), Status::Ok, "allowed");
    }
    let status = if required {
        Status::Failed
    } else {
        Status::Warning
    };
    let total = capability.actions().len();
    let missing = match access.missing[..] {
        [one] => format!("{one} is missing"),
        [first, ..] if access.missing.len() == total => {
            format!("{first} and all else that it takes are missing")
        }
        [first, ..] => format!(
            "{first} and {} of {total} actions are missing",
            access.missing.len() - 1
        ),
        [] => String::new(),
    };
    let role = capability.least_role().map_or("Owner", |role| role.name);
    let note = if required {
        ""
    } else {
        "; nothing is wrong if that is not needed"
    };
    let command = assign_command(principal, role, &target.resource_id());
    Check {
        subject: required.then_some(Subject::NotPermitted),
        ..Check::new(capability.into(), status, "not allowed").because(
            format!("{missing}{note}"),
            format!("have an owner run `{command}`"),
        )
    }
}
