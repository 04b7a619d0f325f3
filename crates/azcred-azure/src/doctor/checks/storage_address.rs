//! Does this machine reach the workspace's storage? What its response means is another check's: the
//! account's, and the permissions'.

use super::{
    rights::{name_of, of_workspace},
    storage::{AccountSeen, BlobReach},
    workspace_addresses::{Addresses, tell, told},
};
use crate::{
    access::Realm,
    data_plane::Kind,
    doctor::{
        case::Case,
        check::Check,
        checks::CheckId,
        reach::{Address, grace},
        report::{Area, Verdict},
    },
};

pub(super) struct StorageAddressCheck;

impl Check for StorageAddressCheck {
    type Outcome = Addresses;

    fn area(&self) -> Area {
        Area::Workspace
    }

    fn title(&self) -> &'static str {
        "storage address"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[CheckId::Workspace, CheckId::WorkspaceNetwork]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<Addresses> {
        let identity = case.identity().await?;
        let Some(id) = of_workspace(case, Realm::Storage).await.ok()? else {
            return Some(Addresses::None("the workspace names no storage account"));
        };
        let account = case.find::<AccountSeen>().await;
        let own = match &account.0 {
            Ok(Some(account)) => account.primary_endpoints.blob.as_deref(),
            _ => None,
        };
        let Some(url) = Kind::Blob.address(identity.manager.cloud(), name_of(&id), own) else {
            return Some(Addresses::None(
                "the address of its storage account is not known in this cloud",
            ));
        };
        let address = Address { what: "blobs", url };
        // The check of the account sends a request there.
        grace(case, case.done::<BlobReach>()).await;
        let options = identity.session.options();
        Some(Addresses::Told(told(case, options, vec![address]).await))
    }

    fn tell(&self, outcome: Addresses, _: &Case<'_>) -> Verdict {
        tell(outcome)
    }
}
