//! The resource providers and types that the emulator serves, with api-versions and regions.
//!
//! The versions come from the Azure REST API specifications. A version newer than the last of a
//! list is accepted too, if its date is not in the future. The specifications grow every month, and
//! the emulator must not reject a client that is newer than this table.

use super::{error::ArmError, route::Target};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// A namespace with its types.
pub(super) struct Provider {
    pub(super) namespace: &'static str,
    /// Oldest first, separated by spaces.
    versions: &'static str,
    /// Types of the namespace, in the namespace's own spelling.
    types: &'static str,
    /// Whether its resources have a region.
    regional: bool,
}

/// Regions: short name, display name, geography, group and paired region ("List of Azure regions",
/// Microsoft Learn).
pub(super) const REGIONS: &[(&str, &str, &str, &str, &str)] = &[
    (
        "westeurope",
        "West Europe",
        "Netherlands",
        "Europe",
        "northeurope",
    ),
    (
        "northeurope",
        "North Europe",
        "Ireland",
        "Europe",
        "westeurope",
    ),
    ("uksouth", "UK South", "United Kingdom", "UK", "ukwest"),
    ("ukwest", "UK West", "United Kingdom", "UK", "uksouth"),
    ("eastus", "East US", "United States", "US", "westus"),
    ("eastus2", "East US 2", "United States", "US", "centralus"),
    ("centralus", "Central US", "United States", "US", "eastus2"),
    ("westus", "West US", "United States", "US", "eastus"),
    (
        "westus2",
        "West US 2",
        "United States",
        "US",
        "westcentralus",
    ),
    (
        "westcentralus",
        "West Central US",
        "United States",
        "US",
        "westus2",
    ),
    (
        "southeastasia",
        "Southeast Asia",
        "Singapore",
        "Asia Pacific",
        "eastasia",
    ),
    (
        "eastasia",
        "East Asia",
        "Hong Kong",
        "Asia Pacific",
        "southeastasia",
    ),
];

const RESOURCES: Provider = Provider {
    namespace: "Microsoft.Resources",
    versions: "2014-04-01-preview 2015-01-01 2015-11-01 2016-02-01 2016-06-01 2016-07-01 \
               2016-09-01 2017-03-01 2017-05-01 2017-05-10 2017-06-01 2017-08-01 2018-01-01 \
               2018-02-01 2018-05-01 2018-06-01 2018-07-01 2018-08-01 2018-09-01 2018-11-01 \
               2019-03-01 2019-05-01 2019-05-10 2019-06-01 2019-07-01 2019-08-01 2019-09-01 \
               2019-10-01 2019-11-01 2020-01-01 2020-05-01 2020-06-01 2020-07-01 2020-08-01 \
               2020-09-01 2020-10-01 2021-01-01 2021-04-01 2021-05-01 2022-01-01 2022-05-01 \
               2022-06-01 2022-09-01 2022-12-01 2023-07-01 2024-03-01 2024-07-01 2024-11-01 \
               2025-03-01 2025-04-01",
    types: "tenants subscriptions locations resourceGroups resources providers",
    regional: false,
};

const AUTHORIZATION: Provider = Provider {
    namespace: "Microsoft.Authorization",
    versions: "2014-04-01-preview 2014-07-01-preview 2014-10-01-preview 2015-05-01-preview \
               2015-06-01 2015-07-01 2016-07-01 2017-05-01 2017-10-01-preview 2018-01-01-preview \
               2018-05-01-preview 2018-07-01 2018-07-01-preview 2018-09-01-preview \
               2018-12-01-preview 2019-03-01-preview 2019-04-01-preview 2019-08-01-preview \
               2020-03-01-preview 2020-04-01-preview 2020-08-01-preview 2020-10-01 \
               2020-10-01-preview 2021-01-01-preview 2021-04-01-preview 2022-01-01-preview \
               2022-04-01 2022-05-01-preview 2022-08-01-preview 2023-07-01-preview \
               2024-07-01-preview",
    types: "roleDefinitions roleAssignments denyAssignments permissions",
    regional: false,
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
               workspaces/onlineEndpoints workspaces/batchEndpoints registries",
    regional: true,
};

const STORAGE: Provider = Provider {
    namespace: "Microsoft.Storage",
    versions: "2015-06-15 2016-01-01 2016-12-01 2017-06-01 2017-10-01 2018-02-01 2018-07-01 \
               2018-11-01 2019-04-01 2019-06-01 2020-08-01-preview 2021-01-01 2021-02-01 \
               2021-04-01 2021-06-01 2021-08-01 2021-09-01 2022-05-01 2022-09-01 2023-01-01 \
               2023-04-01 2023-05-01 2024-01-01 2025-01-01 2025-06-01",
    types: "storageAccounts",
    regional: true,
};

const KEY_VAULT: Provider = Provider {
    namespace: "Microsoft.KeyVault",
    versions: "2015-06-01 2016-10-01 2018-02-14 2019-09-01 2021-10-01 2022-07-01 2022-11-01 \
               2023-02-01 2023-07-01 2024-11-01",
    types: "vaults",
    regional: true,
};

