//! Which `aud` values mean which service.

use crate::{directory::service_names, service::Service, world::World};

/// The audiences a service takes tokens for: its resource names as Entra ID writes them in `aud`,
/// with and without the trailing slash, in every cloud, its application id, and its own port as an
/// alias.
pub fn accepted_audiences(world: &World, service: Service) -> Vec<String> {
    let names = service_names(service);
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
