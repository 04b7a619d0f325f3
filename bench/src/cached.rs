//! The most frequent call of a program: the token is cached and valid.

use crate::{SCOPES, authority::Authority, median, peer};
use anyhow::Result;
use azcred::{Scope, TokenRequest};
use std::{future::Future, hint::black_box, time::Instant};

const CALLS: u32 = 128_000;
const ROUNDS: usize = 21;

/// Nanoseconds per call, with the calls spread over `tasks`.
pub(crate) async fn run(tasks: u32) -> Result<()> {
    let authority = Authority::start(3600).await?;
    let ours = peer::azcred(&authority)?;
    let adapter = peer::adapter(&authority)?;
    let official = peer::azure_identity(&authority)?;
    let request = TokenRequest::new(Scope::new(SCOPES[0])?);
    ours.get_token(&request).await?;
    adapter.get_token(&SCOPES[..1], None).await?;
    official.get_token(&SCOPES[..1], None).await?;

    let mut times: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        times[0].push(
            round(tasks, |calls| {
                let (ours, request) = (ours.clone(), request.clone());
                async move {
                    for _ in 0..calls {
                        black_box(ours.get_token(&request).await.is_ok());
                    }
                }
            })
            .await?,
        );
        for (credential, times) in [&adapter, &official].into_iter().zip(&mut times[1..]) {
            times.push(
                round(tasks, |calls| {
                    let credential = credential.clone();
                    async move {
                        for _ in 0..calls {
                            black_box(credential.get_token(&SCOPES[..1], None).await.is_ok());
                        }
                    }
                })
                .await?,
            );
        }
    }
    anyhow::ensure!(
        authority.requests() == 3,
        "a call was not answered from the cache"
    );
    let [ours, adapter, official] = times.map(median);
    println!(
        "\na cached token, {tasks} task{}",
        if tasks == 1 { "" } else { "s" }
    );
    println!("  azure_identity        {official:8.1} ns");
    println!(
        "  azcred                {ours:8.1} ns   {:5.1} times faster (target 8)",
        official / ours
    );
    println!(
        "  azcred in azure_core  {adapter:8.1} ns   {:5.1} times faster (target 2)",
        official / adapter
    );
    Ok(())
}

async fn round<F: Future<Output = ()> + Send + 'static>(
    tasks: u32,
    work: impl Fn(u32) -> F,
) -> Result<f64> {
    let started = Instant::now();
    let tasks: Vec<_> = (0..tasks)
        .map(|_| tokio::spawn(work(CALLS / tasks)))
        .collect();
    for task in tasks {
        task.await?;
    }
    Ok(started.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS))
}
