//! How each damage is done.

use super::{CantBreak, Damage, Part, Place, Repair, repair::Time};
use crate::{
    directory::{Application, Certificate, Directory, Policy, Requirement, Tenant},
    resources::{
        DenyAssignment, Permission, PrincipalType, Resources, RoleAssignment, Scope, Subscription,
    },
    world::World,
};
use serde_json::Value;
use std::collections::BTreeSet;
use time::Duration;
use uuid::{Uuid, uuid};

/// The application that trusts the subjects of before. The emulator's jobs are those of the first
/// application, by client id.
const FORMER: Uuid = uuid!("00000001-0000-4000-8000-000000000001");

type Done = Result<Vec<Repair>, CantBreak>;

impl Damage {
    /// Does the damage. Returns its repairs, to be carried out in reverse order.
    ///
    /// # Errors
    /// If what it is about does not exist here. Then nothing has changed.
    pub(crate) fn inflict(&self, world: &World) -> Done {
        match self {
            Self::Fault(fault) => {
                world.faults.arm(fault.clone())?;
                Ok(vec![Repair::Fault(fault.clone())])
            }
            Self::Proxy(fault) => {
                world.proxy.begin(*fault);
                Ok(vec![Repair::Proxy(*fault)])
            }
            Self::SecretsExpired { client_id } => secrets_expired(world, *client_id),
            Self::CertificatesRemoved { client_id } => {
                let mut directory = world.directory_mut();
                let app = application(&mut directory, *client_id)?;
                let certificates = std::mem::take(&mut app.certificates);
                Ok(vec![Repair::Certificates {
                    client_id: *client_id,
                    certificates,
                }])
            }
            Self::CertificateAdded { client_id, der } => {
                let mut directory = world.directory_mut();
                let app = application(&mut directory, *client_id)?;
                let certificate = Certificate::new(der.clone());
                let id = certificate.id;
                app.certificates.push(certificate);
                let client_id = *client_id;
                Ok(vec![Repair::CertificateAdded { client_id, id }])
            }
            Self::SubjectChanged { client_id, subject } => {
                subject_changed(world, *client_id, subject)
            }
            Self::PrincipalDisabled { .. }
            | Self::PrincipalBlocked { .. }
            | Self::PrincipalDeleted { .. } => self.to_principal(world),
            Self::UserDisabled { user } => {
                let mut directory = world.directory_mut();
                let found = directory.users.get_mut(user);
                let found = found.ok_or_else(|| CantBreak::missing("user", user))?;
                let enabled = std::mem::replace(&mut found.enabled, false);
                Ok(vec![Repair::UserEnabled {
                    user: *user,
                    enabled,
                }])
            }
            Self::SessionsRevoked { user } => {
                // Whatever was issued in this second ends too.
                let now = world.clock.now() + Duration::seconds(1);
                let mut directory = world.directory_mut();
                let found = directory.users.get_mut(user);
                let found = found.ok_or_else(|| CantBreak::missing("user", user))?;
                let before = found.sessions_valid_from.replace(now);
                Ok(vec![Repair::Sessions {
                    user: *user,
                    before,
                }])
            }
            Self::Policy { user, requirement } => policy(world, *user, *requirement),
            Self::OtherTenant {
                tenant,
                subscription,
            } => Ok(other_tenant(world, *tenant, *subscription)),
            _ => self.to_resources(world),
        }
    }

    fn to_principal(&self, world: &World) -> Done {
        let (Self::PrincipalDisabled { principal }
        | Self::PrincipalBlocked { principal }
        | Self::PrincipalDeleted { principal }) = self
        else {
            return Ok(Vec::new());
        };
        let mut directory = world.directory_mut();
        let found = directory.service_principals.get_mut(principal);
        let found = found.ok_or_else(|| CantBreak::missing("service principal", principal))?;
        let before = Repair::Principal(Box::new(found.clone()));
        match self {
            Self::PrincipalDisabled { .. } => found.enabled = false,
            Self::PrincipalBlocked { .. } => found.blocked_by_conditional_access = true,
            _ => directory.delete_principal(*principal, world.clock.now()),
        }
        Ok(vec![before])
    }

