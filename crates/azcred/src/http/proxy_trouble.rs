//! Says in plain words why a proxy made no connection.

use super::{
    examine::{Finding, Rejection, examine, schemes},
    proxy::{Protocol, Server, Setting, masked},
    trouble::{Target, Trouble, chain, of_io, unresolved, untrusted},
};
use crate::{
    facts::{ErrorKind, Fix},
    redact::redact,
    untrusted::printable,
};
use reqwest::header;
use rustls::ClientConfig;
use std::sync::Arc;

impl Setting {
    /// The fix for a proxy that can't be reached.
    fn start_or_correct(&self) -> Fix {
        let variable = self.variable;
        Fix::from(format!("start that proxy, or correct {variable}"))
            .or(Fix::UnsetVariable(variable.into()))
    }

    /// The fix for a proxy that requires a password.
    fn with_password(&self) -> Fix {
        let (variable, scheme, place) = (self.variable, self.scheme(), self.place());
        format!(
            "set {variable} to {scheme}://USER:PASSWORD@{place}, with special characters of the \
             password percent-encoded, such as %40 for @"
        )
        .into()
    }
}

fn wrong_password(setting: &Setting) -> Trouble {
    let (name, variable) = (setting.name(), setting.variable);
    Trouble::lasting(
        ErrorKind::Unreachable,
        format!("{name} rejected the user name or the password in {variable}"),
        format!(
            "correct them in {variable}; special characters are percent-encoded, such as %40 for @"
        ),
    )
}

/// What the proxy does, if a request got no connection and there is a proxy.
pub(super) async fn ask_proxy(
    error: &reqwest::Error,
    target: &Target<'_>,
    tls: &Arc<ClientConfig>,
) -> Option<Finding> {
    let server = target.proxy?.server().ok()?;
    if !error.is_connect() || error.is_timeout() {
        return None;
    }
    // A wrong password counts against an account, and may lock it. It is not sent again.
    let refused = chain(error).any(|inner| inner.to_string().contains("authorization required"));
    Some(examine(server, &target.authority, tls.clone(), !refused).await)
}

/// A proxy's own response to a request over plain HTTP, for which there is no tunnel.
pub(super) fn rejected(response: &reqwest::Response, target: &Target<'_>) -> Option<Trouble> {
    let setting = target.proxy?;
    if response.status() != 407 {
        return None;
    }
    let challenges = response.headers().get_all(header::PROXY_AUTHENTICATE);
    let challenges = challenges.iter().filter_map(|value| value.to_str().ok());
    let rejection = Rejection {
        status: 407,
        schemes: challenges.flat_map(schemes).collect(),
        location: None,
    };
    Some(rejects(setting, setting.server().ok()?, &rejection, target).of_proxy())
}

/// The trouble of a proxy; `None` if the proxy works.
pub(super) fn of_proxy(
    setting: &Setting,
    finding: &Finding,
    error: &reqwest::Error,
    target: &Target<'_>,
) -> Option<Trouble> {
    let (name, variable) = (setting.name(), setting.variable);
    let lasting = |why: String, fix: Fix| Some(Trouble::lasting(ErrorKind::Unreachable, why, fix));
    let server = setting.server().ok()?;
    match finding {
        Finding::Unresolved(system) => {
            let mut trouble = unresolved(&server.host, system, setting.start_or_correct());
            trouble.why = format!("{name} can't be reached: {}", trouble.why);
            Some(trouble)
        }
        Finding::Silent => Some(Trouble::passing(
            format!("{name} did not respond in time"),
            setting.start_or_correct(),
        )),
        Finding::Io(error) => Some(match of_io(error.kind()) {
            Some(why) => Trouble::passing(format!("{name} {why}"), setting.start_or_correct()),
            None => Trouble::passing(
                format!("{name} can't be reached: {error}"),
                setting.start_or_correct(),
            ),
        }),
        Finding::Tls(tls) => {
            if matches!(
                tls,
                rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)
            ) {
                return lasting(
                    format!("{name} does not speak TLS"),
                    format!("set {variable} to an address that begins with http://").into(),
                );
            }
            Some(untrusted(tls, &name, target))
        }
        Finding::SpeaksTls => lasting(
            format!("{name} speaks TLS"),
            format!("set {variable} to an address that begins with https://").into(),
        ),
        Finding::OtherProtocol => lasting(
            match server.protocol {
                Protocol::Socks { .. } => format!("{name} is not a SOCKS 5 proxy"),
                _ => format!("{name} is not an HTTP proxy"),
            },
            Fix::from(format!(
                "correct the port and the kind of proxy in {variable}: http://, https://, \
                 socks5h:// or socks4a://"
            )),
        ),
        Finding::WantsPassword => lasting(
            format!("{name} requires a user name and a password"),
            setting.with_password(),
        ),
        Finding::AcceptsNoPassword => lasting(
            format!("{name} does not accept sign-in by user name and password"),
            format!("leave the user name and the password out of {variable}").into(),
        ),
        Finding::Rejects(rejection) => Some(rejects(setting, server, rejection, target)),
        // SOCKS says the rest after the sign-in. The library has no type for that.
        Finding::Works if matches!(server.protocol, Protocol::Socks { .. }) => {
            let text = chain(error).map(ToString::to_string);
            let text = text.filter_map(|text| Some(text.strip_prefix("SOCKS error: ")?.to_owned()));
            let text = text.last()?;
            if text.contains("credentials not accepted") {
                return Some(wrong_password(setting));
            }
            if text.contains("io error")
                && server.basic.is_some()
                && server.protocol == (Protocol::Socks { version: 5 })
            {
                // It has chosen the sign-in by password before.
                let mut trouble = wrong_password(setting);
                trouble.why = format!(
                    "{name} closed the connection when it got the user name and the password in {variable}"
                );
                return Some(trouble);
            }
            if text.contains("failed parsing") || text.contains("io error") {
                return lasting(
                    format!("{name} does not speak SOCKS as this address says"),
                    format!(
                        "correct the port and the kind of proxy in {variable}: socks5h:// or \
                         socks4a:// for SOCKS, http:// for HTTP"
                    )
                    .into(),
                );
            }
            Some(Trouble::passing(
                format!("{name} made no connection to {}: {text}", target.host),
                Fix::from(format!(
                    "ask the proxy's administrator to allow {}",
                    target.authority
                ))
                .or(format!(
                    "write socks5h:// in {variable}, so that the proxy resolves the name"
                )),
            ))
        }
        Finding::Works => None,
    }
}

