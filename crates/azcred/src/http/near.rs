//! Plain HTTP to this machine, its link and its private networks: where hosts of managed identities
//! answer.
//!
//! A name (`host.docker.internal`, a service of Docker Compose) is judged by the addresses that it
//! resolves to, when a connection is made: all must be near, and the connection is made to these
//! addresses only. So a name can't resolve to one address for the check and to another for the
//! request.

use super::{Http, Way};
use crate::{
    facts::{Error, ErrorKind, Fix},
    system::{SharedSystem, System},
    untrusted::printable,
};
use futures_util::{FutureExt, future::BoxFuture};
use reqwest::dns::{Name, Resolve, Resolving};
use std::{
    error::Error as StdError,
    fmt, io,
    net::{IpAddr, SocketAddr},
};
use url::{Host, Url};

/// Host names and addresses, separated by commas, to which plain HTTP may be sent wherever they
/// are.
const TRUSTED: &str = "AZCRED_IDENTITY_HOSTS";

/// A client for a plain HTTP endpoint that the machine or its network provides, without a proxy.
/// `None` if the address is elsewhere.
pub(crate) fn client(url: &Url, system: &SharedSystem) -> Option<Http> {
    if is_trusted(url, &**system) {
        return Some(Http::direct(system.clone()));
    }
    let ip: IpAddr = match url.host()? {
        Host::Domain(_) => return Some(Http::by(Way::Near(Resolver(usual)), system.clone())),
        Host::Ipv4(ip) => ip.into(),
        Host::Ipv6(ip) => ip.into(),
    };
    is_near(ip).then(|| Http::direct(system.clone()))
}

/// Whether an address is on this machine, its link or a private network.
fn is_near(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local() || ip.is_private(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local() || ip.is_unique_local(),
    }
}

/// Whether the user allows the host of an address, wherever it is.
fn is_trusted(url: &Url, system: &dyn System) -> bool {
    let host = url.host_str().unwrap_or_default();
    let same = |one: &str| {
        let bare = |name: &str| {
            name.trim_matches(['[', ']'])
                .trim_end_matches('.')
                .to_ascii_lowercase()
        };
        !one.is_empty() && bare(one) == bare(host)
    };
    system
        .var(TRUSTED)
        .is_some_and(|list| list.split(',').map(str::trim).any(same))
}

/// The fix for an address that is not near.
pub(crate) fn trust(host: &str, variable: &str) -> Fix {
    let host = printable(host, 253);
    Fix::UnsetVariable(variable.to_owned().into())
        .when("this is not an Azure host")
        .or(Fix::set_to(TRUSTED, host).when("you trust the network up to that server"))
}

/// The error for a name that does not resolve to near addresses only, if `error` is of that kind.
/// `variable` names the address.
pub(crate) fn explained(error: Error, url: &Url, variable: &str) -> Error {
    let Some(far) = cause(error.source()) else {
        return error;
    };
    let host = url.host_str().unwrap_or_default();
    let why = format!(
        "the address {} of {}, which {variable} names, is not on this machine or its private network, and plain HTTP would expose the token",
        far.0,
        printable(host, 253)
    );
    Error::new(ErrorKind::Invalid, error.what().to_owned(), why).with_fix(trust(host, variable))
}

/// The address that is not near, among the causes of an error.
pub(super) fn cause<'a>(mut cause: Option<&'a (dyn StdError + 'static)>) -> Option<&'a NotNear> {
    while let Some(inner) = cause {
        if let Some(far) = inner.downcast_ref() {
            return Some(far);
        }
        cause = inner.source();
    }
    None
}

/// An address that a name resolves to, and that is not near.
#[derive(Debug)]
pub(super) struct NotNear(IpAddr);

impl fmt::Display for NotNear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the address {} is elsewhere", self.0)
    }
}

impl StdError for NotNear {}

/// Resolves a name to its addresses.
pub(super) type Lookup = fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

/// Resolves names, and fails unless all addresses are near.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolver(pub(super) Lookup);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        // With the dot, some resolvers do not read the machine's own list of hosts.
        let found = self.0(name.as_str().trim_end_matches('.').to_owned());
        async move {
            let found = found.await?;
            match found.iter().find(|address| !is_near(address.ip())) {
                Some(far) => Err(NotNear(far.ip()).into()),
                None => Ok(Box::new(found.into_iter()) as _),
            }
        }
        .boxed()
    }
}

