//! Blobs put, listed, got and deleted, by each crate as its documentation says. Prints a line of
//! JSON for each step: the container, the step, and what came of it.

use crate::works::with_causes;
use azure_core::{
    credentials::TokenCredential,
    http::{RequestContent, Url},
};
use azure_identity::{ClientSecretCredential, ManagedIdentityCredential};
use azure_storage_blob::BlobContainerClient;
use futures_util::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, azure::MicrosoftAzureBuilder, path::Path};
use opendal::{Operator, services::Azblob};
use serde_json::json;
use std::{env, error::Error, sync::Arc};

type Outcome = Result<String, Box<dyn Error>>;

const CONTENT: &str = "a,b\n1,2\n";

/// `rust-clients blobs CRATE BLOB CONTAINER…`.
pub(crate) async fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [library, blob, containers @ ..] = arguments else {
        return Err("a crate, a blob and containers are expected".into());
    };
    for container in containers {
        let store = Store::new(library, container)?;
        for step in ["upload", "list", "download", "delete"] {
            let mut line = match store.step(step, blob).await {
                Ok(found) => json!({ "found": found }),
                Err(error) => json!({ "error": with_causes(error.as_ref()) }),
            };
            line["container"] = json!(container);
            line["step"] = json!(step);
            println!("{line}");
        }
    }
    Ok(())
}

enum Store {
    Microsoft(BlobContainerClient),
    ObjectStore(Box<dyn ObjectStore>),
    OpenDal(Operator),
}

impl Store {
    fn new(library: &str, container: &str) -> Result<Self, Box<dyn Error>> {
        let endpoint = env::var("AZURE_STORAGE_ENDPOINT")?;
        Ok(match library {
            "azure_storage_blob" => {
                let url = Url::parse(&format!("{endpoint}/{container}"))?;
                Self::Microsoft(BlobContainerClient::new(url, Some(credential()?), None)?)
            }
            "object_store" => Self::ObjectStore(Box::new(
                MicrosoftAzureBuilder::from_env()
                    .with_container_name(container)
                    .build()?,
            )),
            "opendal" => Self::OpenDal(Operator::new(
                Azblob::default()
                    .container(container)
                    .account_name(&env::var("AZURE_STORAGE_ACCOUNT_NAME")?)
                    .endpoint(&endpoint),
            )?),
            _ => return Err("no such crate".into()),
        })
    }

    async fn step(&self, step: &str, blob: &str) -> Outcome {
        match self {
            Self::Microsoft(client) => microsoft(client, step, blob).await,
            Self::ObjectStore(store) => object_store(store.as_ref(), step, blob).await,
            Self::OpenDal(operator) => open_dal(operator, step, blob).await,
        }
    }
}

fn credential() -> azure_core::Result<Arc<dyn TokenCredential>> {
    let of_application = (
        env::var("AZURE_TENANT_ID"),
        env::var("AZURE_CLIENT_ID"),
        env::var("AZURE_CLIENT_SECRET"),
    );
    Ok(match of_application {
        (Ok(tenant), Ok(client), Ok(secret)) => {
            ClientSecretCredential::new(&tenant, client, secret.into(), None)?
        }
        _ => ManagedIdentityCredential::new(None)?,
    })
}

async fn microsoft(container: &BlobContainerClient, step: &str, blob: &str) -> Outcome {
    let client = container.blob_client(blob);
    match step {
        "upload" => {
            let content = RequestContent::from(CONTENT.as_bytes().to_vec());
            client.upload(content, None).await?;
        }
        "list" => {
            let mut pages = container.list_blobs(None)?;
            let mut names = Vec::new();
            while let Some(found) = pages.try_next().await? {
                names.extend(found.name);
            }
            return Ok(names.join(" "));
        }
        "download" => {
            let content = client.download(None).await?.body.collect().await?;
            return Ok(String::from_utf8(content.to_vec())?);
        }
        _ => {
            client.delete(None).await?;
        }
    }
    Ok(String::new())
}

async fn object_store(store: &dyn ObjectStore, step: &str, blob: &str) -> Outcome {
    let path = Path::from(blob);
    match step {
        "upload" => {
            store.put(&path, CONTENT.into()).await?;
        }
        "list" => {
            let found: Vec<_> = store.list(None).try_collect().await?;
            let names: Vec<_> = found.iter().map(|blob| blob.location.as_ref()).collect();
            return Ok(names.join(" "));
        }
        "download" => {
            let content = store.get(&path).await?.bytes().await?;
            return Ok(String::from_utf8(content.to_vec())?);
        }
        _ => store.delete(&path).await?,
    }
    Ok(String::new())
}

async fn open_dal(operator: &Operator, step: &str, blob: &str) -> Outcome {
    match step {
        "upload" => {
            operator.write(blob, CONTENT).await?;
        }
        "list" => {
            let found = operator.list("/").await?;
            let names: Vec<_> = found.iter().map(|entry| entry.path()).collect();
            return Ok(names.join(" "));
        }
        "download" => {
            let content = operator.read(blob).await?;
            return Ok(String::from_utf8(content.to_vec())?);
        }
        _ => operator.delete(blob).await?,
    }
    Ok(String::new())
}
