//! azcred beside the published `azure_identity`, in one process: the same authority, the same
//! runtime, alternating rounds.
//!
//! Absolute times depend on the machine. Compare the ratios.

mod authority;
mod cached;
mod chain;
mod disk;
mod due;
mod endpoint;
mod peer;
mod roles;

use anyhow::Result;

/// Two scopes, as in a program that uses Resource Manager and storage.
const SCOPES: [&str; 2] = [
    "https://management.azure.com/.default",
    "https://storage.azure.com/.default",
];
const TENANT: &str = "00000000-0000-0000-0000-00000000c0de";
const CLIENT: &str = "00000000-0000-0000-0000-0000000c11e7";

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if disk::role(&arguments).await? || endpoint::role(&arguments).await? {
        return Ok(());
    }
    println!(
        "azcred {} beside azure_identity 1.0.0, medians of rounds in turn",
        env!("CARGO_PKG_VERSION")
    );
    cached::run(1).await?;
    cached::run(64).await?;
    due::run().await?;
    chain::run().await?;
    disk::run().await?;
    roles::run()?;
    endpoint::run().await
}

/// The middle value.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
