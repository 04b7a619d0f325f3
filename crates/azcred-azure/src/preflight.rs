//! What an identity may do with applications in a directory, read before anything is made.
//!
//! The rules are those of Microsoft's pages 'Delegate app registration permissions in Microsoft
//! Entra ID', 'Default user permissions' and 'Create application' (Graph).

use crate::{
    error::{Error, ErrorKind, Result},
    graph::Graph,
    service::{Call, Verb},
};
use azcred::{Principal, PrincipalKind, Untrusted};
use serde::Deserialize;

/// A role of the directory that permits to make any application.
struct Administrator {
    /// The id of its template, which is the same in every tenant.
    template: &'static str,
    /// Whether it also permits to change the applications of others, and their credentials.
    changes_others: bool,
}

/// From Microsoft's page 'Microsoft Entra built-in roles' (2026-11-30): the roles with
/// `microsoft.directory/applications/create` or `createAsOwner`, and of these the roles with
/// `microsoft.directory/applications/credentials/update`.
const ADMINISTRATORS: [Administrator; 5] = [
    // Global Administrator.
    Administrator {
        template: "62e90394-69f5-4237-9190-012177145e10",
        changes_others: true,
    },
    // Application Administrator.
    Administrator {
        template: "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
        changes_others: true,
    },
    // Cloud Application Administrator.
    Administrator {
        template: "158c047a-c907-4556-b7ef-446551a6b5f7",
        changes_others: true,
    },
    // Application Developer.
    Administrator {
        template: "cf1c38e5-3621-4004-a7cb-879624dced7c",
        changes_others: false,
    },
    // Hybrid Identity Administrator.
    Administrator {
        template: "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2",
        changes_others: false,
    },
];

/// Graph's permissions that let a person's token write applications.
const DELEGATED: [&str; 3] = [
    "Application.ReadWrite.All",
    "Directory.AccessAsUser.All",
    "Directory.ReadWrite.All",
];
/// Graph's permissions that let an application write applications: all, or those it owns.
const OF_APPLICATIONS: [&str; 3] = [
    "Application.ReadWrite.All",
    "Directory.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
];

/// What kind of identity asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Caller {
    /// A person of the tenant.
    Member,
    /// A person of another tenant.
    Guest,
    /// An application or a managed identity.
    Application,
}

/// A role of the directory that an identity has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DirectoryRole {
    /// The name.
    #[serde(default)]
    pub display_name: Untrusted,
    /// The id of its template, which is the same in every tenant.
    #[serde(rename = "roleTemplateId", default)]
    pub template: Untrusted,
}

/// What decides whether an identity may write applications. What could not be read is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectoryRights {
    /// The kind of identity.
    pub caller: Caller,
    /// The permissions of Graph in its token.
    pub permissions: Option<Vec<Untrusted>>,
    /// Its roles, also those of its groups, without the roles that the tenant itself defined.
    pub roles: Option<Vec<DirectoryRole>>,
    /// Whether the tenant lets each of its members make applications.
    pub members_create: Option<bool>,
}

/// Whether something is permitted, and what decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum May {
    /// It is.
    Yes(Ground),
    /// It is not.
    No(Obstacle),
    /// What decides it could not be read. The attempt shows it.
    Unknown,
}

/// Why something is permitted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ground {
    /// The identity has this role in the directory.
    Role(Untrusted),
    /// The tenant lets each of its members do it.
    EveryMember,
    /// The identity owns the application.
    Owner,
    /// The application has this permission of Graph.
    Permission(Untrusted),
}

/// Why something is not permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// The tenant lets only administrators make applications, and the person
    /// does not administer them.
    AdministratorsOnly,
    /// A guest without a role, which no setting of a tenant lets make applications.
    Guest,
    /// The person neither owns the application nor administers applications.
    NotOwner,
    /// The app registration through which the person signed in has no permission of Graph for it.
    SignInApplication,
    /// The application that asks has no permission of Graph for it.
    Permission,
}

impl DirectoryRights {
    /// Whether the identity may make an application.
    pub fn make_applications(&self) -> May {
        self.may(|_| true, None)
    }

    /// Whether the identity may change an application, its credentials included.
    pub fn change_application(&self, is_owner: bool) -> May {
        self.may(|role| role.changes_others, Some(is_owner))
    }

