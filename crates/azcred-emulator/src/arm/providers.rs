//! The resource providers and types that the emulator serves, with their api-versions.
//!
//! The versions come from the Azure REST API specifications. A version newer than the last of a
//! list is accepted too, if its date is not in the future. The specifications grow every month, and
//! the emulator must not reject a client that is newer than this table.

use super::{error::ArmError, regions::REGIONS};
use http::Method;
use serde_json::{Value, json};
use time::OffsetDateTime;

/// Whether a namespace is one of Azure's.
pub(super) fn is_azures(namespace: &str) -> bool {
    AZURE
        .lines()
        .any(|name| name.eq_ignore_ascii_case(namespace))
}

/// All of Azure's namespaces.
const AZURE: &str = include_str!("azure_namespaces.txt");

/// A namespace with its types.
pub(super) struct Provider {
    pub(super) namespace: &'static str,
    /// Oldest first, separated by spaces.
    versions: &'static str,
    /// Whether each type has versions of its own. Then every date up to today's is a version.
    per_type: bool,
    /// Types of the namespace, in the namespace's own spelling.
    pub(super) types: &'static str,
    /// Whether its resources have a region.
    pub(super) regional: bool,
    /// The provider's own application, and its role in a subscription that registers it.
    application: Option<[&'static str; 2]>,
}

pub(super) const RESOURCES: Provider = Provider {
    namespace: "Microsoft.Resources",
    versions: "2014-04-01-preview 2015-01-01 2015-11-01 2016-02-01 2016-06-01 2016-07-01 \
               2016-09-01 2017-03-01 2017-05-01 2017-05-10 2017-06-01 2017-08-01 2018-01-01 \
               2018-02-01 2018-05-01 2018-06-01 2018-07-01 2018-08-01 2018-09-01 2018-11-01 \
               2019-03-01 2019-05-01 2019-05-10 2019-06-01 2019-07-01 2019-08-01 2019-09-01 \
               2019-10-01 2019-11-01 2020-01-01 2020-05-01 2020-06-01 2020-07-01 2020-08-01 \
               2020-09-01 2020-10-01 2021-01-01 2021-04-01 2021-05-01 2022-01-01 2022-05-01 \
               2022-06-01 2022-09-01 2022-12-01 2023-07-01 2024-03-01 2024-07-01 2024-11-01 \
               2025-03-01 2025-04-01",
    types: "tenants subscriptions locations resourceGroups resources providers tagNames deployments tags",
    per_type: false,
    regional: false,
    application: None,
};

const AUTHORIZATION: Provider = Provider {
    namespace: "Microsoft.Authorization",
    versions: "2014-04-01-preview 2014-07-01-preview 2014-10-01-preview 2015-01-01 \
               2015-05-01-preview 2015-06-01 2015-07-01 2016-07-01 2016-09-01 2017-05-01 \
               2017-10-01-preview 2018-01-01-preview \
               2018-05-01-preview 2018-07-01 2018-07-01-preview 2018-09-01-preview \
               2018-12-01-preview 2019-03-01-preview 2019-04-01-preview 2019-08-01-preview \
               2020-03-01-preview 2020-04-01-preview 2020-05-01 2020-08-01-preview 2020-10-01 \
               2020-10-01-preview 2021-01-01-preview 2021-04-01-preview 2022-01-01-preview \
               2022-04-01 2022-05-01-preview 2022-08-01-preview 2023-07-01-preview \
               2024-07-01-preview",
    types: "roleDefinitions roleAssignments denyAssignments permissions locks",
    per_type: false,
    regional: false,
    application: None,
};

const MACHINE_LEARNING: Provider = Provider {
    namespace: "Microsoft.MachineLearningServices",
    versions: "2018-03-01-preview 2018-11-19 2019-05-01 2019-06-01 2019-10-01 2019-11-01 \
               2020-01-01 2020-02-01 2020-02-18-preview 2020-03-01 2020-04-01 2020-04-01-preview \
               2020-05-01-preview 2020-05-15-preview 2020-06-01 2020-08-01 2020-09-01-preview \
               2020-12-01-preview 2021-01-01 2021-03-01-preview 2021-04-01 2021-07-01 \
               2022-01-01-preview 2022-02-01-preview 2022-05-01 2022-06-01-preview 2022-10-01 \
               2022-10-01-preview 2022-12-01-preview 2023-02-01-preview 2023-04-01 \
               2023-04-01-preview 2023-06-01-preview 2023-08-01-preview 2023-10-01 \
               2024-01-01-preview 2024-04-01 2024-04-01-preview 2024-05-01-preview \
               2024-07-01-preview 2024-10-01 2024-10-01-preview 2025-01-01-preview 2025-04-01 \
               2025-04-01-preview 2025-06-01 2025-07-01-preview 2025-09-01 2025-10-01-preview \
               2025-12-01",
    types: "workspaces workspaces/computes workspaces/datastores workspaces/connections \
               workspaces/jobs workspaces/schedules workspaces/data workspaces/data/versions \
               workspaces/environments workspaces/environments/versions workspaces/models \
               workspaces/models/versions workspaces/components workspaces/components/versions \
               workspaces/codes workspaces/codes/versions workspaces/featuresets \
               workspaces/featurestoreEntities workspaces/serverlessEndpoints \
               workspaces/marketplaceSubscriptions workspaces/outboundRules \
               workspaces/privateEndpointConnections workspaces/onlineEndpoints \
               workspaces/onlineEndpoints/deployments workspaces/batchEndpoints \
               workspaces/batchEndpoints/deployments registries locations/usages locations/quotas \
               locations/vmSizes",
    per_type: false,
    regional: true,
    application: Some([
        "0736f41a-0425-4b46-bdb5-1563eff02385",
        "376aa7d7-51a9-463d-bd4d-7e1691345612",
    ]),
};

const STORAGE: Provider = Provider {
    namespace: "Microsoft.Storage",
    versions: "2015-06-15 2016-01-01 2016-12-01 2017-06-01 2017-10-01 2018-02-01 2018-07-01 \
               2018-11-01 2019-04-01 2019-06-01 2020-08-01-preview 2021-01-01 2021-02-01 \
               2021-04-01 2021-06-01 2021-08-01 2021-09-01 2022-05-01 2022-09-01 2023-01-01 \
               2023-04-01 2023-05-01 2024-01-01 2025-01-01 2025-06-01",
    types: "storageAccounts locations/asyncoperations",
    per_type: false,
    regional: true,
    application: Some([
        "a6aa9161-5291-40bb-8c5c-923b567bee3b",
        "070ab87f-0efc-4423-b18b-756f3bdb0236",
    ]),
};

const KEY_VAULT: Provider = Provider {
    namespace: "Microsoft.KeyVault",
    versions: "2015-06-01 2016-10-01 2018-02-14 2019-09-01 2021-10-01 2022-07-01 2022-11-01 \
               2023-02-01 2023-07-01 2024-11-01",
    types: "vaults",
    per_type: false,
    regional: true,
    application: None,
};

const INSIGHTS: Provider = Provider {
    namespace: "Microsoft.Insights",
    versions: "2014-04-01 2015-04-01 2015-05-01 2017-03-01-preview 2018-05-01-preview 2020-02-02-preview \
               2020-02-02",
    types: "components eventtypes",
    per_type: false,
    regional: true,
    application: None,
};

const CONTAINER_REGISTRY: Provider = Provider {
    namespace: "Microsoft.ContainerRegistry",
    versions: "2017-03-01 2017-10-01 2019-05-01 2019-12-01-preview 2021-09-01 2022-12-01 \
               2023-07-01 2025-04-01",
    types: "registries",
    per_type: false,
    regional: true,
    application: Some([
        "6a0ec4d3-30cb-4a83-91c0-ae56bc0e3d26",
        "78e18383-93eb-418a-9887-bc9271046576",
    ]),
};

const MANAGED_IDENTITY: Provider = Provider {
    namespace: "Microsoft.ManagedIdentity",
    versions: "2015-08-31-preview 2018-11-30 2021-09-30-preview 2022-01-31-preview 2023-01-31 \
               2023-07-31-preview 2024-11-30 2025-01-31-preview",
    types: "userAssignedIdentities userAssignedIdentities/federatedIdentityCredentials",
    per_type: false,
    regional: true,
    application: None,
};

const COMPUTE: Provider = Provider {
    namespace: "Microsoft.Compute",
    versions: "2015-06-15 2016-03-30 2017-03-30 2018-06-01 2019-03-01 2019-12-01 2020-12-01 2021-07-01 \
               2022-03-01 2022-11-01 2023-03-01 2023-09-01 2024-03-01 2024-07-01 2024-11-01 2025-04-01",
    types: "virtualMachines virtualMachines/extensions virtualMachineScaleSets \
               virtualMachineScaleSets/virtualMachines availabilitySets disks snapshots images galleries \
               galleries/images galleries/images/versions sshPublicKeys proximityPlacementGroups hostGroups \
               capacityReservationGroups diskEncryptionSets diskAccesses restorePointCollections \
               cloudServices skus locations/usages locations/vmSizes",
    per_type: true,
    regional: true,
    application: None,
};

const MANAGEMENT: Provider = Provider {
    namespace: "Microsoft.Management",
    versions: "2017-11-01-preview 2018-01-01-preview 2018-03-01-preview 2019-11-01 2020-02-01 2020-05-01 \
               2020-10-01 2021-04-01 2023-04-01",
    types: "managementGroups",
    per_type: false,
    regional: false,
    application: None,
};

const PROVIDERS: &[&Provider] = &[
    &RESOURCES,
    &AUTHORIZATION,
    &MACHINE_LEARNING,
    &STORAGE,
    &KEY_VAULT,
    &INSIGHTS,
    &CONTAINER_REGISTRY,
    &MANAGED_IDENTITY,
    &COMPUTE,
    &MANAGEMENT,
];

/// Every provider.
pub(super) fn all() -> impl Iterator<Item = &'static Provider> {
    PROVIDERS.iter().copied()
}

