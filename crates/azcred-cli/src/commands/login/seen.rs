//! What an account can see after its sign-in, and whether the commands in this folder use it.

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

/// What an account can see.
#[derive(Default)]
pub(super) struct Seen {
    /// The subscriptions, by name.
    pub(super) subscriptions: Vec<Subscription>,
    /// The workspaces in them, by name.
    pub(super) workspaces: Vec<Workspace>,
    /// The account's tenants.
    pub(super) tenants: Vec<Tenant>,
    /// What could not be listed, and why: sentences.
    pub(super) trouble: Vec<String>,
    /// The workspace of this folder.
    pub(super) here: Option<Located>,
    /// Whether nothing names a workspace here. If a name is not valid, that is in `trouble`.
    pub(super) is_unnamed: bool,
    /// Whether the commands here use this account.
    pub(super) reach: Reach,
}

/// How long one request may take. The user did not request this list, so should not wait long.
const PATIENCE: Duration = Duration::from_secs(15);
/// The most subscriptions whose workspaces are listed.
const MOST: usize = 50;

impl Seen {
    /// Lists what the account can see, with the sign-in's token. What fails is left out and
    /// reported.
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
        let manager = match ResourceManager::new(&brief, Arc::new(SignInToken(token))) {
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
                "Listed the subscriptions: Azure did not respond within {} s.",
                PATIENCE.as_secs() * 2
            )),
        }
        // Names are only for display. Without them, ids are shown.
        seen.tenants = tenants.map(|answer| answer.value).unwrap_or_default();
        seen.reach = reach.unwrap_or_default();
        seen
    }
}

/// Subscriptions, their workspaces, and errors.
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

/// The workspace of a list's entry.
pub(super) fn reference(workspace: &Workspace) -> Option<WorkspaceRef> {
    WorkspaceRef::from_resource_id(&workspace.id).ok()
}

/// Whether it is the workspace of this folder.
pub(super) fn is_here(workspace: &WorkspaceRef, seen: &Seen) -> bool {
    let id = workspace.resource_id();
    let here = seen.here.as_ref();
    here.is_some_and(|here| here.workspace.resource_id().eq_ignore_ascii_case(&id))
}

/// The token of the sign-in, for the requests right after it.
#[derive(Debug)]
struct SignInToken(AccessToken);

impl Credential for SignInToken {
    fn name(&self) -> &'static str {
        "azcred login"
    }

    fn prepare(&self) -> Availability {
        Availability::Ready {
            using: "the token of this sign-in".into(),
        }
    }

    /// A claims challenge would need another sign-in.
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
