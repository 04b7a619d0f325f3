//! Which proxy a request goes through, as the variables say.
//!
//! A value that is not understood is an error of each request that it is for. If it were ignored,
//! the request would go out directly, with its secret.

use super::no_proxy::Exceptions;
use crate::{
    facts::{Error, ErrorKind, Fix},
    system::{System, is_loopback},
    untrusted::printable,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt;
use url::{Host, Url};
use zeroize::Zeroizing;

/// What a proxy's address may begin with.
const SCHEMES: &str = "http://, https://, socks5://, socks5h://, socks4:// or socks4a://";

/// The proxies of a machine.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    https: Option<Setting>,
    http: Option<Setting>,
    except: Exceptions,
    /// The variable that lists the exceptions.
    except_variable: Option<&'static str>,
}

/// A variable that names a proxy.
#[derive(Debug)]
pub(super) struct Setting {
    /// The variable's name, in the case in which it is set.
    pub(super) variable: &'static str,
    /// The address without its user name and password.
    pub(super) shown: String,
    server: Result<Server, Fault>,
}

/// A proxy.
pub(super) struct Server {
    pub(super) protocol: Protocol,
    /// A name, or an address; an IPv6 address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// The whole address, with the user name and the password.
    address: SecretString,
    /// The header `Proxy-Authorization` for the user name and the password.
    pub(super) basic: Option<SecretString>,
}

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http,
    /// HTTP over TLS.
    Https,
    Socks {
        version: u8,
    },
}

/// Why a value is not the address of a proxy.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    why: String,
    fix: String,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}:{}", self.protocol, self.host, self.port)
    }
}

/// A variable that tools write in lower or upper case. The lower-case one counts first, as in curl
/// and Python.
fn either(
    system: &dyn System,
    lower: &'static str,
    upper: &'static str,
) -> Option<(&'static str, String)> {
    [lower, upper]
        .into_iter()
        .find_map(|name| Some((name, system.var(name)?)))
}

impl Proxies {
    /// Reads the variables. A value that can't be used is an error only for the requests that it is
    /// for.
    pub(super) fn read(system: &dyn System) -> Self {
        let all = || either(system, "all_proxy", "ALL_PROXY");
        // A request can set upper-case HTTP_PROXY for a CGI program (httpoxy), so it is ignored if
        // REQUEST_METHOD is set.
        let http = match system.var("REQUEST_METHOD") {
            Some(_) => system.var("http_proxy").map(|value| ("http_proxy", value)),
            None => either(system, "http_proxy", "HTTP_PROXY"),
        };
        let https = either(system, "https_proxy", "HTTPS_PROXY");
        let (except_variable, except) = match either(system, "no_proxy", "NO_PROXY") {
            Some((name, list)) => (Some(name), Exceptions::read(&list)),
            None => (None, Exceptions::default()),
        };
        Self {
            https: https.or_else(all).map(Setting::read),
            http: http.or_else(all).map(Setting::read),
            except,
            except_variable,
        }
    }

    /// The proxy for an address; `None` if it is reached directly. This machine always is: plain
    /// HTTP to it is safe because only this machine can read it, and a proxy could read it too.
    pub(super) fn of(&self, url: &Url) -> Option<&Setting> {
        let setting = match url.scheme() {
            "https" => self.https.as_ref(),
            _ => self.http.as_ref(),
        }?;
        (!is_loopback(url) && !self.except.cover(url)).then_some(setting)
    }

    /// The variable of a proxy for plain HTTP, if there is no other proxy.
    pub(super) fn only_for_plain_http(&self) -> Option<&'static str> {
        match self.https {
            Some(_) => None,
            None => self.http.as_ref().map(|setting| setting.variable),
        }
    }

    /// What is set and has no effect, a sentence each.
    pub(super) fn notes(&self) -> Vec<String> {
        let variable = self.except_variable.unwrap_or("NO_PROXY");
        let unusable = self.except.unusable.iter();
        unusable
            .map(|unusable| {
                format!(
                    "the entry '{}' of {variable} matches no host: {}",
                    unusable.entry, unusable.why
                )
            })
            .collect()
    }
}

