//! The caller, and what its token permits.

use crate::{
    graph::{kind::Kind, response::GraphError},
    service::Service,
    tokens::{BearerError, Claims, accepted_audiences, evaluate, verify_bearer},
    world::World,
};
use http::{HeaderMap, StatusCode};
use uuid::Uuid;

/// The caller.
pub(super) struct Caller {
    pub(super) tenant: Uuid,
    pub(super) object_id: Uuid,
    /// An application for itself, not a user.
    pub(super) is_app: bool,
    /// A user of another tenant.
    pub(super) is_guest: bool,
    /// Application permissions (`roles`) or delegated ones (`scp`).
    permissions: Vec<String>,
}

/// How much of the directory a request reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// All objects of a kind.
    All,
    /// One object, which the request names.
    One,
    /// The user who sends the request.
    Me,
}

/// As a user of the directory, with that user's rights.
const AS_USER: &str = "Directory.AccessAsUser.All";

/// Delegated permissions, one of which is needed to read `/me` ('Get a user').
const READ_ME: &[&str] = &["User.Read", "User.ReadWrite"];

/// The permissions to read objects, for applications and delegated, the least one first ('Microsoft
/// Graph permissions reference').
fn readers(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Application | Kind::FederatedCredential | Kind::ServicePrincipal => &[
            "Application.Read.All",
            "Application.ReadWrite.OwnedBy",
            "Application.ReadWrite.All",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ],
        Kind::User => &[
            "User.ReadBasic.All",
            "User.Read.All",
            "User.ReadWrite.All",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ],
        Kind::Group => &[
            "GroupMember.Read.All",
            "Group.Read.All",
            "Group.ReadWrite.All",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ],
        Kind::Organization => &[
            "Organization.Read.All",
            "Directory.Read.All",
            "Organization.ReadWrite.All",
            "Directory.ReadWrite.All",
        ],
        Kind::DirectoryObject => &["Directory.Read.All", "Directory.ReadWrite.All"],
        Kind::DeletedItem => &[
            "Directory.Read.All",
            "Directory.ReadWrite.All",
            "Application.Read.All",
            "Application.ReadWrite.All",
        ],
        Kind::AuthorizationPolicy => &["Policy.Read.All", "Policy.ReadWrite.Authorization"],
        Kind::DirectoryRole | Kind::RoleAssignment | Kind::RoleDefinition => &[
            "RoleManagement.Read.Directory",
            "Directory.Read.All",
            "RoleManagement.ReadWrite.Directory",
            "Directory.ReadWrite.All",
        ],
    }
}

impl Caller {
    /// # Errors
    /// 401 without a valid token.
    pub(super) fn of(world: &World, headers: &HeaderMap) -> Result<Self, GraphError> {
        let claims = authenticate(world, headers)?;
        let is_guest = {
            let directory = world.directory();
            let user = directory.users.get(&claims.object_id);
            user.is_some_and(|user| user.guest_of.is_some())
        };
        let permissions = match claims.is_app {
            true => claims.all.get("roles").and_then(|roles| roles.as_array()),
            false => None,
        };
        let permissions = match permissions {
            Some(roles) => roles
                .iter()
                .filter_map(|role| role.as_str().map(str::to_owned))
                .collect(),
            None => claims
                .all
                .get("scp")
                .and_then(|scopes| scopes.as_str())
                .unwrap_or_default()
                .split_ascii_whitespace()
                .map(str::to_owned)
                .collect(),
        };
        Ok(Self {
            tenant: claims.tenant,
            object_id: claims.object_id,
            is_app: claims.is_app,
            is_guest,
            permissions,
        })
    }

    pub(super) fn has(&self, any_of: &[&str]) -> bool {
        let mut own = self.permissions.iter();
        own.any(|permission| any_of.contains(&permission.as_str()))
    }

    /// Whether the client may do something as its user: with one of these permissions, or with that
    /// to do all that the user may.
    pub(super) fn acts_for_user(&self, any_of: &[&str]) -> bool {
        !self.is_app && (self.has(any_of) || self.has(&[AS_USER]))
    }

    /// An application with one of these permissions.
    pub(super) fn authorize(&self, any_of: &[&str]) -> Result<(), GraphError> {
        allowed(self.is_app && self.has(any_of))
    }

