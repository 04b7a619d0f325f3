//! A user: an account in its home tenant, or a guest in another tenant.

use super::{Directory, SecretText, credential::kept_text};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

/// A user in one tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    /// The object id in this tenant.
    pub id: Uuid,
    /// The tenant.
    pub tenant: Uuid,
    /// `userPrincipalName`. A guest's contains `#EXT#` and can't be used to sign in.
    pub user_principal_name: String,
    /// The display name.
    pub name: String,
    /// `accountEnabled`. If it is false, requests get AADSTS50057.
    pub enabled: bool,
    /// The password. `None` for guests and for accounts without one: no password matches.
    #[serde(with = "kept_text::option")]
    pub password: Option<SecretText>,
    /// The password has expired and must be changed first: AADSTS50055.
    pub password_expired: bool,
    /// The account is locked by an administrator or after too many attempts: AADSTS50053.
    pub locked: bool,
    /// `signInSessionsValidFromDateTime`. Refresh tokens issued earlier are revoked: AADSTS50173.
    /// So are access tokens of clients that can handle a challenge.
    #[serde(with = "time::serde::rfc3339::option")]
    pub sessions_valid_from: Option<OffsetDateTime>,
    /// For a guest, the object id of the account in its home tenant.
    pub guest_of: Option<Uuid>,
    /// When it was created, if not with the seed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub created: Option<OffsetDateTime>,
    /// Properties of Microsoft Graph that mean nothing here: they are kept and returned.
    pub properties: Map<String, Value>,
}

impl User {
    /// A member of a tenant. The user can sign in as soon as there is a password.
    pub fn new(
        id: Uuid,
        tenant: Uuid,
        user_principal_name: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        Self {
            id,
            tenant,
            user_principal_name: user_principal_name.into(),
            name: name.into(),
            enabled: true,
            password: None,
            password_expired: false,
            locked: false,
            sessions_valid_from: None,
            guest_of: None,
            created: None,
            properties: Map::new(),
        }
    }
}

impl Directory {
    /// The account with this sign-in name, in its home tenant. Names are compared without regard to
    /// case.
    pub fn account(&self, user_principal_name: &str) -> Option<&User> {
        self.users.values().find(|user| {
            user.guest_of.is_none()
                && user
                    .user_principal_name
                    .eq_ignore_ascii_case(user_principal_name)
        })
    }

    /// The account's user in a tenant: itself in the home tenant, a guest user in a tenant that
    /// invited it, `None` elsewhere.
    pub fn account_in(&self, home: &User, tenant: Uuid) -> Option<&User> {
        self.users.values().find(|user| {
            user.tenant == tenant && (user.id == home.id || user.guest_of == Some(home.id))
        })
    }

    /// The tenants in which a user is a member or a guest. The home tenant comes first.
    pub fn tenants_of(&self, user: &User) -> Vec<Uuid> {
        let home = user.guest_of.unwrap_or(user.id);
        let mut all: Vec<&User> = self
            .users
            .values()
            .filter(|other| other.id == home || other.guest_of == Some(home))
            .collect();
        all.sort_by_key(|other| other.guest_of.is_some());
        all.into_iter().map(|other| other.tenant).collect()
    }

    /// Changes the password of an account, and ends its sessions.
    pub fn change_password(&mut self, account: Uuid, password: SecretText, now: OffsetDateTime) {
        if let Some(user) = self.users.get_mut(&account) {
            user.password = Some(password);
            user.password_expired = false;
            user.sessions_valid_from = Some(now);
        }
    }

    /// Ends all sessions of an account. Refresh tokens issued before `now` are revoked, and access
    /// tokens at services that check for it.
    pub fn revoke_sessions(&mut self, account: Uuid, now: OffsetDateTime) {
        if let Some(user) = self.users.get_mut(&account) {
            user.sessions_valid_from = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_a_user_only_in_its_home_tenant_and_as_a_guest() {
        let id = Uuid::from_u128;
        let home = User::new(id(1), id(10), "ada@a.com", "Ada");
        let guest = User {
            guest_of: Some(id(1)),
            ..User::new(id(2), id(20), "ada_a.com#EXT#@b.com", "Ada")
        };
        let mut directory = Directory::default();
        for user in [guest.clone(), home.clone()] {
            directory.users.insert(user.id, user);
        }
        assert_eq!(directory.account("ADA@A.com").unwrap().id, id(1));
        assert!(directory.account("ada_a.com#EXT#@b.com").is_none());
        assert_eq!(directory.account_in(&home, id(10)).unwrap().id, id(1));
        assert_eq!(directory.account_in(&home, id(20)).unwrap().id, id(2));
        assert!(directory.account_in(&home, id(30)).is_none());
        assert_eq!(directory.tenants_of(&home), [id(10), id(20)]);
        assert_eq!(directory.tenants_of(&guest), [id(10), id(20)]);
    }
}