impl Setting {
    fn read((variable, value): (&'static str, String)) -> Self {
        let value = Zeroizing::new(value);
        Self {
            variable,
            shown: masked(value.trim()),
            server: Server::parse(value.trim()),
        }
    }

    /// The proxy, as errors name it.
    pub(super) fn name(&self) -> String {
        format!("the proxy {} ({})", self.shown, self.variable)
    }

    /// How the address of such a proxy begins.
    pub(super) fn scheme(&self) -> &'static str {
        match &self.server {
            Ok(server) => match server.protocol {
                Protocol::Http => "http",
                Protocol::Https => "https",
                Protocol::Socks { .. } => "socks5h",
            },
            Err(_) => "http",
        }
    }

    /// The proxy's host and port.
    pub(super) fn place(&self) -> String {
        match &self.server {
            Ok(server) if server.host.contains(':') => {
                format!("[{}]:{}", server.host, server.port)
            }
            Ok(server) => format!("{}:{}", server.host, server.port),
            Err(_) => "PROXY:PORT".to_owned(),
        }
    }

    /// The proxy, or why the value does not name one.
    pub(super) fn server(&self) -> Result<&Server, Error> {
        self.server.as_ref().map_err(|fault| {
            let Fault { why, fix } = fault;
            let variable = self.variable;
            Error::new(
                ErrorKind::Invalid,
                format!("could not use the proxy in {variable} ('{}')", self.shown),
                why.clone(),
            )
            .with_fix(
                Fix::from(format!("set {variable} to {fix}"))
                    .or(Fix::UnsetVariable(variable.into())),
            )
        })
    }

    /// The whole address, for the HTTP library.
    pub(super) fn address(&self) -> Option<Url> {
        Url::parse(self.server.as_ref().ok()?.address.expose_secret()).ok()
    }
}

impl Server {
    /// What the proxy is sent to sign in, and may repeat: the password, and the user name with it
    /// as base64.
    pub(super) fn secrets(&self) -> Vec<Zeroizing<String>> {
        let Some(basic) = &self.basic else {
            return Vec::new();
        };
        let text = basic.expose_secret().trim_start_matches("Basic ");
        let pair = Zeroizing::new(STANDARD.decode(text).unwrap_or_default());
        let password = pair.splitn(2, |byte| *byte == b':').nth(1);
        let password = String::from_utf8_lossy(password.unwrap_or_default());
        let all = [password.into_owned(), text.to_owned()];
        all.into_iter().map(Zeroizing::new).collect()
    }