    fn to_resources(&self, world: &World) -> Done {
        match self {
            Self::RolesRemoved { principal, role } => {
                roles_removed(world, *principal, role.as_deref())
            }
            Self::RoleGiven {
                principal,
                role,
                at,
            } => {
                let scope = at.find(&world.resources())?;
                role_given(world, *principal, role, &scope)
            }
            Self::Denied {
                principal,
                at,
                actions,
                data_actions,
            } => {
                let id = Uuid::new_v4();
                let mut resources = world.resources_mut();
                let scope = at.find(&resources)?;
                resources.deny(DenyAssignment {
                    id,
                    name: "Locked by a managed application".to_owned(),
                    description: "A trouble of the emulator.".to_owned(),
                    scope,
                    do_not_apply_to_child_scopes: false,
                    permissions: vec![Permission {
                        actions: actions.clone(),
                        data_actions: data_actions.clone(),
                        ..Permission::default()
                    }],
                    principals: vec![*principal],
                    exclude_principals: Vec::new(),
                    created: None,
                    updated: None,
                });
                Ok(vec![Repair::Allow(id)])
            }
            Self::SubscriptionState {
                subscription,
                state,
            } => {
                let mut resources = world.resources_mut();
                let found = resources.subscription(*subscription).cloned();
                let found =
                    found.ok_or_else(|| CantBreak::missing("subscription", subscription))?;
                let before = Repair::SubscriptionState {
                    subscription: *subscription,
                    state: found.state,
                };
                resources.put_subscription(Subscription {
                    state: *state,
                    ..found
                });
                Ok(vec![before])
            }
            Self::ProviderUnregistered {
                subscription,
                namespace,
            } => {
                let mut resources = world.resources_mut();
                let registered = resources.is_registered(*subscription, namespace);
                resources.register_provider(*subscription, namespace, false);
                Ok(vec![Repair::Provider {
                    subscription: *subscription,
                    namespace: namespace.clone(),
                    registered,
                }])
            }
            Self::Property { of, name, value } => {
                let mut resources = world.resources_mut();
                let resource = of.find(&resources)?;
                property(&mut resources, &resource, name, value)
            }
            Self::ResourceDeleted { of } => {
                let mut resources = world.resources_mut();
                let resource = &of.find(&resources)?;
                let below = |scope: &Scope| resource.contains(scope);
                let assignments = resources.role_assignments();
                let assignments = assignments.filter(|one| below(&one.scope));
                let assignments: Vec<_> = assignments.cloned().collect();
                let denials = resources.deny_assignments();
                let denials: Vec<_> = denials.filter(|one| below(&one.scope)).cloned().collect();
                let removed = resources.remove_resource(resource);
                let removed = removed.ok_or_else(|| CantBreak::missing("resource", resource))?;
                Ok(vec![Repair::Restore {
                    resources: removed,
                    assignments,
                    denials,
                }])
            }
            _ => Ok(Vec::new()),
        }
    }
}

impl Place {
    /// The id of the resource.
    fn find(&self, resources: &Resources) -> Result<Scope, CantBreak> {
        let workspace = resources.resource(&self.workspace);
        let workspace =
            workspace.ok_or_else(|| CantBreak::missing("workspace", &self.workspace))?;
        let property = match self.part {
            Part::Whole => return Ok(workspace.id.clone()),
            Part::Storage => "storageAccount",
            Part::Vault => "keyVault",
            Part::Registry => "containerRegistry",
        };
        let id = workspace.properties.get(property).and_then(Value::as_str);
        let id = id.and_then(|id| id.parse::<Scope>().ok());
        let found = id.and_then(|id| Some(resources.resource(&id)?.id.clone()));
        found.ok_or_else(|| CantBreak::missing("resource of the workspace:", property))
    }
}

fn application(directory: &mut Directory, id: Uuid) -> Result<&mut Application, CantBreak> {
    let found = directory.applications.get_mut(&id);
    found.ok_or_else(|| CantBreak::missing("application", &id))
}

fn secrets_expired(world: &World, client_id: Uuid) -> Done {
    let past = world.clock.now() - Duration::days(30);
    let mut directory = world.directory_mut();
    let app = application(&mut directory, client_id)?;
    let mut before = Vec::new();
    for secret in &mut app.secrets {
        before.push((secret.id, Time(secret.expires)));
        secret.expires = past;
    }
    Ok(vec![Repair::Secrets { client_id, before }])
}

