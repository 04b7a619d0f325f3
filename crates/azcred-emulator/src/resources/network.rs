//! From where a resource can be reached: its switch for the public network, and its firewall.

use serde_json::{Map, Value};
use std::net::Ipv4Addr;

/// The address of every client: the emulator is on loopback only.
const CLIENT: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// What a resource's network settings say to a client of the public network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// It may come in.
    Open,
    /// Only private endpoints may.
    Private,
    /// The firewall does not list its address.
    NotListed,
}

impl Network {
    /// Reads the settings. `rules` is the property with the firewall's rules.
    pub(super) fn of(properties: &Map<String, Value>, rules: &str) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_lowercase);
        if text(properties.get("publicNetworkAccess")).as_deref() == Some("disabled") {
            return Self::Private;
        }
        let rules = properties.get(rules);
        let is_denied = rules.and_then(|rules| text(rules.get("defaultAction")));
        if is_denied.as_deref() != Some("deny") {
            return Self::Open;
        }
        let listed = rules.and_then(|rules| rules.get("ipRules")?.as_array());
        let is_listed = listed.into_iter().flatten().any(|rule| {
            let range = rule.get("value").and_then(Value::as_str);
            range.is_some_and(|range| contains(range, CLIENT))
        });
        match is_listed {
            true => Self::Open,
            false => Self::NotListed,
        }
    }
}

/// Whether a rule's address or range, such as `203.0.113.0/24`, has this address.
fn contains(range: &str, client: Ipv4Addr) -> bool {
    let (first, bits) = range.split_once('/').unwrap_or((range, "32"));
    let (Ok(first), Ok(bits @ 0..=32)) = (first.trim().parse::<Ipv4Addr>(), bits.parse::<u32>())
    else {
        return false;
    };
    let shift = 32 - bits;
    u32::from(first).checked_shr(shift) == u32::from(client).checked_shr(shift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_client_comes_in_by_default_or_by_a_range_with_its_address() {
        let of = |properties: Value| {
            let properties = properties.as_object().unwrap();
            Network::of(properties, "acls")
        };
        let denied =
            |range: &str| json!({"acls": {"defaultAction": "Deny", "ipRules": [{"value": range}]}});
        assert_eq!(of(json!({})), Network::Open);
        assert_eq!(
            of(json!({"publicNetworkAccess": "disabled"})),
            Network::Private
        );
        assert_eq!(
            of(json!({"acls": {"defaultAction": "Allow"}})),
            Network::Open
        );
        assert_eq!(
            of(json!({"acls": {"defaultAction": "deny"}})),
            Network::NotListed
        );
        for range in ["127.0.0.1", "127.0.0.1/32", "127.0.0.0/8", "0.0.0.0/0"] {
            assert_eq!(of(denied(range)), Network::Open, "{range}");
        }
        for range in ["127.0.0.2", "126.0.0.0/8", "127.0.0.1/33", "x", "", "::1"] {
            assert_eq!(of(denied(range)), Network::NotListed, "{range}");
        }
    }
}