/// The provider of a namespace, in any case. `what` is what the request is for.
///
/// # Errors
/// For a namespace of Azure's, that this emulator does not serve it. For any other one 404, as ARM
/// returns.
pub(super) fn provider(
    method: &Method,
    namespace: &str,
    what: &str,
) -> Result<&'static Provider, ArmError> {
    let is = |name: &str| name.eq_ignore_ascii_case(namespace);
    match all().find(|provider| is(provider.namespace)) {
        Some(provider) => Ok(provider),
        None if is_azures(namespace) => Err(ArmError::not_served(method, what)),
        None => Err(ArmError::not_found(
            "InvalidResourceNamespace",
            format!("The resource namespace '{namespace}' is invalid."),
        )),
    }
}

impl Provider {
    /// Whether a version is in the list, or newer than the list and not in the future.
    pub(super) fn takes(&self, version: &str, now: OffsetDateTime) -> bool {
        if self
            .versions
            .split(' ')
            .any(|known| known.eq_ignore_ascii_case(version))
        {
            return true;
        }
        let Some(date) = dated(version) else {
            return false;
        };
        let newest = self
            .versions
            .split_ascii_whitespace()
            .filter_map(dated)
            .max();
        (self.per_type || newest.is_some_and(|newest| date > newest)) && date <= now.date()
    }

