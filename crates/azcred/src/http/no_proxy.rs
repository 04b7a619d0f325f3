//! The hosts that need no proxy, as `NO_PROXY` lists them.
//!
//! curl, Python's requests and Go read this list differently. azcred reads an entry as all of them
//! do where they agree, and otherwise as the one that knows the form. `docs/variables.md` has the
//! comparison.

use super::proxy::masked;
use crate::untrusted::printable;
use ipnet::IpNet;
use std::net::IpAddr;
use url::{Host, Url};

/// An entry of the list that can match no host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unusable {
    /// The entry, without a password.
    pub(super) entry: String,
    /// Why it matches nothing, and what to write instead.
    pub(super) why: String,
}

/// The hosts that are reached directly.
#[derive(Debug, Default)]
pub(super) struct Exceptions {
    rules: Vec<Rule>,
    pub(super) unusable: Vec<Unusable>,
}

#[derive(Debug)]
struct Rule {
    hosts: Hosts,
    /// The only port that the rule is for.
    port: Option<u16>,
}

#[derive(Debug)]
enum Hosts {
    All,
    /// A domain and everything below it, in lower case.
    Domain(String),
    /// Everything below a domain.
    Below(String),
    Network(IpNet),
}

impl Exceptions {
    /// Reads a list. Commas and white space separate its entries.
    pub(super) fn read(list: &str) -> Self {
        let mut exceptions = Self::default();
        for entry in list.split(|c: char| c == ',' || c.is_whitespace()) {
            if entry.is_empty() {
                continue;
            }
            match rule(entry) {
                Ok(rule) => exceptions.rules.push(rule),
                Err(why) => exceptions.unusable.push(Unusable {
                    entry: masked(entry),
                    why,
                }),
            }
        }
        exceptions
    }

    /// Whether this address is reached directly.
    pub(super) fn cover(&self, url: &Url) -> bool {
        let Some(host) = url.host() else {
            return false;
        };
        let port = url.port_or_known_default();
        self.rules.iter().any(|rule| {
            rule.port.is_none_or(|only| Some(only) == port) && rule.hosts.contain(&host)
        })
    }
}

impl Hosts {
    fn contain(&self, host: &Host<&str>) -> bool {
        let address = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(*address)),
            Host::Ipv6(address) => Some(IpAddr::V6(*address).to_canonical()),
        };
        match (self, host) {
            (Self::All, _) => true,
            (Self::Domain(domain), Host::Domain(host)) => {
                host.trim_end_matches('.') == domain || is_below(host, domain)
            }
            (Self::Below(domain), Host::Domain(host)) => is_below(host, domain),
            (Self::Network(network), _) => {
                address.is_some_and(|address| network.contains(&address))
            }
            (Self::Domain(_) | Self::Below(_), _) => false,
        }
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    let host = host.trim_end_matches('.');
    host.strip_suffix(domain)
        .is_some_and(|before| before.ends_with('.'))
}

fn rule(entry: &str) -> Result<Rule, String> {
    if entry == "*" {
        return Ok(Rule {
            hosts: Hosts::All,
            port: None,
        });
    }
    if entry.contains(['"', '\'', '`', '‘', '’', '“', '”']) {
        return Err("it has a quote; write the list without quotes".to_owned());
    }
    if let Some((_, rest)) = entry.split_once("://") {
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        return Err(format!(
            "it is an address; write only the host, {}",
            printable(host, 80)
        ));
    }
    if entry.contains('/') {
        let network = unbracketed(entry)
            .parse()
            .map_err(|_| "it is neither a host nor a network such as 10.0.0.0/8".to_owned())?;
        return Ok(Rule {
            hosts: Hosts::Network(network),
            port: None,
        });
    }
    let (name, port) = with_port(entry)?;
    let hosts = match unbracketed(name).parse::<IpAddr>() {
        Ok(address) => Hosts::Network(address.to_canonical().into()),
        Err(_) => domains(name)?,
    };
    Ok(Rule { hosts, port })
}

