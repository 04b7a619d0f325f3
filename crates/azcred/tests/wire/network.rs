//! Other people's networks: proxies of every kind, and what they answer.

use crate::{
    authority::{AMPLE, ask_at},
    support::{Answer, Server, http, tls, token},
};
use azcred::{
    Error, ErrorKind,
    http::{Http, HttpRequest, Url},
    system::Fixture,
};
use futures_util::future::join_all;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// The error of a request to Entra ID on a machine with these variables.
async fn error_with(variables: &[(&str, &str)]) -> Error {
    let system = variables
        .iter()
        .fold(Fixture::new(), |system, (name, value)| {
            system.with_var(name, value)
        });
    ask_at("https://login.microsoftonline.invalid", system, AMPLE)
        .await
        .unwrap_err()
}

/// The error's text, which must not have a password.
fn shown(error: &Error) -> String {
    let shown = format!("{error} {error:?} {:?}", error.fix());
    assert!(!shown.contains("hunter2"), "a password is in {shown}");
    shown
}

#[tokio::test]
async fn a_proxy_that_is_not_understood_is_an_error_and_nothing_is_sent() {
    // The address is of plain HTTP, so that a request that goes out directly would be seen.
    let server = Server::answering(|_| token()).await;
    for value in [
        "\"http://user:hunter2@127.0.0.1:9",
        "http://127.0.0.1:9'",
        "socks://user:hunter2@127.0.0.1:9",
        "socks6://127.0.0.1:9",
        "ftp://127.0.0.1:9",
        "http://user:hunter2#1@127.0.0.1:9",
        "http:/127.0.0.1:9",
    ] {
        for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            // A name for this machine that is not `localhost`, which never has a proxy.
            let at = format!("http://0.0.0.0:{}/", server.address.port());
            let system = Fixture::new().with_var(variable, value);
            let error = Http::new(system.shared())
                .send("Asked", &HttpRequest::get(Url::parse(&at).unwrap()), AMPLE)
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{value}: {error}");
            assert!(shown(&error).contains(variable), "{value}: {error}");
        }
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn an_error_of_a_proxy_names_it_and_the_variable_that_was_used() {
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let refused = format!("http://user:hunter2@{gone}");
    let unknown = "http://user:hunter2@no-such-proxy.invalid:8080";
    let mut cases = Vec::new();
    for (variable, other) in [
        ("HTTPS_PROXY", None),
        ("https_proxy", Some("HTTPS_PROXY")),
        ("ALL_PROXY", None),
        ("all_proxy", Some("HTTP_PROXY")),
    ] {
        for (value, says) in [
            (refused.as_str(), "refused the connection"),
            (unknown, "no-such-proxy.invalid can't be resolved"),
        ] {
            let mut variables = vec![(variable, value)];
            if let Some(other) = other {
                variables.push((other, "http://other.invalid:1"));
            }
            let place = value.rsplit_once('@').unwrap().1;
            let named = format!("the proxy http://***@{place} ({variable})");
            cases.push(async move {
                let error = error_with(&variables).await;
                assert!(error.why().starts_with(&named), "{error}");
                assert!(error.why().contains(says), "{error}");
                let fix = error.fix().unwrap().to_string();
                assert!(fix.contains(variable), "{error}");
                shown(&error);
            });
        }
    }
    let socks = ["socks5", "socks5h", "socks4a"].map(async |scheme| {
        let error = error_with(&[("ALL_PROXY", &format!("{scheme}://{gone}"))]).await;
        let says = format!("the proxy {scheme}://{gone} (ALL_PROXY) refused the connection");
        assert!(error.why().starts_with(&says), "{error}");
    });
    // Each of them is tried again.
    tokio::join!(join_all(cases), join_all(socks));
}

/// An HTTP proxy that answers every CONNECT with this.
async fn error_of_proxy(answer: Answer, user: &str) -> (Error, Vec<String>) {
    let proxy = Server::start([answer]).await;
    let value = format!("http://{user}{}", proxy.address);
    let error = error_with(&[("HTTPS_PROXY", &value)]).await;
    shown(&error);
    assert!(error.why().contains("(HTTPS_PROXY)"), "{error}");
    (error, proxy.seen())
}

#[tokio::test]
async fn each_answer_of_a_proxy_has_its_own_cause_and_fix() {
    const WITH: &str = "user:hunter2@";
    const WITHOUT: &str = "";
    let cases = [
        (
            "407 Proxy Authentication Required",
            "Proxy-Authenticate: NTLM",
            WITH,
            "accepts sign-in by NTLM only",
            "px or cntlm",
        ),
        (
            "407 Proxy Authentication Required",
            "Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM",
            WITHOUT,
            "accepts sign-in by Negotiate or NTLM only",
            "http://127.0.0.1:3128",
        ),
        (
            "407 Proxy Authentication Required",
            "Proxy-Authenticate: Digest realm=\"a\"",
            WITH,
            "accepts sign-in by Digest only",
            "px or cntlm",
        ),
        (
            "407 Proxy Authentication Required",
            "Proxy-Authenticate: NTLM, Basic realm=\"a\"",
            WITH,
            "rejected the user name or the password in HTTPS_PROXY",
            "percent-encoded",
        ),
        (
            "407 Proxy Authentication Required",
            "Proxy-Authenticate: Basic realm=\"a\"",
            WITHOUT,
            "requires a user name and a password",
            "set HTTPS_PROXY to http://USER:PASSWORD@127.0.0.1:",
        ),
        (
            "407 Proxy Authentication Required",
            "X: y",
            WITHOUT,
            "requires a user name and a password",
            "percent-encoded",
        ),
        (
            "403 Forbidden",
            "X: y",
            WITH,
            "refused to connect to login.microsoftonline.invalid (HTTP 403)",
            "ask the proxy's administrator to allow login.microsoftonline.invalid:443",
        ),
        (
            "503 Service Unavailable",
            "X: y",
            WITHOUT,
            "could not reach login.microsoftonline.invalid (HTTP 503)",
            "check that login.microsoftonline.invalid is right",
        ),
        (
            "405 Method Not Allowed",
            "X: y",
            WITHOUT,
            "does not open connections for HTTPS",
            "names a proxy, and not a web server",
        ),
        (
            "302 Found",
            "Location: http://portal.example/?token=hunter2",
            WITHOUT,
            "to http://portal.example/, so the network wants a sign-in first",
            "sign in to the network",
        ),
        (
            "511 Network Authentication Required",
            "X: y",
            WITHOUT,
            "the network wants a sign-in first",
            "sign in to the network",
        ),
    ];
    // Some of them are tried again.
    join_all(cases.map(async |(status, header, user, says, fix)| {
        let (error, seen) = error_of_proxy(http(status, &[header], ""), user).await;
        assert!(error.why().contains(says), "{header}: {error}");
        let text = error.fix().unwrap().to_string();
        assert!(text.contains(fix), "{header}: {error}");
        if status.starts_with("407") {
            // A password that is refused may lock an account, so it is sent once.
            let sent = seen.iter().filter(|request| {
                let request = request.to_ascii_lowercase();
                request.contains("proxy-authorization: basic dxnlcjpodw50zxiy")
            });
            assert_eq!(sent.count(), usize::from(user == WITH), "{seen:?}");
        }
    }))
    .await;
    for (bytes, says) in [
        (&b"SSH-2.0-OpenSSH_9.6\r\n"[..], "is not an HTTP proxy"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "speaks TLS"),
        (b"", "closed the connection"),
    ] {
        let (error, _) = error_of_proxy(Answer::Bytes(bytes.to_vec()), WITH).await;
        assert!(error.why().contains(says), "{error}");
    }
}

/// Over plain HTTP there is no tunnel, and the proxy's response is in place of the server's.
#[tokio::test]
async fn a_proxy_that_wants_a_password_is_told_from_the_server_over_plain_http() {
    let status = "407 Proxy Authentication Required";
    let header = "Proxy-Authenticate: Basic realm=\"a\"";
    for (user, says) in [
        ("", "requires a user name and a password"),
        ("user:hunter2@", "rejected the user name or the password"),
    ] {
        let proxy = Server::start([http(status, &[header], "")]).await;
        let value = format!("http://{user}{}", proxy.address);
        let system = Fixture::new().with_var("HTTP_PROXY", &value);
        let url = Url::parse("http://azure.invalid/").unwrap();
        let error = Http::new(system.shared())
            .send("Asked", &HttpRequest::get(url), AMPLE)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
        assert!(shown(&error).contains(says), "{error}");
        assert!(error.why().contains("(HTTP_PROXY)"), "{error}");
    }
}

/// A web server that answers whatever comes first, and its address.
async fn web_server() -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut bytes = [0; 4096];
            let _ = client.read(&mut bytes).await;
            let _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    (address, tasks)
}

