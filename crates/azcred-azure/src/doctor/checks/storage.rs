//! Can the workspace's storage account be reached, with a token for Azure Storage?

use super::{
    contact::{Contact, Words, az, left},
    rights::{name_of, of_workspace},
    workspace::WorkspaceSeen,
};
use crate::{
    access::Realm,
    belongings::{Datastore, Resource, StorageAccount},
    data_plane::{Kind, Reach, list_blobs},
    doctor::{
        case::{Case, Finding},
        check::Check,
        checks::CheckId,
        report::{Area, Status, Subject, Verdict},
    },
    error::Result,
    role_scope::RoleScope,
};

/// The workspace's default datastore. It is requested at the same time as the workspace.
pub(super) struct DefaultDatastore(pub(super) Result<Option<Resource<Datastore>>>);

impl Finding for DefaultDatastore {
    async fn find(case: &Case<'_>) -> Self {
        let look = async {
            let target = case.workspace_or_error()?;
            let identity = case.identity_or_error().await?;
            let read = identity.manager.default_datastore(target).await?;
            Ok(read.value)
        };
        Self(
            case.within("could not read the default datastore", look)
                .await,
        )
    }
}

impl DefaultDatastore {
    /// The datastore, if it is known and in this account.
    pub(super) fn in_account(&self, account: &str) -> Option<&Resource<Datastore>> {
        let found = self.0.as_ref().ok()?.as_ref()?;
        let name = found.properties.account_name.as_ref()?;
        name.raw()
            .eq_ignore_ascii_case(name_of(account))
            .then_some(found)
    }

    /// The container of the datastore, if it is in this account.
    pub(super) fn container_in(&self, account: &str) -> Option<String> {
        let found = self.in_account(account)?;
        let name = found.properties.container_name.as_ref()?.raw();
        // It becomes a part of a scope.
        let scope = format!("{account}/blobServices/default/containers/{name}");
        RoleScope::new(&scope).ok().map(|_| name.to_owned())
    }
}

/// The storage account, as Resource Manager returned it.
pub(super) struct AccountSeen(pub(super) Result<Option<StorageAccount>>);

impl Finding for AccountSeen {
    async fn find(case: &Case<'_>) -> Self {
        let look = async {
            let identity = case.identity_or_error().await?;
            match of_workspace(case, Realm::Storage).await? {
                Some(id) => identity.manager.storage_account(&id).await.map(Some),
                None => Ok(None),
            }
        };
        Self(
            case.within("could not read the storage account", look)
                .await,
        )
    }
}

impl AccountSeen {
    /// Whether the account is known to accept no keys.
    pub(super) fn accepts_no_key(&self) -> bool {
        matches!(&self.0, Ok(Some(account)) if account.allow_shared_key_access == Some(false))
    }
}

/// What Blob Storage returned; `None` if the account's address is not known.
pub(super) struct BlobReach(pub(super) Result<Option<Reach>>);

impl Finding for BlobReach {
    async fn find(case: &Case<'_>) -> Self {
        let look = async {
            let identity = case.identity_or_error().await?;
            let Some(id) = of_workspace(case, Realm::Storage).await? else {
                return Ok(None);
            };
            let (datastore, account) =
                tokio::join!(case.find::<DefaultDatastore>(), case.find::<AccountSeen>());
            let told = match &account.0 {
                Ok(Some(account)) => account.primary_endpoints.blob.as_deref(),
                _ => None,
            };
            let cloud = identity.manager.cloud();
            let Some(address) = Kind::Blob.address(cloud, name_of(&id), told) else {
                return Ok(None);
            };
            let container = datastore.container_in(&id);
            let reach = list_blobs(
                &identity.session,
                &address,
                container.as_deref(),
                left(case),
            );
            reach.await.map(Some)
        };
        Self(
            case.within("could not reach the storage account", look)
                .await,
        )
    }
}

pub(super) struct StorageCheck;

/// The account, the datastore in it, and what came of the request.
pub(super) struct Account {
    id: String,
    container: Option<String>,
    datastore: Option<String>,
    outcome: StorageOutcome,
}

pub(super) enum StorageOutcome {
    /// The default datastore uses a key, and the account accepts none.
    KeysDisabled,
    /// What came of the request.
    Contact(Contact),
}

impl Check for StorageCheck {
    /// `None` if the workspace names no account.
    type Outcome = Option<Account>;

    fn area(&self) -> Area {
        Area::Workspace
    }

    fn title(&self) -> &'static str {
        "storage account"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[
            CheckId::SignIn,
            CheckId::Workspace,
            CheckId::WorkspaceNetwork,
            CheckId::StorageAddress,
        ]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<Option<Account>> {
        case.identity().await?;
        let Some(id) = of_workspace(case, Realm::Storage).await.ok()? else {
            return Some(None);
        };
        let (datastore, account, reach) = tokio::join!(
            case.find::<DefaultDatastore>(),
            case.find::<AccountSeen>(),
            case.find::<BlobReach>()
        );
        let in_it = datastore.in_account(&id);
        let uses_key = in_it.is_some_and(|one| one.properties.has_key());
        Some(Some(Account {
            container: datastore.container_in(&id),
            datastore: in_it.map(|one| one.name.to_string()),
            id,
            outcome: match uses_key && account.accepts_no_key() {
                true => StorageOutcome::KeysDisabled,
                false => StorageOutcome::Contact(Contact::of(account.0.as_ref().err(), &reach.0)),
            },
        }))
    }

