//! Routes: names of Azure that the emulator's proxy sends to servers of the user's.

use crate::{
    ca::PERMITTED_NAMES,
    service::{Service, by_host, is_name_of},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use url::Url;

/// A name of Azure, and the server that answers for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Route {
    host: String,
    url: Url,
}

/// A route in JSON.
#[derive(Serialize, Deserialize)]
struct Written {
    host: String,
    url: String,
}

/// The body of a request for a proxy with routes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    pub(crate) routes: Vec<Route>,
    /// Certificates in PEM.
    #[serde(default)]
    pub(crate) authorities: Option<String>,
}

/// The first line of the response to it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Opened {
    pub(crate) proxy_url: String,
}

/// Why a route can't be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidRoute {
    /// There is no `=`.
    #[error("expected HOST=URL, such as myaccount.blob.core.windows.net=http://127.0.0.1:10000")]
    NotAPair,
    /// The host.
    #[error(
        "'{0}' is not a host name: letters, digits, hyphens and dots, such as myaccount.blob.core.windows.net, or *.blob.core.windows.net for all names below"
    )]
    NotAHost(String),
    /// The emulator's authority can't certify the host.
    #[error("'{0}' is not a name of Azure: the emulator's certificate authority can vouch only for names below {list}", list = PERMITTED_NAMES[1..].join(", "))]
    NotPermitted(String),
    /// The emulator serves the host itself.
    #[error("the emulator itself serves '{0}'")]
    Served(String),
    /// The URL.
    #[error(
        "'{0}' is not the address of a server, such as http://127.0.0.1:10000 or https://localhost:8443"
    )]
    NotAUrl(String),
    /// The URL has a user.
    #[error("the URL of a route has no user and no password")]
    HasUser,
    /// The URL has more than an address.
    #[error(
        "a route sends the path of each request on as it is, so the URL ends with the host or the port: '{0}'"
    )]
    HasPath(Url),
    /// Two routes for one host.
    #[error("'{0}' has two routes")]
    Twice(String),
}

impl Route {
    /// A route of this host, or of all names below it (`*.blob.core.windows.net`), to this URL.
    ///
    /// # Errors
    /// When the host is not a name of Azure, or one that the emulator serves; when the URL is not
    /// the address of a server.
    pub fn new(host: &str, url: &str) -> Result<Self, InvalidRoute> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let below = host.strip_prefix("*.").unwrap_or(&host);
        if !is_host(below) {
            return Err(InvalidRoute::NotAHost(host));
        }
        let is_permitted = PERMITTED_NAMES[1..]
            .iter()
            .any(|name| *name == below || is_name_of(&format!("*.{name}"), below));
        if !is_permitted {
            return Err(InvalidRoute::NotPermitted(host));
        }
        if service_of(&host).is_some_and(|service| !service.may_be_routed()) {
            return Err(InvalidRoute::Served(host));
        }
        let parsed = Url::parse(url).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.host_str().is_some_and(|host| !host.is_empty())
        });
        // A user's part may be a secret.
        if url.contains('@') {
            return Err(InvalidRoute::HasUser);
        }
        let Some(parsed) = parsed else {
            return Err(InvalidRoute::NotAUrl(url.to_owned()));
        };
        if parsed.path() != "/" || parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(InvalidRoute::HasPath(parsed));
        }
        Ok(Self { host, url: parsed })
    }

    /// Whether it takes names that the emulator serves.
    pub(crate) fn replaces_a_service(&self) -> bool {
        service_of(&self.host).is_some()
    }

    /// The host, or `*.` and a domain.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The server's URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Fails if two routes have the same host.
    ///
    /// # Errors
    /// Then.
    pub fn check(routes: &[Self]) -> Result<(), InvalidRoute> {
        for (at, route) in routes.iter().enumerate() {
            if routes[..at].iter().any(|other| other.host == route.host) {
                return Err(InvalidRoute::Twice(route.host.clone()));
            }
        }
        Ok(())
    }

    /// The route of a host: its own, else that of the longest domain.
    pub(crate) fn of<'a>(routes: &'a [Self], host: &str) -> Option<&'a Self> {
        let matching = routes.iter().filter(|route| is_name_of(&route.host, host));
        matching.max_by_key(|route| (!route.host.starts_with("*."), route.host.len()))
    }
}

/// The service with this name, or with these names.
fn service_of(host: &str) -> Option<Service> {
    // Any name that a wildcard matches, in place of the wildcard.
    by_host(&host.replacen('*', "any", 1)).map(|(service, _)| service)
}

