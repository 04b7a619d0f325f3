//! `$ref`: members and owners, added and removed.

use super::{
    Writing,
    rights::{APPLICATIONS, GROUPS, MEMBERS, Right},
};
use crate::graph::{
    kind::Kind,
    objects::Object,
    response::{Answer, GraphError},
    target::Relation,
};
use serde::Deserialize;
use std::collections::BTreeSet;
use uuid::Uuid;

#[derive(Deserialize)]
struct Reference {
    #[serde(rename = "@odata.id")]
    address: String,
}

impl Writing<'_> {
    /// `POST …/$ref`.
    pub(super) fn add_reference(
        &mut self,
        object: &Object,
        relation: Relation,
    ) -> Result<Answer, GraphError> {
        self.authorize_references(object, relation)?;
        let reference: Reference = self.call.json()?;
        let id = self.referenced(object.kind, relation, &reference.address)?;
        if !self.related(object, relation)?.insert(id) {
            let name = name(relation);
            return Err(GraphError::rejected(format!(
                "One or more added object references already exist for the following modified properties: '{name}'."
            )));
        }
        Ok(Answer::empty())
    }

    /// `DELETE …/{id}/$ref`.
    pub(super) fn remove_reference(
        &mut self,
        object: &Object,
        relation: Relation,
        id: &str,
    ) -> Result<Answer, GraphError> {
        self.authorize_references(object, relation)?;
        let related = Uuid::try_parse(id).ok();
        let all = self.related(object, relation)?;
        match related.is_some_and(|related| all.remove(&related)) {
            true => Ok(Answer::empty()),
            false => Err(GraphError::not_found(id)),
        }
    }

    /// The objects at these addresses, which become related to an object of a kind.
    pub(super) fn all_referenced(
        &self,
        kind: Kind,
        relation: Relation,
        addresses: &[String],
    ) -> Result<BTreeSet<Uuid>, GraphError> {
        let each = addresses.iter();
        each.map(|address| self.referenced(kind, relation, address))
            .collect()
    }

    /// The object at an address: `https://graph.microsoft.com/v1.0/users/{id}`.
    fn referenced(
        &self,
        kind: Kind,
        relation: Relation,
        address: &str,
    ) -> Result<Uuid, GraphError> {
        let last = address
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default();
        let last = last
            .split_once("('")
            .map_or(last, |(_, key)| key.trim_end_matches("')"));
        let by_name = || self.directory.account(last).map(|user| user.id);
        let id = Uuid::try_parse(last).ok().or_else(by_name);
        let found = id.map(|id| self.objects().with_ids(&BTreeSet::from([id])));
        let found = found.and_then(|found| found.into_iter().next());
        let found = found.ok_or_else(|| GraphError::not_found(last))?;
        let is_fit = match relation {
            Relation::Members => {
                matches!(
                    found.kind,
                    Kind::User | Kind::Group | Kind::ServicePrincipal
                )
            }
            _ => matches!(found.kind, Kind::User | Kind::ServicePrincipal),
        };
        match is_fit {
            true => Ok(found.id),
            false => Err(GraphError::rejected(format!(
                "The reference target '{}' is not valid for the property '{}' of resource '{}'.",
                found.id,
                name(relation),
                kind.title()
            ))),
        }
    }

    /// # Errors
    /// When the caller may not change the members or owners of an object.
    fn authorize_references(&self, object: &Object, relation: Relation) -> Result<(), GraphError> {
        let right: &Right = match (object.kind, relation) {
            (Kind::Group, Relation::Members) => &MEMBERS,
            (Kind::Group, _) => &GROUPS,
            (Kind::Application, _) => &APPLICATIONS,
            (Kind::ServicePrincipal, _) => return self.owned_principal(object.id).map(drop),
            _ => return Err(GraphError::not_served(self.call)),
        };
        let directory = &self.directory;
        let group = directory.groups.get(&object.id).map(|group| &group.owners);
        let application = directory.application_with(object.id).map(|app| &app.owners);
        let none = BTreeSet::new();
        self.authorize(right, group.or(application).unwrap_or(&none))
    }

    fn related(
        &mut self,
        object: &Object,
        relation: Relation,
    ) -> Result<&mut BTreeSet<Uuid>, GraphError> {
        let (directory, id) = (&mut *self.directory, object.id);
        let found = match (object.kind, relation) {
            (Kind::Group, Relation::Members) => directory
                .groups
                .get_mut(&id)
                .map(|group| &mut group.members),
            (Kind::Group, _) => directory.groups.get_mut(&id).map(|group| &mut group.owners),
            (Kind::Application, _) => {
                let app = directory.application_with_mut(id);
                app.map(|app| &mut app.owners)
            }
            _ => {
                let principal = directory.service_principals.get_mut(&id);
                principal.map(|sp| &mut sp.owners)
            }
        };
        found.ok_or_else(|| GraphError::not_found(&id.to_string()))
    }
}

fn name(relation: Relation) -> &'static str {
    match relation {
        Relation::Members => "members",
        _ => "owners",
    }
}
