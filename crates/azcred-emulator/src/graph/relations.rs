//! How objects belong together: members, groups, owners.

use crate::graph::{
    kind::Kind,
    objects::{Object, Objects},
    roles,
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
            let groups = groups
                .filter(|group| group.members.contains(&id))
                .map(|group| group.id);
            groups.chain(roles::ids_of(objects, id)).collect()
        }
        Relation::TransitiveMemberOf => with_roles(objects, id, &directory.groups_of(id)),
        Relation::Members if object.kind == Kind::DirectoryRole => roles::members(objects, id),
        Relation::Members => group.map(|group| group.members.clone()).unwrap_or_default(),
        Relation::TransitiveMembers => members_within(objects, id),
        Relation::Owners => {
            let application = directory.application_with(id).map(|app| &app.owners);
            let principal = directory.service_principals.get(&id).map(|sp| &sp.owners);
            let owners = group
                .map(|group| &group.owners)
                .or(application)
                .or(principal);
            owners.cloned().unwrap_or_default()
        }
        Relation::OwnedObjects => {
            let groups = directory.groups.values();
            let groups = groups.filter(|group| group.owners.contains(&id));
            let applications = directory.applications.values();
            let applications = applications.filter(|app| app.owners.contains(&id));
            let principals = directory.service_principals.values();
            let principals = principals.filter(|sp| sp.owners.contains(&id));
            groups
                .map(|group| group.id)
                .chain(applications.map(|app| app.object_id))
                .chain(principals.map(|sp| sp.id))
                .collect()
        }
    };
    objects.with_ids(&found)
}

/// Groups of an object, with the directory roles that it has itself or through them.
pub(super) fn with_roles(
    objects: &Objects<'_>,
    id: Uuid,
    groups: &BTreeSet<Uuid>,
) -> BTreeSet<Uuid> {
    let holders = groups.iter().copied().chain([id]);
    let roles = holders.flat_map(|holder| roles::ids_of(objects, holder));
    roles.chain(groups.iter().copied()).collect()
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
