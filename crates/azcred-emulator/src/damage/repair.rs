//! How each damage is undone.

use crate::{
    directory::{Certificate, FederatedCredential, ServicePrincipal},
    faults::Fault,
    proxy_faults::ProxyFault,
    resources::{DenyAssignment, Resource, RoleAssignment, Scope, Subscription, SubscriptionState},
    world::World,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

/// Undoes one change. What is no longer there is left alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Repair {
    /// Removes a fault.
    Fault(Fault),
    /// Ends a fault of the proxy.
    Proxy(ProxyFault),
    /// Sets when the secrets with these ids expire.
    Secrets {
        client_id: Uuid,
        before: Vec<(Uuid, Time)>,
    },
    /// Adds the certificates that are missing.
    Certificates {
        client_id: Uuid,
        certificates: Vec<Certificate>,
    },
    /// Removes a certificate.
    CertificateAdded { client_id: Uuid, id: Uuid },
    /// Restores the subjects of federated credentials, and adds those that are missing.
    Federated {
        client_id: Uuid,
        before: Vec<FederatedCredential>,
    },
    /// Removes an application.
    ApplicationAdded(Uuid),
    /// Restores a service principal.
    Principal(Box<ServicePrincipal>),
    /// Enables a user, or not.
    UserEnabled { user: Uuid, enabled: bool },
    /// Sets from when sessions are valid.
    Sessions {
        user: Uuid,
        #[serde(with = "time::serde::rfc3339::option")]
        before: Option<OffsetDateTime>,
    },
    /// Removes a Conditional Access policy.
    Policy(Uuid),
    /// Removes the other tenant.
    OtherTenant { tenant: Uuid, subscription: Uuid },
    /// Assigns a role.
    Assign(Box<RoleAssignment>),
    /// Removes a role assignment.
    Unassign { scope: Scope, id: Uuid },
    /// Removes a deny assignment.
    Allow(Uuid),
    /// Sets a subscription's state.
    SubscriptionState {
        subscription: Uuid,
        state: SubscriptionState,
    },
    /// Registers a subscription for a provider, or not.
    Provider {
        subscription: Uuid,
        namespace: String,
        registered: bool,
    },
    /// Sets a property, or removes it.
    Property {
        resource: Scope,
        name: String,
        value: Option<Value>,
    },
    /// Brings resources back.
    Restore {
        resources: Vec<Resource>,
        assignments: Vec<RoleAssignment>,
        denials: Vec<DenyAssignment>,
    },
}

/// A time, as the state folder keeps it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Time(#[serde(with = "time::serde::rfc3339")] pub(super) OffsetDateTime);

impl Repair {
    /// Carries it out.
    pub(crate) fn run(self, world: &World) {
        match self {
            Self::Fault(fault) => world.faults.disarm(&fault),
            Self::Proxy(fault) => world.proxy.end(fault),
            Self::Assign(assignment) => {
                // It exists already if a person has assigned it.
                let _ = world.resources_mut().assign(*assignment);
            }
            Self::Unassign { scope, id } => {
                world.resources_mut().unassign(&scope, id);
            }
            Self::Allow(id) => world.resources_mut().allow_again(id),
            Self::SubscriptionState {
                subscription,
                state,
            } => {
                let mut resources = world.resources_mut();
                if let Some(found) = resources.subscription(subscription).cloned() {
                    resources.put_subscription(Subscription { state, ..found });
                }
            }
            Self::Provider {
                subscription,
                namespace,
                registered,
            } => {
                let mut resources = world.resources_mut();
                resources.register_provider(subscription, &namespace, registered);
            }
            Self::Property {
                resource,
                name,
                value,
            } => {
                let mut resources = world.resources_mut();
                if let Some(found) = resources.resource_mut(&resource) {
                    match value {
                        Some(value) => found.properties.insert(name, value),
                        None => found.properties.remove(&name),
                    };
                }
            }
            Self::Restore {
                resources: removed,
                assignments,
                denials,
            } => {
                let mut resources = world.resources_mut();
                for one in removed {
                    resources.put_resource(one);
                }
                for one in assignments {
                    let _ = resources.assign(one);
                }
                for one in denials {
                    resources.deny(one);
                }
            }
            in_directory => in_directory.run_in_directory(world),
        }
    }

    fn run_in_directory(self, world: &World) {
        let mut directory = world.directory_mut();
        match self {
            Self::Secrets { client_id, before } => {
                let Some(app) = directory.applications.get_mut(&client_id) else {
                    return;
                };
                for secret in &mut app.secrets {
                    let known = before.iter().find(|(id, _)| *id == secret.id);
                    if let Some((_, Time(expires))) = known {
                        secret.expires = *expires;
                    }
                }
            }
            Self::Certificates {
                client_id,
                certificates,
            } => {
                if let Some(app) = directory.applications.get_mut(&client_id) {
                    let has = |one: &Certificate| app.certificates.iter().any(|c| c.der == one.der);
                    let missing: Vec<_> =
                        certificates.into_iter().filter(|one| !has(one)).collect();
                    app.certificates.splice(0..0, missing);
                }
            }
            Self::CertificateAdded { client_id, id } => {
                if let Some(app) = directory.applications.get_mut(&client_id) {
                    app.certificates.retain(|one| one.id != id);
                }
            }
            Self::Federated { client_id, before } => {
                if let Some(app) = directory.applications.get_mut(&client_id) {
                    let is_old = |id: Uuid| before.iter().any(|credential| credential.id == id);
                    app.federated_credentials.retain(|one| !is_old(one.id));
                    app.federated_credentials.splice(0..0, before);
                }
            }
            Self::ApplicationAdded(id) => {
                directory.applications.remove(&id);
            }
            Self::Principal(before) => {
                let id = before.id;
                directory.deleted.remove(&id);
                match directory.service_principals.get_mut(&id) {
                    Some(found) => {
                        found.enabled = before.enabled;
                        found.blocked_by_conditional_access = before.blocked_by_conditional_access;
                    }
                    None => {
                        // One that was created in its place goes: an application has one.
                        let (tenant, app_id) = (before.tenant, before.app_id);
                        directory
                            .service_principals
                            .retain(|_, sp| sp.tenant != tenant || sp.app_id != app_id);
                        directory.service_principals.insert(id, *before);
                    }
                }
            }
            Self::UserEnabled { user, enabled } => {
                if let Some(user) = directory.users.get_mut(&user) {
                    user.enabled = enabled;
                }
            }
            Self::Sessions { user, before } => {
                if let Some(user) = directory.users.get_mut(&user) {
                    user.sessions_valid_from = before;
                }
            }
            Self::Policy(id) => {
                directory.policies.remove(&id);
            }
            Self::OtherTenant {
                tenant,
                subscription,
            } => {
                directory.tenants.remove(&tenant);
                drop(directory);
                world.resources_mut().remove_subscription(subscription);
            }
            _ => {}
        }
    }
}
