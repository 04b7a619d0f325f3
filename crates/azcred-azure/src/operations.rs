//! The operations that resource providers have. They measure roles: the fewer operations a role
//! grants beyond what is needed, the smaller it is.

use std::sync::LazyLock;

/// An operation of a provider.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// The whole name: `Microsoft.Storage/storageAccounts/read`.
    pub(crate) name: String,
    /// Whether it is on data, not on the control plane.
    pub(crate) is_data: bool,
}

impl Operation {
    /// Whether it belongs to the same provider as `action`.
    pub(crate) fn is_of_provider_of(&self, action: &str) -> bool {
        provider(&self.name).eq_ignore_ascii_case(provider(action))
    }
}

fn provider(name: &str) -> &str {
    name.split('/').next().unwrap_or_default()
}

/// The operations that are known; a list can't be complete.
pub(crate) fn all() -> &'static [Operation] {
    static ALL: LazyLock<Vec<Operation>> = LazyLock::new(|| read(include_str!("operations.txt")));
    &ALL
}

/// Whether a name is only known as that of an operation on data.
pub(crate) fn is_data_only(action: &str) -> bool {
    let mut named = all()
        .iter()
        .filter(|operation| operation.name.eq_ignore_ascii_case(action))
        .peekable();
    named.peek().is_some() && named.all(|operation| operation.is_data)
}

fn read(text: &str) -> Vec<Operation> {
    let mut found = Vec::new();
    let (mut provider, mut is_data) = ("", false);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        let Some(first) = words.next().filter(|first| !first.is_empty()) else {
            continue;
        };
        if matches!(first, "=" | "data") {
            is_data = first == "data";
            provider = words.next().unwrap_or_default();
            continue;
        }
        let of = match first {
            "/" => provider.to_owned(),
            kind => format!("{provider}/{kind}"),
        };
        found.extend(words.map(|verb| Operation {
            name: match verb.strip_suffix('!') {
                Some(verb) => format!("{of}/{verb}/action"),
                None => format!("{of}/{verb}"),
            },
            is_data,
        }));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_list_is_read_as_its_head_says() {
        let text = "# x\n\n= M.A\n/ register!\nb read go!\n\ndata M.A\nb read\n";
        let read: Vec<(String, bool)> = read(text)
            .into_iter()
            .map(|operation| (operation.name, operation.is_data))
            .collect();
        let expected = [
            ("M.A/register/action", false),
            ("M.A/b/read", false),
            ("M.A/b/go/action", false),
            ("M.A/b/read", true),
        ];
        assert_eq!(
            read,
            expected.map(|(name, is_data)| (name.to_owned(), is_data))
        );
    }

    #[test]
    fn every_provider_has_operations_and_none_is_there_twice() {
        let mut seen = BTreeSet::new();
        for operation in all() {
            let name = operation.name.to_ascii_lowercase();
            assert!(
                !name.contains('*') && name.split('/').all(|part| !part.is_empty()),
                "{name}"
            );
            assert!(
                seen.insert((name.clone(), operation.is_data)),
                "{name} is there twice"
            );
        }
        let providers: BTreeSet<&str> = all().iter().map(|one| provider(&one.name)).collect();
        let expected = [
            "Microsoft.Authorization",
            "Microsoft.Compute",
            "Microsoft.ContainerRegistry",
            "Microsoft.Insights",
            "Microsoft.KeyVault",
            "Microsoft.MachineLearningServices",
            "Microsoft.ManagedIdentity",
            "Microsoft.Network",
            "Microsoft.Resources",
            "Microsoft.Storage",
        ];
        assert_eq!(providers.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_operation_on_data_is_known_by_its_name_alone() {
        const BLOB: &str = "microsoft.storage/storageaccounts/blobservices/containers/blobs/read";
        assert!(is_data_only(BLOB));
        assert!(!is_data_only("Microsoft.Storage/storageAccounts/read"));
        assert!(
            !is_data_only("Microsoft.KeyVault/vaults/keys/read"),
            "it is both"
        );
        assert!(!is_data_only("Microsoft.Unknown/things/read"));
    }
}
