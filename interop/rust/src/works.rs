//! One sign-in after the other, for the page `docs/programs.md`: each as its crate's documentation
//! says. Prints lines of JSON: the crate's version, then for each way the token, what was found with
//! it, or the error.

use azure_core::{credentials::TokenCredential, http::Url};
use azure_identity::{
    AzureCliCredential, AzurePipelinesCredential, ClientSecretCredential, DeveloperToolsCredential,
    ManagedIdentityCredential, WorkloadIdentityCredential,
};
use azure_storage_blob::BlobContainerClient;
use futures_util::TryStreamExt;
use object_store::{ObjectStore, azure::MicrosoftAzureBuilder};
use opendal::{Operator, services::Azblob};
use serde_json::{Value, json};
use std::{env, error::Error, sync::Arc};

type Outcome = Result<Value, Box<dyn Error>>;

const SCOPE: &str = "https://management.azure.com/.default";
const CONTAINER: &str = "data";

/// `rust-clients works CRATE WAY…`.
pub(crate) async fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [library, ways @ ..] = arguments else {
        return Err("a crate and its ways are expected".into());
    };
    println!("{}", json!({ "version": version(library) }));
    for way in ways {
        let mut answer = match outcome(library, way).await {
            Ok(answer) => answer,
            Err(error) => json!({ "error": with_causes(error.as_ref()) }),
        };
        answer["way"] = json!(way);
        println!("{answer}");
    }
    Ok(())
}

async fn outcome(library: &str, way: &str) -> Outcome {
    match library {
        "azure_identity" => {
            let token = credential(way)?.get_token(&[SCOPE], None).await?;
            Ok(json!({ "token": token.token.secret() }))
        }
        "azure_storage_blob" => {
            let container = format!("{}/{CONTAINER}", env::var("AZURE_STORAGE_ENDPOINT")?);
            let made = credential(way)?;
            let client = BlobContainerClient::new(Url::parse(&container)?, Some(made), None)?;
            let mut pages = client.list_blobs(None)?;
            let mut found = Vec::new();
            while let Some(blob) = pages.try_next().await? {
                found.push(blob.name.unwrap_or_default());
            }
            Ok(json!({ "found": found }))
        }
        "object_store" => {
            let store = MicrosoftAzureBuilder::from_env()
                .with_container_name(CONTAINER)
                .with_use_azure_cli(way == "with_use_azure_cli")
                .build()?;
            let blobs: Vec<_> = store.list(None).try_collect().await?;
            let names: Vec<_> = blobs.iter().map(|blob| blob.location.to_string()).collect();
            Ok(json!({ "found": names }))
        }
        "opendal" => {
            let service = Azblob::default()
                .container(CONTAINER)
                .account_name(&env::var("AZURE_STORAGE_ACCOUNT_NAME")?)
                .endpoint(&env::var("AZURE_STORAGE_ENDPOINT")?);
            let entries = Operator::new(service)?.list("/").await?;
            let names: Vec<_> = entries.iter().map(|entry| entry.path()).collect();
            Ok(
                json!({ "found": names.into_iter().filter(|name| *name != "/").collect::<Vec<_>>() }),
            )
        }
        _ => Err("no such crate".into()),
    }
}

fn credential(way: &str) -> Result<Arc<dyn TokenCredential>, Box<dyn Error>> {
    Ok(match way {
        "ClientSecretCredential" => ClientSecretCredential::new(
            &env::var("AZURE_TENANT_ID")?,
            env::var("AZURE_CLIENT_ID")?,
            env::var("AZURE_CLIENT_SECRET")?.into(),
            None,
        )?,
        "DeveloperToolsCredential" => DeveloperToolsCredential::new(None)?,
        "AzureCliCredential" => AzureCliCredential::new(None)?,
        "WorkloadIdentityCredential" => WorkloadIdentityCredential::new(None)?,
        "ManagedIdentityCredential" => ManagedIdentityCredential::new(None)?,
        "AzurePipelinesCredential" => AzurePipelinesCredential::new(
            env::var("AZURESUBSCRIPTION_TENANT_ID")?,
            env::var("AZURESUBSCRIPTION_CLIENT_ID")?,
            &env::var("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID")?,
            env::var("SYSTEM_ACCESSTOKEN")?,
            None,
        )?,
        _ => return Err("no such credential".into()),
    })
}

/// The version in the lock file.
fn version(library: &str) -> Option<&'static str> {
    let lock = include_str!("../Cargo.lock");
    let (_, rest) = lock.split_once(&format!("name = \"{library}\"\nversion = \""))?;
    Some(rest.split_once('"')?.0)
}

pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
