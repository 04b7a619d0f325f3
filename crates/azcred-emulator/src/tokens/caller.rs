//! Whose token a request has, and the roles that count for it.

use super::Claims;
use crate::{
    replication::View,
    resources::{Principals, Resources, Scope},
    world::World,
};
use std::borrow::Cow;
use uuid::Uuid;

/// The principal of a token, and its groups.
pub(crate) fn principals(world: &World, claims: &Claims) -> Principals {
    Principals {
        principal: claims.object_id,
        groups: world.directory().groups_of(claims.object_id),
    }
}

/// The name that Azure uses in messages: an application's client id, or a user's sign-in name.
pub(crate) fn name_in_messages(claims: &Claims) -> String {
    let text = |name: &str| claims.all.get(name).and_then(|value| value.as_str());
    let name = if claims.is_app {
        claims.app_id.map(|id| id.to_string())
    } else {
        text("upn")
            .or_else(|| text("unique_name"))
            .or_else(|| text("preferred_username"))
            .map(str::to_owned)
    };
    name.unwrap_or_else(|| claims.object_id.to_string())
}

/// The resources without those of the caller's role assignments that are too new to count.
pub(crate) fn as_seen<'a>(
    world: &World,
    resources: &'a Resources,
    who: &Principals,
) -> Cow<'a, Resources> {
    let own = resources.role_assignments();
    let own = own.filter(|one| who.are(one.principal));
    let missed: Vec<(Scope, Uuid)> = own
        .filter(|one| world.replication.misses(View::Roles, one.id))
        .map(|one| (one.scope.clone(), one.id))
        .collect();
    if missed.is_empty() {
        return Cow::Borrowed(resources);
    }
    let mut seen = resources.clone();
    for (scope, id) in missed {
        seen.unassign(&scope, id);
    }
    Cow::Owned(seen)
}
