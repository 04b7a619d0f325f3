//! A client of the official Azure SDK for Rust with azcred's credential.
#![cfg(feature = "azure_core")]

use crate::support::{Server, http, tls, token};
use azcred::{ClientId, ClientOptions, ClientSecretCredential, Cloud, TenantId, system::Fixture};
use azure_core::http::{ClientOptions as CoreOptions, Transport};
use azure_storage_blob::{BlobContainerClient, BlobContainerClientOptions};
use std::sync::Arc;

async fn container(authority: &Server, storage: &Server, root: &str) -> BlobContainerClient {
    let cloud = Cloud::with_authority(
        azcred::Authority::new(&format!("http://{}", authority.address)).unwrap(),
    );
    let credential = ClientSecretCredential::new(
        TenantId::new("contoso.com").unwrap(),
        ClientId::new("c11e").unwrap(),
        "secret",
        ClientOptions::new(Fixture::new().shared()).with_cloud(cloud),
    )
    .unwrap();
    let trusting = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([reqwest::Certificate::from_pem(root.as_bytes()).unwrap()])
        .build()
        .unwrap();
    let client_options = CoreOptions {
        transport: Some(Transport::new(Arc::new(trusting))),
        ..CoreOptions::default()
    };
    BlobContainerClient::new(
        format!("https://localhost:{}/experiments", storage.address.port())
            .parse()
            .unwrap(),
        Some(Arc::new(credential)),
        Some(BlobContainerClientOptions {
            client_options,
            ..BlobContainerClientOptions::default()
        }),
    )
    .unwrap()
}

#[tokio::test]
async fn a_storage_client_sends_the_token_and_requests_it_once() {
    let (root, config) = tls(|_| ());
    let storage = Server::start_tls(
        [http("200 OK", &["x-ms-lease-state: available"], "")],
        config,
    )
    .await;
    let authority = Server::start([token()]).await;
    let client = container(&authority, &storage, &root).await;
    for _ in 0..3 {
        client.get_properties(None).await.unwrap();
    }
    assert_eq!(storage.requests(), 3);
    for request in storage.seen() {
        assert!(
            request
                .to_ascii_lowercase()
                .contains("authorization: bearer the-token\r\n"),
            "{request}"
        );
    }
    assert_eq!(authority.requests(), 1);
    assert!(authority.seen()[0].contains("scope=https%3A%2F%2Fstorage.azure.com%2F.default"));
}

#[tokio::test]
async fn what_the_authority_refuses_reaches_the_storage_clients_user_whole() {
    let (root, config) = tls(|_| ());
    let storage = Server::start_tls([http("200 OK", &[], "")], config).await;
    let refusal = r#"{"error":"invalid_client","error_description":"AADSTS7000222: expired.","correlation_id":"c0ffee"}"#;
    let authority = Server::start([http("401 Unauthorized", &[], refusal)]).await;
    let error = container(&authority, &storage, &root)
        .await
        .get_properties(None)
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind(), azure_core::error::ErrorKind::Credential),
        "{error:?}"
    );
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    let ours = std::iter::from_fn(|| {
        let this = cause?;
        cause = this.source();
        Some(this)
    })
    .find_map(|error| error.downcast_ref::<azcred::Error>())
    .expect("ours is among the sources");
    assert_eq!(ours.code(), Some(7_000_222));
    assert!(
        ours.to_string()
            .contains("az ad app credential reset --id c11e"),
        "{ours}"
    );
    assert_eq!(
        (authority.requests(), storage.requests()),
        (1, 0),
        "a refusal is not tried again"
    );
}