    /// A user whose client has one of these permissions.
    pub(super) fn authorize_delegated(&self, any_of: &[&str]) -> Result<(), GraphError> {
        allowed(!self.is_app && self.has(any_of))
    }

    /// Whether the caller may read objects of a kind.
    ///
    /// A member of a tenant reads all of its directory. A guest does not list users and groups
    /// ('What are the default user permissions in Microsoft Entra ID?').
    pub(super) fn may_read(&self, kind: Kind, reach: Reach) -> Result<(), GraphError> {
        let granted = self.has(readers(kind));
        if self.is_app {
            return allowed(granted);
        }
        let is_own = reach == Reach::Me || kind == Kind::Organization;
        let granted = granted || self.has(&[AS_USER]) || (is_own && self.has(READ_ME));
        let is_listing = reach == Reach::All && matches!(kind, Kind::User | Kind::Group);
        let is_for_members = matches!(
            kind,
            Kind::AuthorizationPolicy | Kind::DirectoryRole | Kind::RoleAssignment
        );
        allowed(granted && !(self.is_guest && (is_listing || is_for_members)))
    }
}

fn allowed(it_is: bool) -> Result<(), GraphError> {
    if it_is { Ok(()) } else { Err(denied()) }
}

/// The claims of the caller's token.
pub(super) fn authenticate(world: &World, headers: &HeaderMap) -> Result<Claims, GraphError> {
    let authorization = headers
        .get(http::header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok());
    let audiences = accepted_audiences(world, Service::Graph);
    let claims = verify_bearer(world, authorization, &audiences).map_err(|error| {
        let message = match error {
            BearerError::Missing | BearerError::NotBearer => "Access token is empty.".to_owned(),
            BearerError::Expired { .. } => {
                "Lifetime validation failed, the token is expired.".to_owned()
            }
            BearerError::WrongAudience { .. } => {
                "Access token validation failure. Invalid audience.".to_owned()
            }
            BearerError::BadSignature | BearerError::UnknownKey(_) => {
                "Access token validation failure. Invalid signature.".to_owned()
            }
            other => format!("Access token validation failure: {other}."),
        };
        GraphError::unauthorized(message)
    })?;
    evaluate(&world.directory(), &claims, world.clock.now())
        .map_err(|revoked| GraphError::revoked(&revoked))?;
    Ok(claims)
}

/// The caller is known but lacks the permission.
pub(super) fn denied() -> GraphError {
    GraphError::new(
        StatusCode::FORBIDDEN,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_reads_no_more_than_its_permissions_let_it() {
        use Kind::{Application, DirectoryObject, Group, Organization, User};
        use Reach::{All, Me, One};
        for (is_app, permission, allowed, denied) in [
            (
                true,
                "User.Read.All",
                &[(User, All), (User, One)][..],
                &[(Group, All), (Application, One), (DirectoryObject, One)][..],
            ),
            (
                true,
                "Directory.Read.All",
                &[
                    (User, All),
                    (Group, All),
                    (Application, All),
                    (Organization, All),
                ],
                &[],
            ),
            // Delegated permissions, which an application's own token does not have.
            (true, "User.Read", &[], &[(User, Me), (Organization, All)]),
            (true, AS_USER, &[], &[(User, All)]),
            (
                false,
                "User.Read",
                &[(User, Me), (Organization, All)],
                &[(User, One), (User, All), (Group, All), (Application, All)],
            ),
            (
                false,
                AS_USER,
                &[
                    (User, All),
                    (Group, All),
                    (Application, All),
                    (DirectoryObject, One),
                ],
                &[],
            ),
        ] {
            let caller = Caller {
                tenant: Uuid::nil(),
                object_id: Uuid::nil(),
                is_app,
                is_guest: false,
                permissions: vec![permission.to_owned()],
            };
            for (kind, reach) in allowed {
                assert!(
                    caller.may_read(*kind, *reach).is_ok(),
                    "{permission}: {kind:?}"
                );
            }
            for (kind, reach) in denied {
                assert!(
                    caller.may_read(*kind, *reach).is_err(),
                    "{permission}: {kind:?}"
                );
            }
        }
    }
}
