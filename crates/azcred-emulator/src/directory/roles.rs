//! Directory roles: who may change a tenant's directory ('Microsoft Entra built-in roles').

use super::Directory;
use uuid::{Uuid, uuid};

/// A built-in role of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryRole {
    /// `roleTemplateId`, the same in every tenant.
    pub id: Uuid,
    /// The display name.
    pub name: &'static str,
}

/// May change everything.
pub const GLOBAL_ADMINISTRATOR: DirectoryRole = DirectoryRole {
    id: uuid!("62e90394-69f5-4237-9190-012177145e10"),
    name: "Global Administrator",
};
/// May change all applications.
pub const APPLICATION_ADMINISTRATOR: DirectoryRole = DirectoryRole {
    id: uuid!("9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"),
    name: "Application Administrator",
};
/// May change all applications, but for the application proxy.
pub const CLOUD_APPLICATION_ADMINISTRATOR: DirectoryRole = DirectoryRole {
    id: uuid!("158c047a-c907-4556-b7ef-446551a6b5f7"),
    name: "Cloud Application Administrator",
};
/// May create applications, where users may not.
pub const APPLICATION_DEVELOPER: DirectoryRole = DirectoryRole {
    id: uuid!("cf1c38e5-3621-4004-a7cb-879624dced7c"),
    name: "Application Developer",
};
/// May create and change users and groups.
pub const USER_ADMINISTRATOR: DirectoryRole = DirectoryRole {
    id: uuid!("fe930be7-5e62-47db-91af-98c3a49a38b1"),
    name: "User Administrator",
};
/// May create and change groups.
pub const GROUPS_ADMINISTRATOR: DirectoryRole = DirectoryRole {
    id: uuid!("fdd7a751-b60b-444a-984c-02652fe8fa1c"),
    name: "Groups Administrator",
};
/// May assign directory roles, and consent to all permissions.
pub const PRIVILEGED_ROLE_ADMINISTRATOR: DirectoryRole = DirectoryRole {
    id: uuid!("e8611ab8-c189-46e8-94e1-60213ab1f814"),
    name: "Privileged Role Administrator",
};

/// The roles that the emulator knows.
pub const DIRECTORY_ROLES: &[DirectoryRole] = &[
    GLOBAL_ADMINISTRATOR,
    APPLICATION_ADMINISTRATOR,
    CLOUD_APPLICATION_ADMINISTRATOR,
    APPLICATION_DEVELOPER,
    USER_ADMINISTRATOR,
    GROUPS_ADMINISTRATOR,
    PRIVILEGED_ROLE_ADMINISTRATOR,
];

impl DirectoryRole {
    /// The role with this name, in any case, or id.
    pub fn named(name_or_id: &str) -> Option<Self> {
        let id = Uuid::try_parse(name_or_id).ok();
        let mut all = DIRECTORY_ROLES.iter().copied();
        all.find(|role| id == Some(role.id) || role.name.eq_ignore_ascii_case(name_or_id))
    }
}

impl Directory {
    /// Whether a principal has one of these roles, itself or through a group.
    pub fn has_role(&self, principal: Uuid, any_of: &[DirectoryRole]) -> bool {
        let mut holders = self.groups_of(principal);
        holders.insert(principal);
        let mut roles = self.directory_roles.iter();
        roles.any(|(holder, role)| {
            holders.contains(holder) && any_of.iter().any(|known| known.id == *role)
        })
    }
}
