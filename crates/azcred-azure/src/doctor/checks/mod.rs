//! The checks, one file each, in the order in which they are reported.
//!
//! A new check is a file with its [`Check`](super::check::Check) and a line in the list below.

mod clock;
mod permissions;
pub(super) mod sign_in;
mod subscription;
mod tenant;
mod workspace;

use super::check::AnyCheck;
use crate::access::Capability;
use serde::Serialize;

/// Makes [`CheckId`] and the list of checks from one line per check.
macro_rules! checks {
    ($($(#[$doc:meta])* $id:ident: $check:expr,)*) => {
        /// The id of a check.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "camelCase")]
        #[non_exhaustive]
        pub enum CheckId {
            $($(#[$doc])* $id,)*
        }

        /// Every check, in order.
        pub(super) const CHECKS: &[(CheckId, &dyn AnyCheck)] = &[$((CheckId::$id, &$check),)*];
    };
}

checks! {
    /// A source returns a token.
    SignIn: sign_in::SignInCheck,
    /// The token is from the tenant that the settings name.
    Tenant: tenant::TenantCheck,
    /// This machine's clock matches Azure's.
    Clock: clock::ClockCheck,
    /// The identity can see the subscription.
    Subscription: subscription::SubscriptionCheck,
    /// The workspace exists, and the identity can see it.
    Workspace: workspace::WorkspaceCheck,
    /// The identity may submit jobs.
    SubmitJobs: permissions::PermissionCheck(Capability::SubmitJobs),
    /// The identity may read data assets.
    ReadData: permissions::PermissionCheck(Capability::ReadData),
    /// The identity may write data assets.
    WriteData: permissions::PermissionCheck(Capability::WriteData),
    /// The identity may manage computes.
    ManageComputes: permissions::PermissionCheck(Capability::ManageComputes),
}

impl CheckId {
    /// The name, as the report shows it.
    pub fn title(self) -> &'static str {
        CHECKS
            .iter()
            .find(|(id, _)| *id == self)
            .map_or("", |(_, check)| check.title())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_needs_only_checks_before_it_and_has_a_title_of_its_own() {
        for (number, (id, check)) in CHECKS.iter().enumerate() {
            let before = &CHECKS[..number];
            for need in check.needs() {
                assert!(
                    before.iter().any(|(id, _)| id == need),
                    "{id:?} needs {need:?}"
                );
            }
            assert!(!check.title().is_empty(), "{id:?}");
            assert!(
                before
                    .iter()
                    .all(|(_, other)| other.title() != check.title()),
                "{id:?}"
            );
        }
    }
}
