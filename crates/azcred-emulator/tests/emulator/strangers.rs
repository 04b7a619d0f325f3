//! What a web page, or another user of this machine, can't do at a port.

use crate::common::{
    Lab,
    hosts::{ARM, hosts},
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// As many connections as a port serves at once.
const PLACES: usize = 256;
/// Shorter than an idle connection may wait.
const PATIENCE: Duration = Duration::from_secs(20);

async fn connect(url: &str) -> TcpStream {
    let port = url::Url::parse(url).unwrap().port().unwrap();
    TcpStream::connect(("127.0.0.1", port)).await.unwrap()
}

/// The status line of the response to a request with this host.
async fn status_for_host(url: &str, host: Option<&str>) -> String {
    let mut stream = connect(url).await;
    let host = host.map_or(String::new(), |host| format!("Host: {host}\r\n"));
    let version = if host.is_empty() { "1.0" } else { "1.1" };
    let resource: String = url::form_urlencoded::byte_serialize(ARM.as_bytes()).collect();
    let path = url::Url::parse(url).unwrap().path().to_owned();
    let request =
        format!("GET {path}?resource={resource} HTTP/{version}\r\n{host}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_web_page_whose_host_name_resolves_to_this_machine_is_rejected() {
    let lab = Lab::start().await;
    // The endpoint requires nothing that a page could not send.
    let endpoint = hosts(&lab).ml_obo_endpoint;
    for stranger in [
        "attacker.example",
        "attacker.example:80",
        "localhost.attacker.example",
        "127.0.0.1.attacker.example",
        "[::1].attacker.example",
        "management.azure.com",
        "attacker.example@localhost:80:80",
        "%",
    ] {
        let status = status_for_host(&endpoint, Some(stranger)).await;
        assert!(
            status.starts_with("HTTP/1.1 421 ") || status.starts_with("HTTP/1.1 400 "),
            "{stranger}: {status}"
        );
    }
    for ours in [
        Some("localhost"),
        Some("LOCALHOST:8080"),
        Some("127.0.0.1:1"),
        Some("[::1]:1"),
        Some("169.254.169.254"),
        None,
    ] {
        let status = status_for_host(&endpoint, ours).await;
        assert!(status.contains(" 200 "), "{ours:?}: {status}");
    }
}

#[tokio::test]
async fn a_client_that_fills_one_port_does_not_block_the_others() {
    let lab = Lab::start().await;
    let hosts = hosts(&lab);
    let mut idle = Vec::new();
    for _ in 0..=PLACES {
        idle.push(connect(&hosts.imds_url).await);
    }
    for other in [&hosts.ml_obo_endpoint, &lab.emulator.info().admin_url] {
        // Several at a time: they stay open.
        for _ in 0..4 {
            let mut stream = connect(other).await;
            let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
            stream.write_all(request).await.unwrap();
            let mut answer = [0; 8];
            let read = timeout(PATIENCE, stream.read_exact(&mut answer)).await;
            read.expect("an answer in time").unwrap();
            assert_eq!(&answer, b"HTTP/1.1");
            idle.push(stream);
        }
    }
    // A place is free as soon as a connection closes.
    drop(idle);
    let status = status_for_host(&hosts.imds_url, Some("localhost")).await;
    assert!(status.starts_with("HTTP/1.1 "), "{status}");
}

/// The addresses at which this process listens: column 2 of `/proc/net/tcp` and `tcp6` is
/// `ADDRESS:PORT` in hexadecimal, column 4 is 0A for a listening socket.
#[cfg(target_os = "linux")]
fn listening(port: u16) -> Vec<String> {
    let mut found = Vec::new();
    for table in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
        let text = std::fs::read_to_string(table).unwrap_or_default();
        for line in text.lines().skip(1) {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let (address, its_port) = columns[1].rsplit_once(':').unwrap();
            if columns[3] == "0A" && u16::from_str_radix(its_port, 16).unwrap() == port {
                found.push(address.to_owned());
            }
        }
    }
    found
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn every_port_is_on_loopback() {
    let lab = Lab::start().await;
    let info = serde_json::to_string(lab.emulator.info()).unwrap();
    // Every port that the emulator names, whatever the field: `http://localhost:PORT`.
    let mut ports: Vec<u16> = info
        .split("://")
        .skip(1)
        .filter_map(|url| {
            let host = url.split(['/', '"', '?']).next()?;
            host.rsplit_once(':')?.1.parse().ok()
        })
        .collect();
    ports.sort_unstable();
    ports.dedup();
    assert!(ports.len() > 5, "{ports:?}");
    let loopback = ["0100007F", "00000000000000000000000001000000"];
    for port in ports {
        let addresses = listening(port);
        assert!(!addresses.is_empty(), "{port}");
        for address in addresses {
            assert!(loopback.contains(&address.as_str()), "{port}: {address}");
        }
    }
}
