//! Which `aud` values mean which service.

use crate::{service::Service, world::World};

/// A service's resource names in every cloud, and its application id.
pub(crate) fn names(service: Service) -> &'static [&'static str] {
    match service {
        // Microsoft's 'first-party Microsoft applications' list and the `audiences` of ARM's own
        // cloud metadata.
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

/// The audiences a service takes tokens for: its resource names as Entra ID writes them in `aud`,
/// with and without the trailing slash, in every cloud, its application id, and its own port as an
/// alias.
pub fn accepted_audiences(world: &World, service: Service) -> Vec<String> {
    let names = names(service);
    let port = match service {
        Service::Arm => world.urls().arm,
        Service::Graph => world.urls().graph,
        Service::Login => world.urls().login,
        // The hosts of managed identities give tokens and take none.
        _ => String::new(),
    };
    let mut all = Vec::with_capacity(names.len() * 2 + 2);
    for name in names
        .iter()
        .copied()
        .chain([port.as_str()])
        .filter(|name| !name.is_empty())
    {
        all.push(name.to_owned());
        if name.starts_with("https:") {
            all.push(format!("{name}/"));
        }
    }
    all
}
