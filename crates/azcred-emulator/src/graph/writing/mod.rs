//! Requests that change the directory.

mod applications;
mod body;
mod deleted;
mod federated_credentials;
mod groups;
mod keys;
mod passwords;
mod principals;
mod references;
mod rights;
mod roles;
mod users;

use crate::{
    directory::Directory,
    graph::{
        access::Caller,
        call::Call,
        key::Key,
        kind::Kind,
        objects::{Object, Objects},
        options::Selection,
        response::{Answer, GraphError},
        target::{Action, Collection, Relation, Source, Target},
    },
    replication::Replication,
    resources::Resources,
    world::World,
};
use http::Method;
use serde_json::Value;
use time::OffsetDateTime;

/// Who changes the directory, and when.
struct Writing<'a> {
    call: &'a Call,
    caller: &'a Caller,
    now: OffsetDateTime,
    directory: &'a mut Directory,
    resources: &'a Resources,
    replication: &'a Replication,
}

/// Answers a request that changes something. Its method is one that the target has.
pub(super) fn serve(
    world: &World,
    call: &Call,
    caller: &Caller,
    target: &Target,
) -> Result<Answer, GraphError> {
    let now = world.clock.now();
    // The directory is locked first.
    let mut directory = world.directory_mut();
    let resources = world.resources();
    let mut writing = Writing {
        call,
        caller,
        now,
        directory: &mut directory,
        resources: &resources,
        replication: &world.replication,
    };
    writing.answer(target)
}

impl Writing<'_> {
    fn answer(&mut self, target: &Target) -> Result<Answer, GraphError> {
        let method = &self.call.method;
        match target {
            Target::Collection(Collection { source, cast: None }) => match source {
                Source::Set(Kind::Application) => self.create_application(),
                Source::Set(Kind::ServicePrincipal) => self.create_principal(),
                Source::Set(Kind::Group) => self.create_group(),
                Source::Set(Kind::User) => self.create_user(),
                Source::Set(Kind::RoleAssignment) => self.create_role_assignment(),
                Source::Related(kind, key, Relation::FederatedCredentials) => {
                    let application = self.find(*kind, key)?;
                    self.create_federated_credential(application.id)
                }
                _ => Err(GraphError::not_served(self.call)),
            },
            Target::Object(kind, key) => {
                let object = self.find(*kind, key)?;
                match (kind, method == Method::DELETE) {
                    (Kind::Application, false) => self.update_application(&object),
                    (Kind::Application, true) => self.delete_application(&object),
                    (Kind::ServicePrincipal, false) => self.update_principal(&object),
                    (Kind::ServicePrincipal, true) => self.delete_principal(&object),
                    (Kind::Group, false) => self.update_group(&object),
                    (Kind::Group, true) => self.delete_group(&object),
                    (Kind::User, false) => self.update_user(&object),
                    (Kind::User, true) => self.delete_user(&object),
                    (Kind::RoleAssignment, true) => self.delete_role_assignment(&object),
                    (Kind::AuthorizationPolicy, false) => self.update_policy(),
                    (Kind::DeletedItem, true) => self.purge(&object),
                    _ => Err(GraphError::not_served(self.call)),
                }
            }
            Target::FederatedCredential(key, id) => {
                let application = self.find(Kind::Application, key)?.id;
                match method == Method::DELETE {
                    false => self.update_federated_credential(application, id),
                    true => self.delete_federated_credential(application, id),
                }
            }
            Target::Action(kind, key, action) => {
                let object = self.find(*kind, key)?;
                match action {
                    Action::AddPassword => self.add_password(&object),
                    Action::RemovePassword => self.remove_password(&object),
                    Action::Restore => self.restore(object),
                    _ => Err(GraphError::not_served(self.call)),
                }
            }
            Target::Reference(kind, key, relation, related) => {
                let object = self.find(*kind, key)?;
                match related {
                    None => self.add_reference(&object, *relation),
                    Some(id) => self.remove_reference(&object, *relation, id),
                }
            }
            _ => Err(GraphError::not_served(self.call)),
        }
    }

    fn objects(&self) -> Objects<'_> {
        Objects {
            directory: self.directory,
            resources: self.resources,
            replication: self.replication,
            tenant: self.caller.tenant,
        }
    }

    /// The object that a path names.
    fn find(&self, kind: Kind, key: &Key) -> Result<Object, GraphError> {
        self.objects().find(kind, key, self.caller.object_id)
    }

    /// The answer to a request that created an object: the properties that a `GET` returns too.
    fn created(&self, object: Object, kind_in_directory: &str) -> Answer {
        let id = object.id;
        let address =
            format!("directoryObjects/{id}/Microsoft.DirectoryServices.{kind_in_directory}");
        self.created_at(object, &address)
    }

    /// The same for an object with another address.
    fn created_at(&self, object: Object, address: &str) -> Answer {
        let kind = object.kind;
        self.replication.created(object.id);
        let mut body = Selection::default().of_object(object);
        let context = self.call.context(&format!("{}/$entity", kind.set()));
        body.insert("@odata.context".to_owned(), context.into());
        Answer::created(self.call, self.caller.tenant, address, Value::Object(body))
    }
}