/// By the system's resolver.
fn usual(name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
    // The connection is made to the port of the request.
    async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }.boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        http::{HttpRequest, Retry},
        system::Fixture,
    };
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    fn parsed(url: &str) -> Url {
        Url::parse(url).unwrap()
    }

    #[test]
    fn addresses_are_judged_at_once_and_others_only_with_permission() {
        let bare = Fixture::new().shared();
        let trusting = Fixture::new()
            .with_var(TRUSTED, " proxy.example , 8.8.8.8,2001:db8::1")
            .shared();
        for near in [
            "http://127.0.0.1:41000/",
            "http://[::1]:80/",
            "http://169.254.130.4:8081/msi/token",
            "http://10.0.0.4/",
            "http://172.16.3.4/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://localhost./",
            "http://identity/",
        ] {
            assert!(client(&parsed(near), &bare).is_some(), "{near}");
        }
        // A name is judged by its addresses, and an address needs no resolver.
        let way = |url: &str, system| client(&parsed(url), system).map(|http| http.0.way.clone());
        for (url, system, is_judged_later) in [
            ("http://identity/", &bare, true),
            ("http://127.0.0.1/", &bare, false),
            ("http://proxy.example/", &bare, true),
            ("http://proxy.example/", &trusting, false),
        ] {
            let is_near = matches!(way(url, system), Some(Way::Near(_)));
            assert_eq!(is_near, is_judged_later, "{url}");
        }
        for far in ["http://8.8.8.8/", "http://[2001:db8::1]/"] {
            assert!(client(&parsed(far), &bare).is_none(), "{far}");
            assert!(client(&parsed(far), &trusting).is_some(), "{far}");
        }
        for far in [
            "http://100.64.0.1/",
            "http://[::ffff:8.8.8.8]/",
            "http://1.1.1.1/",
        ] {
            assert!(client(&parsed(far), &bare).is_none(), "{far}");
            assert!(client(&parsed(far), &trusting).is_none(), "{far}");
        }
        assert!(is_trusted(&parsed("http://PROXY.example./x"), &*trusting));
        assert!(!is_trusted(
            &parsed("http://proxy.example.com/"),
            &*trusting
        ));
    }

    static LOOKUPS: AtomicUsize = AtomicUsize::new(0);

    /// The first answer is near, later ones are not: DNS rebinding.
    fn rebinding(_: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let far = LOOKUPS.fetch_add(1, Ordering::SeqCst) > 0;
        async move {
            let ip: IpAddr = match far {
                true => [8, 8, 8, 8].into(),
                false => [127, 0, 0, 1].into(),
            };
            Ok(vec![SocketAddr::new(ip, 0)])
        }
        .boxed()
    }

    fn mixed(name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        async move {
            assert_eq!(name, "identity");
            let near = SocketAddr::new([127, 0, 0, 1].into(), 0);
            Ok(vec![near, SocketAddr::new([8, 8, 8, 8].into(), 0)])
        }
        .boxed()
    }

    async fn send(lookup: Lookup, url: &Url) -> Result<u16, Error> {
        let http = Http::by(Way::Near(Resolver(lookup)), Fixture::new().shared());
        let request = HttpRequest::get(url.clone()).with_retry(Retry::USUAL);
        let sent = http.send("Asked", &request, Duration::from_secs(60)).await;
        sent.map(|response| response.status)
            .map_err(|error| explained(error, url, "IDENTITY_ENDPOINT"))
    }

    #[tokio::test]
    async fn a_name_is_reached_only_at_addresses_that_were_judged() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await;
            let answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        });
        // No resolver knows this name.
        let url = parsed(&format!("http://identity.invalid:{port}/msi"));
        assert_eq!(send(rebinding, &url).await.unwrap(), 204);
        assert_eq!(LOOKUPS.load(Ordering::SeqCst), 1);
        server.await.unwrap();
        let error = send(rebinding, &url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        // The failure is final.
        assert_eq!(LOOKUPS.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn one_address_elsewhere_is_an_error_that_names_the_permission() {
        let error = send(mixed, &parsed("http://identity.:8081/msi/token"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(
            error.why(),
            "the address 8.8.8.8 of identity., which IDENTITY_ENDPOINT names, is not on this machine or its private network, and plain HTTP would expose the token"
        );
        assert_eq!(
            error.fix().unwrap().to_string(),
            "if this is not an Azure host, unset IDENTITY_ENDPOINT; or if you trust the network up to that server, set AZCRED_IDENTITY_HOSTS=identity."
        );
    }
}
