//! Signs in with the crates of other projects, as their documentation says, and without a setting of azcred's.
//!
//! `rust-clients managed-identity|azure-cli SCOPE` prints a token of `azure_identity`. `rust-clients
//! list CONTAINER` prints the blobs that `object_store` finds, in the account that its variables name.
//! `rust-clients works CRATE WAY…` is in `works.rs`, `rust-clients blobs CRATE BLOB CONTAINER…` in
//! `blobs.rs`.

mod blobs;
mod works;

use azure_core::credentials::TokenCredential;
use azure_identity::{AzureCliCredential, ManagedIdentityCredential};
use futures_util::TryStreamExt;
use object_store::{ObjectStore, azure::MicrosoftAzureBuilder};
use std::{env, error::Error, sync::Arc};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.split_first() {
        Some((first, rest)) if first == "works" => return works::run(rest).await,
        Some((first, rest)) if first == "blobs" => return blobs::run(rest).await,
        _ => {}
    }
    let [program, operand] = arguments.as_slice() else {
        return Err("a program and its operand are expected".into());
    };
    let credential: Arc<dyn TokenCredential> = match program.as_str() {
        "managed-identity" => ManagedIdentityCredential::new(None)?,
        "azure-cli" => AzureCliCredential::new(None)?,
        "list" => return list(operand).await,
        _ => return Err("no such program".into()),
    };
    let token = credential.get_token(&[operand], None).await?;
    println!("{}", token.token.secret());
    Ok(())
}

async fn list(container: &str) -> Result<(), Box<dyn Error>> {
    let store = MicrosoftAzureBuilder::from_env()
        .with_container_name(container)
        .build()?;
    let mut found = store.list(None);
    while let Some(blob) = found.try_next().await? {
        println!("{}", blob.location);
    }
    Ok(())
}
