//! A door for the fuzz target in `fuzz/`: a connection without a socket.

use crate::{
    allow::Allow,
    audit::{Audit, Event},
    desk::Desk,
    door::Door,
    peer::Peers,
    rate::Rate,
    rejections::{More, Rejections},
    secret::Secret,
    server::Talk,
};
use azcred::Credential;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// The largest input and the largest response.
const LARGEST: usize = 1 << 20;

/// Keeps the events.
#[derive(Default)]
struct Kept(Mutex<Vec<Event>>);

impl Audit for Kept {
    fn record(&self, event: &Event) {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(event.clone());
    }

    fn record_more(&self, _: &More) {}
}

/// What an endpoint at `host` with this secret and both protocols writes to a client that sends
/// these bytes, and what it records.
pub async fn served(
    bytes: &[u8],
    host: &str,
    secret: &str,
    tokens: Arc<dyn Credential>,
    allow: Allow,
) -> (Vec<u8>, Vec<Event>) {
    let (kept, now) = (Arc::new(Kept::default()), Instant::now());
    let desk = Desk {
        door: Door {
            secret: Secret::known(secret),
            hosts: Some(vec![host.to_owned()]),
            serves_azure_ml: true,
        },
        tokens,
        allow,
        rate: Mutex::new(Rate::new(u32::MAX, Duration::from_secs(1), now)),
        audit: kept.clone(),
        rejections: Rejections::new(now),
        peers: Peers::new(false),
    };
    let (mut client, server) = duplex(LARGEST);
    let written = async {
        let _ = client.write_all(bytes).await;
        let _ = client.shutdown().await;
        let mut written = Vec::new();
        let _ = client.read_to_end(&mut written).await;
        written
    };
    let talk = Talk::of(Arc::new(desk));
    let served = async {
        talk.serve(server).await;
    };
    let (written, ()) = tokio::join!(written, served);
    let events = std::mem::take(&mut *kept.0.lock().unwrap_or_else(PoisonError::into_inner));
    (written, events)
}