    /// Decides by the token, by roles that `counts` accepts, and by ownership (`None`: the
    /// application is new).
    fn may(&self, counts: impl Fn(&Administrator) -> bool, is_owner: Option<bool>) -> May {
        let permission = |known: &[&str]| {
            let mut of_token = self.permissions.iter().flatten();
            of_token.find(|&one| known.iter().any(|name| *name == one.raw()))
        };
        let role = self.roles.iter().flatten().find(|role| {
            ADMINISTRATORS.iter().any(|known| {
                counts(known) && known.template.eq_ignore_ascii_case(role.template.raw())
            })
        });
        let by_role = role.map(|role| May::Yes(Ground::Role(role.display_name.clone())));
        if self.caller == Caller::Application {
            let known = match is_owner {
                Some(false) => &OF_APPLICATIONS[..2],
                _ => &OF_APPLICATIONS[..],
            };
            return match (permission(known), &self.permissions, &self.roles) {
                (Some(name), ..) => May::Yes(Ground::Permission(name.clone())),
                (None, Some(_), Some(_)) => by_role.unwrap_or(May::No(Obstacle::Permission)),
                _ => by_role.unwrap_or(May::Unknown),
            };
        }
        if self.permissions.is_some() && permission(&DELEGATED).is_none() {
            return May::No(Obstacle::SignInApplication);
        }
        let otherwise = |obstacle| match self.roles {
            Some(_) => May::No(obstacle),
            None => May::Unknown,
        };
        by_role.unwrap_or_else(|| match (is_owner, self.caller, self.members_create) {
            (Some(true), ..) => May::Yes(Ground::Owner),
            (Some(false), ..) => otherwise(Obstacle::NotOwner),
            (None, Caller::Guest, _) => otherwise(Obstacle::Guest),
            (None, _, Some(true)) => May::Yes(Ground::EveryMember),
            (None, _, Some(false)) => otherwise(Obstacle::AdministratorsOnly),
            (None, _, None) => May::Unknown,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Me {
    #[serde(default)]
    user_type: Option<Untrusted>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Policy {
    default_user_role_permissions: MemberPermissions,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MemberPermissions {
    allowed_to_create_apps: bool,
}

impl Graph {
    /// Reads what decides whether the identity may write applications: three small requests at the
    /// same time. What it can't read is left out.
    ///
    /// # Errors
    /// [`ErrorKind::Token`], [`ErrorKind::Unauthenticated`] and [`ErrorKind::Unreachable`].
    pub async fn directory_rights(&self) -> Result<DirectoryRights> {
        let token = self.0.token().await?;
        let claims = token.unverified_claims().ok();
        let principal = Principal::from_token(&token).ok();
        let object_id = principal
            .as_ref()
            .filter(|one| {
                matches!(
                    one.kind,
                    PrincipalKind::ServicePrincipal | PrincipalKind::ManagedIdentity
                )
            })
            .map(|one| one.object_id.as_ref().map(Untrusted::raw));
        let (own, claim) = match object_id {
            None => ("/v1.0/me".to_owned(), "scp"),
            Some(id) => (
                format!("/v1.0/servicePrincipals/{}", id.unwrap_or_default()),
                "roles",
            ),
        };
        let permissions = claims.map(|claims| permissions(claims.get(claim)));
        let (me, policy, roles) = tokio::join!(
            async {
                match object_id {
                    None => {
                        self.readable::<Me>("/v1.0/me", &[("$select", "userType")])
                            .await
                    }
                    Some(_) => Ok(None),
                }
            },
            self.readable::<Policy>("/v1.0/policies/authorizationPolicy", &[]),
            self.own_roles(&own),
        );
        let is_guest = me?
            .and_then(|me| me.user_type)
            .is_some_and(|kind| kind.raw().eq_ignore_ascii_case("Guest"));
        Ok(DirectoryRights {
            caller: match (object_id, is_guest) {
                (Some(_), _) => Caller::Application,
                (None, true) => Caller::Guest,
                (None, false) => Caller::Member,
            },
            permissions,
            roles: roles?,
            members_create: policy?
                .map(|policy| policy.default_user_role_permissions.allowed_to_create_apps),
        })
    }

    async fn own_roles(&self, of: &str) -> Result<Option<Vec<DirectoryRole>>> {
        let call = Call {
            what: "could not read the roles of the account in the directory",
            path: &format!("{of}/transitiveMemberOf/microsoft.graph.directoryRole"),
            query: &[
                ("$count", "true"),
                ("$select", "displayName,roleTemplateId"),
            ],
            verb: Verb::Get,
        };
        readable(self.0.list(&call).await.map(|answer| answer.value))
    }

    async fn readable<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Option<T>> {
        let call = Call {
            what: "could not read what the account may do in the directory",
            path,
            query,
            verb: Verb::Get,
        };
        readable(self.0.send(&call).await.map(|answer| answer.value))
    }
}

/// What was read; `None` if Graph rejects the request. That decides nothing: the attempt shows
/// whether the identity may do what it wants.
fn readable<T>(read: Result<T, Error>) -> Result<Option<T>> {
    use ErrorKind::{Token, Unauthenticated, Unreachable};
    match read {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), Token | Unauthenticated | Unreachable) => Err(error),
        Err(error) => {
            tracing::debug!(%error, "can't be read");
            Ok(None)
        }
    }
}

/// The names in a token's `scp` (with spaces between them) or `roles` (a list).
fn permissions(claim: Option<&serde_json::Value>) -> Vec<Untrusted> {
    match claim {
        Some(serde_json::Value::String(names)) => names.split(' ').map(Untrusted::from).collect(),
        Some(serde_json::Value::Array(names)) => names
            .iter()
            .filter_map(|name| name.as_str())
            .map(Untrusted::from)
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Caller::{Application, Guest, Member};

    const DEVELOPER: &str = "cf1c38e5-3621-4004-a7cb-879624dced7c";
    const ADMINISTRATOR: &str = "9B895D92-2cd3-44c7-9d02-a6ac2d5ea5c3";
    const READER: &str = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b";

    fn rights(
        caller: Caller,
        permission: &str,
        role: &str,
        members_create: Option<bool>,
    ) -> DirectoryRights {
        DirectoryRights {
            caller,
            permissions: Some(permissions(Some(&permission.into()))),
            roles: Some(vec![DirectoryRole {
                display_name: "R".into(),
                template: role.into(),
            }]),
            members_create,
        }
    }

    fn by_role() -> May {
        May::Yes(Ground::Role("R".into()))
    }

    #[test]
    fn the_token_the_roles_and_the_tenant_decide_who_makes_applications() {
        let person = "openid Directory.AccessAsUser.All";
        for (rights, wanted) in [
            (
                rights(Member, person, READER, Some(true)),
                May::Yes(Ground::EveryMember),
            ),
            (
                rights(Member, person, READER, Some(false)),
                May::No(Obstacle::AdministratorsOnly),
            ),
            (rights(Member, person, READER, None), May::Unknown),
            (rights(Member, person, DEVELOPER, Some(false)), by_role()),
            (rights(Member, person, ADMINISTRATOR, None), by_role()),
            (
                rights(Guest, person, READER, Some(true)),
                May::No(Obstacle::Guest),
            ),
            (rights(Guest, person, DEVELOPER, Some(true)), by_role()),
            (
                rights(Member, "openid User.Read", ADMINISTRATOR, Some(true)),
                May::No(Obstacle::SignInApplication),
            ),
            (
                rights(
                    Application,
                    "Application.ReadWrite.OwnedBy",
                    READER,
                    Some(true),
                ),
                May::Yes(Ground::Permission("Application.ReadWrite.OwnedBy".into())),
            ),
            (
                rights(Application, "User.Read.All", READER, Some(true)),
                May::No(Obstacle::Permission),
            ),
            (
                rights(Application, "User.Read.All", ADMINISTRATOR, Some(false)),
                by_role(),
            ),
        ] {
            assert_eq!(rights.make_applications(), wanted, "{rights:?}");
        }
    }

    #[test]
    fn an_application_is_changed_by_its_owners_and_by_its_administrators() {
        let person = "Application.ReadWrite.All";
        for (rights, is_owner, wanted) in [
            (
                rights(Member, person, READER, Some(false)),
                true,
                May::Yes(Ground::Owner),
            ),
            (
                rights(Guest, person, READER, None),
                true,
                May::Yes(Ground::Owner),
            ),
            (
                rights(Member, person, READER, Some(true)),
                false,
                May::No(Obstacle::NotOwner),
            ),
            // A developer may make applications, and change those only.
            (
                rights(Member, person, DEVELOPER, Some(true)),
                false,
                May::No(Obstacle::NotOwner),
            ),
            (
                rights(Member, person, ADMINISTRATOR, Some(true)),
                false,
                by_role(),
            ),
            (
                rights(Application, "Application.ReadWrite.OwnedBy", READER, None),
                false,
                May::No(Obstacle::Permission),
            ),
        ] {
            assert_eq!(rights.change_application(is_owner), wanted, "{rights:?}");
        }
    }

    #[test]
    fn what_could_not_be_read_decides_nothing() {
        let unread = |caller| DirectoryRights {
            caller,
            permissions: None,
            roles: None,
            members_create: None,
        };
        for caller in [Member, Guest, Application] {
            assert_eq!(unread(caller).make_applications(), May::Unknown);
            assert_eq!(unread(caller).change_application(false), May::Unknown);
        }
        let mut closed = unread(Member);
        closed.members_create = Some(false);
        assert_eq!(closed.make_applications(), May::Unknown);
        let mut application = unread(Application);
        application.permissions = Some(Vec::new());
        assert_eq!(application.make_applications(), May::Unknown);
    }
}
