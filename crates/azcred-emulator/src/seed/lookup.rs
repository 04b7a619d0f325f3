//! Members of the directory as a seed names them.

use crate::directory::Directory;
use uuid::Uuid;

/// A user, application or group by sign-in name, name or object id.
pub(super) fn find_member(directory: &Directory, said: &str) -> Option<Uuid> {
    if let Ok(id) = Uuid::try_parse(said) {
        return directory.principal(id).map(|principal| principal.id());
    }
    let user = directory
        .users
        .values()
        .find(|u| u.user_principal_name.eq_ignore_ascii_case(said));
    let app = directory
        .service_principals
        .values()
        .find(|p| p.name.eq_ignore_ascii_case(said));
    let group = directory
        .groups
        .values()
        .find(|g| g.name.eq_ignore_ascii_case(said));
    user.map(|u| u.id)
        .or(app.map(|a| a.id))
        .or(group.map(|g| g.id))
}