/// The trouble of an HTTP proxy that opens no tunnel.
fn rejects(
    setting: &Setting,
    server: &Server,
    rejection: &Rejection,
    target: &Target<'_>,
) -> Trouble {
    let (name, variable) = (setting.name(), setting.variable);
    let Rejection {
        status,
        schemes,
        location,
    } = rejection;
    let lasting = |why: String, fix: Fix| Trouble::lasting(ErrorKind::Unreachable, why, fix);
    match status {
        407 if !schemes.is_empty() && !schemes.contains(&"Basic") => lasting(
            format!(
                "{name} accepts sign-in by {} only, and azcred can't sign in to a proxy that way",
                schemes.join(" or ")
            ),
            Fix::from(format!(
                "start a local proxy that signs in to it, such as px or cntlm, and set {variable} \
                 to its address, such as http://127.0.0.1:3128"
            )),
        ),
        407 if server.basic.is_some() => wrong_password(setting),
        407 => lasting(
            format!("{name} requires a user name and a password"),
            setting.with_password(),
        ),
        300..=399 | 511 => lasting(
            format!(
                "{name} returned HTTP {status}{}, so the network wants a sign-in first",
                match location {
                    Some(location) => {
                        let secrets = server.secrets();
                        let secrets: Vec<&str> = secrets.iter().map(|one| one.as_str()).collect();
                        let location = masked(&redact(location, &secrets));
                        format!(" to {}", printable(&location, 120))
                    }
                    None => String::new(),
                }
            ),
            "sign in to the network in a browser".into(),
        ),
        400 | 404 | 405 | 501 => lasting(
            format!("{name} does not open connections for HTTPS (HTTP {status} on CONNECT)"),
            Fix::from(format!(
                "check that {variable} names a proxy, and not a web server; its port is often 8080 or 3128"
            ))
            .or(setting.start_or_correct()),
        ),
        408 | 429 | 500 | 502..=504 => Trouble::passing(
            format!("{name} could not reach {} (HTTP {status})", target.host),
            Fix::from(format!(
                "check that {} is right; if it is, ask the proxy's administrator",
                target.host
            ))
            .or("add the host to NO_PROXY, if it can be reached without the proxy"),
        ),
        _ => lasting(
            format!("{name} refused to connect to {} (HTTP {status})", target.host),
            Fix::from(format!(
                "ask the proxy's administrator to allow {}",
                target.authority
            ))
            .or("add the host to NO_PROXY, if it can be reached without the proxy"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{http::proxy::Proxies, system::Fixture};
    use url::Url;

    #[test]
    fn a_redirect_that_repeats_the_password_is_not_shown() {
        let machine =
            Fixture::new().with_var("HTTPS_PROXY", "http://ada:s3cret%40pass@proxy.example");
        let url = Url::parse("https://contoso.com/").unwrap();
        let proxies = Proxies::read(&machine);
        let target = Target::of(&url, &machine, &proxies);
        let setting = target.proxy.unwrap();
        let shown = |place: &str| {
            let rejection = Rejection {
                status: 302,
                location: Some(format!("http://portal.example/{place}")),
                ..Rejection::default()
            };
            rejects(setting, setting.server().unwrap(), &rejection, &target).why
        };
        assert!(shown("sign-in").contains("http://portal.example/sign-in"));
        // As it is, percent-encoded, in hexadecimal, and the pair in base64.
        for repeated in [
            "s3cret@pass",
            "s3cret%40pass",
            "%733cret@pass",
            "733363726574407061737",
            "YWRhOnMzY3JldEBwYXNz",
        ] {
            let why = shown(repeated);
            assert!(!why.contains(repeated) && !why.contains("@pass"), "{why}");
        }
    }
}
