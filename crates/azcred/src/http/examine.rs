//! Finds out why a proxy made no connection.
//!
//! The HTTP library keeps neither the status nor the headers of a proxy's response, and of SOCKS
//! not even why the proxy was not reached. So after a failure azcred connects to the proxy once
//! more and reads them.

use super::proxy::{Protocol, Server};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use secrecy::ExposeSecret as _;
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

/// How long finding out may take.
const LIMIT: Duration = Duration::from_secs(4);
/// The most bytes of a response's head.
const HEAD: usize = 16 << 10;
/// The ways to sign in to a proxy that have a name (RFC 9110 section 16.4.1).
const SCHEMES: [&str; 6] = ["Basic", "Digest", "NTLM", "Negotiate", "Kerberos", "Bearer"];

/// What a proxy does.
#[derive(Debug)]
pub(super) enum Finding {
    /// Its name can't be resolved. The text is the system's.
    Unresolved(String),
    /// There is no connection to it, or it ended early.
    Io(io::Error),
    /// It does not respond.
    Silent,
    /// There is no TLS with it, though its address begins with `https://`.
    Tls(rustls::Error),
    /// It rejects the tunnel.
    Rejects(Rejection),
    /// It speaks TLS, though its address does not begin with `https://`.
    SpeaksTls,
    /// It does not speak its protocol.
    OtherProtocol,
    /// A SOCKS proxy requires a user name and a password.
    WantsPassword,
    /// A SOCKS proxy accepts no user name and password, and no connection without.
    AcceptsNoPassword,
    /// It works, as far as can be seen.
    Works,
}

/// The response of an HTTP proxy that opens no tunnel.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rejection {
    pub(super) status: u16,
    /// How a client can sign in, by the names of RFC 9110.
    pub(super) schemes: Vec<&'static str>,
    /// Where it sends its clients instead.
    pub(super) location: Option<String>,
}

/// Asks `server` for a tunnel to `authority`, a host and its port.
pub(super) async fn examine(
    server: &Server,
    authority: &str,
    tls: Arc<ClientConfig>,
    with_password: bool,
) -> Finding {
    timeout(LIMIT, examined(server, authority, tls, with_password))
        .await
        .unwrap_or(Finding::Silent)
}

async fn examined(
    server: &Server,
    authority: &str,
    tls: Arc<ClientConfig>,
    with_password: bool,
) -> Finding {
    let addresses = match lookup_host((server.host.as_str(), server.port)).await {
        Ok(addresses) => addresses.collect::<Vec<_>>(),
        Err(error) => return Finding::Unresolved(error.to_string()),
    };
    let stream = match TcpStream::connect(&addresses[..]).await {
        Ok(stream) => stream,
        Err(error) => return Finding::Io(error),
    };
    match server.protocol {
        Protocol::Socks { version: 5 } => {
            let method = if server.basic.is_some() {
                PASSWORD
            } else {
                NONE
            };
            match socks5(stream, method).await {
                // Some proxies that require a password close the connection without a word.
                Finding::Io(error) if method == NONE => {
                    let again = TcpStream::connect(&addresses[..]).await;
                    match again {
                        Ok(stream) => match socks5(stream, PASSWORD).await {
                            Finding::Works => Finding::WantsPassword,
                            _ => Finding::Io(error),
                        },
                        Err(_) => Finding::Io(error),
                    }
                }
                finding => finding,
            }
        }
        Protocol::Socks { .. } => Finding::Works,
        Protocol::Http => tunnel(stream, server, authority, with_password).await,
        Protocol::Https => {
            let Ok(name) = ServerName::try_from(server.host.clone()) else {
                return Finding::Tls(rustls::Error::UnsupportedNameType);
            };
            match TlsConnector::from(tls).connect(name, stream).await {
                Ok(stream) => tunnel(stream, server, authority, with_password).await,
                Err(error) => match super::trouble::tls_error(&error) {
                    Some(error) => Finding::Tls(error.clone()),
                    None => Finding::Io(error),
                },
            }
        }
    }
}

pub(super) async fn tunnel(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    server: &Server,
    authority: &str,
    with_password: bool,
) -> Finding {
    let password = server.basic.as_ref().filter(|_| with_password);
    let password = Zeroizing::new(match password {
        Some(basic) => format!("Proxy-Authorization: {}\r\n", basic.expose_secret()),
        None => String::new(),
    });
    let request = Zeroizing::new(format!(
        "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{}\r\n",
        *password
    ));
    if let Err(error) = stream.write_all(request.as_bytes()).await {
        return Finding::Io(error);
    }
    let mut head = Vec::new();
    loop {
        match stream.read_buf(&mut head).await {
            Ok(0) if head.is_empty() => {
                return Finding::Io(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if head.is_empty() => return Finding::Io(error),
            Err(_) => break,
        }
        let is_whole = head.windows(4).any(|four| four == b"\r\n\r\n");
        if is_whole || head.len() > HEAD || !b"HTTP/".starts_with(&head[..head.len().min(5)]) {
            break;
        }
    }
    read_head(&head)
}

/// What the head of a response to CONNECT says.
fn read_head(head: &[u8]) -> Finding {
    // A TLS alert or handshake record (RFC 8446 section 5.1).
    if matches!(head, [0x15 | 0x16, 3, ..]) {
        return Finding::SpeaksTls;
    }
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| {
        let rest = line.strip_prefix("HTTP/1.")?;
        rest.split_whitespace().nth(1)?.parse().ok()
    });
    let Some(status) = status else {
        return Finding::OtherProtocol;
    };
    if (200..300).contains(&status) {
        return Finding::Works;
    }
    let mut rejection = Rejection {
        status,
        ..Rejection::default()
    };
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("proxy-authenticate") {
            rejection.schemes.extend(schemes(value));
        } else if name.eq_ignore_ascii_case("location") {
            rejection.location = Some(value.trim().to_owned());
        }
    }
    // A plain request to a port for TLS: nginx and others say so in the body of a 400.
    if status == 400 && head.contains("HTTPS port") {
        return Finding::SpeaksTls;
    }
    Finding::Rejects(rejection)
}

