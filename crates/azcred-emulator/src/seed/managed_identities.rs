//! The managed identities of a seed, and the hosts that have them.

use crate::{
    directory::{Application, Directory, ServicePrincipal, ServicePrincipalKind},
    resources::{HOSTS, ManagedIdentity, Scope},
    seed::{problem::Problem, tables::FederatedSeed},
    service::Service,
};
use serde::Deserialize;
use toml::Spanned;
use uuid::Uuid;

/// The table of this part.
pub(super) const TABLES: &[&str] = &["managed_identities"];

/// The managed identities of a seed.
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
    /// By id or domain. Optional if there is only one tenant.
    tenant: Option<String>,
    /// The identity's own `userAssignedIdentities` resource, or the resource that has the identity.
    resource_id: Scope,
    /// The names of the hosts' services.
    #[serde(default)]
    hosts: Vec<Service>,
    #[serde(default = "yes")]
    enabled: bool,
    /// Only a user-assigned identity has them.
    #[serde(default)]
    federated_credentials: Vec<FederatedSeed>,
}

fn yes() -> bool {
    true
}

impl ManagedIdentitiesSeed {
    /// Creates a service principal for each identity, so that roles can be assigned to it.
    pub(super) fn build(self, directory: &mut Directory) -> Result<Vec<ManagedIdentity>, Problem> {
        let mut made: Vec<ManagedIdentity> = Vec::new();
        for (at, entry) in self.managed_identities.into_iter().enumerate() {
            let span = entry.span();
            let given = entry.into_inner();
            let refuse = |field: &str, message: String| Problem {
                span: Some(span.clone()),
                field: format!("managed_identities[{at}].{field}"),
                message,
            };
            let tenant = tenant(directory, given.tenant.as_deref())
                .map_err(|message| refuse("tenant", message))?;
            if let Some(taken) = directory.principal(given.id) {
                let message = format!("'{}' is already the id of '{}'", given.id, taken.name());
                return Err(refuse("id", message));
            }
            let mut principals = directory.service_principals.values();
            if directory.applications.contains_key(&given.client_id)
                || principals.any(|other| other.app_id == given.client_id)
            {
                let message = format!(
                    "'{}' is already the client id of another application",
                    given.client_id
                );
                return Err(refuse("client_id", message));
            }
            if given.resource_id.resource_type().is_none() {
                let message = format!("'{}' is not the id of a resource", given.resource_id);
                return Err(refuse("resource_id", message));
            }
            let identity = ManagedIdentity {
                object_id: given.id,
                client_id: given.client_id,
                resource_id: given.resource_id,
                hosts: given.hosts,
            };
            if !identity.is_user_assigned() && !given.federated_credentials.is_empty() {
                let message = "only a user-assigned identity has federated credentials";
                return Err(refuse("federated_credentials", message.to_owned()));
            }
            if !given.federated_credentials.is_empty() {
                let all = given.federated_credentials.iter();
                let trusting = Application {
                    federated_credentials: all.map(FederatedSeed::credential).collect(),
                    ..Application::new(given.client_id, tenant, &given.name)
                };
                directory.identities.insert(given.client_id, trusting);
            }
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
                given.id,
                ServicePrincipal {
                    kind: ServicePrincipalKind::ManagedIdentity,
                    enabled: given.enabled,
                    ..ServicePrincipal::new(given.id, tenant, given.client_id, given.name)
                },
            );
            made.push(identity);
        }
        Ok(made)
    }
}

fn tenant(directory: &Directory, given: Option<&str>) -> Result<Uuid, String> {
    let mut all = directory.tenants.keys();
    match (given, all.next(), all.next()) {
        (Some(given), _, _) => directory
            .tenant(given)
            .map(|tenant| tenant.id)
            .ok_or_else(|| format!("no tenant in this seed has the id or domain '{given}'")),
        (None, Some(only), None) => Ok(*only),
        (None, _, _) => Err(format!(
            "name the tenant: the seed has {}",
            directory.tenants.len()
        )),
    }
}