    fn tell(&self, account: Option<Account>, case: &Case<'_>) -> Verdict {
        let Some(account) = account else {
            return Verdict::does_not_apply("the workspace names no storage account");
        };
        let id = &account.id;
        let datastore = account.datastore.as_deref().unwrap_or("default");
        let verdict = match account.outcome {
            StorageOutcome::KeysDisabled => keys_disabled(case, id, datastore),
            StorageOutcome::Contact(contact) => {
                let container = account.container.as_deref().unwrap_or_default();
                let create = az(id, "az storage account create --name", &location(case));
                let what = format!("the container '{container}' of the datastore '{datastore}'");
                let words = Words {
                    kind: "storage account",
                    restore: vec![
                        "within 14 days of its deletion, an owner restores it: Azure portal, Storage accounts, Restore"
                            .into(),
                        format!("or make it again, empty: {create}").into(),
                    ],
                    admit: "az storage account network-rule add --account-name",
                    container: Some((
                        &what,
                        format!(
                            "make it again, empty: `az storage container create --name {container} --account-name {} --auth-mode login`",
                            name_of(id)
                        )
                        .into(),
                    )),
                };
                contact.tell(id, words)
            }
        };
        match account.container {
            Some(container) if verdict.status == Status::Failed => {
                verdict.evidence("container", container)
            }
            _ => verdict,
        }
    }
}

/// The failure of a datastore that uses a key of an account that accepts none.
fn keys_disabled(case: &Case<'_>, id: &str, datastore: &str) -> Verdict {
    let name = name_of(id);
    let reason = format!(
        "the datastore '{datastore}' uses a key of the storage account '{name}', which accepts no keys"
    );
    let mut verdict = Verdict::failed(Subject::Other, name, reason);
    verdict.code = Some("KeyBasedAuthenticationNotPermitted".to_owned());
    if let Some(workspace) = case.workspace() {
        verdict = verdict.fix(format!(
            "let the datastores use each caller's identity: `az ml workspace update --name {} --resource-group \"{}\" --subscription {} \
             --system-datastores-auth-mode identity`",
            workspace.name(),
            workspace.resource_group(),
            workspace.subscription()
        ));
    }
    let accept = az(
        id,
        "az storage account update --name",
        " --allow-shared-key-access true",
    );
    verdict.fix(format!("or accept keys: {accept}"))
}

/// The workspace's region, as an option.
fn location(case: &Case<'_>) -> String {
    let seen = case.found::<WorkspaceSeen>();
    let location = seen.and_then(|seen| {
        let seen = seen.0.as_ref().ok()?;
        Some(seen.value.location.raw().to_owned())
    });
    let is_plain =
        |text: &String| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric());
    location
        .filter(is_plain)
        .map_or_else(String::new, |location| format!(" --location {location}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        case::tests::{case, doctor},
        checks::contact::tests::{ID, answer},
    };

    fn tell(outcome: StorageOutcome) -> Verdict {
        let doctor = doctor();
        let account = Account {
            id: ID.to_owned(),
            container: Some("azureml-blobstore-1".to_owned()),
            datastore: Some("workspaceblobstore".to_owned()),
            outcome,
        };
        StorageCheck.tell(Some(account), &case(&doctor))
    }

    #[test]
    fn a_datastore_with_a_key_that_the_account_does_not_accept_names_both() {
        let verdict = tell(StorageOutcome::KeysDisabled);
        assert_eq!(
            verdict.reason,
            "the datastore 'workspaceblobstore' uses a key of the storage account 'thing', which accepts no keys"
        );
        let fix = verdict.fixes[0].to_string();
        assert!(
            fix.contains("az ml workspace update --name ws-job") && fix.contains("identity"),
            "{fix}"
        );
        assert_eq!(verdict.evidence[0].value, "azureml-blobstore-1");
    }

    #[test]
    fn a_missing_container_is_made_again() {
        let contact = Contact::NoContainer(answer("ContainerNotFound", ""));
        let verdict = tell(StorageOutcome::Contact(contact));
        assert!(
            verdict.reason.contains("'azureml-blobstore-1'"),
            "{verdict:?}"
        );
        let fix = verdict.fixes[0].to_string();
        assert!(
            fix.contains("`az storage container create --name azureml-blobstore-1 "),
            "{fix}"
        );
    }

    #[test]
    fn a_reached_account_is_shown_by_its_name() {
        let verdict = tell(StorageOutcome::Contact(Contact::Reached));
        assert_eq!(
            (verdict.status, &*verdict.detail),
            (Status::Ok, "thing, reached")
        );
        assert!(verdict.evidence.is_empty());
    }
}
