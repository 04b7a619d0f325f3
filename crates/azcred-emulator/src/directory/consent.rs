//! Which users have consented to which programs.

use std::collections::BTreeSet;
use uuid::Uuid;

/// Consents of single users (`oauth2PermissionGrant` with `consentType` `Principal`): user, client,
/// resource. The size is bounded by the users, clients and resources of the directory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Consents(BTreeSet<(Uuid, Uuid, Uuid)>);

impl Consents {
    /// A user consents to a client for a resource: the user's object id and two client ids.
    pub(crate) fn grant(&mut self, user: Uuid, client: Uuid, resource: Uuid) {
        self.0.insert((user, client, resource));
    }

    /// Whether the user has consented.
    pub(crate) fn has(&self, user: Uuid, client: Uuid, resource: Uuid) -> bool {
        self.0.contains(&(user, client, resource))
    }
}