/// The jobs of CI systems have the subjects that applications trust. So that they stay the same,
/// another application without a service principal trusts them.
fn subject_changed(world: &World, client_id: Uuid, subject: &str) -> Done {
    let mut directory = world.directory_mut();
    let app = application(&mut directory, client_id)?;
    let before = app.federated_credentials.clone();
    for credential in &mut app.federated_credentials {
        subject.clone_into(&mut credential.subject);
    }
    let former = Application {
        federated_credentials: before.clone(),
        ..Application::new(FORMER, app.home_tenant, format!("{} (former)", app.name))
    };
    directory.applications.insert(FORMER, former);
    Ok(vec![
        Repair::Federated { client_id, before },
        Repair::ApplicationAdded(FORMER),
    ])
}

fn policy(world: &World, user: Uuid, requirement: Requirement) -> Done {
    let mut directory = world.directory_mut();
    let found = directory.users.get(&user);
    let tenant = found
        .ok_or_else(|| CantBreak::missing("user", &user))?
        .tenant;
    let id = Uuid::new_v4();
    let name = match requirement {
        Requirement::Mfa => "A second factor for everything",
        _ => "No access from outside the office",
    };
    directory.policies.insert(
        id,
        Policy {
            id,
            tenant,
            name: name.to_owned(),
            users: Some(BTreeSet::from([user])),
            exclude_users: BTreeSet::new(),
            resources: None,
            client_apps: None,
            device_code_only: false,
            requirement: Some(requirement),
            sign_in_frequency: None,
        },
    );
    Ok(vec![Repair::Policy(id)])
}

fn other_tenant(world: &World, tenant: Uuid, subscription: Uuid) -> Vec<Repair> {
    let mut directory = world.directory_mut();
    let mut resources = world.resources_mut();
    if directory.tenants.contains_key(&tenant) {
        return Vec::new();
    }
    let made = Tenant::new(tenant, "Fabrikam", "fabrikam.onmicrosoft.com");
    directory.tenants.insert(tenant, made);
    resources.put_subscription(Subscription {
        id: subscription,
        tenant,
        name: "Fabrikam ML".to_owned(),
        state: crate::resources::SubscriptionState::Enabled,
        management_group: None,
        managed_by_tenants: Vec::new(),
        tags: std::collections::BTreeMap::new(),
    });
    vec![Repair::OtherTenant {
        tenant,
        subscription,
    }]
}

fn roles_removed(world: &World, principal: Uuid, role: Option<&str>) -> Done {
    // The directory's lock comes first.
    let mut holders = world.directory().groups_of(principal);
    holders.insert(principal);
    let mut resources = world.resources_mut();
    let role = match role {
        Some(name) => {
            let found = resources.role_named(name);
            Some(found.ok_or_else(|| CantBreak::missing("role", name))?.id)
        }
        None => None,
    };
    let held = resources.role_assignments();
    let held = held.filter(|one| holders.contains(&one.principal));
    let held = held.filter(|one| role.is_none_or(|role| one.role == role));
    let held: Vec<RoleAssignment> = held.cloned().collect();
    for one in &held {
        resources.unassign(&one.scope, one.id);
    }
    Ok(held
        .into_iter()
        .map(|one| Repair::Assign(Box::new(one)))
        .collect())
}

fn role_given(world: &World, principal: Uuid, role: &str, scope: &Scope) -> Done {
    let kind = {
        let directory = world.directory();
        let found = directory.principal(principal);
        let found = found.ok_or_else(|| CantBreak::missing("principal", &principal))?;
        match found.principal_type() {
            "User" => PrincipalType::User,
            "Group" => PrincipalType::Group,
            _ => PrincipalType::ServicePrincipal,
        }
    };
    let mut resources = world.resources_mut();
    let found = resources.role_named(role);
    let role = found.ok_or_else(|| CantBreak::missing("role", role))?.id;
    let id = Uuid::new_v4();
    let assigned = resources.assign(RoleAssignment {
        id,
        scope: scope.clone(),
        role,
        principal,
        principal_type: kind,
        description: None,
        condition: None,
        condition_version: None,
        created_by: None,
        created_on: world.clock.now(),
        updated: None,
    });
    Ok(match assigned {
        Ok(_) => vec![Repair::Unassign {
            scope: scope.clone(),
            id,
        }],
        // The principal has it already.
        Err(_) => Vec::new(),
    })
}

fn property(resources: &mut Resources, resource: &Scope, name: &str, value: &Value) -> Done {
    let found = resources.resource_mut(resource);
    let found = found.ok_or_else(|| CantBreak::missing("resource", resource))?;
    let before = found.properties.insert(name.to_owned(), value.clone());
    Ok(vec![Repair::Property {
        resource: resource.clone(),
        name: name.to_owned(),
        value: before,
    }])
}
