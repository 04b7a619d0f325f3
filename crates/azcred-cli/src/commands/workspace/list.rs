//! `azcred workspace list`.

use super::meant::{Within, here, is_same};
use crate::{
    commands::reader::As,
    failure::Failure,
    output::{
        Output,
        style::{GOOD, paint},
        table,
        wrap::Stream,
    },
    sign_in::Place,
};
use azcred::Untrusted;
use azcred_azure::{Located, Subscription, Workspace, WorkspaceRef, Workspaces};
use clap::Args;
use serde::Serialize;

/// List the workspaces that you can see
///
/// Searches every subscription that your account can see in one tenant. An arrow marks the
/// workspace that MLClient and hi-ml use in this folder.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred workspace list
  azcred workspace list --subscription 'Contoso ML' -g rg-contoso-ml
  azcred workspace list --output json | jq -r '.workspaces[].id'

The exit code is 0 even if no workspace is found. If a subscription can't be
read, the others are still listed, and the exit code is that of the error.")]
pub(super) struct ListWorkspaces {
    #[command(flatten)]
    within: Within,

    #[command(flatten)]
    identity: As,
}

/// The output of `--output json`.
#[derive(Serialize)]
struct WorkspacesDocument<'a> {
    workspaces: Vec<WorkspaceEntry<'a>>,
    /// The subscriptions that could not be read.
    trouble: Vec<Trouble<'a>>,
}

/// A workspace of the list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkspaceEntry<'a> {
    /// `subscription`, `resourceGroup`, `name`.
    #[serde(flatten)]
    workspace: WorkspaceRef,
    /// The resource id, which is a scope for role assignments.
    id: &'a Untrusted,
    /// The subscription's name.
    subscription_name: Option<&'a Untrusted>,
    /// The region.
    location: &'a Untrusted,
    /// Whether MLClient and hi-ml use it in this folder.
    is_here: bool,
}

#[derive(Serialize)]
struct Trouble<'a> {
    subscription: &'a Untrusted,
    error: &'a Failure,
}

impl ListWorkspaces {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let looked = async {
            let reader = self.identity.reader(&place, output).await?;
            let (subscriptions, all) = self.within.look(&reader).await?;
            let tenants = match subscriptions.is_empty() {
                true => reader.tenants().await,
                false => Vec::new(),
            };
            Ok::<_, Failure>((reader, subscriptions, all, tenants))
        };
        let looked = output.waiting("Listing the workspaces", looked).await?;
        let (reader, subscriptions, all, tenants) = looked;
        let here = here(&place);
        let Workspaces { found, trouble, .. } = all;
        let trouble: Vec<(Untrusted, Failure)> = trouble
            .into_iter()
            .map(|(subscription, error)| (subscription, error.into()))
            .collect();
        let code = trouble
            .first()
            .map_or(0, |(_, failure)| failure.kind.exit_code());
        if output.is_json() {
            let lines = found.iter();
            output.json(&WorkspacesDocument {
                workspaces: lines
                    .filter_map(|workspace| line(workspace, &subscriptions, here.as_ref()))
                    .collect(),
                trouble: trouble
                    .iter()
                    .map(|(subscription, error)| Trouble {
                        subscription,
                        error,
                    })
                    .collect(),
            });
            return Ok(code);
        }
        if found.is_empty() {
            output.line(match subscriptions.is_empty() {
                true => "You can see no subscription, and so no workspace.",
                false => "You can see no workspace.",
            });
            output.remark(&reader.nothing_seen(&tenants));
        } else {
            let rows = rows(&found, &subscriptions, here.as_ref());
            for line in table::columns(HEAD, &rows, Stream::Stdout.columns()) {
                output.line(line);
            }
        }
        for (subscription, failure) in &trouble {
            output.remark(&format!(
                "the subscription {} could not be read: {}",
                named(subscription, &subscriptions),
                failure.why
            ));
        }
        Ok(code)
    }
}

/// The columns' titles.
pub(super) const HEAD: [&str; 5] = ["Workspace", "resource group", "subscription", "region", ""];

/// The rows of the list.
pub(super) fn rows(
    found: &[Workspace],
    subscriptions: &[Subscription],
    here: Option<&Located>,
) -> Vec<[String; 5]> {
    found
        .iter()
        .filter_map(|workspace| {
            let one = WorkspaceRef::from_resource_id(&workspace.id).ok()?;
            let mark = match here {
                Some(here) if is_same(&here.workspace, &one) => {
                    paint(GOOD, "← used in this folder")
                }
                _ => String::new(),
            };
            Some([
                one.name().to_owned(),
                one.resource_group().to_owned(),
                name_of(one.subscription(), subscriptions).unwrap_or(one.subscription().to_owned()),
                workspace.location.to_string(),
                mark,
            ])
        })
        .collect()
}

fn line<'a>(
    workspace: &'a Workspace,
    subscriptions: &'a [Subscription],
    here: Option<&Located>,
) -> Option<WorkspaceEntry<'a>> {
    let one = WorkspaceRef::from_resource_id(&workspace.id).ok()?;
    let subscription = subscriptions
        .iter()
        .find(|known| known.subscription_id == one.subscription());
    Some(WorkspaceEntry {
        is_here: here.is_some_and(|here| is_same(&here.workspace, &one)),
        id: &workspace.id,
        subscription_name: subscription.map(|known| &known.display_name),
        location: &workspace.location,
        workspace: one,
    })
}

/// A subscription's name.
fn name_of(id: &str, subscriptions: &[Subscription]) -> Option<String> {
    let found = subscriptions
        .iter()
        .find(|known| known.subscription_id.eq_ignore_ascii_case(id))?;
    Some(found.display_name.to_string()).filter(|name| !name.is_empty())
}

/// A subscription's id with its name, if it is known.
pub(super) fn named(id: &str, subscriptions: &[Subscription]) -> String {
    match name_of(id, subscriptions) {
        Some(name) => format!("{name} ({id})"),
        None => id.to_owned(),
    }
}
