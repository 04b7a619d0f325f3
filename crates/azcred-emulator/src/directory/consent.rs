//! What people have allowed programs to do in their name.

use std::collections::BTreeSet;
use uuid::Uuid;

/// Consents of single people (`oauth2PermissionGrant` with `consentType` `Principal`): who, to
/// which client, for which resource. It is bounded by the people, clients and resources there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Consents(BTreeSet<(Uuid, Uuid, Uuid)>);

impl Consents {
    /// A person lets a client act for them at a resource. Ids are the user's object id and two
    /// client ids.
    pub(crate) fn grant(&mut self, user: Uuid, client: Uuid, resource: Uuid) {
        self.0.insert((user, client, resource));
    }

    /// Whether a person did.
    pub(crate) fn has(&self, user: Uuid, client: Uuid, resource: Uuid) -> bool {
        self.0.contains(&(user, client, resource))
    }
}
