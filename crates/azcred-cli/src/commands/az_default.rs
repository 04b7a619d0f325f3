//! Azure CLI's default subscription, from its file `azureProfile.json`.

use crate::az::folder;
use azcred::system::System;
use serde::Deserialize;

/// The largest file that is read. Real ones are smaller.
const LIMIT: u64 = 16 << 20;

#[derive(Deserialize)]
struct Profile {
    #[serde(default)]
    subscriptions: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    id: String,
    #[serde(default)]
    is_default: bool,
}

/// The id of Azure CLI's default subscription. `None` without one, or if the file has an unknown
/// format.
pub(super) fn az_default(system: &dyn System) -> Option<String> {
    let bytes = system
        .read(&folder(system)?.join("azureProfile.json"), LIMIT)
        .ok()?;
    // Azure CLI writes a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let profile: Profile = serde_json::from_slice(bytes).ok()?;
    profile
        .subscriptions
        .into_iter()
        .find(|entry| entry.is_default)
        .map(|entry| entry.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use azcred::system::Fixture;

    #[test]
    fn the_default_is_read_with_a_byte_order_mark_and_from_azure_config_dir() {
        let file =
            "\u{feff}{\"subscriptions\": [{\"id\": \"a\"}, {\"id\": \"b\", \"isDefault\": true}]}";
        let home = Fixture::new()
            .with_var("HOME", "/home/ada")
            .with_file("/home/ada/.azure/azureProfile.json", file);
        assert_eq!(az_default(&home).as_deref(), Some("b"));
        let elsewhere = home.with_var("AZURE_CONFIG_DIR", "/cfg");
        assert_eq!(az_default(&elsewhere), None);
        let elsewhere = elsewhere.with_file("/cfg/azureProfile.json", file);
        assert_eq!(az_default(&elsewhere).as_deref(), Some("b"));
    }

    #[test]
    fn a_file_in_an_unknown_format_has_no_default() {
        for file in ["", "[]", "{}", "{\"subscriptions\": [{\"id\": \"a\"}]}"] {
            let home = Fixture::new()
                .with_var("HOME", "/home/ada")
                .with_file("/home/ada/.azure/azureProfile.json", file);
            assert_eq!(az_default(&home), None, "{file}");
        }
    }
}
