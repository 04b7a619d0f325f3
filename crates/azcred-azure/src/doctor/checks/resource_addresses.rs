//! Does this machine reach what belongs to the workspace: its storage, its key vault, its registry?
//! No request has a token: what the identity may do there is another check's.

use super::{
    workspace::WorkspaceSeen,
    workspace_addresses::{Addresses, address, is_private, tell, told},
};
use crate::{
    doctor::{
        case::Case,
        check::Check,
        checks::CheckId,
        report::{Area, Verdict},
    },
    resource_manager::{ResourceManager, WorkspaceProperties},
    text::clean,
};
use azcred::Cloud;
use serde::Deserialize;

/// The address of one resource of the workspace.
struct Resource {
    /// What is there.
    what: &'static str,
    /// Its id in the workspace.
    id: fn(&WorkspaceProperties) -> Option<&str>,
    /// Where a resource with this name is in one of Azure's clouds.
    by_name: fn(&Cloud, &str) -> String,
    /// The version of the API that reads the resource.
    api_version: &'static str,
    /// The address in the resource's own properties.
    own: fn(&Properties) -> Option<&str>,
    /// What follows the address: a request that is rejected without a token.
    request: (&'static str, Option<&'static str>),
    /// What works without it, if running jobs from this machine does.
    but: Option<&'static str>,
}

const STORAGE: Resource = Resource {
    what: "blobs",
    id: |workspace| workspace.storage_account.as_deref(),
    by_name: |cloud, name| format!("https://{name}.blob.{}/", cloud.storage_suffix()),
    api_version: "2023-01-01",
    own: |properties| properties.primary_endpoints.blob.as_deref(),
    request: ("", Some("comp=list")),
    but: None,
};

/// The resource's properties with addresses, whichever resource it is.
#[derive(Deserialize)]
struct Described {
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    #[serde(default)]
    primary_endpoints: StorageEndpoints,
}

#[derive(Default, Deserialize)]
struct StorageEndpoints {
    #[serde(default)]
    blob: Option<String>,
}

/// Reaches the resource at its name, or at the address that it says itself.
async fn examine(case: &Case<'_>, of: &Resource) -> Option<Addresses> {
    let identity = case.identity().await?;
    let seen = case.find::<WorkspaceSeen>().await;
    let workspace = &seen.0.as_ref().ok()?.value;
    let Some(id) = (of.id)(&workspace.properties) else {
        return Some(Addresses::None("the workspace names none"));
    };
    let cloud = identity.session.options().cloud().ok()?;
    let url = match has_names(&cloud) {
        true => name_in(id).map(|name| (of.by_name)(&cloud, name)),
        false => described(case, &identity.manager, of, id).await,
    };
    let Some(mut address) = url.and_then(|url| address(of.what, &url)) else {
        return Some(Addresses::None(
            "its address is not known: this cloud has no usual names, and the identity may not \
             read the resource",
        ));
    };
    let (path, query) = of.request;
    if let Ok(mut segments) = address.url.path_segments_mut() {
        segments
            .pop_if_empty()
            .extend(path.split('/').filter(|segment| !segment.is_empty()));
    }
    address.url.set_query(query);
    Some(Addresses::Told {
        told: told(case, identity.session.options(), vec![address]).await,
        is_private: is_private(workspace),
        but: of.but,
    })
}

/// Whether the names of a cloud's resources lead to them. In a cloud behind other addresses, such as
/// an emulator's ports, they would lead to Azure.
fn has_names(cloud: &Cloud) -> bool {
    [&Cloud::PUBLIC, &Cloud::US_GOVERNMENT, &Cloud::CHINA]
        .iter()
        .any(|known| known.resource_manager() == cloud.resource_manager())
}

/// The name of a resource, at the end of its id; `None` if it can't be a part of a host name.
fn name_in(id: &str) -> Option<&str> {
    let name = id.rsplit('/').next()?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (!name.is_empty() && name.len() <= 63 && name.bytes().all(is_name)).then_some(name)
}

/// The address that a resource says itself; `None` if the identity may not read the resource.
async fn described(
    case: &Case<'_>,
    manager: &ResourceManager,
    of: &Resource,
    id: &str,
) -> Option<String> {
    const WHAT: &str = "could not read the resource";
    let id = clean(id, 500);
    let look = manager.get::<Described>(WHAT, &id, of.api_version);
    let found = case.within(WHAT, look).await.ok()?.value;
    (of.own)(&found.properties).map(str::to_owned)
}

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
        &[CheckId::Workspace]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<Addresses> {
        examine(case, &STORAGE).await
    }

    fn tell(&self, outcome: Addresses, _: &Case<'_>) -> Verdict {
        tell(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_a_host_can_have_becomes_part_of_an_address() {
        assert_eq!(
            name_in("/subscriptions/x/storageAccounts/store1"),
            Some("store1")
        );
        for bad in ["", "a/", "a/b.evil.example", "a/b:1", "a/b@c", "a/ü"] {
            assert_eq!(name_in(bad), None, "{bad}");
        }
        for known in [&Cloud::PUBLIC, &Cloud::US_GOVERNMENT, &Cloud::CHINA] {
            assert!(has_names(known));
        }
        let other = Cloud::PUBLIC
            .with_resource_manager("https://localhost:1", "https://localhost:1")
            .unwrap();
        assert!(!has_names(&other));
    }
}
