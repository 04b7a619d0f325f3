//! What whoever has signed in has to know besides, each with what to do.

use super::{
    seen::{is_here, reference, shown},
    summary::Summary,
};

/// The notes, in the order in which they matter.
pub(super) fn notes(told: &Summary<'_>) -> Vec<String> {
    let (seen, suggested) = (told.seen, told.suggested);
    let mut notes = Vec::new();
    match (&seen.reach.note, &seen.reach.command) {
        (Some(note), _) => notes.push(note.clone()),
        (None, Some(command)) if !suggested.is_plain() => notes.push(format!(
            "this sign-in is in the profile {0}: `{command}` gets its tokens, or every command once AZCRED_PROFILE={0} is set",
            told.account.profile
        )),
        (None, _) => {}
    }
    notes.extend(seen.trouble.iter().cloned());
    if seen.trouble.is_empty() && seen.subscriptions.is_empty() {
        notes.push(no_subscription(told));
    }
    match &seen.here {
        Some(here) if seen.trouble.is_empty() && !seen.workspaces.iter().filter_map(reference).any(|one| is_here(&one, seen)) => {
            notes.push(format!(
                "the workspace that {} names, {}, is not among what you can see. `{}` looks why",
                here.source,
                here.workspace.name(),
                suggested.command("doctor")
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

fn no_subscription(told: &Summary<'_>) -> String {
    let (principal, seen) = (told.principal, told.seen);
    let login = |tenant: &str| told.suggested.login(tenant, told.client_id);
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
                Some(name) => format!("`{}` for {}", login(&id), shown(name)),
                None => format!("`{}`", login(&id)),
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
            "no subscription can be seen in this tenant: {grant}; one that is in another tenant is seen after `{}`",
            login("TENANT")
        ),
        false => format!(
            "no subscription can be seen in this tenant: {grant}, or look in another tenant: {}",
            others.join(", ")
        ),
    }
}