#[tokio::test]
async fn a_proxy_over_tls_and_a_plain_one_are_told_apart() {
    let (_, config) = tls(|_| ());
    let proxy = Server::start_tls([http("403 Forbidden", &[], "")], config).await;
    let (plain, _tasks) = web_server().await;
    for (value, says, fix) in [
        (
            format!("https://localhost:{}", proxy.address.port()),
            "can't be trusted",
            "SSL_CERT_FILE",
        ),
        (
            format!("https://localhost:{}", plain.port()),
            "does not speak TLS",
            "begins with http://",
        ),
    ] {
        let error = error_with(&[("HTTPS_PROXY", &value)]).await;
        let named = format!("the proxy {value} (HTTPS_PROXY)");
        assert!(error.why().contains(&named), "{error}");
        assert!(error.why().contains(says), "{error}");
        assert!(error.fix().unwrap().to_string().contains(fix), "{error}");
    }
    let (root, config) = tls(|_| ());
    let proxy = Server::start_tls([http("403 Forbidden", &[], "")], config).await;
    let value = format!("https://localhost:{}", proxy.address.port());
    let error = error_with(&[("HTTPS_PROXY", &value)]).await;
    assert!(error.why().contains("can't be trusted"), "{error}");
    let system = Fixture::new()
        .with_var("HTTPS_PROXY", &value)
        .with_var("SSL_CERT_FILE", "/ca.pem")
        .with_file("/ca.pem", root);
    let error = ask_at("https://login.microsoftonline.invalid", system, AMPLE)
        .await
        .unwrap_err();
    assert!(
        error
            .why()
            .contains("refused to connect to login.microsoftonline.invalid (HTTP 403)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_proxy_for_plain_http_only_is_named_where_the_network_is_closed() {
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let error = error_with(&[("http_proxy", &format!("http://{gone}"))]).await;
    assert!(error.why().contains("can't be resolved"), "{error}");
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .starts_with("set HTTPS_PROXY to the value of http_proxy"),
        "{error}"
    );
}

/// How a SOCKS 5 proxy treats its clients.
#[derive(Clone, Copy)]
struct Socks {
    /// The one way to sign in that it accepts.
    method: u8,
    /// Whether it chooses that way also if the client did not offer it.
    insists: bool,
    /// Whether it closes the connection in place of a refusal.
    is_mute: bool,
    accepts_password: bool,
    /// Its answer to the request for a connection.
    reply: u8,
}

/// A SOCKS 5 proxy (RFC 1928, RFC 1929) that connects every client to `server`.
async fn socks(how: Socks, server: SocketAddr) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut clients = JoinSet::new();
        while let Ok((client, _)) = listener.accept().await {
            clients.spawn(async move {
                let _ = serve_socks(client, how, server).await;
            });
        }
    });
    (address, tasks)
}