    pub(super) fn newest_first(&self) -> String {
        let mut versions: Vec<&str> = self.versions.split(' ').collect();
        versions.reverse();
        versions.join(", ")
    }

    pub(super) fn locations(&self) -> Vec<&'static str> {
        if self.regional {
            REGIONS.iter().map(|region| region.display).collect()
        } else {
            vec!["global"]
        }
    }

    /// The provider as `GET /providers/NAMESPACE` shows it.
    pub(super) fn view(&self, prefix: &str) -> Value {
        let versions: Vec<_> = self
            .versions
            .rsplit(' ')
            .filter(|one| !one.is_empty())
            .collect();
        let stable = versions
            .iter()
            .find(|version| !version.ends_with("-preview"));
        let types: Vec<Value> = self.types.split_ascii_whitespace()
            .map(|kind| {
                json!({
                    "resourceType": kind,
                    "locations": self.locations(),
                    "apiVersions": versions,
                    "defaultApiVersion": stable,
                    "capabilities": if self.regional { "SupportsTags, SupportsLocation" } else { "None" },
                })
            })
            .collect();
        let mut view = json!({
            "id": format!("{prefix}/providers/{}", self.namespace),
            "namespace": self.namespace,
            "registrationState": "Registered",
            "registrationPolicy": "RegistrationRequired",
            "resourceTypes": types,
        });
        if let Some([application, role]) = self.application {
            view["authorizations"] =
                json!([{"applicationId": application, "roleDefinitionId": role}]);
        }
        view
    }
}

/// The date of a version such as `2024-10-01` or `2024-10-01-preview`.
fn dated(version: &str) -> Option<time::Date> {
    let (date, suffix) = version.split_at_checked(10)?;
    let plain = suffix.is_empty() || suffix.eq_ignore_ascii_case("-preview");
    plain
        .then(|| {
            time::Date::parse(
                date,
                time::macros::format_description!("[year]-[month]-[day]"),
            )
            .ok()
        })
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn known_versions_and_newer_ones_up_to_today_are_taken() {
        let now = datetime!(2026-11-21 12:00 UTC);
        for (version, expected) in [
            ("2024-10-01", true),
            ("2024-10-01-PREVIEW", true),
            ("2026-05-01-preview", true),
            ("2026-11-21", true),
            ("2026-11-22", false),
            ("2024-10-02", false),
            ("1999-01-01", false),
            ("2026-05-01-beta", false),
            ("2026-13-01", false),
            ("latest", false),
            ("2024-10-0é", false),
            ("", false),
        ] {
            assert_eq!(MACHINE_LEARNING.takes(version, now), expected, "{version}");
        }
    }

    #[test]
    fn each_namespace_is_one_of_azures_and_named_once() {
        let names: Vec<_> = AZURE
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        for provider in PROVIDERS {
            assert!(
                names.contains(&provider.namespace),
                "{}",
                provider.namespace
            );
        }
        let mut sorted: Vec<_> = names.iter().map(|name| name.to_lowercase()).collect();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), names.len());
        assert!(names.len() > 300, "{}", names.len());
    }
}
