//! Variables that a program inherits: how one is found, and what keeps it from a proxy.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

/// A variable's value. On Windows, names have no case: Git's shell has `PROGRAMFILES`, for example.
pub fn value_of<'a>(
    variables: &'a BTreeMap<OsString, OsString>,
    name: &str,
    in_any_case: bool,
) -> Option<&'a OsStr> {
    let same = |one: &OsStr| in_any_case && one.eq_ignore_ascii_case(name);
    let other = || Some(variables.iter().find(|(one, _)| same(one))?.1);
    variables
        .get(OsStr::new(name))
        .or_else(other)
        .map(OsString::as_os_str)
}

/// `NO_PROXY` with a host, if there is a proxy to which plain requests would go: only what has to
/// be set. `value` finds a variable; an empty one counts as unset.
pub fn direct_to<'a>(
    host: &str,
    value: impl Fn(&str) -> Option<&'a OsStr>,
) -> Vec<(&'static str, OsString)> {
    let value = |name: &str| value(name).filter(|value| !value.is_empty());
    let proxies = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    if proxies.iter().all(|name| value(name).is_none()) {
        return Vec::new();
    }
    let given = ["NO_PROXY", "no_proxy"].map(|name| (name, value(name)));
    // Of two spellings, some programs read only one: the other stays unset if it was.
    let is_set = given.iter().any(|(_, value)| value.is_some());
    let wanted = given.iter().filter(|(_, value)| !is_set || value.is_some());
    wanted
        .filter(|(_, value)| !value.is_some_and(|value| has_host(value, host)))
        .map(|(name, value)| match value {
            Some(value) => {
                let mut all = value.to_os_string();
                all.push(format!(",{host}"));
                (*name, all)
            }
            None => (*name, host.into()),
        })
        .collect()
}

fn has_host(no_proxy: &OsStr, host: &str) -> bool {
    let text = no_proxy.to_string_lossy();
    let mut entries = text.split([',', ' ']).map(str::trim);
    entries.any(|entry| entry == host || entry == "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "127.0.0.1";

    #[test]
    fn the_name_of_a_variable_has_no_case_on_windows() {
        let variables = BTreeMap::from([
            ("PROGRAMFILES".into(), "C:/Programs".into()),
            ("userprofile".into(), "other".into()),
            ("USERPROFILE".into(), "exact".into()),
        ]);
        for (name, on_windows, elsewhere) in [
            ("ProgramFiles", Some("C:/Programs"), None),
            ("USERPROFILE", Some("exact"), Some("exact")),
            ("HOME", None, None),
        ] {
            let value = |in_any_case| value_of(&variables, name, in_any_case);
            assert_eq!(value(true), on_windows.map(OsStr::new), "{name}");
            assert_eq!(value(false), elsewhere.map(OsStr::new), "{name}");
        }
    }

    #[test]
    fn requests_to_the_endpoint_go_through_no_proxy() {
        let set = |variables: &[(&str, &str)]| -> Vec<(String, String)> {
            let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
            let set = direct_to(HOST, |name| variables.get(name).copied().map(OsStr::new));
            let text = |value: OsString| value.into_string().unwrap();
            set.into_iter()
                .map(|(name, value)| (name.to_owned(), text(value)))
                .collect()
        };
        let pairs = |all: &[(&str, &str)]| -> Vec<(String, String)> {
            let all = all.iter();
            all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        assert_eq!(set(&[("HTTPS_PROXY", "p")]), []);
        assert_eq!(set(&[("http_proxy", "")]), []);
        let both = pairs(&[("NO_PROXY", HOST), ("no_proxy", HOST)]);
        for proxy in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            assert_eq!(set(&[(proxy, "p")]), both, "{proxy}");
        }
        let one = set(&[("http_proxy", "p"), ("no_proxy", "a.example")]);
        assert_eq!(one, pairs(&[("no_proxy", "a.example,127.0.0.1")]));
        for there in ["127.0.0.1", "a, 127.0.0.1", "a 127.0.0.1", "*"] {
            let set = set(&[("http_proxy", "p"), ("NO_PROXY", there)]);
            assert_eq!(set, [], "{there}");
        }
    }
}
