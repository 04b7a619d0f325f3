//! Finds a workspace: by a name, by an id, or as the workspace of this folder.

use crate::{
    commands::reader::Reader,
    failure::{Failure, Kind},
    given,
    sign_in::Place,
};
use azcred_azure::{Flags, Located, Subscription, WorkspaceRef, Workspaces, locate};
use clap::Args;

/// The subscriptions and resource groups to search.
#[derive(Args, Clone)]
pub(super) struct Within {
    /// Search only this subscription (id or name)
    #[arg(long, value_name = "SUBSCRIPTION", value_parser = given::text)]
    subscription: Option<String>,

    /// Search only resource groups with this name
    #[arg(short = 'g', long, value_name = "NAME", value_parser = given::text)]
    resource_group: Option<String>,
}

impl Within {
    /// The subscriptions, and their workspaces.
    pub(super) async fn look(
        &self,
        reader: &Reader,
    ) -> Result<(Vec<Subscription>, Workspaces), Failure> {
        let mut subscriptions = reader.subscriptions().await?;
        if let Some(wanted) = &self.subscription {
            subscriptions = self.named(wanted, subscriptions, reader)?;
        }
        let mut all = reader.manager.workspaces_of_all(&subscriptions).await;
        if let Some(group) = &self.resource_group {
            // To list one resource group needs a role on it. To list a subscription does not.
            all.found.retain(|workspace| {
                WorkspaceRef::from_resource_id(&workspace.id)
                    .is_ok_and(|one| one.resource_group().eq_ignore_ascii_case(group.trim()))
            });
        }
        // If all requests failed, the first error is returned.
        if all.found.is_empty()
            && all.trouble.len() == subscriptions.len()
            && !all.trouble.is_empty()
        {
            return Err(all.trouble.remove(0).1.into());
        }
        Ok((subscriptions, all))
    }

    /// The subscription with this id or name.
    fn named(
        &self,
        wanted: &str,
        subscriptions: Vec<Subscription>,
        reader: &Reader,
    ) -> Result<Vec<Subscription>, Failure> {
        let wanted = wanted.trim();
        let is_wanted = |one: &Subscription| {
            one.subscription_id.eq_ignore_ascii_case(wanted)
                || one.display_name.eq_ignore_ascii_case(wanted)
        };
        let found: Vec<Subscription> = subscriptions.into_iter().filter(is_wanted).collect();
        if found.len() == 1 {
            return Ok(found);
        }
        let list = reader.suggested.command("subscription list");
        let (kind, why, fix) = match found.len() {
            0 => (
                Kind::NotFound,
                format!("you can see no subscription with the id or name '{wanted}'"),
                format!("choose one of `{list}`"),
            ),
            count => (
                Kind::Invalid,
                format!("{count} subscriptions are called '{wanted}'"),
                format!("give the id, from `{list}`"),
            ),
        };
        Err(Failure::new(kind, "could not find the subscription", why).fix(fix))
    }

    /// The workspace with this name or resource id.
    pub(super) async fn find(
        &self,
        wanted: &str,
        reader: &Reader,
    ) -> Result<WorkspaceRef, Failure> {
        let wanted = wanted.trim();
        if wanted.contains('/') {
            return Ok(WorkspaceRef::from_resource_id(wanted)?);
        }
        let (_, all) = self.look(reader).await?;
        let found: Vec<WorkspaceRef> = all
            .found
            .iter()
            .filter_map(|workspace| WorkspaceRef::from_resource_id(&workspace.id).ok())
            .filter(|one| one.name().eq_ignore_ascii_case(wanted))
            .collect();
        match &found[..] {
            [one] => Ok(one.clone()),
            [] => Err(none(wanted, &all, reader)),
            several => Err(Failure::new(
                Kind::Invalid,
                "could not find the workspace",
                format!("{} workspaces are called '{}'", several.len(), wanted),
            )
            .fix(format!(
                "give the resource id of the one you mean: {}",
                several
                    .iter()
                    .map(|one| format!("`{}`", one.resource_id()))
                    .collect::<Vec<_>>()
                    .join(" or ")
            ))),
        }
    }
}

fn none(wanted: &str, all: &Workspaces, reader: &Reader) -> Failure {
    let mut names: Vec<&str> = all.found.iter().map(|one| &*one.name).collect();
    names.dedup();
    let why = match names.len() {
        0 => format!("you can see no workspace, so none called '{wanted}'"),
        _ => format!("you can see no workspace called '{wanted}'"),
    };
    let there = match names.len() {
        0 => String::new(),
        count @ ..=5 => format!(
            "; you can see {}{}",
            names[..count].join(", "),
            if count == 1 { " alone" } else { "" }
        ),
        _ => String::new(),
    };
    let failure = Failure::new(Kind::NotFound, "could not find the workspace", why + &there);
    match names.len() {
        0 => failure.fix(reader.nothing_seen(&[])),
        _ => failure.fix(format!(
            "choose one of `{}`",
            reader.suggested.command("workspace list")
        )),
    }
}

/// The workspace that MLClient and hi-ml use in this folder.
pub(super) fn here(place: &Place) -> Option<Located> {
    locate(&*place.system, &place.folder, &Flags::default()).ok()
}

/// Whether both are the same: Azure compares names without regard to case.
pub(super) fn is_same(one: &WorkspaceRef, other: &WorkspaceRef) -> bool {
    one.resource_id().eq_ignore_ascii_case(&other.resource_id())
}
