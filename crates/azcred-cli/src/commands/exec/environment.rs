//! The variables of the program: one identity, and the way to it.

use super::azure_cli::extensions;
use azcred::{SecretString, session::EXEC_VARIABLE};
use azcred_guest::{Class, class_of, direct_to};
use secrecy::ExposeSecret;
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::Path,
    process::Command,
};

/// The host of the endpoint's address.
const HOST: &str = "127.0.0.1";

/// The variable that has this address.
const ADDRESS: &str = "IDENTITY_ENDPOINT";

/// The variables of another managed identity's endpoint, which would be mixed with azcred's own.
const OTHER_ENDPOINTS: [&str; 4] = [
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
];

/// The user's variables.
pub(super) type Inherited = BTreeMap<OsString, OsString>;

/// Azure CLI, as the program has it.
pub(super) struct AzureCli<'a> {
    /// Its folder.
    pub(super) folder: &'a Path,
    /// The folder of the stand-in.
    pub(super) programs: &'a Path,
}

/// The changes to the user's variables.
pub(super) struct Environment {
    /// What would sign the program in as another identity. It is removed, and not emptied: some
    /// programs only check whether a variable exists.
    removed: Vec<OsString>,
    set: Vec<(&'static str, OsString)>,
    endpoint: Vec<(&'static str, SecretString)>,
}

impl Environment {
    /// The changes for a program that uses an endpoint by these variables. `keeps_all`: other
    /// identities in the user's variables stay.
    pub(super) fn new(
        user: &Inherited,
        endpoint: Vec<(&'static str, SecretString)>,
        azure_cli: &AzureCli<'_>,
        keeps_all: bool,
    ) -> Self {
        let is_removed = |name: &str| {
            let is_other = OTHER_ENDPOINTS.iter().any(|one| same(name, one));
            is_other || (!keeps_all && class_of(name) == Some(Class::Identity))
        };
        let removed = user.keys().filter(|name| {
            let name = name.to_str();
            name.is_some_and(is_removed)
        });
        let mut set = vec![("AZURE_CONFIG_DIR", azure_cli.folder.into())];
        set.extend(with_first(user, azure_cli.programs).map(|path| ("PATH", path)));
        let extensions = extensions(user);
        set.extend(extensions.map(|folder| ("AZURE_EXTENSION_DIR", folder.into())));
        set.extend(direct_to(HOST, |name| value_of(user, name)));
        // Kept identities come first for azcred too.
        if !keeps_all {
            let address = endpoint.iter().find(|(name, _)| *name == ADDRESS);
            set.extend(address.map(|(_, value)| (EXEC_VARIABLE, value.expose_secret().into())));
        }
        Self {
            removed: removed.cloned().collect(),
            set,
            endpoint,
        }
    }

    /// The names of the variables that are removed.
    pub(super) fn removed(&self) -> impl Iterator<Item = &str> {
        self.removed.iter().filter_map(|name| name.to_str())
    }

    /// Changes a command's variables.
    pub(super) fn apply_to(&self, command: &mut Command) {
        for name in &self.removed {
            command.env_remove(name);
        }
        command.envs(self.set.iter().map(|(name, value)| (name, value)));
        for (name, value) in &self.endpoint {
            command.env(name, value.expose_secret());
        }
    }
}

/// A variable's value, if it is set and not empty.
pub(super) fn value_of<'a>(user: &'a Inherited, name: &str) -> Option<&'a OsStr> {
    azcred_guest::value_of(user, name, cfg!(windows)).filter(|value| !value.is_empty())
}

/// On Windows, names have no case.
fn same(one: &str, other: &str) -> bool {
    match cfg!(windows) {
        true => one.eq_ignore_ascii_case(other),
        false => one == other,
    }
}

/// PATH with a folder before the others. `None` without a PATH, or if the folder has a name that
/// can't be in it.
fn with_first(user: &Inherited, folder: &Path) -> Option<OsString> {
    let path = value_of(user, "PATH")?;
    let all = std::iter::once(folder.to_owned()).chain(std::env::split_paths(path));
    std::env::join_paths(all).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(variables: &[(&str, &str)]) -> Inherited {
        let all = variables.iter();
        all.map(|(name, value)| ((*name).into(), (*value).into()))
            .collect()
    }

    fn endpoint() -> Vec<(&'static str, SecretString)> {
        let variables = [(ADDRESS, "http://its"), ("IDENTITY_HEADER", "its-secret")];
        let secret = |(name, value)| (name, SecretString::from(value));
        variables.map(secret).into()
    }

    /// The variables of a program with these changes.
    fn changed(user: &Inherited, keeps_all: bool) -> BTreeMap<String, Option<String>> {
        let azure_cli = AzureCli {
            folder: Path::new("/its"),
            programs: Path::new("/its/bin"),
        };
        let changes = Environment::new(user, endpoint(), &azure_cli, keeps_all);
        let mut command = Command::new("true");
        changes.apply_to(&mut command);
        let text = |text: &OsStr| text.to_str().unwrap().to_owned();
        let all = command.get_envs();
        all.map(|(name, value)| (text(name), value.map(text)))
            .collect()
    }

    #[test]
    #[cfg(unix)]
    fn other_identities_are_removed_and_routes_places_and_names_stay() {
        let user = user(&[
            ("AZURE_CLIENT_ID", "x"),
            ("AZURE_CLIENT_SECRET", "x"),
            ("AZURE_TENANT_ID", "x"),
            ("AZURE_SUBSCRIPTION_ID", "x"),
            ("AZURE_AUTHORITY_HOST", "x"),
            ("AZURE_TOKEN_CREDENTIALS", "dev"),
            ("AZURE_STORAGE_ACCOUNT", "x"),
            ("AZURE_STORAGE_KEY", "x"),
            ("HIML_TENANT_ID", ""),
            ("HIML_WORKSPACE_NAME", "x"),
            ("IDENTITY_ENDPOINT", "x"),
            ("MSI_SECRET", "x"),
            ("AZUREML_RUN_TOKEN", "x"),
            ("MLFLOW_TRACKING_TOKEN", "x"),
            ("GITHUB_ACTIONS", "true"),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "x"),
            ("MY_TOKEN", "x"),
            ("PATH", "/usr/bin:/bin"),
            ("http_proxy", "http://proxy:3128"),
        ]);
        let changed = changed(&user, false);
        let removed: Vec<&str> = changed
            .iter()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(
            removed,
            [
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
                "AZURE_CLIENT_ID",
                "AZURE_CLIENT_SECRET",
                "AZURE_STORAGE_KEY",
                "AZURE_TOKEN_CREDENTIALS",
                "HIML_TENANT_ID",
                "MSI_SECRET",
            ]
        );
        let its = |name: &str| changed[name].as_deref();
        assert_eq!(its("IDENTITY_ENDPOINT"), Some("http://its"));
        assert_eq!(its("IDENTITY_HEADER"), Some("its-secret"));
        assert_eq!(its(EXEC_VARIABLE), Some("http://its"));
        assert_eq!(its("AZURE_CONFIG_DIR"), Some("/its"));
        assert_eq!(its("PATH"), Some("/its/bin:/usr/bin:/bin"));
        assert_eq!(its("no_proxy"), Some(HOST));
        assert!(!changed.contains_key("AZURE_TENANT_ID"));
    }

    #[test]
    fn what_is_kept_on_request_is_not_mixed_with_the_endpoint() {
        let user = user(&[
            ("AZURE_CLIENT_SECRET", "x"),
            ("IDENTITY_SERVER_THUMBPRINT", "x"),
            ("MSI_ENDPOINT", "x"),
        ]);
        let changed = changed(&user, true);
        assert!(!changed.contains_key("AZURE_CLIENT_SECRET"));
        assert!(!changed.contains_key(EXEC_VARIABLE));
        assert_eq!(changed["IDENTITY_SERVER_THUMBPRINT"], None);
        assert_eq!(changed["MSI_ENDPOINT"], None);
    }
}
