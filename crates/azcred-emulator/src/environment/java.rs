//! Programs in Java: they read neither proxies nor roots from the usual variables.

use crate::trust_store;
use std::{collections::BTreeMap, path::Path};
use url::Url;

/// The variable whose options every Java program reads at its start, and says so on standard error.
pub(super) const VARIABLE: &str = "JAVA_TOOL_OPTIONS";

/// Java's options for what these variables say: proxies, and the emulator's certificate authority.
/// They come after those that the user has set.
pub(super) fn options(
    users: Option<&str>,
    set: &BTreeMap<String, String>,
    trust_store: &Path,
) -> String {
    let mut options: Vec<(&str, String)> = Vec::new();
    for (variable, host, port) in [
        ("HTTPS_PROXY", "https.proxyHost", "https.proxyPort"),
        ("HTTP_PROXY", "http.proxyHost", "http.proxyPort"),
    ] {
        let proxy = set.get(variable).and_then(|value| Url::parse(value).ok());
        let parts = proxy.and_then(|url| Some((url.host_str()?.to_owned(), url.port()?)));
        if let Some((name, number)) = parts {
            options.push((host, name));
            options.push((port, number.to_string()));
        }
    }
    options.push(("http.nonProxyHosts", "localhost|127.*|[::1]".to_owned()));
    let store = trust_store.display().to_string();
    options.push(("javax.net.ssl.trustStore", store));
    options.push(("javax.net.ssl.trustStoreType", "JKS".to_owned()));
    options.push((
        "javax.net.ssl.trustStorePassword",
        trust_store::PASSWORD.to_owned(),
    ));
    let own = options
        .into_iter()
        .map(|(name, value)| quoted(&format!("-D{name}={value}")));
    let users = users.filter(|text| !text.trim().is_empty());
    let all: Vec<String> = users.map(str::to_owned).into_iter().chain(own).collect();
    all.join(" ")
}

/// An option that may have spaces. Java knows quotes, and no way to write one inside the same
/// quotes.
fn quoted(option: &str) -> String {
    let quote = match option {
        _ if !option.contains(char::is_whitespace) => return option.to_owned(),
        _ if option.contains('"') => '\'',
        _ => '"',
    };
    format!("{quote}{option}{quote}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_gets_the_proxies_and_the_authority_after_the_users_options() {
        let set = [
            ("HTTPS_PROXY", "http://127.0.0.1:1"),
            ("HTTP_PROXY", "http://127.0.0.1:2"),
        ];
        let set = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let options = options(Some("-Xmx1g"), &set.into(), Path::new("/a b/trust.jks"));
        assert_eq!(
            options,
            "-Xmx1g -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=1 -Dhttp.proxyHost=127.0.0.1 \
             -Dhttp.proxyPort=2 -Dhttp.nonProxyHosts=localhost|127.*|[::1] \
             \"-Djavax.net.ssl.trustStore=/a b/trust.jks\" -Djavax.net.ssl.trustStoreType=JKS \
             -Djavax.net.ssl.trustStorePassword=changeit"
        );
    }
}
