//! Names of resources: Microsoft's own, and registered applications.

use super::Directory;
use crate::service::Service;
use std::sync::LazyLock;
use uuid::{Uuid, uuid};

/// Client ids of services, which are also audiences of their tokens.
pub(crate) const ARM: Uuid = uuid!("797f4846-ba00-4fd7-ba43-dac1f8f63013");
pub(crate) const GRAPH: Uuid = uuid!("00000003-0000-0000-c000-000000000000");
pub(crate) const ML: Uuid = uuid!("18a66f5f-dbdf-4c17-9dd7-1634712a9cbe");

/// The client id of Azure Storage.
const STORAGE: Uuid = uuid!("e406a681-f3d4-42a8-90b6-c2b029497af1");

/// One of Microsoft's own resources, a line of `first_party_resources.txt`.
#[derive(Debug)]
pub(crate) struct FirstPartyResource {
    /// The client id. A made one if the table has none.
    pub(crate) app_id: Uuid,
    /// The client id as the table has it.
    id: Option<&'static str>,
    /// The name in Entra ID.
    pub(crate) title: &'static str,
    /// Its names as a resource, without a slash at the end. `*` is the rest of a host's name.
    names: Vec<&'static str>,
    /// The version of access tokens that it expects: 1 or 2.
    pub(crate) token_version: u8,
}

static FIRST_PARTY: LazyLock<Vec<FirstPartyResource>> = LazyLock::new(|| {
    include_str!("first_party_resources.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(FirstPartyResource::parse)
        .collect()
});

impl FirstPartyResource {
    fn parse(line: &'static str) -> Option<Self> {
        let mut columns = line.split('|').map(str::trim);
        let id = columns.next()?;
        let title = columns.next()?;
        let names = columns.next()?.split_ascii_whitespace().collect();
        let id = (id != "-").then_some(id);
        Some(Self {
            app_id: match id {
                Some(id) => Uuid::try_parse(id).ok()?,
                None => made_id(title),
            },
            id,
            title,
            names,
            token_version: match columns.nth(1) {
                Some("2") => 2,
                _ => 1,
            },
        })
    }

    /// Whether this is one of its names, or its client id.
    fn is_called(&self, name: &str) -> bool {
        let bare = name.strip_suffix('/').unwrap_or(name);
        self.id.is_some_and(|id| id == name)
            || self.names.iter().any(|known| match known.split_once('*') {
                None => known.eq_ignore_ascii_case(bare),
                Some((start, end)) => rest(bare, start, end).is_some_and(is_labels),
            })
    }

    /// Its names with a slash at the end, as Entra ID has them.
    pub(crate) fn written_names(&self) -> impl Iterator<Item = String> {
        let names = self.names.iter().filter(|name| !name.contains('*'));
        names.map(|name| format!("{name}/"))
    }

    /// Its client id and its names, without those that stand for many hosts.
    fn exact_names(&self) -> impl Iterator<Item = &'static str> {
        let names = self.names.iter().copied();
        self.id
            .into_iter()
            .chain(names.filter(|name| !name.contains('*')))
    }
}

/// Microsoft's resources whose client id is known.
pub(crate) fn first_party_resources() -> impl Iterator<Item = &'static FirstPartyResource> {
    FIRST_PARTY.iter().filter(|known| known.id.is_some())
}

/// The same id in every emulator, which no client knows.
fn made_id(title: &str) -> Uuid {
    let mut bytes = [0; 16];
    for (at, byte) in title.bytes().enumerate() {
        bytes[at % 16] ^= byte.rotate_left(at as u32 / 16);
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// What is between two parts of a name, without regard to case.
fn rest<'a>(name: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let is_start = name.get(..start.len())?.eq_ignore_ascii_case(start);
    let at = name.len().checked_sub(end.len())?;
    let is_end = name.get(at..)?.eq_ignore_ascii_case(end);
    (is_start && is_end)
        .then(|| name.get(start.len()..at))
        .flatten()
}

/// One or more labels of a host's name.
fn is_labels(text: &str) -> bool {
    text.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

/// The names of a service as a resource in every cloud, with its client id.
pub(crate) fn service_names(service: Service) -> impl Iterator<Item = &'static str> {
    let app_ids: &[Uuid] = match service {
        Service::Arm => &[ARM],
        Service::Graph => &[GRAPH],
        // azure-ai-ml and azureml-core send it tokens for ARM.
        Service::Ml => &[ML, ARM],
        Service::Blob => &[STORAGE],
        _ => &[],
    };
    FIRST_PARTY
        .iter()
        .filter(move |known| app_ids.contains(&known.app_id))
        .flat_map(FirstPartyResource::exact_names)
}

/// Microsoft's resource with this name or client id.
pub(crate) fn first_party_resource(name: &str) -> Option<&'static FirstPartyResource> {
    FIRST_PARTY.iter().find(|known| known.is_called(name))
}

/// Microsoft's name of a resource.
pub(crate) fn first_party_title(app_id: Uuid) -> Option<&'static str> {
    let known = FIRST_PARTY.iter().find(|known| known.app_id == app_id)?;
    Some(known.title)
}

/// The client id of a resource, from one of its names or from the client id.
pub(crate) fn resource_id(directory: &Directory, name: &str) -> Option<Uuid> {
    first_party_resource(name)
        .map(|known| known.app_id)
        .or_else(|| directory.application_named(name).map(|app| app.app_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const TABLE: &str = include_str!("first_party_resources.txt");

    #[test]
    fn every_line_of_the_table_is_a_resource_with_two_sources_for_its_id() {
        let lines: Vec<_> = TABLE
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect();
        assert_eq!(FIRST_PARTY.len(), lines.len(), "a line is no resource");
        let with_id = FIRST_PARTY.iter().filter(|known| known.id.is_some());
        assert!(with_id.count() >= 41, "too few resources with a client id");
        let mut all = BTreeSet::new();
        for (known, line) in FIRST_PARTY.iter().zip(&lines) {
            assert!(all.insert(known.app_id.to_string()), "{line}");
            assert!(known.id.is_some() || !known.names.is_empty(), "{line}");
            for name in &known.names {
                assert!(all.insert((*name).to_owned()), "twice: {name}");
                assert!(!name.ends_with('/') && name.contains("://"), "{line}");
            }
            let sources = line.split('|').nth(3).unwrap();
            let sources: Vec<_> = sources.split_ascii_whitespace().collect();
            assert!(sources.iter().all(|s| "MLGPHATD".contains(s)), "{line}");
            assert!(sources.len() > usize::from(known.id.is_some()), "{line}");
        }
    }

    #[test]
    fn a_star_is_the_rest_of_a_host_and_no_more() {
        let title = |name| first_party_resource(name).map(|known| known.title);
        for (name, is) in [
            (
                "https://adx.westeurope.kusto.windows.net",
                Some("KustoService"),
            ),
            ("https://ADX.kusto.windows.net/", Some("KustoService")),
            (
                "https://stcontoso.blob.core.windows.net",
                Some("Azure Storage"),
            ),
            (
                "https://kv-contoso.vault.azure.net",
                Some("Azure Key Vault"),
            ),
            ("https://a/b.vault.azure.net", None),
            ("https://.vault.azure.net", None),
            ("https://evil@a.vault.azure.net", None),
            ("https://a.vault.azure.net.example.com", None),
            ("https://a.vault.azure.net//", None),
            ("http://a.vault.azure.net", None),
            ("https://", None),
            ("-", None),
            ("", None),
        ] {
            assert_eq!(title(name), is, "{name}");
        }
    }
}
