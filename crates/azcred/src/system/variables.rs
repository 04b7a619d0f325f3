//! What kind of value each variable has: text, or the path of a file or a folder.

use super::{System, folders::absolute};
use crate::facts::{Error, ErrorKind, Result};
use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

/// Variables with one path, of azcred's and of the tools that it runs.
const PATHS: [&str; 18] = [
    "APPDATA",
    "AZCRED_HOME",
    "AZD_CONFIG_DIR",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CONFIG_DIR",
    "AZURE_FEDERATED_TOKEN_FILE",
    "CURL_CA_BUNDLE",
    "HOME",
    "LOCALAPPDATA",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "USERPROFILE",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
];
/// Variables with a list of paths.
const LISTS: [&str; 3] = ["BROWSER", "PATH", "SSL_CERT_DIR"];
/// The lists whose relative entries count.
const RELATIVE_LISTS: [&str; 1] = ["SSL_CERT_DIR"];
/// The starts of the names of variables with text that azcred reads.
const TEXTS: [&str; 17] = [
    "ACTIONS_",
    "ALL_PROXY",
    "ARM_",
    "AZCRED_",
    "AZURE",
    "DEFAULT_IDENTITY_",
    "HIML_",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "IDENTITY_",
    "IMDS_",
    "MSI_",
    "NO_PROXY",
    "OBO_",
    "SYSTEM_ACCESSTOKEN",
    "SYSTEM_OIDCREQUESTURI",
    "TF_BUILD",
];

/// Fails if a variable with text is not UTF-8. Such a variable would otherwise count as unset, and
/// another account or no proxy would be used.
///
/// # Errors
/// [`ErrorKind::Invalid`]. It names the variable and does not show its value.
pub(crate) fn check_text(system: &dyn System) -> Result<()> {
    let is_text = |name: &String| {
        let upper = name.to_ascii_uppercase();
        let is_path = PATHS.contains(&&*upper) || LISTS.contains(&&*upper);
        !is_path && TEXTS.iter().any(|start| upper.starts_with(start))
    };
    let Some(name) = system.not_text().into_iter().find(is_text) else {
        return Ok(());
    };
    Err(Error::new(
        ErrorKind::Invalid,
        format!("could not read {name}"),
        "its value is not valid UTF-8 text",
    )
    .with_fix(format!(
        "set {name} again in a terminal or a file with the encoding UTF-8, or unset it"
    )))
}

/// The variables with relative paths, and the same paths made absolute: for a program that runs in
/// another folder than this process.
pub(super) fn made_absolute(
    folder: &Path,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Vec<(&'static str, OsString)> {
    let is_relative = |path: &Path| !path.as_os_str().is_empty() && !path.is_absolute();
    let one = |value: &OsStr| {
        let path = Path::new(value);
        is_relative(path).then(|| absolute(folder, path).into_os_string())
    };
    let list = |value: &OsStr| {
        let mut paths = std::env::split_paths(value);
        if !paths.any(|path| is_relative(&path)) {
            return None;
        }
        let paths = std::env::split_paths(value);
        let paths = paths.map(|path| match is_relative(&path) {
            true => absolute(folder, &path),
            false => path,
        });
        std::env::join_paths(paths).ok()
    };
    let paths = PATHS
        .into_iter()
        .filter_map(|name| Some((name, one(&variable(name)?)?)));
    let lists = RELATIVE_LISTS
        .into_iter()
        .filter_map(|name| Some((name, list(&variable(name)?)?)));
    paths.chain(lists).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Fixture;

    #[cfg(unix)]
    fn broken() -> OsString {
        std::os::unix::ffi::OsStringExt::from_vec(b"s\xe9cret".to_vec())
    }

    /// An unpaired surrogate.
    #[cfg(windows)]
    fn broken() -> OsString {
        std::os::windows::ffi::OsStringExt::from_wide(&[0x73, 0xd800])
    }

    #[test]
    fn a_variable_with_text_that_is_not_utf_8_is_an_error_with_its_name() {
        for name in [
            "AZURE_CLIENT_SECRET",
            "AZURE_CLIENT_CERTIFICATE_PASSWORD",
            "HIML_SERVICE_PRINCIPAL_PASSWORD",
            "https_proxy",
            "NO_PROXY",
            "IDENTITY_HEADER",
            "AZCRED_PRESET",
            "SYSTEM_ACCESSTOKEN",
        ] {
            let machine = Fixture::new().with_var_os(name, broken());
            let error = check_text(&machine).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.what().contains(name), "{error}");
            assert!(!error.to_string().contains("cret"), "{error}");
        }
        for name in PATHS.into_iter().chain(LISTS).chain(["LS_COLORS"]) {
            let machine = Fixture::new().with_var_os(name, broken());
            check_text(&machine).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn relative_paths_are_made_absolute_and_others_stay() {
        let machine = Fixture::new()
            .with_var("AZURE_CONFIG_DIR", "./.azure")
            .with_var("HOME", "/home/ada")
            .with_var("SSL_CERT_DIR", "/etc/certs:more")
            .with_var_os("AZD_CONFIG_DIR", broken());
        let made = made_absolute(Path::new("/work"), |name| machine.var_os(name));
        let mut azd = OsString::from("/work/");
        azd.push(broken());
        assert_eq!(
            made,
            [
                ("AZD_CONFIG_DIR", azd),
                ("AZURE_CONFIG_DIR", "/work/.azure".into()),
                ("SSL_CERT_DIR", "/etc/certs:/work/more".into()),
            ]
        );
    }
}
