//! The checks, one file each, in the order in which they are reported.
//!
//! A new check is a file with its [`Check`](super::check::Check) and a line in the list below.

mod clock;
mod cloud_addresses;
mod computes;
mod contact;
mod expiry;
mod headline;
mod metadata_proxy;
mod network;
mod permissions;
mod programs;
mod provider;
mod registry;
mod rights;
pub(super) mod sign_in;
mod storage;
mod storage_address;
mod subscription;
mod subscription_tenant;
mod tenant;
mod variables;
mod vault;
mod workspace;
mod workspace_addresses;
mod workspace_network;

use super::{check::AnyCheck, report::Area};
use crate::access::Capability;
use serde::Serialize;

/// Makes [`CheckId`] and the list of checks from one line per check.
macro_rules! checks {
    ($($(#[$doc:meta])* $id:ident: $check:expr,)*) => {
        /// The id of a check.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "camelCase")]
        #[non_exhaustive]
        pub enum CheckId {
            $($(#[$doc])* $id,)*
        }

        impl CheckId {
            /// Every check, in the order in which the report has them: an earlier one may be the
            /// cause of a later one's failure.
            pub const ALL: &[Self] = &[$(Self::$id,)*];
        }

        /// Every check, in order.
        pub(super) const CHECKS: &[(CheckId, &dyn AnyCheck)] = &[$((CheckId::$id, &$check),)*];
    };
}

checks! {
    /// This machine reaches some address of Azure.
    Network: network::NetworkCheck,
    /// This machine's clock matches Azure's.
    Clock: clock::ClockCheck,
    /// This machine reaches the sign-in service.
    SignInService: cloud_addresses::SignInServiceCheck,
    /// This machine reaches Resource Manager.
    ResourceManager: cloud_addresses::ResourceManagerCheck,
    /// This machine reaches Microsoft Graph.
    Graph: cloud_addresses::GraphCheck,
    /// No proxy takes requests to the instance metadata service.
    MetadataProxy: metadata_proxy::MetadataProxyCheck,
    /// The variables of a service principal are complete, and each is what it should be.
    Variables: variables::VariablesCheck,
    /// A source returns a token.
    SignIn: sign_in::SignInCheck,
    /// The secret or the certificate does not end soon.
    Expiry: expiry::ExpiryCheck,
    /// The token is from the tenant that the settings name.
    Tenant: tenant::TenantCheck,
    /// The identity can see the subscription.
    Subscription: subscription::SubscriptionCheck,
    /// The subscription is registered for Azure Machine Learning.
    Provider: provider::ProviderCheck,
    /// The workspace exists, and the identity can see it.
    Workspace: workspace::WorkspaceCheck,
    /// The workspace accepts requests from this machine's network.
    WorkspaceNetwork: workspace_network::WorkspaceNetworkCheck,
    /// This machine reaches Azure Machine Learning's services for the workspace.
    WorkspaceServices: workspace_addresses::WorkspaceServicesCheck,
    /// This machine reaches the workspace's storage.
    StorageAddress: storage_address::StorageAddressCheck,
    /// The workspace's storage account can be reached.
    Storage: storage::StorageCheck,
    /// The workspace's key vault can be reached.
    Vault: vault::VaultCheck,
    /// The workspace's container registry can be reached.
    Registry: registry::RegistryCheck,
    /// The identity can see the workspace's computes, and one of them works.
    Computes: computes::ComputesCheck,
    /// The identity may submit jobs.
    SubmitJobs: permissions::PermissionCheck(Capability::SubmitJobs),
    /// The identity may read data assets.
    ReadData: permissions::PermissionCheck(Capability::ReadData),
    /// The identity may write data assets.
    WriteData: permissions::PermissionCheck(Capability::WriteData),
    /// The identity may upload files to the workspace's storage account.
    UploadFiles: permissions::PermissionCheck(Capability::UploadFiles),
    /// The identity may pull images from the workspace's container registry.
    PullImages: permissions::PermissionCheck(Capability::PullImages),
    /// The identity may read secrets in the workspace's key vault.
    ReadSecrets: permissions::PermissionCheck(Capability::ReadSecrets),
    /// The identity may manage computes.
    ManageComputes: permissions::PermissionCheck(Capability::ManageComputes),
    /// Other programs on this machine act as the same identity.
    Programs: programs::ProgramsCheck,
}

impl CheckId {
    /// The name, as the report shows it.
    pub fn title(self) -> &'static str {
        CHECKS
            .iter()
            .find(|(id, _)| *id == self)
            .map_or("", |(_, check)| check.title())
    }

    /// Whether the check is whether an address responds. Its detail names the hosts, separated by
    /// commas.
    pub fn is_address(self) -> bool {
        matches!(
            self,
            Self::SignInService
                | Self::ResourceManager
                | Self::Graph
                | Self::WorkspaceServices
                | Self::StorageAddress
        )
    }

    /// What the check is about.
    pub fn area(self) -> Area {
        CHECKS
            .iter()
            .find(|(id, _)| *id == self)
            .map_or(Area::Machine, |(_, check)| check.area())
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
            let last = before.last().map(|(_, check)| check.area());
            assert!(last <= Some(check.area()), "{id:?} is not among its area's");
            assert!(
                before
                    .iter()
                    .all(|(_, other)| other.title() != check.title()),
                "{id:?}"
            );
        }
    }
}
