//! The accepted `aud` values of each service.

use crate::{directory::service_names, service::Service, world::World};

/// The audiences that a service accepts: its resource names in every cloud, with and without a
/// trailing slash, its client id, and the URL of its port.
pub fn accepted_audiences(world: &World, service: Service) -> Vec<String> {
    let names: Vec<_> = service_names(service).collect();
    let port = match service {
        Service::Arm => world.urls().arm,
        Service::Graph => world.urls().graph,
        Service::Login => world.urls().login,
        // The hosts of managed identities issue tokens and accept none.
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
