//! A Conditional Access policy: the users and resources that it applies to, and what it requires.
//!
//! 'Building a Conditional Access policy': conditions say when a policy applies, and controls what
//! it then requires. If several policies apply, all must be satisfied.

use super::{Application, Directory, User};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A tenant's policy for its users and guests.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The policy's id, which challenges name (`capolids`).
    pub id: Uuid,
    /// The tenant.
    pub tenant: Uuid,
    /// The display name.
    pub name: String,
    /// Users and groups to which the policy applies. `None`: all users.
    pub users: Option<BTreeSet<Uuid>>,
    /// Users and groups to which the policy never applies.
    pub exclude_users: BTreeSet<Uuid>,
    /// Client ids of the resources to which the policy applies. `None`: all resources.
    pub resources: Option<BTreeSet<Uuid>>,
    /// Kinds of programs to which the policy applies. `None`: all kinds.
    pub client_apps: Option<Vec<ClientApp>>,
    /// The policy applies to sign-ins by device code only ('Authentication flows').
    pub device_code_only: bool,
    /// What the policy requires. `None`: only the sign-in frequency.
    pub requirement: Option<Requirement>,
    /// Sign-in frequency: after this many seconds, the user must sign in again.
    pub sign_in_frequency: Option<u32>,
}

/// `clientAppTypes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientApp {
    /// A web application, which has a secret.
    Browser,
    /// Mobile apps and desktop clients: public clients.
    Desktop,
}

/// A grant control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Access is blocked: AADSTS53003.
    Block,
    /// A device that is marked as compliant: AADSTS53000. The emulator has no such device.
    CompliantDevice,
    /// A device that the organisation manages: AADSTS530003. The emulator has no such device.
    ManagedDevice,
    /// A second factor: AADSTS50076.
    Mfa,
}

/// The part of a token request that policies check.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The user, in the tenant of the request.
    pub user: &'a User,
    /// The program.
    pub application: &'a Application,
    /// The resource's client id.
    pub resource: Uuid,
    /// Whether the sign-in was by device code.
    pub by_device_code: bool,
}

impl Policy {
    /// Whether the policy applies to this request.
    pub fn applies(&self, directory: &Directory, subject: &Subject<'_>) -> bool {
        let user = subject.user;
        let client = match subject.application.public_client {
            true => ClientApp::Desktop,
            false => ClientApp::Browser,
        };
        let mut names = directory.groups_of(user.id);
        names.insert(user.id);
        let resources = self.resources.as_ref();
        let clients = self.client_apps.as_ref();
        self.tenant == user.tenant
            && (subject.by_device_code || !self.device_code_only)
            && resources.is_none_or(|guarded| guarded.contains(&subject.resource))
            && clients.is_none_or(|kinds| kinds.contains(&client))
            && self.is_about(&names)
    }

    /// Whether the policy applies to a user with these ids: the user's own id, and those of the
    /// user's groups.
    fn is_about(&self, names: &BTreeSet<Uuid>) -> bool {
        let included = self.users.as_ref();
        included.is_none_or(|included| !included.is_disjoint(names))
            && self.exclude_users.is_disjoint(names)
    }
}

impl Directory {
    /// The policies that apply to some request of a user, ordered by id.
    pub(crate) fn policies_of(&self, user: &User) -> impl Iterator<Item = &Policy> {
        let mut names = self.groups_of(user.id);
        names.insert(user.id);
        let tenant = user.tenant;
        let policies = self.policies.values();
        policies.filter(move |policy| policy.tenant == tenant && policy.is_about(&names))
    }

    /// The policies that apply to a request, ordered by id.
    pub fn policies_for<'a>(
        &'a self,
        subject: &'a Subject<'a>,
    ) -> impl Iterator<Item = &'a Policy> + 'a {
        self.policies
            .values()
            .filter(|policy| policy.applies(self, subject))
    }

    /// Whether a policy requires a second factor of a user for any resource.
    pub fn needs_mfa(&self, user: &User) -> bool {
        let mut policies = self.policies_of(user);
        policies.any(|policy| policy.requirement == Some(Requirement::Mfa))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Group, *};

    const fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn policy() -> Policy {
        Policy {
            id: id(100),
            tenant: id(1),
            name: "a policy".into(),
            users: None,
            exclude_users: BTreeSet::new(),
            resources: None,
            client_apps: None,
            device_code_only: false,
            requirement: Some(Requirement::Mfa),
            sign_in_frequency: None,
        }
    }

    #[test]
    fn a_policy_applies_if_all_its_conditions_do() {
        let mut directory = Directory::default();
        let group = Group {
            members: [id(10)].into(),
            ..Group::new(id(20), id(1), "a group")
        };
        directory.groups.insert(group.id, group);
        let user = User::new(id(10), id(1), "ada@a.com", "Ada");
        let application = Application {
            public_client: true,
            ..Application::new(id(30), id(1), "a program")
        };
        let subject = Subject {
            user: &user,
            application: &application,
            resource: id(40),
            by_device_code: false,
        };
        let applies = |policy: Policy| policy.applies(&directory, &subject);
        let one = |number| Some(BTreeSet::from([id(number)]));
        assert!(applies(policy()));
        for (included, expected) in [(10, true), (20, true), (11, false)] {
            let users = one(included);
            let of_users = Policy { users, ..policy() };
            assert_eq!(applies(of_users), expected, "{included}");
            let except = Policy {
                exclude_users: one(included).unwrap_or_default(),
                ..policy()
            };
            assert_eq!(applies(except), !expected, "{included}");
        }
        for (guarded, expected) in [(40, true), (41, false)] {
            let resources = one(guarded);
            assert_eq!(
                applies(Policy {
                    resources,
                    ..policy()
                }),
                expected
            );
        }
        for (kind, expected) in [(ClientApp::Desktop, true), (ClientApp::Browser, false)] {
            let client_apps = Some(vec![kind]);
            assert_eq!(
                applies(Policy {
                    client_apps,
                    ..policy()
                }),
                expected
            );
        }
        assert!(!applies(Policy {
            tenant: id(2),
            ..policy()
        }));
        let flow = Policy {
            device_code_only: true,
            ..policy()
        };
        assert!(!applies(flow.clone()));
        let by_device_code = Subject {
            by_device_code: true,
            ..subject
        };
        assert!(flow.applies(&directory, &by_device_code));
    }
}
