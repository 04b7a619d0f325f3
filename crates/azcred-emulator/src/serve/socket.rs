//! A TCP socket that can end with a reset instead of a normal close.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// How a connection ends, and whether it may end now. The socket and its service share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Ending(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    resets: AtomicBool,
    /// Requests that have arrived and have no response yet.
    requests: AtomicUsize,
}

/// A request that has arrived, until it is dropped.
pub(super) struct InService(Arc<Shared>);

impl Ending {
    /// Makes the connection end with a reset when it is dropped.
    pub(super) fn reset(&self) {
        self.0.resets.store(true, Ordering::Relaxed);
    }

    /// A request has arrived.
    pub(super) fn in_service(&self) -> InService {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        InService(self.0.clone())
    }

    /// Whether the emulator waits for the client, and not the client for the emulator.
    pub(super) fn is_idle(&self) -> bool {
        self.0.requests.load(Ordering::Relaxed) == 0
    }
}

impl Drop for InService {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket that ends as its [`Ending`] says.
#[derive(Debug)]
pub(super) struct Socket {
    inner: TcpStream,
    ending: Ending,
}

impl Socket {
    pub(super) fn new(inner: TcpStream, ending: Ending) -> Self {
        // Responses are small and complete, so there is no reason to wait for more data.
        let _ = inner.set_nodelay(true);
        Self { inner, ending }
    }

    /// The first byte that the client sent. It stays in the buffer.
    pub(super) async fn peek(&self) -> std::io::Result<Option<u8>> {
        let mut first = [0; 1];
        Ok((self.inner.peek(&mut first).await? == 1).then_some(first[0]))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.ending.0.resets.load(Ordering::Relaxed) {
            // With a linger time of zero, the system sends RST.
            let _ = self.inner.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        if let Poll::Ready(Ok(())) = &read {
            acknowledge_at_once(&self.inner);
        }
        read
    }
}

/// Does not keep the client waiting for an acknowledgment. Behind a proxy, urllib3 sends a body
/// only when the head before it was acknowledged, which the system delays by 40 ms. The system
/// forgets this, so it is set after each read.
#[cfg(target_os = "linux")]
fn acknowledge_at_once(socket: &TcpStream) {
    let _ = socket.set_quickack(true);
}

/// Other systems have no such option.
#[cfg(not(target_os = "linux"))]
fn acknowledge_at_once(_socket: &TcpStream) {}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