/// The ways to sign in of a header `Proxy-Authenticate`. It may have several challenges, and a
/// challenge may have commas.
pub(super) fn schemes(header: &str) -> impl Iterator<Item = &'static str> {
    let words = header
        .split(',')
        .filter_map(|part| part.split_whitespace().next());
    words.filter_map(|word| {
        let known = SCHEMES.into_iter();
        known
            .into_iter()
            .find(|scheme| scheme.eq_ignore_ascii_case(word))
    })
}

/// The ways to sign in to a SOCKS 5 proxy (RFC 1928 section 3).
pub(super) const NONE: u8 = 0;
pub(super) const PASSWORD: u8 = 2;

/// Offers a SOCKS 5 proxy one way to sign in, as the HTTP library does. No password is sent.
pub(super) async fn socks5(mut stream: impl AsyncRead + AsyncWrite + Unpin, method: u8) -> Finding {
    if let Err(error) = stream.write_all(&[5, 1, method]).await {
        return Finding::Io(error);
    }
    let mut choice = [0; 2];
    match stream.read_exact(&mut choice).await {
        Err(error) => Finding::Io(error),
        Ok(_) => match choice {
            // Some proxies choose a method that was not offered.
            [5, chosen] if chosen == method => Finding::Works,
            [5, _] if method == PASSWORD => Finding::AcceptsNoPassword,
            [5, _] => Finding::WantsPassword,
            _ => Finding::OtherProtocol,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{http::proxy::Proxies, system::Fixture};

    /// What is found at a proxy that sends this and then waits.
    async fn found_at(sent: Vec<u8>) -> Finding {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let proxies = Proxies::read(&Fixture::new().with_var("ALL_PROXY", &address));
        let setting = proxies.of(&"https://a.example".parse().unwrap());
        let server = setting.unwrap().server().unwrap();
        let config = ClientConfig::builder_with_provider(crate::http::client::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let serve = async {
            let (mut client, _) = listener.accept().await.unwrap();
            let _ = client.write_all(&sent).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            finding = examine(server, "a.example:443", Arc::new(config), true) => finding,
            () = serve => unreachable!(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_proxy_that_says_nothing_is_silent() {
        assert!(matches!(found_at(Vec::new()).await, Finding::Silent));
    }

    #[tokio::test]
    async fn a_response_without_an_end_is_not_read_to_its_end() {
        let head = [b"HTTP/1.1 403 No\r\nX: ".to_vec(), vec![b'y'; 2 * HEAD]].concat();
        let Finding::Rejects(rejection) = found_at(head).await else {
            panic!("it is rejected");
        };
        assert_eq!(rejection.status, 403);
    }

    #[test]
    fn the_ways_to_sign_in_are_read_from_all_challenges() {
        let head = b"HTTP/1.1 407 Proxy Authentication Required\r\n\
            Proxy-Authenticate: Negotiate\r\n\
            proxy-authenticate: ntlm, Basic realm=\"a, Digest b\", charset=\"UTF-8\"\r\n\
            Location:  http://portal.example/ \r\n\r\n";
        let Finding::Rejects(rejection) = read_head(head) else {
            panic!("it is rejected");
        };
        assert_eq!(rejection.status, 407);
        assert_eq!(rejection.schemes[..2], ["Negotiate", "NTLM"]);
        assert!(rejection.schemes.contains(&"Basic"));
        assert_eq!(
            rejection.location.as_deref(),
            Some("http://portal.example/")
        );
    }

    #[test]
    fn a_head_of_another_protocol_is_told_apart() {
        assert!(matches!(
            read_head(b"\x15\x03\x01\0\x02"),
            Finding::SpeaksTls
        ));
        assert!(matches!(
            read_head(b"SSH-2.0-x\r\n"),
            Finding::OtherProtocol
        ));
        assert!(matches!(read_head(b""), Finding::OtherProtocol));
        assert!(matches!(
            read_head(b"HTTP/1.0 200 ok\r\n\r\n"),
            Finding::Works
        ));
        let nginx = b"HTTP/1.1 400 Bad Request\r\n\r\n<center>The plain HTTP request was sent to HTTPS port</center>";
        assert!(matches!(read_head(nginx), Finding::SpeaksTls));
    }
}
