//! Does this machine reach the addresses of the workspace: Azure Machine Learning's services in its
//! region, and its storage? No request has a token: what the identity may do there is another
//! check's.

use super::workspace::WorkspaceSeen;
use crate::{
    doctor::{
        case::Case,
        check::Check,
        checks::CheckId,
        reach::{Address, Unreached, fetch, reach},
        report::{Area, Status, Verdict},
    },
    resource_manager::{ResourceManager, Workspace},
    text::clean,
};
use azcred::{ClientOptions, Cloud};
use futures_util::future::join_all;
use serde::Deserialize;

/// What is known of the addresses of one kind.
pub(super) enum Addresses {
    /// The workspace has none, or names none that lead to it.
    None(&'static str),
    /// Each of these responds or does not.
    Told {
        told: Vec<Told>,
        /// Whether the workspace accepts requests from its own network only.
        is_private: bool,
    },
}

/// An address, and whether it responds.
type Told = (Address, Result<(), Box<Unreached>>);

/// Reaches all addresses at once.
async fn told(case: &Case<'_>, options: &ClientOptions, addresses: Vec<Address>) -> Vec<Told> {
    let all = addresses.into_iter().map(async |address| {
        let result = reach(case, options, &address).await;
        (address, result)
    });
    join_all(all).await
}

fn is_private(workspace: &Workspace) -> bool {
    workspace.properties.public_network_access.as_deref() == Some("Disabled")
}

/// The words for addresses: the first one that does not respond, and all as evidence.
fn tell(addresses: Addresses) -> Verdict {
    let (told, is_private) = match addresses {
        Addresses::None(reason) => return Verdict::does_not_apply(reason),
        Addresses::Told { told, is_private } => (told, is_private),
    };
    let hosts: Vec<String> = told.iter().map(|(address, _)| address.host()).collect();
    let failed = told.iter().find_map(|(_, result)| result.as_ref().err());
    let mut verdict = match failed {
        None => Verdict::ok(hosts.join(", ")),
        Some(unreached) => unreached.tell(),
    };
    if verdict.status == Status::Failed && is_private {
        verdict.reason = format!(
            "{}; the workspace accepts requests from its own network only",
            verdict.reason
        );
        verdict = verdict.only(
            "work from inside the workspace's virtual network, or through a VPN or a jump host there",
        );
    }
    if told.len() > 1 {
        for (address, result) in &told {
            let name = match result {
                Ok(()) => "reached",
                Err(_) => "not reached",
            };
            verdict = verdict.evidence(name, format!("{}: {}", address.what, address.host()));
        }
    }
    verdict
}

/// The addresses of Azure Machine Learning's services, as the region lists them ('Configure inbound
/// and outbound network traffic').
#[derive(Default, Deserialize)]
struct Discovery {
    #[serde(default)]
    api: Option<String>,
    #[serde(default)]
    history: Option<String>,
}

pub(super) struct WorkspaceServicesCheck;

impl Check for WorkspaceServicesCheck {
    type Outcome = Addresses;

    fn area(&self) -> Area {
        Area::Workspace
    }

    fn title(&self) -> &'static str {
        "Azure ML services"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[CheckId::Workspace]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<Addresses> {
        let identity = case.identity().await?;
        let seen = case.find::<WorkspaceSeen>().await;
        let workspace = &seen.0.as_ref().ok()?.value;
        let properties = &workspace.properties;
        let Some(discovery) = properties.discovery_url.as_deref() else {
            return Some(Addresses::None(
                "the workspace names no addresses of services",
            ));
        };
        let discovery = address("discovery", discovery)?;
        let tracking = properties.ml_flow_tracking_uri.as_deref();
        let tracking = tracking.map(|uri| uri.replacen("azureml://", "https://", 1));
        let tracking = tracking.and_then(|uri| address("MLflow", &uri));
        let options = identity.session.options();
        let mut servers = vec![discovery.url.origin()];
        // Services are mostly at one address.
        let mut is_new = |address: &Address| {
            let server = address.url.origin();
            let is_new = !servers.contains(&server);
            if is_new {
                servers.push(server);
            }
            is_new
        };
        let tracking = tracking.filter(&mut is_new).into_iter().collect();
        let (listed, tracking) = tokio::join!(
            fetch(case, options, &discovery),
            told(case, options, tracking)
        );
        let services = match &listed {
            Ok(Some(body)) => serde_json::from_slice::<Discovery>(body).unwrap_or_default(),
            _ => Discovery::default(),
        };
        let history = services
            .history
            .and_then(|url| address("run history", &url));
        let api = services.api.and_then(|url| address("the API", &url));
        let services = [history, api].into_iter().flatten().filter(&mut is_new);
        let services = told(case, options, services.collect()).await;
        let mut told = vec![(discovery, listed.map(|_| ()))];
        told.extend(tracking.into_iter().chain(services));
        Some(Addresses::Told {
            told,
            is_private: is_private(workspace),
        })
    }

    fn tell(&self, outcome: Addresses, _: &Case<'_>) -> Verdict {
        tell(outcome)
    }
}

/// An address in a response; `None` if it is not one.
fn address(what: &'static str, url: &str) -> Option<Address> {
    Address::new(what, url).filter(|address| {
        let url = &address.url;
        matches!(url.scheme(), "https" | "http") && url.host_str().is_some()
    })
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
        let identity = case.identity().await?;
        let seen = case.find::<WorkspaceSeen>().await;
        let workspace = &seen.0.as_ref().ok()?.value;
        let Some(id) = workspace.properties.storage_account.as_deref() else {
            return Some(Addresses::None("the workspace names no storage account"));
        };
        let cloud = identity.session.options().cloud().ok()?;
        let url = match has_names(&cloud) {
            true => {
                let name = name_in(id)?;
                Some(format!("https://{name}.blob.{}/", cloud.storage_suffix()))
            }
            // The account itself says where it is, if the identity may read it.
            false => {
                let account = account(case, &identity.manager, id).await;
                account.and_then(|account| account.properties.primary_endpoints.blob)
            }
        };
        let Some(url) = url else {
            return Some(Addresses::None(
                "this cloud has no usual name for storage, and the identity may not read the account",
            ));
        };
        let Some(mut address) = address("blobs", &url) else {
            return Some(Addresses::None("its storage account has no valid address"));
        };
        // A list of containers, which is rejected without a token.
        address.url.set_query(Some("comp=list"));
        Some(Addresses::Told {
            told: told(case, identity.session.options(), vec![address]).await,
            is_private: is_private(workspace),
        })
    }

    fn tell(&self, outcome: Addresses, _: &Case<'_>) -> Verdict {
        tell(outcome)
    }
}

/// Whether the names of a cloud's storage accounts lead to them. In a cloud behind other addresses,
/// such as an emulator's ports, they would lead to Azure.
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

/// A storage account, with its addresses.
#[derive(Deserialize)]
struct StorageAccount {
    properties: StorageProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StorageProperties {
    primary_endpoints: StorageEndpoints,
}

#[derive(Deserialize)]
struct StorageEndpoints {
    #[serde(default)]
    blob: Option<String>,
}

async fn account(case: &Case<'_>, manager: &ResourceManager, id: &str) -> Option<StorageAccount> {
    const WHAT: &str = "could not read the storage account";
    let id = clean(id, 500);
    let look = manager.get(WHAT, &id, "2023-01-01");
    Some(case.within(WHAT, look).await.ok()?.value)
}
