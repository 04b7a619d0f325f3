//! The directory: tenants, applications, service principals, users and groups.

mod application;
mod consent;
mod create;
mod credential;
mod delete;
mod first_party;
mod issuer;
mod kept;
mod policy;
mod principal;
mod resource_names;
mod roles;
mod tenant;
mod user;

use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub(crate) use application::NATIVE_REDIRECT_URIS;
pub(crate) use consent::Consents;
pub(crate) use credential::kept_text;
pub(crate) use issuer::{AZURE_DEVOPS, EXCHANGE_APPLICATION};
pub(crate) use kept::KeptDirectory;
pub(crate) use resource_names::{
    ARM, GRAPH, ML, first_party_resource, first_party_resources, first_party_title, resource_id,
    service_names,
};

pub use application::{Application, Audience};
pub use create::CreateError;
pub use credential::{Certificate, FederatedCredential, Secret, SecretText};
pub use delete::{Deleted, DeletedObject};
pub use first_party::{AZURE_CLI, MICROSOFT_SERVICES};
pub use issuer::{EXCHANGE_AUDIENCE, Issuer, IssuerKeys, RsaJwk};
pub use policy::{ClientApp, Policy, Requirement, Subject};
pub use principal::{Group, Principal, ServicePrincipal, ServicePrincipalKind};
pub use roles::{
    APPLICATION_ADMINISTRATOR, APPLICATION_DEVELOPER, CLOUD_APPLICATION_ADMINISTRATOR,
    DIRECTORY_ROLES, DirectoryRole, GLOBAL_ADMINISTRATOR, GROUPS_ADMINISTRATOR,
    PRIVILEGED_ROLE_ADMINISTRATOR, USER_ADMINISTRATOR,
};
pub use tenant::{LoopLimit, Tenant};
pub use user::User;

/// The content of Entra ID in one emulator, for all its tenants.
#[derive(Debug, Default)]
pub struct Directory {
    /// Tenants by id.
    pub tenants: BTreeMap<Uuid, Tenant>,
    /// Applications by client id (`appId`), which is unique over all tenants.
    pub applications: BTreeMap<Uuid, Application>,
    /// What Entra ID keeps of user-assigned identities that trust another issuer, by client id. It
    /// has no registration of them.
    pub identities: BTreeMap<Uuid, Application>,
    /// Service principals by object id.
    pub service_principals: BTreeMap<Uuid, ServicePrincipal>,
    /// Users by object id.
    pub users: BTreeMap<Uuid, User>,
    /// Groups by object id.
    pub groups: BTreeMap<Uuid, Group>,
    /// What was deleted and can come back, by object id.
    pub deleted: BTreeMap<Uuid, Deleted>,
    /// Who has which directory role: the principal's object id, the role's id.
    pub directory_roles: BTreeSet<(Uuid, Uuid)>,
    /// Conditional Access policies by id.
    pub policies: BTreeMap<Uuid, Policy>,
    /// Issuers outside Entra ID, by their `iss`.
    pub issuers: BTreeMap<String, Issuer>,
    /// Consents of users.
    pub(crate) consents: Consents,
    /// The secret that encrypts refresh tokens. Without it, no refresh tokens are issued.
    pub(crate) refresh_secret: Option<SecretText>,
}

impl Directory {
    /// A directory without tenants, with Microsoft's own programs.
    pub(crate) fn with_first_party() -> Self {
        let known = first_party::applications();
        Self {
            applications: known.map(|app| (app.app_id, app)).collect(),
            ..Self::default()
        }
    }

    /// Whatever may sign in by itself: applications, and identities that trust another issuer.
    /// Those of the seed come first, so that it is the same one that is found first.
    pub fn clients(&self) -> impl Iterator<Item = &Application> {
        let all = || self.applications.values().chain(self.identities.values());
        let of_seed = all().filter(|app| app.created.is_none());
        of_seed.chain(all().filter(|app| app.created.is_some()))
    }

    /// All users. Those of the seed come first.
    pub(crate) fn people(&self) -> impl Iterator<Item = &User> {
        let all = || self.users.values();
        let of_seed = all().filter(|user| user.created.is_none());
        of_seed.chain(all().filter(|user| user.created.is_some()))
    }

    /// The client with this id.
    pub fn client(&self, client_id: Uuid) -> Option<&Application> {
        let registered = self.applications.get(&client_id);
        registered.or_else(|| self.identities.get(&client_id))
    }

