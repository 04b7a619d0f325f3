//! Clients that start a request and never finish it. Time is paused: it jumps to the next deadline
//! when all tasks wait.

use crate::common::{self, Lab};
use std::io::{Read as _, Write as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Sends the beginning of a request, and reads until the emulator closes the connection.
async fn begin(url: &str, beginning: &[u8]) -> String {
    let port = url::Url::parse(url).unwrap().port().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(beginning).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// The first byte of a TLS handshake, and the beginning of the rest.
const HALF_A_HANDSHAKE: &[u8] = &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01];

#[tokio::test(start_paused = true)]
async fn a_silent_or_incomplete_client_is_disconnected_on_every_port() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let half_a_head = b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ";
    let hosts = common::hosts::hosts(&lab);
    for url in [
        &info.login_url,
        &info.arm_url,
        &info.graph_url,
        &hosts.service_fabric_endpoint,
    ] {
        assert_eq!(begin(url, b"").await, "");
        assert_eq!(begin(url, HALF_A_HANDSHAKE).await, "");
    }
    for url in [
        &info.proxy_url,
        &info.admin_url,
        &hosts.imds_url,
        &hosts.app_service_endpoint,
        &hosts.arc_url,
        &hosts.ml_compute_endpoint,
        &hosts.ml_obo_endpoint,
        &hosts.cloud_shell_endpoint,
    ] {
        begin(url, b"").await;
        begin(url, half_a_head).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_tunnel_is_closed() {
    let lab = Lab::start().await;
    for inside in [&b""[..], HALF_A_HANDSHAKE] {
        let mut said = b"CONNECT management.azure.com:443 HTTP/1.1\r\n\r\n".to_vec();
        said.extend_from_slice(inside);
        let answer = begin(&lab.emulator.info().proxy_url, &said).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_times_out() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let request = format!(
        "POST /faults HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 100\r\n\r\n[",
        info.admin_token
    );
    let answer = begin(&info.admin_url, request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed() {
    let lab = Lab::start().await;
    let request = b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n";
    let answer = begin(&lab.emulator.info().admin_url, request).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

/// As many connections as a port has places for.
async fn fill(port: u16) -> Vec<TcpStream> {
    let mut all = Vec::new();
    for _ in 0..256 {
        all.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    }
    all
}

/// Whether the emulator has closed a connection.
async fn is_closed(stream: &mut TcpStream) -> bool {
    // This task's reads are polled once: what has arrived is there.
    tokio::task::yield_now().await;
    let mut byte = [0; 1];
    let read = stream.read(&mut byte);
    futures_util::FutureExt::now_or_never(read).is_some()
}

#[tokio::test]
async fn idle_connections_do_not_keep_a_new_one_waiting() {
    let lab = Lab::start().await;
    let info = lab.emulator.info();
    let port = |url: &str| url::Url::parse(url).unwrap().port().unwrap();
    for (url, service) in [
        (info.admin_url.clone(), "admin"),
        (info.proxy_url.clone(), "proxy"),
        (common::hosts::hosts(&lab).imds_url.clone(), "imds"),
    ] {
        let mut idle = fill(port(&url)).await;
        let mut new = TcpStream::connect(("127.0.0.1", port(&url))).await.unwrap();
        new.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        new.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 4"), "{service}: {answer}");
        // The oldest one has made room, and the others stay.
        assert_eq!(
            idle.remove(0).read(&mut [0; 1]).await.unwrap(),
            0,
            "{service}"
        );
        for stream in &mut idle {
            assert!(!is_closed(stream).await, "{service}");
        }
    }
}

#[tokio::test]
async fn a_connection_whose_client_waits_for_a_response_keeps_its_place() {
    let lab = Lab::start().await;
    let imds = common::hosts::hosts(&lab).imds_url.clone();
    let port = url::Url::parse(&imds).unwrap().port().unwrap();
    lab.emulator
        .faults()
        .arm(
            serde_json::from_str(r#"{"service":"imds","count":1,"effect":{"kind":"hang"}}"#)
                .unwrap(),
        )
        .unwrap();
    let mut waiting = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    waiting.write_all(request).await.unwrap();
    while !lab.emulator.faults().all().is_empty() {
        tokio::task::yield_now().await;
    }
    let mut idle = fill(port).await;
    let mut new = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    new.write_all(request).await.unwrap();
    assert_ne!(new.read(&mut [0; 1]).await.unwrap(), 0);
    assert!(!is_closed(&mut waiting).await);
    // One for the last of these, one for the new one.
    for stream in idle.iter_mut().take(2) {
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
    }
    assert!(!is_closed(&mut idle[2]).await);
}

#[tokio::test]
async fn another_slow_program_on_the_port_is_not_mistaken_for_the_emulator() {
    let lab = Lab::start().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut info = lab.emulator.info().clone();
    info.admin_url = format!("http://{}", listener.local_addr().unwrap());
    let trickling = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]);
        // One byte at a time, always within the timeout of a single read. A megabyte would take a
        // day.
        while stream.write_all(b"H").is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(80));
        }
    });
    assert!(!info.is_alive());
    trickling.join().unwrap();
}