async fn serve_socks(mut client: TcpStream, how: Socks, server: SocketAddr) -> std::io::Result<()> {
    async fn take(client: &mut TcpStream, count: usize) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        client.read_exact(&mut bytes).await?;
        Ok(bytes)
    }
    let head = take(&mut client, 2).await?;
    let offered = take(&mut client, head[1].into()).await?;
    if !offered.contains(&how.method) && !how.insists {
        if how.is_mute {
            return Ok(());
        }
        return client.write_all(&[5, 0xff]).await;
    }
    client.write_all(&[5, how.method]).await?;
    if how.method == 2 {
        let head = take(&mut client, 2).await?;
        let user = take(&mut client, head[1].into()).await?;
        let length = take(&mut client, 1).await?[0];
        let password = take(&mut client, length.into()).await?;
        let is_right = how.accepts_password && user == b"us@r" && password == b"hunter2";
        if is_right || !how.is_mute {
            client.write_all(&[1, u8::from(!is_right)]).await?;
        }
        if !is_right {
            return Ok(());
        }
    }
    let request = take(&mut client, 4).await?;
    match request[3] {
        1 => take(&mut client, 4 + 2).await?,
        3 => {
            let length = take(&mut client, 1).await?[0];
            take(&mut client, usize::from(length) + 2).await?
        }
        _ => take(&mut client, 16 + 2).await?,
    };
    client
        .write_all(&[5, how.reply, 0, 1, 0, 0, 0, 0, 0, 0])
        .await?;
    if how.reply == 0 {
        let mut server = TcpStream::connect(server).await?;
        copy_bidirectional(&mut client, &mut server).await?;
    }
    Ok(())
}

