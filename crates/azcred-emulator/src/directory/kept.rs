//! The part of the directory that requests can change, as the state folder keeps it.

use super::{
    Application, Deleted, Directory, Group, MICROSOFT_SERVICES, ServicePrincipal,
    ServicePrincipalKind, User,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Applications, principals and roles. It has secrets: it is written to the state folder only.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptDirectory {
    applications: Vec<Application>,
    service_principals: Vec<ServicePrincipal>,
    users: Vec<User>,
    groups: Vec<Group>,
    directory_roles: BTreeSet<(Uuid, Uuid)>,
    deleted: BTreeMap<Uuid, Deleted>,
    /// What users may create, by tenant: applications, groups.
    policies: BTreeMap<Uuid, (bool, bool)>,
}

impl KeptDirectory {
    /// What a directory has now. Microsoft's own applications are always the same, and a managed
    /// identity's principal comes from its resource.
    pub(crate) fn of(directory: &Directory) -> Self {
        let applications = directory.applications.values();
        let principals = directory.service_principals.values();
        Self {
            applications: applications
                .filter(|app| app.home_tenant != MICROSOFT_SERVICES)
                .cloned()
                .collect(),
            service_principals: principals
                .filter(|sp| sp.kind == ServicePrincipalKind::Application)
                .cloned()
                .collect(),
            users: directory.users.values().cloned().collect(),
            groups: directory.groups.values().cloned().collect(),
            directory_roles: directory.directory_roles.clone(),
            deleted: directory.deleted.clone(),
            policies: directory
                .tenants
                .values()
                .map(|tenant| {
                    let groups = tenant.users_may_create_groups;
                    (tenant.id, (tenant.users_may_create_applications, groups))
                })
                .collect(),
        }
    }

    /// Replaces what a seed has by what was kept.
    pub(crate) fn restore(self, directory: &mut Directory) {
        directory
            .applications
            .retain(|_, app| app.home_tenant == MICROSOFT_SERVICES);
        directory
            .service_principals
            .retain(|_, sp| sp.kind == ServicePrincipalKind::ManagedIdentity);
        for app in self.applications {
            for credential in &app.federated_credentials {
                directory.host_issuer(credential.issuer.clone());
            }
            directory.applications.insert(app.app_id, app);
        }
        let principals = self.service_principals.into_iter();
        directory
            .service_principals
            .extend(principals.map(|sp| (sp.id, sp)));
        directory.users = self.users.into_iter().map(|user| (user.id, user)).collect();
        let groups = self.groups.into_iter();
        directory.groups = groups.map(|group| (group.id, group)).collect();
        directory.directory_roles = self.directory_roles;
        directory.deleted = self.deleted;
        for (id, (applications, groups)) in self.policies {
            if let Some(tenant) = directory.tenants.get_mut(&id) {
                tenant.users_may_create_applications = applications;
                tenant.users_may_create_groups = groups;
            }
        }
    }
}