    /// All secrets with which an application signs in to a tenant: its own, and its principal's.
    pub(crate) fn secrets_of(&self, tenant: Uuid, app: &Application) -> Vec<Secret> {
        let principal = self.service_principal_of(tenant, app.app_id);
        let more = principal.into_iter().flat_map(|sp| &sp.secrets);
        app.secrets.iter().chain(more).cloned().collect()
    }

    /// All certificates with which an application signs in to a tenant.
    pub(crate) fn certificates_of(&self, tenant: Uuid, app: &Application) -> Vec<Certificate> {
        let principal = self.service_principal_of(tenant, app.app_id);
        let more = principal.into_iter().flat_map(|sp| &sp.certificates);
        app.certificates.iter().chain(more).cloned().collect()
    }

    /// The application with this object id.
    pub(crate) fn application_with(&self, object_id: Uuid) -> Option<&Application> {
        let mut all = self.applications.values();
        all.find(|app| app.object_id == object_id)
    }

    /// The application with this object id, for changes.
    pub(crate) fn application_with_mut(&mut self, object_id: Uuid) -> Option<&mut Application> {
        let mut all = self.applications.values_mut();
        all.find(|app| app.object_id == object_id)
    }

    /// The tenant with this id or verified domain. Domains are compared without regard to case.
    pub fn tenant(&self, id_or_domain: &str) -> Option<&Tenant> {
        if let Ok(id) = Uuid::try_parse(id_or_domain) {
            return self.tenants.get(&id);
        }
        self.tenants.values().find(|tenant| {
            tenant
                .domains
                .iter()
                .any(|d| d.eq_ignore_ascii_case(id_or_domain))
        })
    }

    /// An application's service principal in a tenant.
    pub fn service_principal_of(&self, tenant: Uuid, app_id: Uuid) -> Option<&ServicePrincipal> {
        self.service_principals
            .values()
            .find(|sp| sp.tenant == tenant && sp.app_id == app_id)
    }

    /// The user, group or service principal with this object id, in any tenant.
    pub fn principal(&self, object_id: Uuid) -> Option<Principal<'_>> {
        if let Some(sp) = self.service_principals.get(&object_id) {
            return Some(Principal::ServicePrincipal(sp));
        }
        if let Some(user) = self.users.get(&object_id) {
            return Some(Principal::User(user));
        }
        self.groups.get(&object_id).map(Principal::Group)
    }

    /// The ids of all groups that contain a principal, directly or through other groups.
    ///
    /// Each group is visited once, so that a cycle ends.
    pub fn groups_of(&self, object_id: Uuid) -> BTreeSet<Uuid> {
        let mut found = BTreeSet::new();
        let mut frontier = vec![object_id];
        while let Some(member) = frontier.pop() {
            for group in self.groups.values().filter(|g| g.members.contains(&member)) {
                if found.insert(group.id) {
                    frontier.push(group.id);
                }
            }
        }
        found
    }

    /// The application with this resource name: its client id, or one of its identifier URIs. As in
    /// Entra ID, a trailing slash makes another name.
    pub fn application_named(&self, resource: &str) -> Option<&Application> {
        if let Ok(id) = Uuid::try_parse(resource) {
            return self.applications.get(&id);
        }
        self.applications.values().find(|app| {
            app.identifier_uris
                .iter()
                .any(|u| u.eq_ignore_ascii_case(resource))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(id: u128, members: &[u128]) -> Group {
        Group {
            members: members.iter().map(|m| Uuid::from_u128(*m)).collect(),
            ..Group::new(Uuid::from_u128(id), Uuid::nil(), format!("group {id}"))
        }
    }

    #[test]
    fn groups_are_found_through_other_groups_and_a_cycle_ends() {
        let mut directory = Directory::default();
        for g in [
            group(10, &[1, 12]),
            group(11, &[10]),
            group(12, &[11]),
            group(13, &[2]),
        ] {
            directory.groups.insert(g.id, g);
        }
        let found = directory.groups_of(Uuid::from_u128(1));
        let expected: BTreeSet<_> = [10, 11, 12].map(Uuid::from_u128).into();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_tenant_is_found_by_id_and_by_domain_in_any_case() {
        let mut directory = Directory::default();
        let id = Uuid::from_u128(7);
        let tenant = Tenant::new(id, "Contoso", "contoso.onmicrosoft.com");
        directory.tenants.insert(id, tenant);
        assert!(directory.tenant("CONTOSO.onmicrosoft.com").is_some());
        assert!(directory.tenant(&id.to_string()).is_some());
        assert!(directory.tenant("fabrikam.com").is_none());
    }
}
