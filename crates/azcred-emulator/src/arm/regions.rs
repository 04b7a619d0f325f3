//! Azure's regions, as `GET /subscriptions/ID/locations` lists them.

use serde_json::{Value, json};
use uuid::Uuid;

/// A physical region.
pub(super) struct Region {
    /// `westeurope`
    pub(super) name: &'static str,
    /// `West Europe`
    pub(super) display: &'static str,
    geography: &'static str,
    group: &'static str,
    pair: &'static str,
    longitude: &'static str,
    latitude: &'static str,
    place: &'static str,
    has_zones: bool,
}

/// The names of the public cloud's regions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    REGIONS.iter().map(|region| region.name)
}

/// Sources: "List of Azure regions" (Microsoft Learn), and published output of `az account
/// list-locations`.
pub(super) const REGIONS: &[Region] = &[
    Region {
        name: "westeurope",
        display: "West Europe",
        geography: "Netherlands",
        group: "Europe",
        pair: "northeurope",
        longitude: "4.9",
        latitude: "52.3667",
        place: "Netherlands",
        has_zones: true,
    },
    Region {
        name: "northeurope",
        display: "North Europe",
        geography: "Ireland",
        group: "Europe",
        pair: "westeurope",
        longitude: "-6.2597",
        latitude: "53.3478",
        place: "Ireland",
        has_zones: true,
    },
    Region {
        name: "uksouth",
        display: "UK South",
        geography: "United Kingdom",
        group: "UK",
        pair: "ukwest",
        longitude: "-0.799",
        latitude: "50.941",
        place: "London",
        has_zones: true,
    },
    Region {
        name: "ukwest",
        display: "UK West",
        geography: "United Kingdom",
        group: "UK",
        pair: "uksouth",
        longitude: "-3.084",
        latitude: "53.427",
        place: "Cardiff",
        has_zones: false,
    },
    Region {
        name: "eastus",
        display: "East US",
        geography: "United States",
        group: "US",
        pair: "westus",
        longitude: "-79.8164",
        latitude: "37.3719",
        place: "Virginia",
        has_zones: true,
    },
    Region {
        name: "eastus2",
        display: "East US 2",
        geography: "United States",
        group: "US",
        pair: "centralus",
        longitude: "-78.3889",
        latitude: "36.6681",
        place: "Virginia",
        has_zones: true,
    },
    Region {
        name: "centralus",
        display: "Central US",
        geography: "United States",
        group: "US",
        pair: "eastus2",
        longitude: "-93.6208",
        latitude: "41.5908",
        place: "Iowa",
        has_zones: true,
    },
    Region {
        name: "westus",
        display: "West US",
        geography: "United States",
        group: "US",
        pair: "eastus",
        longitude: "-122.417",
        latitude: "37.783",
        place: "California",
        has_zones: false,
    },
    Region {
        name: "westus2",
        display: "West US 2",
        geography: "United States",
        group: "US",
        pair: "westcentralus",
        longitude: "-119.852",
        latitude: "47.233",
        place: "Washington",
        has_zones: true,
    },
    Region {
        name: "westcentralus",
        display: "West Central US",
        geography: "United States",
        group: "US",
        pair: "westus2",
        longitude: "-110.234",
        latitude: "40.89",
        place: "Wyoming",
        has_zones: false,
    },
    Region {
        name: "southeastasia",
        display: "Southeast Asia",
        geography: "Singapore",
        group: "Asia Pacific",
        pair: "eastasia",
        longitude: "103.833",
        latitude: "1.283",
        place: "Singapore",
        has_zones: true,
    },
    Region {
        name: "eastasia",
        display: "East Asia",
        geography: "Hong Kong",
        group: "Asia Pacific",
        pair: "southeastasia",
        longitude: "114.188",
        latitude: "22.267",
        place: "Hong Kong",
        has_zones: true,
    },
];

impl Region {
    /// The region with this short name or display name, in any case.
    pub(super) fn find(given: &str) -> Option<&'static Self> {
        let short = given.to_lowercase().replace(' ', "");
        REGIONS.iter().find(|region| region.name == short)
    }

    /// The region in a subscription. An api-version adds to the ones before it.
    pub(super) fn view(&self, subscription: Uuid, version: &str) -> Value {
        let id = |name: &str| format!("/subscriptions/{subscription}/locations/{name}");
        let mut view = json!({
            "id": id(self.name),
            "name": self.name,
            "displayName": self.display,
            "regionalDisplayName": format!("({}) {}", self.group, self.display),
            "metadata": {
                "regionType": "Physical",
                "regionCategory": if self.has_zones { "Recommended" } else { "Other" },
                "geographyGroup": self.group,
                "longitude": self.longitude,
                "latitude": self.latitude,
                "physicalLocation": self.place,
                "pairedRegion": [{"name": self.pair, "id": id(self.pair)}],
            },
        });
        if version >= "2021-01-01" {
            view["type"] = "Region".into();
        }
        if version >= "2022-12-01" {
            view["metadata"]["geography"] = self.geography.into();
            if self.has_zones {
                let zone =
                    |n| json!({"logicalZone": n, "physicalZone": format!("{}-az{n}", self.name)});
                view["availabilityZoneMappings"] = ["1", "2", "3"].map(zone).to_vec().into();
            }
        }
        view
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paired_regions_are_in_the_table_and_name_each_other() {
        for region in REGIONS {
            let pair = Region::find(region.pair).expect(region.pair);
            assert_eq!(pair.pair, region.name);
        }
    }
}
