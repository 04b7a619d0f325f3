//! The managed identities of a seed: who they are, and which hosts have them.

use crate::{
    directory::{Directory, ServicePrincipal, ServicePrincipalKind},
    resources::{HOSTS, ManagedIdentity, Scope},
    seed::problem::Problem,
    service::Service,
};
use serde::Deserialize;
use toml::Spanned;
use uuid::Uuid;

/// The table of this part, at the top of the file.
pub(super) const TABLES: &[&str] = &["managed_identities"];

/// What a seed says of managed identities.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ManagedIdentitiesSeed {
    managed_identities: Vec<Spanned<ManagedIdentitySeed>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ManagedIdentitySeed {
    /// The object id of its service principal.
    id: Uuid,
    client_id: Uuid,
    name: String,
    /// By id or domain; the only tenant may be left out.
    tenant: Option<String>,
    /// The `userAssignedIdentities` resource that it is, or the resource whose own it is.
    resource_id: Scope,
    /// By the names of their services.
    #[serde(default)]
    hosts: Vec<Service>,
    #[serde(default = "yes")]
    enabled: bool,
}

fn yes() -> bool {
    true
}

impl ManagedIdentitiesSeed {
    /// Makes a service principal for each, so that roles can be assigned to it.
    pub(super) fn build(self, directory: &mut Directory) -> Result<Vec<ManagedIdentity>, Problem> {
        let mut made: Vec<ManagedIdentity> = Vec::new();
        for (at, entry) in self.managed_identities.into_iter().enumerate() {
            let span = entry.span();
            let said = entry.into_inner();
            let refuse = |field: &str, message: String| Problem {
                span: Some(span.clone()),
                field: format!("managed_identities[{at}].{field}"),
                message,
            };
            let tenant = tenant(directory, said.tenant.as_deref())
                .map_err(|message| refuse("tenant", message))?;
            if let Some(taken) = directory.principal(said.id) {
                let message = format!("'{}' is already the id of '{}'", said.id, taken.name());
                return Err(refuse("id", message));
            }
            let mut principals = directory.service_principals.values();
            if directory.applications.contains_key(&said.client_id)
                || principals.any(|other| other.app_id == said.client_id)
            {
                let message = format!(
                    "'{}' is already the client id of another application",
                    said.client_id
                );
                return Err(refuse("client_id", message));
            }
            if said.resource_id.resource_type().is_none() {
                let message = format!("'{}' is not the id of a resource", said.resource_id);
                return Err(refuse("resource_id", message));
            }
            let identity = ManagedIdentity {
                object_id: said.id,
                client_id: said.client_id,
                resource_id: said.resource_id,
                hosts: said.hosts,
            };
            for host in &identity.hosts {
                if !HOSTS.contains(host) {
                    let names: Vec<_> = HOSTS.iter().map(|host| host.name()).collect();
                    let message = format!(
                        "'{}' is not a host of managed identities; these are: {}",
                        host.name(),
                        names.join(", ")
                    );
                    return Err(refuse("hosts", message));
                }
                let has_own = made
                    .iter()
                    .any(|other| !other.is_user_assigned() && other.hosts.contains(host));
                if !identity.is_user_assigned() && has_own {
                    let message = format!(
                        "'{}' already has a system-assigned identity; a second one has to be user-assigned: a \
                         Microsoft.ManagedIdentity/userAssignedIdentities",
                        host.name()
                    );
                    return Err(refuse("hosts", message));
                }
            }
            directory.service_principals.insert(
                said.id,
                ServicePrincipal {
                    id: said.id,
                    tenant,
                    app_id: said.client_id,
                    name: said.name,
                    kind: ServicePrincipalKind::ManagedIdentity,
                    enabled: said.enabled,
                    blocked_by_conditional_access: false,
                    app_roles: Vec::new(),
                },
            );
            made.push(identity);
        }
        Ok(made)
    }
}

fn tenant(directory: &Directory, said: Option<&str>) -> Result<Uuid, String> {
    let mut all = directory.tenants.keys();
    match (said, all.next(), all.next()) {
        (Some(said), _, _) => directory
            .tenant(said)
            .map(|tenant| tenant.id)
            .ok_or_else(|| format!("no tenant in this seed has the id or domain '{said}'")),
        (None, Some(only), None) => Ok(*only),
        (None, _, _) => Err(format!(
            "name the tenant: the seed has {}",
            directory.tenants.len()
        )),
    }
}
