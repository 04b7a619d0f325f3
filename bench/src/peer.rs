//! The two libraries, each as its users use it.

use crate::{CLIENT, TENANT, authority::Authority};
use anyhow::Result;
use azcred::{
    AzureCoreCredential, ClientId, ClientOptions, ClientSecretCredential, Cloud, Credential,
    TenantId,
};
use azure_core::{
    credentials::TokenCredential,
    http::{AsyncRawResponse, ClientOptions as CoreOptions, HttpClient, Request, Transport},
};
use azure_identity::ClientSecretCredentialOptions;
use std::{net::SocketAddr, sync::Arc};

/// azcred.
pub(crate) fn azcred(authority: &Authority) -> Result<Arc<dyn Credential>> {
    let at = azcred::Authority::new(&format!("http://{}", authority.address))?;
    let options = ClientOptions::default().with_cloud(Cloud::with_authority(at));
    let credential = ClientSecretCredential::new(
        TenantId::new(TENANT)?,
        ClientId::new(CLIENT)?,
        "secret",
        options,
    )?;
    Ok(Arc::new(credential))
}

/// azcred, as a credential of the official SDK.
pub(crate) fn adapter(authority: &Authority) -> Result<Arc<dyn TokenCredential>> {
    Ok(Arc::new(AzureCoreCredential::new(azcred(authority)?)))
}

/// The official library. It accepts only HTTPS authorities, so its HTTP client sends requests to
/// this machine in place of the named host.
pub(crate) fn azure_identity(authority: &Authority) -> Result<Arc<dyn TokenCredential>> {
    let client = ToLoopback {
        address: authority.address,
        client: reqwest::Client::builder().no_proxy().build()?,
    };
    let options = ClientSecretCredentialOptions {
        client_options: CoreOptions {
            transport: Some(Transport::new(Arc::new(client))),
            ..CoreOptions::default()
        },
    };
    let secret = "secret".to_owned().into();
    Ok(azure_identity::ClientSecretCredential::new(
        TENANT,
        CLIENT.to_owned(),
        secret,
        Some(options),
    )?)
}

#[derive(Debug)]
struct ToLoopback {
    address: SocketAddr,
    client: reqwest::Client,
}

#[async_trait::async_trait]
impl HttpClient for ToLoopback {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut request = request.clone();
        let path = request.url().path().to_owned();
        *request.url_mut() = format!("http://{}{path}", self.address).parse()?;
        self.client.execute_request(&request).await
    }
}
