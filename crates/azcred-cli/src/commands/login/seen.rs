//! What somebody who has signed in can see, and whether it is they who answer in this place.

use super::reach::Reach;
use crate::{sign_in::Place, suggested::Suggested};
use azcred::{
    AccessToken, Availability, ClientOptions, Credential, ErrorKind, TokenFuture, TokenRequest,
};
use azcred_azure::{
    Flags, Located, ResourceManager, Subscription, Tenant, Workspace, WorkspaceRef, locate,
};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// What can be seen.
#[derive(Default)]
pub(super) struct Seen {
    /// The subscriptions, by name.
    pub(super) subscriptions: Vec<Subscription>,
    /// The workspaces in them, by name.
    pub(super) workspaces: Vec<Workspace>,
    /// The tenants that they are in.
    pub(super) tenants: Vec<Tenant>,
    /// What could not be looked at, and why: sentences.
    pub(super) trouble: Vec<String>,
    /// The workspace that is meant in this folder.
    pub(super) here: Option<Located>,
    /// Whether nothing names a workspace here; something that can't be used does, and is told as
    /// trouble.
    pub(super) is_unnamed: bool,
    /// How commands come to them here.
    pub(super) reach: Reach,
}

/// How long one question may take. Nobody asked for it, so nobody should wait for it.
const PATIENCE: Duration = Duration::from_secs(15);
/// How many subscriptions are looked into.
const MOST: usize = 50;

impl Seen {
    /// Looks with the token that came of the sign-in. What can't be had is left out and told.
    pub(super) async fn look(
        place: &Place,
        options: &ClientOptions,
        suggested: &Suggested,
        token: AccessToken,
    ) -> Self {
        let mut seen = Self::default();
        match locate(&*place.system, &place.folder, &Flags::default()) {
            Ok(here) => seen.here = Some(here),
            Err(error) if error.kind() == azcred_azure::ErrorKind::NotFound => {
                seen.is_unnamed = true;
            }
            Err(error) => seen.trouble.push(error.to_string()),
        }
        let brief = options.clone().with_deadline(PATIENCE);
        let manager = match ResourceManager::new(&brief, Arc::new(Has(token))) {
            Ok(manager) => manager,
            Err(error) => {
                seen.trouble.push(error.to_string());
                return seen;
            }
        };
        let (lists, tenants, reach) = tokio::join!(
            timeout(PATIENCE * 2, lists(&manager)),
            manager.tenants(),
            timeout(PATIENCE, Reach::look(place, options.profile(), suggested)),
        );
        match lists {
            Ok((subscriptions, workspaces, trouble)) => {
                (seen.subscriptions, seen.workspaces) = (subscriptions, workspaces);
                seen.trouble.extend(trouble);
            }
            Err(_) => seen.trouble.push(format!(
                "Listed the subscriptions: nobody answered within {} s.",
                PATIENCE.as_secs() * 2
            )),
        }
        // Names are for show; without them ids are shown.
        seen.tenants = tenants.map(|answer| answer.value).unwrap_or_default();
        seen.reach = reach.unwrap_or_default();
        seen
    }
}

/// Subscriptions, the workspaces in them, and what went wrong on the way.
async fn lists(manager: &ResourceManager) -> (Vec<Subscription>, Vec<Workspace>, Vec<String>) {
    let mut subscriptions = match manager.subscriptions().await {
        Ok(answer) => answer.value,
        Err(error) => return (Vec::new(), Vec::new(), vec![error.to_string()]),
    };
    subscriptions.sort_by(|one, other| one.display_name.cmp(&other.display_name));
    let looked_into = &subscriptions[..subscriptions.len().min(MOST)];
    let workspaces = manager.workspaces_of_all(looked_into).await;
    let mut trouble: Vec<String> = workspaces
        .trouble
        .iter()
        .map(|(_, error)| error.to_string())
        .collect();
    if subscriptions.len() > MOST {
        trouble.push(format!(
            "Workspaces were looked for in {MOST} of the {} subscriptions.",
            subscriptions.len()
        ));
    }
    (subscriptions, workspaces.found, trouble)
}

/// The workspace of an entry in a list.
pub(super) fn reference(workspace: &Workspace) -> Option<WorkspaceRef> {
    WorkspaceRef::from_resource_id(&workspace.id).ok()
}

/// Whether it is the workspace that is meant in this folder.
pub(super) fn is_here(workspace: &WorkspaceRef, seen: &Seen) -> bool {
    let id = workspace.resource_id();
    let here = seen.here.as_ref();
    here.is_some_and(|here| here.workspace.resource_id().eq_ignore_ascii_case(&id))
}

/// What Azure says, fit for a terminal.
pub(super) fn shown(text: &str) -> String {
    azcred::printable(text, 80)
}

/// The token of the sign-in, for the questions right after it.
#[derive(Debug)]
struct Has(AccessToken);

impl Credential for Has {
    fn name(&self) -> &'static str {
        "azcred login"
    }

    fn prepare(&self) -> Availability {
        Availability::Ready {
            using: "the token of this sign-in".into(),
        }
    }

    /// Claims that are asked for on the way would take another sign-in.
    fn get_token<'a>(&'a self, request: &'a TokenRequest) -> TokenFuture<'a> {
        TokenFuture::ready(match request.claims() {
            None => Ok(self.0.clone()),
            Some(_) => Err(azcred::Error::new(
                ErrorKind::Refused,
                "could not list what this sign-in can see",
                "Azure asks for more than this sign-in has shown",
            )
            .with_fix("run `azcred doctor`")),
        })
    }
}