#[tokio::test]
async fn socks_5_works_with_and_without_a_password() {
    let (root, config) = tls(|leaf| {
        leaf.subject_alt_names = vec![rcgen::SanType::DnsName(
            "login.microsoftonline.invalid".try_into().unwrap(),
        )];
    });
    let server = Server::start_tls([token()], config).await;
    for (method, user) in [(0, ""), (2, "us%40r:hunter2@")] {
        let how = Socks {
            method,
            insists: false,
            is_mute: false,
            accepts_password: true,
            reply: 0,
        };
        let (proxy, _tasks) = socks(how, server.address).await;
        for variable in ["HTTPS_PROXY", "all_proxy"] {
            // The name exists only behind the proxy, which therefore resolves it.
            let system = Fixture::new()
                .with_var(variable, &format!("socks5h://{user}{proxy}"))
                .with_var("SSL_CERT_FILE", "/ca.pem")
                .with_file("/ca.pem", root.clone());
            let answer = ask_at("https://login.microsoftonline.invalid", system, AMPLE).await;
            assert_eq!(answer.unwrap(), "the-token");
        }
    }
}

#[tokio::test]
async fn socks_4a_works() {
    let (root, config) = tls(|leaf| {
        leaf.subject_alt_names = vec![rcgen::SanType::DnsName(
            "login.microsoftonline.invalid".try_into().unwrap(),
        )];
    });
    let server = Server::start_tls([token()], config).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    let serve = async {
        let (mut client, _) = listener.accept().await.unwrap();
        // SOCKS 4A: an address that is not valid, an empty user, and the name.
        let mut head = [0; 9];
        client.read_exact(&mut head).await.unwrap();
        assert_eq!(head, [4, 1, 1, 187, 0, 0, 0, 255, 0]);
        let mut name = vec![0; "login.microsoftonline.invalid".len() + 1];
        client.read_exact(&mut name).await.unwrap();
        assert_eq!(name, b"login.microsoftonline.invalid\0");
        client
            .write_all(&[0, 0x5a, 0, 0, 0, 0, 0, 0])
            .await
            .unwrap();
        let mut server = TcpStream::connect(server.address).await.unwrap();
        let _ = copy_bidirectional(&mut client, &mut server).await;
        std::future::pending::<()>().await;
    };
    let system = Fixture::new()
        .with_var("HTTPS_PROXY", &format!("socks4a://{proxy}"))
        .with_var("SSL_CERT_FILE", "/ca.pem")
        .with_file("/ca.pem", root);
    let answer = tokio::select! {
        answer = ask_at("https://login.microsoftonline.invalid", system, AMPLE) => answer,
        () = serve => unreachable!(),
    };
    assert_eq!(answer.unwrap(), "the-token");
}

#[tokio::test]
async fn each_refusal_of_a_socks_proxy_has_its_own_cause() {
    let usual = Socks {
        method: 0,
        insists: false,
        is_mute: false,
        accepts_password: false,
        reply: 0,
    };
    let cases = [
        (
            Socks { method: 2, ..usual },
            "",
            "requires a user name and a password",
        ),
        (
            Socks {
                method: 2,
                insists: true,
                ..usual
            },
            "",
            "requires a user name and a password",
        ),
        (
            Socks {
                method: 2,
                is_mute: true,
                ..usual
            },
            "",
            "requires a user name and a password",
        ),
        (
            Socks {
                method: 2,
                is_mute: true,
                ..usual
            },
            "us%40r:hunter2@",
            "closed the connection when it got the user name and the password in ALL_PROXY",
        ),
        (
            Socks { method: 2, ..usual },
            "us%40r:hunter2@",
            "rejected the user name or the password in ALL_PROXY",
        ),
        (
            usual,
            "us%40r:hunter2@",
            "does not accept sign-in by user name",
        ),
        (
            Socks { reply: 2, ..usual },
            "",
            "made no connection to login.microsoftonline.invalid: connection not allowed",
        ),
        (
            Socks { reply: 4, ..usual },
            "",
            "made no connection to login.microsoftonline.invalid: host unreachable",
        ),
    ];
    join_all(cases.map(async |(how, user, says)| {
        let (proxy, _tasks) = socks(how, "127.0.0.1:9".parse().unwrap()).await;
        let value = format!("socks5h://{user}{proxy}");
        let error = error_with(&[("ALL_PROXY", &value)]).await;
        assert!(error.why().contains(says), "{error}");
        assert!(error.why().contains("(ALL_PROXY)"), "{error}");
        shown(&error);
    }))
    .await;
    let (web, _tasks) = web_server().await;
    let error = error_with(&[("ALL_PROXY", &format!("socks5h://{web}"))]).await;
    assert!(error.why().contains("is not a SOCKS 5 proxy"), "{error}");
    let error = error_with(&[("ALL_PROXY", &format!("socks4a://{web}"))]).await;
    let says = "does not speak SOCKS as this address says";
    assert!(error.why().contains(says), "{error}");
}