/// An entry's host and its port. An IPv6 address with a port has brackets.
fn with_port(entry: &str) -> Result<(&str, Option<u16>), String> {
    let Some((host, port)) = entry.rsplit_once(':') else {
        return Ok((entry, None));
    };
    // The colon is part of an IPv6 address.
    if host.contains(':') && !host.ends_with(']') {
        return Ok((entry, None));
    }
    match port.parse() {
        Ok(port) => Ok((host, Some(port))),
        Err(_) => Err(format!("{} is not a port", printable(port, 16))),
    }
}

fn unbracketed(text: &str) -> String {
    text.replace(['[', ']'], "")
}

/// The domain of an entry. A `.` before or behind it does not count.
fn domains(name: &str) -> Result<Hosts, String> {
    let part_of_address = |c: char| c.is_ascii_digit() || matches!(c, '.' | '*');
    if name.chars().all(part_of_address) {
        return Err("it is a part of an address; write a network such as 10.0.0.0/8".to_owned());
    }
    let (name, of): (_, fn(String) -> Hosts) = match name.strip_prefix("*.") {
        Some(below) => (below, Hosts::Below),
        None => (name, Hosts::Domain),
    };
    let name = name.trim_matches('.');
    if name.contains('*') {
        return Err(
            "`*` counts only alone or before the first dot, as in *.example.com".to_owned(),
        );
    }
    let is_in_names = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match Host::parse(name) {
        Ok(Host::Domain(domain)) if domain.chars().all(is_in_names) => Ok(of(domain)),
        _ => Err("it is not the name of a host".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a list excepts an address.
    fn covers(list: &str, url: &str) -> bool {
        Exceptions::read(list).cover(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_list_is_read_as_curl_requests_and_go_read_it_where_they_agree() {
        let table = include_str!("../../tests/fixtures/no_proxy.tsv");
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            let cells: Vec<&str> = line.split('\t').collect();
            let [list, url, curl, requests, go, azcred] = cells[..] else {
                panic!("{line}");
            };
            if curl == requests && requests == go && go != "unknown" {
                assert_eq!(azcred, curl, "{line}");
            }
            assert_eq!(covers(list, url), azcred == "direct", "{line}");
        }
    }

    #[test]
    fn another_form_of_a_host_is_the_same_host() {
        assert!(covers("a.example", "https://b.a.example."));
        assert!(covers("*.a.example", "https://b.a.example."));
        assert!(covers("10.0.0.0/8", "https://[::ffff:10.1.2.3]"));
        assert!(covers("::ffff:10.1.2.3", "https://10.1.2.3"));
    }

    #[test]
    fn an_entry_that_can_match_no_host_is_named_with_what_to_write() {
        for (entry, says) in [
            ("https://a.example", "write only the host, a.example"),
            (
                "https://u:secret@a.example:80/x",
                "write only the host, a.example:80",
            ),
            ("a.example/path", "neither a host nor a network"),
            ("10.0.0.0/33", "neither a host nor a network"),
            ("\"a.example", "without quotes"),
            ("’a.example’", "without quotes"),
            ("10.", "a part of an address"),
            ("192.168.*", "a part of an address"),
            ("*a.example", "before the first dot"),
            ("login.*.example", "before the first dot"),
            ("a.example:https", "https is not a port"),
            ("a.example:99999", "99999 is not a port"),
            ("a.example;b.example", "not the name of a host"),
            ("<local>", "not the name of a host"),
            (".", "a part of an address"),
            ("%", "not the name of a host"),
        ] {
            let list = format!("good.example,{entry}");
            let exceptions = Exceptions::read(&list);
            let [unusable] = &exceptions.unusable[..] else {
                panic!("{entry}: {exceptions:?}");
            };
            assert!(unusable.why.contains(says), "{entry}: {unusable:?}");
            assert!(!format!("{unusable:?}").contains("secret"), "{unusable:?}");
            let good = Url::parse("https://good.example").unwrap();
            assert!(exceptions.cover(&good), "{entry}");
        }
    }
}
