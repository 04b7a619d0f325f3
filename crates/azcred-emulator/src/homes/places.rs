//! Where tools keep sign-ins below the user's folders. In the emulator, each is a folder of the
//! persona's own.

use std::path::{Path, PathBuf};

/// A place below one of the user's folders, and the persona's folder that replaces it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The variable that names the user's folder.
    pub(super) variable: &'static str,
    /// The path below it.
    pub(super) path: &'static str,
    /// The name of the persona's folder.
    pub(super) instead: &'static str,
}

/// Azure CLI's folder of a persona.
pub(crate) const AZURE_CLI: &str = "azure-cli";
/// Azure Developer CLI's folder of a persona.
pub(crate) const AZD: &str = "azd";
/// azcred's folder of a persona.
pub(crate) const AZCRED: &str = "azcred";

/// The shared cache of MSAL's libraries.
const MSAL: &str = "identity-service";
/// The same, where .NET's Azure.Identity keeps it: below the system's folder for local data.
const MSAL_NET: &str = "identity-service-net";

const fn place(variable: &'static str, path: &'static str, instead: &'static str) -> Place {
    Place {
        variable,
        path,
        instead,
    }
}

/// All places. Tools that have a variable of their own are here too: other programs read their
/// files by the usual path.
pub(super) const PLACES: &[Place] = &[
    // Azure CLI, and Visual Studio Code's record of its sign-in (azure-identity, `vscode.py`).
    place("HOME", ".azure", AZURE_CLI),
    place("HOME", ".azd", AZD),
    // Azure PowerShell (`AzureSessionInitializer.cs`): the user's folder has no variable but HOME.
    place("HOME", ".Azure", "azure-powershell"),
    // The shared caches of azure-identity for Python, Node, Java and Go, and of Az.Accounts.
    place("HOME", ".IdentityService", MSAL),
    place("HOME", ".local/share/.IdentityService", MSAL_NET),
    place(
        "HOME",
        "Library/Application Support/.IdentityService",
        MSAL_NET,
    ),
    place("XDG_DATA_HOME", ".IdentityService", MSAL_NET),
    place("HOME", ".azcopy", "azcopy"),
    // azureml-core's sign-ins; the rest of the folder is settings.
    place("HOME", ".azureml/auth", "azureml-auth"),
    place("HOME", ".kube/cache/kubelogin", "kubelogin"),
];

/// What a path below a user's folder is to the places.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// A place.
    Is,
    /// A folder above a place.
    Above,
    /// Neither.
    None,
}

/// The place, or the folder above one, at a path below the folder of a variable. Case does not
/// count: some file systems have none.
pub(super) fn relation(variable: &str, path: &Path) -> Relation {
    let mut found = Relation::None;
    for place in PLACES.iter().filter(|one| one.variable == variable) {
        let (mut named, mut given) = (Path::new(place.path).components(), path.components());
        let same = given.by_ref().all(|part| {
            let named = named.next();
            named.is_some_and(|named| named.as_os_str().eq_ignore_ascii_case(part.as_os_str()))
        });
        match (same, named.next()) {
            (true, None) => return Relation::Is,
            (true, Some(_)) => found = Relation::Above,
            (false, _) => {}
        }
    }
    found
}

/// The folders above places, below the folder of a variable, the nearest first.
pub(super) fn above(variable: &str) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = PLACES
        .iter()
        .filter(|one| one.variable == variable)
        .flat_map(|one| Path::new(one.path).ancestors().skip(1))
        .filter(|path| !path.as_os_str().is_empty())
        // The folder of one system only.
        .filter(|path| cfg!(target_vendor = "apple") || !path.starts_with("Library"))
        .map(Path::to_owned)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_place_or_above_one_or_neither() {
        for (path, expected) in [
            (".azure", Relation::Is),
            (".AZURE", Relation::Is),
            (".local", Relation::Above),
            (".local/share", Relation::Above),
            (".local/share/.IdentityService", Relation::Is),
            (".local/state", Relation::None),
            (".cache", Relation::None),
            (".azure-devops", Relation::None),
            (".kube/cache/kubelogin", Relation::Is),
        ] {
            assert_eq!(relation("HOME", Path::new(path)), expected, "{path}");
        }
        assert_eq!(
            relation("XDG_DATA_HOME", Path::new(".azure")),
            Relation::None
        );
    }
}
