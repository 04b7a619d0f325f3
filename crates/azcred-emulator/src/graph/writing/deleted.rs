//! What was deleted: brought back, or deleted for good.

use super::{
    Writing,
    rights::{APPLICATIONS, GROUPS, Right, USERS},
};
use crate::{
    directory::{Deleted, DeletedObject},
    graph::{
        objects::Object,
        options::Selection,
        response::{Answer, GraphError},
    },
};
use http::StatusCode;
use serde_json::Value;

impl Writing<'_> {
    /// `POST /directory/deletedItems/{id}/restore`.
    pub(super) fn restore(&mut self, mut object: Object) -> Result<Answer, GraphError> {
        self.authorize_deleted(&object)?;
        if !self.directory.restore(object.id) {
            return Err(GraphError::new(
                StatusCode::CONFLICT,
                "Request_MultipleObjectsWithSameKeyValue",
                "The object can't be restored: another one has taken its place.",
            ));
        }
        let name = "deletedDateTime".to_owned();
        object.properties.insert(name, Value::Null);
        let kind = format!("#microsoft.graph.{}", object.kind.name());
        let mut body = Selection::default().of_object(object);
        let context = self.call.context("directoryObjects/$entity");
        body.insert("@odata.context".to_owned(), context.into());
        body.insert("@odata.type".to_owned(), kind.into());
        Ok(Answer::json(Value::Object(body)))
    }

    /// `DELETE /directory/deletedItems/{id}`.
    pub(super) fn purge(&mut self, object: &Object) -> Result<Answer, GraphError> {
        self.authorize_deleted(object)?;
        self.directory.deleted.remove(&object.id);
        Ok(Answer::empty())
    }

    fn authorize_deleted(&self, object: &Object) -> Result<(), GraphError> {
        let deleted = self.directory.deleted.get(&object.id);
        let deleted = deleted.ok_or_else(|| GraphError::not_found(&object.id.to_string()))?;
        self.authorize(right(deleted), &deleted.owners())
    }
}

/// The right to change an object of the kind that was deleted.
fn right(deleted: &Deleted) -> &'static Right {
    match deleted.object {
        DeletedObject::Application(_) | DeletedObject::ServicePrincipal(_) => &APPLICATIONS,
        DeletedObject::Group(_) => &GROUPS,
        DeletedObject::User(_) => &USERS,
    }
}