const INSIGHTS: Provider = Provider {
    namespace: "Microsoft.Insights",
    versions: "2015-05-01 2018-05-01-preview 2020-02-02 2020-02-02-preview",
    types: "components",
    regional: true,
};

const CONTAINER_REGISTRY: Provider = Provider {
    namespace: "Microsoft.ContainerRegistry",
    versions: "2017-03-01 2017-10-01 2019-05-01 2019-12-01-preview 2021-09-01 2022-12-01 \
               2023-07-01 2025-04-01",
    types: "registries",
    regional: true,
};

const PROVIDERS: &[&Provider] = &[
    &RESOURCES,
    &AUTHORIZATION,
    &MACHINE_LEARNING,
    &STORAGE,
    &KEY_VAULT,
    &INSIGHTS,
    &CONTAINER_REGISTRY,
];

/// Every provider.
pub(super) fn all() -> impl Iterator<Item = &'static Provider> {
    PROVIDERS.iter().copied()
}

/// The provider of a namespace, in any case.
///
/// # Errors
/// 404, as ARM returns for an unknown namespace.
pub(super) fn provider(namespace: &str) -> Result<&'static Provider, ArmError> {
    all()
        .find(|provider| provider.namespace.eq_ignore_ascii_case(namespace))
        .ok_or_else(|| {
            ArmError::not_found(
                "InvalidResourceNamespace",
                format!("The resource namespace '{namespace}' is invalid."),
            )
        })
}

/// Checks that the target's type exists in a version.
///
/// # Errors
/// `InvalidApiVersionParameter` for ARM's own paths; `InvalidResourceType`,
/// `InvalidResourceNamespace` or `NoRegisteredProviderFound` for those of a provider.
pub(super) fn check(target: &Target, version: &str, now: OffsetDateTime) -> Result<(), ArmError> {
    let resource_type = match target {
        Target::Item(id) | Target::ItemAction(id, _) => id.resource_type().unwrap_or_default(),
        Target::Collection { resource_type, .. } => resource_type.clone(),
        Target::Authorization { kind, .. } => format!("{}/{kind}", AUTHORIZATION.namespace),
        _ => {
            return if RESOURCES.takes(version, now) {
                Ok(())
            } else {
                Err(ArmError::bad_request(
                    "InvalidApiVersionParameter",
                    format!(
                        "The api-version '{version}' is invalid. The supported versions are '{}'.",
                        RESOURCES.newest_first()
                    ),
                ))
            };
        }
    };
    let (namespace, kind) = resource_type
        .split_once('/')
        .unwrap_or((&resource_type, ""));
    let provider = provider(namespace)?;
    if !provider
        .types
        .split(' ')
        .any(|known| known.eq_ignore_ascii_case(kind))
    {
        return Err(ArmError::not_found(
            "InvalidResourceType",
            format!(
                "The resource type '{kind}' could not be found in the namespace '{namespace}' for api version \
                 '{version}'. The supported api-versions are '{}'.",
                provider.newest_first()
            ),
        ));
    }
    if !provider.takes(version, now) {
        return Err(ArmError::bad_request(
            "NoRegisteredProviderFound",
            format!(
                "No registered resource provider found for location '{}' and API version '{version}' for type \
                 '{kind}'. The supported api-versions are '{}'. The supported locations are '{}'.",
                if provider.regional { "westeurope" } else { "" },
                provider.newest_first(),
                provider.locations().join(", ")
            ),
        ));
    }
    Ok(())
}

impl Provider {
    /// Whether a version is in the list, or newer than the list and not in the future.
    fn takes(&self, version: &str, now: OffsetDateTime) -> bool {
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
        let newest = self.versions.split(' ').filter_map(dated).max();
        newest.is_some_and(|newest| date > newest) && date <= now.date()
    }

    fn newest_first(&self) -> String {
        let mut versions: Vec<&str> = self.versions.split(' ').collect();
        versions.reverse();
        versions.join(", ")
    }

    fn locations(&self) -> Vec<&'static str> {
        if self.regional {
            REGIONS.iter().map(|(_, display, ..)| *display).collect()
        } else {
            vec!["global"]
        }
    }

    /// The provider as `GET /providers/NAMESPACE` shows it.
    pub(super) fn view(&self, prefix: &str) -> Value {
        let types: Vec<Value> = self.types.split(' ')
            .map(|kind| {
                json!({
                    "resourceType": kind,
                    "locations": self.locations(),
                    "apiVersions": self.versions.rsplit(' ').collect::<Vec<_>>(),
                    "capabilities": if self.regional { "SupportsTags, SupportsLocation" } else { "None" },
                })
            })
            .collect();
        json!({
            "id": format!("{prefix}/providers/{}", self.namespace),
            "namespace": self.namespace,
            "registrationState": "Registered",
            "registrationPolicy": "RegistrationRequired",
            "resourceTypes": types,
        })
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
    fn paired_regions_are_in_the_table_and_name_each_other() {
        for (name, .., pair) in REGIONS {
            assert!(
                REGIONS
                    .iter()
                    .any(|(other, .., back)| other == pair && back == name),
                "{name}"
            );
        }
    }
}
