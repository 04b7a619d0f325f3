//! Who may change what: permissions of applications, and directory roles of people ('Microsoft
//! Entra built-in roles', 'Microsoft Graph permissions reference').

use crate::{
    directory::{
        APPLICATION_ADMINISTRATOR, APPLICATION_DEVELOPER, CLOUD_APPLICATION_ADMINISTRATOR,
        DirectoryRole, GLOBAL_ADMINISTRATOR, GROUPS_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR,
        USER_ADMINISTRATOR,
    },
    graph::{access::denied, response::GraphError, writing::Writing},
};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A right, and who has it.
pub(super) struct Right {
    /// Application permissions.
    app: &'static [&'static str],
    /// Application permissions for what the application owns, or creates.
    app_owned: &'static [&'static str],
    /// Delegated permissions, beside that to do all that the user may.
    delegated: &'static [&'static str],
    /// Directory roles.
    pub(super) roles: &'static [DirectoryRole],
}

/// To change applications and service principals.
pub(super) const APPLICATIONS: Right = Right {
    app: &["Application.ReadWrite.All"],
    app_owned: &["Application.ReadWrite.OwnedBy"],
    delegated: &["Application.ReadWrite.All", "Directory.ReadWrite.All"],
    roles: &[
        GLOBAL_ADMINISTRATOR,
        APPLICATION_ADMINISTRATOR,
        CLOUD_APPLICATION_ADMINISTRATOR,
    ],
};

/// To create groups.
pub(super) const NEW_GROUPS: Right = Right {
    app: &[
        "Group.ReadWrite.All",
        "Group.Create",
        "Directory.ReadWrite.All",
    ],
    ..GROUPS
};

/// To change groups.
pub(super) const GROUPS: Right = Right {
    app: &["Group.ReadWrite.All", "Directory.ReadWrite.All"],
    app_owned: &[],
    delegated: &["Group.ReadWrite.All", "Directory.ReadWrite.All"],
    roles: &[
        GLOBAL_ADMINISTRATOR,
        GROUPS_ADMINISTRATOR,
        USER_ADMINISTRATOR,
    ],
};

/// To change the members of groups.
pub(super) const MEMBERS: Right = Right {
    app: &[
        "GroupMember.ReadWrite.All",
        "Group.ReadWrite.All",
        "Directory.ReadWrite.All",
    ],
    delegated: &[
        "GroupMember.ReadWrite.All",
        "Group.ReadWrite.All",
        "Directory.ReadWrite.All",
    ],
    ..GROUPS
};

/// To create, change and delete users.
pub(super) const USERS: Right = Right {
    app: &["User.ReadWrite.All", "Directory.ReadWrite.All"],
    app_owned: &[],
    delegated: &["User.ReadWrite.All", "Directory.ReadWrite.All"],
    roles: &[GLOBAL_ADMINISTRATOR, USER_ADMINISTRATOR],
};

/// To enable and disable accounts ('Update user').
pub(super) const ACCOUNTS: Right = Right {
    app: &[
        "User.EnableDisableAccount.All",
        "User.ReadWrite.All",
        "Directory.ReadWrite.All",
    ],
    ..USERS
};

/// To reset the password of another user.
pub(super) const PASSWORDS: Right = Right {
    app: &["User-PasswordProfile.ReadWrite.All"],
    ..USERS
};

/// To assign directory roles.
pub(super) const ROLES: Right = Right {
    app: &["RoleManagement.ReadWrite.Directory"],
    app_owned: &[],
    delegated: &["RoleManagement.ReadWrite.Directory"],
    roles: &[GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR],
};

/// To change what users may do.
pub(super) const POLICY: Right = Right {
    app: &["Policy.ReadWrite.Authorization"],
    delegated: &["Policy.ReadWrite.Authorization"],
    ..ROLES
};

/// To create applications.
pub(super) const NEW_APPLICATIONS: Right = Right {
    roles: &[
        GLOBAL_ADMINISTRATOR,
        APPLICATION_ADMINISTRATOR,
        CLOUD_APPLICATION_ADMINISTRATOR,
        APPLICATION_DEVELOPER,
    ],
    ..APPLICATIONS
};

impl Writing<'_> {
    /// # Errors
    /// When the caller has neither the right to all objects nor is an owner of this one.
    pub(super) fn authorize(
        &self,
        right: &Right,
        owners: &BTreeSet<Uuid>,
    ) -> Result<(), GraphError> {
        self.check(right, owners.contains(&self.caller.object_id), false)
    }

    /// # Errors
    /// When the caller may not create an object. `by_policy`: the tenant lets every member do it.
    pub(super) fn authorize_new(&self, right: &Right, by_policy: bool) -> Result<(), GraphError> {
        self.check(right, self.caller.is_app, by_policy)
    }

    fn check(&self, right: &Right, owns: bool, by_policy: bool) -> Result<(), GraphError> {
        let caller = self.caller;
        let has_role = self.directory.has_role(caller.object_id, right.roles);
        let may = match caller.is_app {
            true => has_role || caller.has(right.app) || (owns && caller.has(right.app_owned)),
            false => {
                caller.acts_for_user(right.delegated)
                    && (has_role || owns || (by_policy && !caller.is_guest))
            }
        };
        if may { Ok(()) } else { Err(denied()) }
    }
}
