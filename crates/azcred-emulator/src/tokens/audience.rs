//! The accepted `aud` values of each service.

use crate::{directory::service_names, service::Service, world::World};

/// The audiences that a service accepts: its resource names in every cloud, with and without a
/// trailing slash, its client id, and the URL of its port.
pub fn accepted_audiences(world: &World, service: Service) -> Vec<String> {
    let names: Vec<_> = service_names(service).collect();
    let urls = world.urls();
    let ports = match service {
        Service::Arm => vec![urls.arm],
        Service::Graph => vec![urls.graph],
        Service::Login => vec![urls.login],
        Service::Ml => vec![urls.ml, urls.arm],
        Service::Blob => vec![urls.blob],
        // The hosts of managed identities issue tokens and accept none.
        _ => Vec::new(),
    };
    let mut all = Vec::with_capacity(names.len() * 2 + 2);
    let ports = ports.iter().map(String::as_str);
    for name in names.iter().copied().chain(ports) {
        if name.is_empty() {
            continue;
        }
        all.push(name.to_owned());
        if name.starts_with("https:") {
            all.push(format!("{name}/"));
        }
    }
    all
}
