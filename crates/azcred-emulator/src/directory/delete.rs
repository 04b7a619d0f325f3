//! What was deleted: it can come back for a while, and is then gone.

use super::{Application, Directory, Group, ServicePrincipal, User};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

/// An object that was deleted and can be restored ('Restore deleted item').
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deleted {
    /// The object, as it was.
    pub object: DeletedObject,
    /// When it was deleted.
    #[serde(with = "time::serde::rfc3339")]
    pub on: OffsetDateTime,
}

/// An object of a kind that can be restored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum DeletedObject {
    /// An application.
    Application(Box<Application>),
    /// A service principal.
    ServicePrincipal(Box<ServicePrincipal>),
    /// A group.
    Group(Box<Group>),
    /// A user.
    User(Box<User>),
}

impl Deleted {
    /// The tenant.
    pub fn tenant(&self) -> Uuid {
        match &self.object {
            DeletedObject::Application(app) => app.home_tenant,
            DeletedObject::ServicePrincipal(sp) => sp.tenant,
            DeletedObject::Group(group) => group.tenant,
            DeletedObject::User(user) => user.tenant,
        }
    }

    /// Object ids of its owners.
    pub(crate) fn owners(&self) -> std::collections::BTreeSet<Uuid> {
        match &self.object {
            DeletedObject::Application(app) => app.owners.clone(),
            DeletedObject::ServicePrincipal(sp) => sp.owners.clone(),
            DeletedObject::Group(group) => group.owners.clone(),
            DeletedObject::User(_) => std::collections::BTreeSet::new(),
        }
    }
}

impl Directory {
    /// Deletes an application, and its service principal in its own tenant.
    pub(crate) fn delete_application(&mut self, app_id: Uuid, now: OffsetDateTime) {
        let Some(app) = self.applications.remove(&app_id) else {
            return;
        };
        let principal = self.service_principal_of(app.home_tenant, app_id);
        if let Some(id) = principal.map(|sp| sp.id) {
            self.delete_principal(id, now);
        }
        let id = app.object_id;
        self.put_aside(id, DeletedObject::Application(Box::new(app)), now);
    }

    /// Deletes a service principal.
    pub(crate) fn delete_principal(&mut self, id: Uuid, now: OffsetDateTime) {
        if let Some(gone) = self.service_principals.remove(&id) {
            self.put_aside(id, DeletedObject::ServicePrincipal(Box::new(gone)), now);
        }
    }

    /// Deletes a group.
    pub(crate) fn delete_group(&mut self, id: Uuid, now: OffsetDateTime) {
        if let Some(gone) = self.groups.remove(&id) {
            self.put_aside(id, DeletedObject::Group(Box::new(gone)), now);
        }
    }

    /// Deletes a user.
    pub(crate) fn delete_user(&mut self, id: Uuid, now: OffsetDateTime) {
        if let Some(gone) = self.users.remove(&id) {
            self.put_aside(id, DeletedObject::User(Box::new(gone)), now);
        }
    }

    fn put_aside(&mut self, id: Uuid, object: DeletedObject, now: OffsetDateTime) {
        self.deleted.insert(id, Deleted { object, on: now });
    }

    /// Brings back what was deleted. Returns whether it could: not if what replaces it exists.
    /// An application's service principal is an object of its own.
    pub(crate) fn restore(&mut self, id: Uuid) -> bool {
        let is_free = match self.deleted.get(&id).map(|deleted| &deleted.object) {
            None => false,
            Some(DeletedObject::ServicePrincipal(sp)) => {
                self.service_principal_of(sp.tenant, sp.app_id).is_none()
            }
            Some(DeletedObject::User(user)) => self.account(&user.user_principal_name).is_none(),
            Some(DeletedObject::Application(_) | DeletedObject::Group(_)) => true,
        };
        if !is_free {
            return false;
        }
        match self.deleted.remove(&id).map(|deleted| deleted.object) {
            Some(DeletedObject::Application(app)) => {
                self.applications.insert(app.app_id, *app);
            }
            Some(DeletedObject::ServicePrincipal(sp)) => {
                self.service_principals.insert(id, *sp);
            }
            Some(DeletedObject::Group(group)) => {
                self.groups.insert(id, *group);
            }
            Some(DeletedObject::User(user)) => {
                self.users.insert(id, *user);
            }
            None => {}
        }
        true
    }
}
