//! Notes after a sign-in, each with what to do.

use super::{
    seen::{is_here, reference},
    summary::Summary,
};
use crate::suggested::Suggested;

/// The notes, the most important first.
pub(super) fn notes(told: &Summary<'_>) -> Vec<String> {
    let (seen, suggested) = (told.seen, told.suggested);
    let mut notes = Vec::new();
    match (&seen.reach.note, &seen.reach.command) {
        (Some(note), _) => notes.push(note.clone()),
        (None, Some(command)) if !suggested.is_plain() => notes.push(format!(
            "this account is in the profile {0}. To use it, run `{command}`, or set AZCRED_PROFILE={0}",
            told.account.profile
        )),
        (None, _) => {}
    }
    notes.extend(seen.trouble.iter().cloned());
    if seen.trouble.is_empty() && seen.subscriptions.is_empty() {
        notes.push(no_subscription(told));
    }
    match &seen.here {
        Some(here)
            if seen.trouble.is_empty()
                && !seen
                    .workspaces
                    .iter()
                    .filter_map(reference)
                    .any(|one| is_here(&one, seen)) =>
        {
            notes.push(format!(
                "{} names the workspace {}, which you can't see. `{}` shows why",
                here.source,
                here.workspace.name(),
                suggested.command("doctor")
            ));
        }
        None if seen.is_unnamed && !seen.workspaces.is_empty() => {
            notes.push(match &seen.workspaces[..] {
                [only] => no_config(suggested, &only.name),
                _ => no_config(suggested, ""),
            });
        }
        _ => {}
    }
    notes
}

fn no_config(suggested: &Suggested, name: &str) -> String {
    format!(
        "this folder has no config.json, by which MLClient and hi-ml find their workspace. To write it: `{}`",
        suggested.command(format!("workspace use {name}").trim_end())
    )
}

fn no_subscription(told: &Summary<'_>) -> String {
    let (principal, seen) = (told.principal, told.seen);
    let login = |tenant: &str| told.suggested.login(tenant, told.client_id);
    let own = principal.and_then(|principal| principal.tenant_id.as_deref());
    let others: Vec<String> = seen
        .tenants
        .iter()
        .filter(|tenant| own.is_none_or(|own| !own.eq_ignore_ascii_case(&tenant.tenant_id)))
        .map(|tenant| {
            let id = &tenant.tenant_id;
            let named = tenant
                .default_domain
                .as_deref()
                .or(tenant.display_name.as_deref());
            match named {
                Some(name) => format!("`{}` for {}", login(id), name),
                None => format!("`{}`", login(id)),
            }
        })
        .take(5)
        .collect();
    let who = principal.and_then(|principal| principal.object_id.as_deref());
    let grant = match who {
        Some(id) => format!("ask an owner for a role for the object id {id}"),
        None => "ask an owner for a role".to_owned(),
    };
    match others.is_empty() {
        true => format!(
            "you can see no subscription in this tenant: {grant}. For another tenant, run `{}`",
            login("TENANT")
        ),
        false => format!(
            "you can see no subscription in this tenant: {grant}, or sign in to another tenant: {}",
            others.join(", ")
        ),
    }
}