fn is_host(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(is_label)
}

impl FromStr for Route {
    type Err = InvalidRoute;

    fn from_str(text: &str) -> Result<Self, InvalidRoute> {
        let (host, url) = text.split_once('=').ok_or(InvalidRoute::NotAPair)?;
        Self::new(host.trim(), url.trim())
    }
}

impl TryFrom<Written> for Route {
    type Error = InvalidRoute;

    fn try_from(written: Written) -> Result<Self, InvalidRoute> {
        Self::new(&written.host, &written.url)
    }
}

impl From<Route> for Written {
    fn from(route: Route) -> Self {
        Self {
            host: route.host,
            url: route.url.to_string(),
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.as_str();
        write!(f, "{}={}", self.host, url.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_has_a_name_of_azure_that_the_emulator_does_not_serve_and_a_server() {
        for text in [
            "myaccount.blob.core.windows.net=http://127.0.0.1:10000",
            "MyAccount.Blob.Core.Windows.Net.=http://127.0.0.1:10000/",
            "*.blob.core.windows.net=https://localhost:10000",
            "kv_1.vault.azure.net=http://[::1]:8080",
            "*.microsoft.com=http://localhost",
        ] {
            let route: Route = text
                .parse()
                .unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(route.to_string().parse(), Ok(route));
        }
        for (text, why) in [
            ("", "expected HOST=URL"),
            ("myaccount.blob.core.windows.net", "expected HOST=URL"),
            ("=http://127.0.0.1:1", "'' is not a host name"),
            ("blob=http://127.0.0.1:1", "'blob' is not a host name"),
            ("a..azure.net=http://127.0.0.1:1", "is not a host name"),
            ("a.*.azure.net=http://127.0.0.1:1", "is not a host name"),
            ("a.azure.net:443=http://127.0.0.1:1", "is not a host name"),
            (
                "https://a.azure.net=http://127.0.0.1:1",
                "is not a host name",
            ),
            (
                "api.openai.com=http://127.0.0.1:1",
                "is not a name of Azure",
            ),
            ("localhost.=http://127.0.0.1:1", "is not a host name"),
            ("evilazure.net=http://127.0.0.1:1", "is not a name of Azure"),
            (
                "management.azure.com=http://127.0.0.1:1",
                "the emulator itself serves",
            ),
            (
                "uksouth.login.microsoft.com=http://127.0.0.1:1",
                "the emulator itself serves",
            ),
            (
                "*.login.microsoft.com=http://127.0.0.1:1",
                "the emulator itself serves",
            ),
            (
                "*.eu.login.microsoft.com=http://127.0.0.1:1",
                "the emulator itself serves",
            ),
            (
                "a.azure.net=127.0.0.1:10000",
                "is not the address of a server",
            ),
            (
                "a.azure.net=ftp://127.0.0.1",
                "is not the address of a server",
            ),
            ("a.azure.net=", "is not the address of a server"),
            ("a.azure.net=http://", "is not the address of a server"),
            (
                "a.azure.net=http://127.0.0.1:99999",
                "is not the address of a server",
            ),
            (
                "a.azure.net=http://127.0.0.1:1/devstoreaccount1",
                "as it is",
            ),
            ("a.azure.net=http://127.0.0.1:1/?a=b", "as it is"),
        ] {
            let error = text.parse::<Route>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
        let with_secret = "a.azure.net=http://user:SECRET@127.0.0.1:1";
        let error = with_secret.parse::<Route>().unwrap_err().to_string();
        assert!(!error.contains("SECRET"), "{error}");
    }

    #[test]
    fn a_host_has_its_own_route_or_that_of_the_longest_domain() {
        let routes: Vec<Route> = [
            "*.windows.net=http://127.0.0.1:1",
            "*.blob.core.windows.net=http://127.0.0.1:2",
            "a.blob.core.windows.net=http://127.0.0.1:3",
        ]
        .map(|text| text.parse().unwrap())
        .into();
        assert_eq!(Route::check(&routes), Ok(()));
        let port = |host| Route::of(&routes, host).and_then(|route| route.url.port());
        assert_eq!(port("A.blob.core.windows.net"), Some(3));
        assert_eq!(port("b.blob.core.windows.net"), Some(2));
        assert_eq!(port("b.queue.core.windows.net"), Some(1));
        assert_eq!(port("windows.net"), None);
        let twice = [routes[0].clone(), routes[1].clone(), routes[0].clone()];
        assert_eq!(
            Route::check(&twice),
            Err(InvalidRoute::Twice("*.windows.net".into()))
        );
    }
}