    fn parse(value: &str) -> Result<Self, Fault> {
        let fault = |why: &str, fix: &str| Fault {
            why: why.to_owned(),
            fix: fix.to_owned(),
        };
        const EXAMPLE: &str = "an address such as http://proxy.example:8080";
        let is_quote = |c: char| matches!(c, '"' | '\'' | '`' | '‘' | '’' | '“' | '”');
        if value.starts_with(is_quote) || value.ends_with(is_quote) {
            return Err(fault(
                "the value has quotes, which are not part of an address",
                "the same address without the quotes",
            ));
        }
        let first = value.split([':', '/']).next().unwrap_or_default();
        let is_scheme = [
            "http", "https", "socks", "socks4", "socks4a", "socks5", "socks5h",
        ]
        .iter()
        .any(|scheme| first.eq_ignore_ascii_case(scheme));
        if is_scheme && !value.contains("://") {
            return Err(fault("it has no `://`", EXAMPLE));
        }
        // Without a scheme it is an HTTP proxy, as for other tools.
        let with_scheme = Zeroizing::new(match value.contains("://") {
            true => value.to_owned(),
            false => format!("http://{value}"),
        });
        let scheme = with_scheme.split("://").next().unwrap_or_default();
        let (protocol, usual_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Protocol::Http, 80),
            "https" => (Protocol::Https, 443),
            "socks5" | "socks5h" => (Protocol::Socks { version: 5 }, 1080),
            "socks4" | "socks4a" => (Protocol::Socks { version: 4 }, 1080),
            "socks" => {
                return Err(fault(
                    "`socks://` does not say which version of SOCKS the proxy has",
                    "the same address with socks5h:// in place of socks://, or with socks4a:// \
                     for an old proxy",
                ));
            }
            _ => {
                let scheme = printable(scheme, 24);
                return Err(Fault {
                    why: format!("azcred does not know proxies of the kind '{scheme}'"),
                    fix: format!("an address that begins with {SCHEMES}"),
                });
            }
        };
        let misplaced = || {
            fault(
                "a character in the user name or the password ends it early",
                "http://USER:PASSWORD@PROXY:PORT, with special characters of the password \
                 percent-encoded, such as %23 for # and %2F for /",
            )
        };
        let has_user = value.contains('@');
        let url = Url::parse(&with_scheme).map_err(|_| match has_user {
            true => misplaced(),
            false => fault("it is not the address of a proxy", EXAMPLE),
        })?;
        if has_user && url.username().is_empty() && url.password().is_none() {
            return Err(misplaced());
        }
        if url.path().ends_with(".pac") {
            return Err(fault(
                "it is a script that chooses a proxy (PAC), and azcred does not run scripts",
                "the address of the proxy that the script returns, such as http://proxy.example:8080",
            ));
        }
        let no_host = || fault("it names no host", EXAMPLE);
        let host = match url.host().ok_or_else(no_host)? {
            // Of addresses with other schemes than HTTP's the library checks little.
            Host::Domain(name) => match Host::parse(name) {
                Ok(host) => host,
                Err(_) => return Err(no_host()),
            },
            Host::Ipv4(address) => Host::Ipv4(address),
            Host::Ipv6(address) => Host::Ipv6(address),
        };
        let port = url.port().unwrap_or(usual_port);
        if port == 0 {
            return Err(fault("0 is not a port", EXAMPLE));
        }
        let decoded = |text: &str| {
            let bytes = percent_encoding::percent_decode_str(text);
            Zeroizing::new(bytes.decode_utf8_lossy().into_owned())
        };
        let basic = has_user.then(|| {
            let user = decoded(url.username());
            let password = decoded(url.password().unwrap_or_default());
            let pair = Zeroizing::new(format!("{}:{}", *user, *password));
            SecretString::from(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
        });
        let user = match (url.username(), url.password()) {
            _ if !has_user => Zeroizing::new(String::new()),
            (user, None) => Zeroizing::new(format!("{user}@")),
            (user, Some(password)) => Zeroizing::new(format!("{user}:{password}@")),
        };
        let address = Zeroizing::new(format!("{}://{}{host}:{port}", url.scheme(), *user));
        // The HTTP library has its own parser. What that one does not understand goes out
        // directly.
        let agreed = address.parse::<http::Uri>().is_ok_and(|uri| {
            uri.authority()
                .is_some_and(|authority| authority.port_u16() == Some(port))
        });
        if !agreed {
            return Err(misplaced());
        }
        Ok(Self {
            protocol,
            host: match host {
                Host::Ipv6(address) => address.to_string(),
                host => host.to_string(),
            },
            port,
            address: SecretString::from(address.as_str()),
            basic,
        })
    }
}

/// An address without its user name, password and query, for a message. It need not be valid.
pub(super) fn masked(address: &str) -> String {
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), address),
    };
    if let Some((_, rest)) = rest.rsplit_once('@') {
        return printable(&format!("{scheme}***@{}", without_query(rest)), 200);
    }
    let rest = without_query(rest);
    // A user name and a password without the host behind them.
    let end = rest.find('/').unwrap_or(rest.len());
    let after = rest[..end].rsplit_once(':').filter(|(host, port)| {
        let port = port.trim_end_matches(|c: char| !c.is_alphanumeric());
        !host.contains(':') && !port.chars().all(|c| c.is_ascii_digit())
    });
    let rest = match after {
        Some((host, _)) => format!("{host}:***"),
        None => rest.to_owned(),
    };
    printable(&format!("{scheme}{rest}"), 200)
}

