//! One request to Container Registry: which registry it is for, and what it says.

use super::error::RegistryError;
use crate::{
    service::{Cloud, Entrance, Service},
    world::World,
};
use http::{HeaderMap, Method, header, request::Parts};
use percent_encoding::percent_decode_str;
use uuid::Uuid;

/// A request, without its body.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    /// The registry's name, as its resource has it.
    pub(super) registry: String,
    /// The name that tokens are for: `crcontosoml.azurecr.io`.
    pub(super) server: String,
    /// The registry's address, without a slash at the end.
    pub(super) base: String,
    /// The path of that address: empty, or `/REGISTRY`.
    pub(super) prefix: String,
    /// The segments of the path after it, decoded.
    pub(super) path: Vec<String>,
    query: Vec<(String, String)>,
    pub(super) tenant: Uuid,
}

impl Call {
    /// Parses a request.
    ///
    /// # Errors
    /// When the registry does not exist.
    pub(super) fn read(world: &World, parts: &Parts) -> Result<Self, RegistryError> {
        let entrance = parts.extensions.get::<Entrance>().cloned();
        let entrance = entrance.unwrap_or(Entrance {
            service: Service::Registry,
            cloud: Cloud::Public,
            real_name: None,
        });
        // A name of a repository can have an encoded slash.
        let path = percent_decode_str(parts.uri.path()).decode_utf8();
        let path = path.map_err(|_| RegistryError::invalid("the path is not UTF-8"))?;
        let mut path: Vec<String> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(str::to_owned)
            .collect();
        let resources = world.resources();
        let is_root = path
            .first()
            .is_none_or(|first| ["v2", "oauth2", "acr"].contains(&first.as_str()));
        let (found, prefix) = match &entrance.real_name {
            Some(host) => {
                let name = host.split('.').next().unwrap_or_default();
                let found = resources.container_registry(name);
                (found.ok_or_else(|| RegistryError::no_registry(name))?, None)
            }
            // Clients of the protocol know only hosts.
            None if is_root => {
                let first = resources.container_registries().next();
                (first.ok_or_else(|| RegistryError::no_registry(""))?, None)
            }
            None => {
                let name = path.remove(0);
                let found = resources.container_registry(&name);
                let found = found.ok_or_else(|| RegistryError::no_registry(&name))?;
                (found, Some(name))
            }
        };
        let registry = found.0.id.name().to_owned();
        let subscription = resources.subscription_of(&found.0.id);
        let tenant = subscription.map(|found| found.tenant).unwrap_or_default();
        let prefix = prefix.map_or_else(String::new, |name| format!("/{name}"));
        let base = match &entrance.real_name {
            Some(host) => format!("https://{host}"),
            None => format!("{}{prefix}", world.urls().registry),
        };
        let domain = entrance.cloud.registry_domain();
        let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        Ok(Self {
            method: parts.method.clone(),
            headers: parts.headers.clone(),
            server: format!("{}.{domain}", registry.to_lowercase()),
            registry,
            base,
            prefix,
            path,
            query: query.into_owned().collect(),
            tenant,
        })
    }

    /// A header. `None` if it is missing or not text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The `Authorization` header.
    pub(super) fn authorization(&self) -> Option<&str> {
        let value = self.headers.get(header::AUTHORIZATION)?;
        // A header that is not text is an invalid token, not a missing one.
        Some(value.to_str().unwrap_or("Bearer ?"))
    }

    /// The value of a query parameter.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All values of a query parameter.
    pub(super) fn queries(&self, name: &str) -> impl Iterator<Item = &str> {
        let found = self.query.iter().filter(move |(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}
