//! What kind of value each variable has: text, or the path of a file or a folder.

use super::{System, folders::absolute};
use crate::{
    facts::{Error, ErrorKind, Result},
    sieve::{is_secret, tidied},
};
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

/// The variable of a program that azcred has started with one account: the endpoint's address.
pub(crate) const EXEC_VARIABLE: &str = "AZCRED_EXEC";

/// Whether azcred has started this program with one account.
pub(crate) fn is_in_program(system: &dyn System) -> bool {
    let address = system.var(EXEC_VARIABLE);
    address.is_some() && address == system.var("IDENTITY_ENDPOINT")
}

/// A variable's value as it is meant: without white space, quotes and unseen characters around it.
/// `None` if that is nothing. A secret stays as it is, and so does what is not UTF-8.
pub(super) fn sieved(name: &str, value: OsString) -> Option<OsString> {
    let Some(text) = value.to_str() else {
        return Some(value);
    };
    let tidy = tidied(text);
    if tidy.is_empty() {
        return None;
    }
    if tidy.len() == text.len() || is_secret(name) {
        return Some(value);
    }
    Some(tidy.into())
}

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
        format!("{name} is not valid"),
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
    use crate::{
        sieve::{
            SECRETS,
            tests::{dresses, misplaced},
        },
        system::{Fixture, checked_path, path},
    };
    use std::{collections::BTreeSet, fs};

    /// The variables of the page that lists all of them.
    fn all() -> BTreeSet<String> {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/variables.md");
        let page = fs::read_to_string(page).unwrap();
        let rows = page
            .lines()
            .filter(|line| line.starts_with("| ") || line.starts_with("azcred runs"));
        let is_name = |name: &&str| {
            name.len() > 1
                && name.starts_with(|c: char| c.is_ascii_uppercase())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        rows.flat_map(|row| row.split('|').take(3))
            .flat_map(|cell| cell.split('`'))
            .filter(is_name)
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn every_variable_is_read_without_what_surrounds_its_value_but_a_secret_stays_as_it_is() {
        let names = all();
        assert!(names.len() > 90, "{names:?}");
        for secret in SECRETS {
            assert!(names.contains(secret), "{secret} is not in the page");
        }
        for name in names {
            for dressed in dresses("value") {
                let machine = Fixture::new().with_var(&name, &dressed);
                let expected = match is_secret(&name) {
                    true => dressed.as_str(),
                    false => "value",
                };
                assert_eq!(
                    machine.var(&name).as_deref(),
                    Some(expected),
                    "{name}={dressed:?}"
                );
            }
            for nothing in ["", " ", "\"\"", "''", "\u{feff}", "\u{200b}"] {
                let machine = Fixture::new().with_var(&name, nothing);
                assert_eq!(machine.var(&name), None, "{name}={nothing:?}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn every_variable_with_a_path_is_read_as_people_write_paths() {
        for name in PATHS {
            for (written, is) in [
                ("\"/a b/c\"", "/a b/c"),
                ("file:///a%20b/c", "/a b/c"),
                (" /a\n", "/a"),
            ] {
                let machine = Fixture::new().with_var(name, written);
                assert_eq!(
                    path(&machine, name).as_deref(),
                    Some(Path::new(is)),
                    "{name}"
                );
            }
            if !matches!(name, "HOME" | "USERPROFILE") {
                let machine = Fixture::new()
                    .with_var("HOME", "/home/ada")
                    .with_var(name, "'~/c'");
                let expected = Some(Path::new("/home/ada/c"));
                assert_eq!(path(&machine, name).as_deref(), expected, "{name}");
            }
        }
    }

    #[test]
    fn a_secret_in_a_variable_with_a_path_is_refused_and_not_shown() {
        for name in PATHS {
            for (value, _) in misplaced() {
                let machine = Fixture::new().with_var(name, value);
                let error = checked_path(&machine, name).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Invalid);
                assert!(error.what().contains(name), "{error}");
                assert!(error.fix().is_some(), "{error}");
                let text = format!("{error} {error:?}");
                assert!(!text.contains("TopSecret"), "{text}");
                // Where the path itself is shown, it was made absolute before.
                let shown = path(&machine, name).map(|path| crate::sieve::shown_path(&path));
                assert!(
                    !shown.unwrap_or_default().contains("TopSecret"),
                    "{name}={value}"
                );
            }
        }
        let machine = Fixture::new().with_var("SSL_CERT_FILE", "/etc/ssl/cert.pem");
        assert!(checked_path(&machine, "SSL_CERT_FILE").is_ok());
    }

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
        let made = made_absolute(Path::new("/project"), |name| machine.var_os(name));
        let mut azd = OsString::from("/project/");
        azd.push(broken());
        assert_eq!(
            made,
            [
                ("AZD_CONFIG_DIR", azd),
                ("AZURE_CONFIG_DIR", "/project/.azure".into()),
                ("SSL_CERT_DIR", "/etc/certs:/project/more".into()),
            ]
        );
    }
}
