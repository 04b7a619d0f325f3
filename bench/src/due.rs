//! A thousand callers whose tokens are valid and due for refresh, with a slow authority.

use crate::{SCOPES, authority::Authority, median, peer};
use anyhow::Result;
use azcred::{Scope, TokenRequest};
use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Barrier;

const CALLERS: usize = 1000;
const DELAY: Duration = Duration::from_millis(500);
/// Four more minutes: within the last five, both libraries refresh a token.
const LIFETIME: u64 = 240;

/// How long callers waited, and the number of requests.
struct Outcome {
    longest_ms: f64,
    median_ms: f64,
    requests: usize,
}

pub(crate) async fn run() -> Result<()> {
    let ours = {
        let authority = Authority::start(LIFETIME).await?;
        let credential = peer::azcred(&authority)?;
        let requests = SCOPES.map(|scope| Scope::new(scope).map(TokenRequest::new));
        let [arm, storage] = requests;
        let requests = Arc::new([arm?, storage?]);
        measure(&authority, |number| {
            let (credential, requests) = (credential.clone(), requests.clone());
            async move {
                credential.get_token(&requests[number % 2]).await?;
                Ok(())
            }
        })
        .await?
    };
    let official = {
        let authority = Authority::start(LIFETIME).await?;
        let credential = peer::azure_identity(&authority)?;
        measure(&authority, |number| {
            let credential = credential.clone();
            async move {
                credential.get_token(&[SCOPES[number % 2]], None).await?;
                Ok(())
            }
        })
        .await?
    };
    println!(
        "\n{CALLERS} callers, two scopes, tokens valid and due for refresh, an authority that takes 500 ms"
    );
    for (name, outcome, target) in [
        ("azure_identity", official, ""),
        ("azcred", ours, "   (target: 5 ms, 2 requests)"),
    ] {
        println!(
            "  {name:<15} longest wait {:8.2} ms, median {:8.2} ms, {} requests{target}",
            outcome.longest_ms, outcome.median_ms, outcome.requests
        );
    }
    Ok(())
}

async fn measure<F: Future<Output = Result<()>> + Send + 'static>(
    authority: &Authority,
    call: impl Fn(usize) -> F,
) -> Result<Outcome> {
    for number in 0..2 {
        call(number).await?;
    }
    authority.slow_down(DELAY, 3600);
    // A coarse clock ticks a hundred times a second. Until the next tick, no token is due.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let before = authority.requests();
    let start = Arc::new(Barrier::new(CALLERS));
    let callers: Vec<_> = (0..CALLERS)
        .map(|number| {
            let (call, start) = (call(number), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                let started = Instant::now();
                call.await?;
                anyhow::Ok(started.elapsed().as_secs_f64() * 1e3)
            })
        })
        .collect();
    let mut waits = Vec::with_capacity(CALLERS);
    for caller in callers {
        waits.push(caller.await??);
    }
    // After this time, the background requests have their responses.
    tokio::time::sleep(DELAY * 2).await;
    Ok(Outcome {
        longest_ms: waits.iter().copied().fold(0.0, f64::max),
        median_ms: median(waits),
        requests: authority.requests() - before,
    })
}
