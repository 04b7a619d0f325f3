//! Names of resources: Microsoft's own, and registered applications.

use super::Directory;
use crate::service::Service;
use uuid::{Uuid, uuid};

/// Microsoft's own resources, in every cloud. The client ids come from 'Verify first-party
/// Microsoft applications in sign-in reports', the names from each service's page on Entra ID
/// authentication.
const FIRST_PARTY: &[(Uuid, &[&str])] = &[
    (
        uuid!("0736f41a-0425-4b46-bdb5-1563eff02385"),
        &[
            "https://ml.azure.com",
            "https://ml.azure.us",
            "https://ml.azure.cn",
        ],
    ),
    (STORAGE, &["https://storage.azure.com"]),
    (
        uuid!("cfa8b339-82a2-471a-a3c9-0fc0be7a4093"),
        &[
            "https://vault.azure.net",
            "https://vault.usgovcloudapi.net",
            "https://vault.azure.cn",
        ],
    ),
    (
        uuid!("6a0ec4d3-30cb-4a83-91c0-ae56bc0e3d26"),
        &["https://containerregistry.azure.net"],
    ),
    (
        uuid!("00000002-0000-0000-c000-000000000000"),
        &["https://graph.windows.net"],
    ),
    (
        uuid!("fb60f99c-7a34-4190-8149-302f77469936"),
        &["api://AzureADTokenExchange"],
    ),
];

/// Client ids of ARM and Graph, which are also audiences of their tokens.
pub(crate) const ARM: Uuid = uuid!("797f4846-ba00-4fd7-ba43-dac1f8f63013");
pub(crate) const GRAPH: Uuid = uuid!("00000003-0000-0000-c000-000000000000");

/// Azure Storage's client id.
pub(crate) const STORAGE: Uuid = uuid!("e406a681-f3d4-42a8-90b6-c2b029497af1");

/// The names of a service as a resource in every cloud, with its client id.
pub(crate) fn service_names(service: Service) -> &'static [&'static str] {
    match service {
        // Sources: Microsoft's list of first-party applications, and `audiences` in ARM's cloud
        // metadata.
        Service::Arm => &[
            "797f4846-ba00-4fd7-ba43-dac1f8f63013",
            "https://management.azure.com",
            "https://management.core.windows.net",
            "https://management.usgovcloudapi.net",
            "https://management.core.usgovcloudapi.net",
            "https://management.chinacloudapi.cn",
            "https://management.core.chinacloudapi.cn",
        ],
        Service::Graph => &[
            "00000003-0000-0000-c000-000000000000",
            "https://graph.microsoft.com",
            "https://graph.microsoft.us",
            "https://microsoftgraph.chinacloudapi.cn",
        ],
        _ => &[],
    }
}

/// Microsoft's resource with this name or client id, without ARM and Graph.
pub(crate) fn first_party_resource(name: &str) -> Option<Uuid> {
    let bare = name.strip_suffix('/').unwrap_or(name);
    FIRST_PARTY
        .iter()
        .find(|(app_id, names)| {
            names.iter().any(|n| n.eq_ignore_ascii_case(bare)) || *app_id.to_string() == *name
        })
        .map(|(app_id, _)| *app_id)
}

/// The client id of a resource, from one of its names or from the client id.
pub(crate) fn resource_id(directory: &Directory, name: &str) -> Option<Uuid> {
    let bare = name.strip_suffix('/').unwrap_or(name);
    let of_service = [(Service::Arm, ARM), (Service::Graph, GRAPH)]
        .into_iter()
        .find(|(service, _)| {
            let mut known = service_names(*service).iter();
            known.any(|known| known.eq_ignore_ascii_case(bare))
        })
        .map(|(_, app_id)| app_id);
    of_service
        .or_else(|| first_party_resource(name))
        .or_else(|| directory.application_named(name).map(|app| app.app_id))
}
