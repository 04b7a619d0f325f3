//! Members of the directory, by the names that a seed uses.

use crate::directory::Directory;
use uuid::Uuid;

/// A user, application or group, by sign-in name, name or object id.
pub(super) fn find_member(directory: &Directory, given: &str) -> Option<Uuid> {
    if let Ok(id) = Uuid::try_parse(given) {
        return directory.principal(id).map(|principal| principal.id());
    }
    let user = directory
        .users
        .values()
        .find(|u| u.user_principal_name.eq_ignore_ascii_case(given));
    let app = directory
        .service_principals
        .values()
        .find(|p| p.name.eq_ignore_ascii_case(given));
    let group = directory
        .groups
        .values()
        .find(|g| g.name.eq_ignore_ascii_case(given));
    user.map(|u| u.id)
        .or(app.map(|a| a.id))
        .or(group.map(|g| g.id))
}