fn without_query(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Fixture;
    use proptest::prelude::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        let system = variables
            .iter()
            .fold(Fixture::new(), |system, (name, value)| {
                system.with_var(name, value)
            });
        Proxies::read(&system)
    }

    fn azure() -> Url {
        Url::parse("https://login.microsoftonline.com/").unwrap()
    }

    #[test]
    fn the_variable_that_counts_is_the_one_that_errors_name() {
        let via = "http://proxy.example:8080";
        for (variables, named) in [
            (&["HTTPS_PROXY"][..], "HTTPS_PROXY"),
            (&["HTTPS_PROXY", "https_proxy"], "https_proxy"),
            (&["ALL_PROXY"], "ALL_PROXY"),
            (&["ALL_PROXY", "all_proxy"], "all_proxy"),
            (&["HTTPS_PROXY", "all_proxy", "http_proxy"], "HTTPS_PROXY"),
        ] {
            let set: Vec<_> = variables.iter().map(|name| (*name, via)).collect();
            let proxies = proxies(&set);
            let setting = proxies.of(&azure()).expect("there is a proxy");
            assert_eq!(setting.variable, named);
        }
        let empty = proxies(&[("https_proxy", ""), ("ALL_PROXY", " ")]);
        assert!(empty.of(&azure()).is_none());
        let plain = proxies(&[("HTTP_PROXY", via)]);
        assert!(plain.of(&azure()).is_none());
        assert_eq!(plain.only_for_plain_http(), Some("HTTP_PROXY"));
    }

    #[test]
    fn an_address_is_understood_or_says_why_not() {
        for (value, says) in [
            ("http://proxy.example:8080", None),
            ("http://proxy.example", None),
            ("proxy.example:8080", None),
            ("HTTP://Proxy.Example:8080/", None),
            ("user:hunter2@proxy.example:8080", None),
            ("http://user:hunter%402@proxy.example:8080", None),
            ("http://user:hun@ter2@proxy.example:8080", None),
            ("http://DOMAIN%5Cuser:hunter2@proxy.example", None),
            ("http://[fd00::1]:8080", None),
            ("http://proxy.example:8080/?token", None),
            ("https://proxy.example:8443", None),
            ("socks5://proxy.example", None),
            ("socks5h://user:hunter2@127.0.0.1:1080", None),
            ("SOCKS5H://[::1]:1080", None),
            ("socks4a://proxy.example:1080", None),
            // Quotes around a variable's value are not part of it; one quote may be.
            ("\"http://user:hunter2@proxy.example:8080\"", None),
            ("'http://proxy.example:8080'", None),
            ("“http://proxy.example:8080”", None),
            ("\"http://user:hunter2@proxy.example:8080", Some("quotes")),
            (
                "socks://user:hunter2@proxy.example:1080",
                Some("which version"),
            ),
            (
                "socks6://user:hunter2@proxy.example",
                Some("of the kind 'socks6'"),
            ),
            (
                "ftp://user:hunter2@proxy.example",
                Some("of the kind 'ftp'"),
            ),
            ("http://user:hunter2@[bad", Some("ends it early")),
            (
                "http://user:hunter2#@proxy.example:8080",
                Some("ends it early"),
            ),
            (
                "http://user:99/hunter2@proxy.example:8080",
                Some("ends it early"),
            ),
            (
                "http://99#hunter2@proxy.example:8080",
                Some("ends it early"),
            ),
            ("http://user:hunter2", Some("not the address of a proxy")),
            ("http://", Some("not the address of a proxy")),
            ("socks5://", Some("no host")),
            ("socks5h://exa%20mple", Some("no host")),
            ("http://proxy.example:0", Some("0 is not a port")),
            ("http://proxy.example:99999", Some("not the address")),
            (
                "http://a.example:80,http://b.example:80",
                Some("not the address"),
            ),
            ("http://wpad.example/proxy.pac", Some("PAC")),
            ("http:/proxy.example:8080", Some("no `://`")),
            ("https//proxy.example:8080", Some("no `://`")),
        ] {
            let proxies = proxies(&[("ALL_PROXY", value)]);
            let setting = proxies.of(&azure()).expect("it is never ignored");
            match (setting.server(), says) {
                (Ok(_), None) => assert!(setting.address().is_some(), "{value}"),
                (Err(error), Some(says)) => {
                    assert!(error.to_string().contains(says), "{value}: {error}");
                    assert!(error.what().contains("ALL_PROXY"), "{value}: {error}");
                    assert!(error.fix().is_some(), "{value}: {error}");
                }
                (server, _) => panic!("{value}: {server:?}"),
            }
            let shown = format!("{proxies:?} {:?} {}", setting.server(), setting.name());
            let secrets = ["hun", "ter2", "token"];
            assert!(
                !secrets.iter().any(|one| shown.contains(one)),
                "{value}: {shown}"
            );
        }
    }

    #[test]
    fn a_proxy_has_its_usual_port_its_place_and_its_password_as_it_is_meant() {
        for (value, protocol, host, scheme, place) in [
            (
                "https://proxy.example",
                Protocol::Https,
                "proxy.example",
                "https",
                "proxy.example:443",
            ),
            (
                "proxy.example",
                Protocol::Http,
                "proxy.example",
                "http",
                "proxy.example:80",
            ),
            (
                "socks5://[fd00::1]",
                Protocol::Socks { version: 5 },
                "fd00::1",
                "socks5h",
                "[fd00::1]:1080",
            ),
            (
                "http://[fd00::1]:3128",
                Protocol::Http,
                "fd00::1",
                "http",
                "[fd00::1]:3128",
            ),
        ] {
            let proxies = proxies(&[("HTTPS_PROXY", value)]);
            let setting = proxies.of(&azure()).unwrap();
            let server = setting.server().unwrap();
            assert_eq!((server.protocol, &*server.host), (protocol, host));
            assert_eq!((setting.scheme(), &*setting.place()), (scheme, place));
            assert!(server.basic.is_none(), "{value}");
        }
        let proxies = proxies(&[("HTTPS_PROXY", "http://us%40r:hun%3Ater2@proxy.example")]);
        let server = proxies.of(&azure()).unwrap().server().unwrap();
        let basic = server.basic.as_ref().unwrap().expose_secret();
        let pair = STANDARD.decode(basic.strip_prefix("Basic ").unwrap());
        assert_eq!(pair.unwrap(), b"us@r:hun:ter2");
    }

    proptest! {
        /// The library that sends has its own parser, and ignores what that one rejects.
        #[test]
        fn what_is_accepted_is_never_ignored_by_the_library_that_sends(
            value in "(http|https|socks5h?|socks4a?|socks)?(://)?[ -~é%@:\\[\\]]{0,24}(:[0-9]{1,6})?/?"
        ) {
            let proxies = proxies(&[("HTTPS_PROXY", &value)]);
            if value.trim().is_empty() {
                return Ok(());
            }
            let setting = proxies.of(&azure()).expect("it is set");
            if setting.server().is_ok() {
                let matcher = hyper_util::client::proxy::matcher::Matcher::builder()
                    .all(String::from(setting.address().expect("it has an address")))
                    .build();
                let used = matcher.intercept(&"https://a.example/".parse().unwrap());
                prop_assert!(used.is_some(), "{value}");
            }
        }
    }

    #[test]
    fn this_machine_and_the_exceptions_are_reached_directly() {
        let proxies = proxies(&[
            ("ALL_PROXY", "http://proxy.example:8080"),
            ("NO_PROXY", "*.intranet.example, https://bad.example"),
        ]);
        for direct in [
            "http://127.0.0.1:8080",
            "http://[::1]",
            "http://localhost",
            "https://login.intranet.example",
        ] {
            let url = Url::parse(direct).unwrap();
            assert!(proxies.of(&url).is_none(), "{direct}");
        }
        assert!(proxies.of(&azure()).is_some());
        assert_eq!(
            proxies.notes(),
            [
                "the entry 'https://bad.example' of NO_PROXY matches no host: it is an address; \
                 write only the host, bad.example"
            ]
        );
    }
}
