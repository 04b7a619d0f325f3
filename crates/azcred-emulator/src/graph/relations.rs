//! How objects belong together: members, groups, owners.

use crate::graph::{
    kind::Kind,
    objects::{Object, Objects},
    target::Relation,
};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The kind of the related objects.
pub(super) fn kind(relation: Relation) -> Kind {
    match relation {
        Relation::FederatedCredentials => Kind::FederatedCredential,
        _ => Kind::DirectoryObject,
    }
}

/// The objects that an object is related to.
pub(super) fn related(objects: &Objects<'_>, object: &Object, relation: Relation) -> Vec<Object> {
    let directory = objects.directory;
    let id = object.id;
    let group = directory.groups.get(&id);
    let found: BTreeSet<Uuid> = match relation {
        Relation::FederatedCredentials => return objects.federated_credentials(id),
        Relation::MemberOf => {
            let groups = directory.groups.values();
            groups
                .filter(|group| group.members.contains(&id))
                .map(|group| group.id)
                .collect()
        }
        Relation::TransitiveMemberOf => directory.groups_of(id),
        Relation::Members => group.map(|group| group.members.clone()).unwrap_or_default(),
        Relation::TransitiveMembers => members_within(objects, id),
        Relation::Owners => owners(objects, object),
        Relation::OwnedObjects => {
            return objects
                .with_ids(|_| true)
                .into_iter()
                .filter(|other| owners(objects, other).contains(&id))
                .collect();
        }
    };
    objects.with_ids(|id| found.contains(&id))
}

/// The members of a group, also those of the groups in it.
fn members_within(objects: &Objects<'_>, group: Uuid) -> BTreeSet<Uuid> {
    let (mut found, mut open) = (BTreeSet::new(), vec![group]);
    while let Some(id) = open.pop() {
        let group = objects.directory.groups.get(&id);
        for member in group.into_iter().flat_map(|group| &group.members) {
            if found.insert(*member) {
                open.push(*member);
            }
        }
    }
    found
}

fn owners(objects: &Objects<'_>, object: &Object) -> BTreeSet<Uuid> {
    let directory = objects.directory;
    match object.kind {
        Kind::Group => {
            let group = directory.groups.get(&object.id);
            group.map(|group| group.owners.clone()).unwrap_or_default()
        }
        Kind::Application => {
            let mut all = directory.applications.values();
            let app = all.find(|app| app.object_id == object.id);
            app.map(|app| app.owners.clone()).unwrap_or_default()
        }
        _ => BTreeSet::new(),
    }
}
