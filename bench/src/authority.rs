//! A token endpoint on this machine. It counts its requests, and its delay can be set.

use anyhow::Result;
use axum::{Json, Router, extract::State, routing::post};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::net::TcpListener;

/// The length of a real access token for Resource Manager.
const TOKEN_BYTES: usize = 1500;

/// A running authority. It stops when the process ends.
#[derive(Clone)]
pub(crate) struct Authority {
    pub(crate) address: SocketAddr,
    state: Arc<Settings>,
}

struct Settings {
    expires_in: AtomicU64,
    delay_ms: AtomicU64,
    requests: AtomicUsize,
    unchallenged: AtomicUsize,
}

impl Authority {
    /// Starts an authority whose tokens are valid for `expires_in` seconds.
    pub(crate) async fn start(expires_in: u64) -> Result<Self> {
        let state = Arc::new(Settings {
            expires_in: AtomicU64::new(expires_in),
            delay_ms: AtomicU64::new(0),
            requests: AtomicUsize::new(0),
            unchallenged: AtomicUsize::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/{tenant}/oauth2/v2.0/token", post(token))
            .with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, state })
    }

    /// Delays all later responses by `delay`, with tokens that are valid for `expires_in` seconds.
    pub(crate) fn slow_down(&self, delay: Duration, expires_in: u64) {
        self.state.expires_in.store(expires_in, Ordering::SeqCst);
        self.state.delay_ms.store(
            u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            Ordering::SeqCst,
        );
    }

    /// How many requests had no claims challenge.
    pub(crate) fn unchallenged(&self) -> usize {
        self.state.unchallenged.load(Ordering::SeqCst)
    }

    /// How many requests came.
    pub(crate) fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }
}

async fn token(State(settings): State<Arc<Settings>>, form: String) -> Json<serde_json::Value> {
    let number = settings.requests.fetch_add(1, Ordering::SeqCst);
    if !form.contains("claims=") {
        settings.unchallenged.fetch_add(1, Ordering::SeqCst);
    }
    tokio::time::sleep(Duration::from_millis(
        settings.delay_ms.load(Ordering::SeqCst),
    ))
    .await;
    Json(serde_json::json!({
        "token_type": "Bearer",
        "expires_in": settings.expires_in.load(Ordering::SeqCst),
        "access_token": format!("{number:0>TOKEN_BYTES$}"),
    }))
}
