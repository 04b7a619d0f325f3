//! Requests to the hosts of managed identities.

use super::{Lab, Reply, read};
use azcred_emulator::HostsInfo;
use reqwest::RequestBuilder;

pub(crate) const ARM: &str = "https://management.azure.com/";
pub(crate) const WORKSPACE: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers/Microsoft.MachineLearningServices/workspaces/ws-contoso-ml";
pub(crate) const GROUP: &str =
    "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers";
pub(crate) const TRAIN: &str = "a0000001-0000-4000-8000-000000000101";
pub(crate) const LOOK: &str = "a0000001-0000-4000-8000-000000000102";
pub(crate) const SPARE: &str = "a0000001-0000-4000-8000-000000000103";
pub(crate) const MACHINE: &str = "a0000001-0000-4000-8000-000000000111";
pub(crate) const ADA: &str = "e0000001-0000-4000-8000-000000000001";

pub(crate) fn hosts(lab: &Lab) -> HostsInfo {
    lab.emulator.info().identity_hosts.clone().unwrap()
}

pub(crate) async fn send(request: RequestBuilder) -> Reply {
    read(request.send().await.unwrap()).await
}

pub(crate) fn token(answer: &Reply) -> &str {
    answer.body["access_token"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer:?}"))
}

/// A URL with parameters.
pub(crate) fn at(url: &str, query: &[(&str, &str)]) -> url::Url {
    url::Url::parse_with_params(url, query).unwrap()
}

/// The parameters that a host always gets, with further ones.
pub(crate) fn with<'a>(version: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("api-version", version), ("resource", ARM)], more].concat()
}

pub(crate) fn imds(lab: &Lab, query: &[(&str, &str)]) -> RequestBuilder {
    let url = format!("{}/metadata/identity/oauth2/token", hosts(lab).imds_url);
    lab.client
        .get(at(&url, &with("2018-02-01", query)))
        .header("Metadata", "true")
}

pub(crate) fn app_service(lab: &Lab, query: &[(&str, &str)]) -> RequestBuilder {
    let hosts = hosts(lab);
    lab.client
        .get(at(&hosts.app_service_endpoint, &with("2019-08-01", query)))
        .header("X-IDENTITY-HEADER", &hosts.app_service_header)
}

/// Azure ML's endpoint, or App Service's old one, which is the same.
pub(crate) fn old(
    lab: &Lab,
    endpoint: &str,
    secret: &str,
    query: &[(&str, &str)],
) -> RequestBuilder {
    lab.client
        .get(at(endpoint, &with("2017-09-01", query)))
        .header("secret", secret)
}

pub(crate) fn ml_compute(lab: &Lab, query: &[(&str, &str)]) -> RequestBuilder {
    let hosts = hosts(lab);
    old(
        lab,
        &hosts.ml_compute_endpoint,
        &hosts.ml_compute_secret,
        query,
    )
}

/// A client that itself checks Service Fabric's certificate.
pub(crate) fn service_fabric(lab: &Lab, query: &[(&str, &str)]) -> RequestBuilder {
    let client = super::client(&lab.emulator)
        .tls_danger_accept_invalid_certs(true)
        .tls_info(true)
        .build()
        .unwrap();
    client.get(at(&hosts(lab).service_fabric_endpoint, query))
}

pub(crate) fn arc(lab: &Lab, query: &[(&str, &str)]) -> RequestBuilder {
    lab.client
        .get(at(&hosts(lab).arc_endpoint, &with("2020-06-01", query)))
        .header("Metadata", "true")
}

/// The key file that a challenge names.
pub(crate) fn key_file(challenge: &Reply) -> std::path::PathBuf {
    assert_eq!(challenge.status, 401, "{challenge:?}");
    let header = challenge.headers["www-authenticate"].to_str().unwrap();
    header.strip_prefix("Basic realm=").unwrap().into()
}

pub(crate) async fn arc_token(lab: &Lab, query: &[(&str, &str)]) -> Reply {
    let file = key_file(&send(arc(lab, query)).await);
    let key = std::fs::read_to_string(file).unwrap();
    send(arc(lab, query).header("Authorization", format!("Basic {key}"))).await
}

/// ARM's status for a request to read the workspace.
pub(crate) async fn workspace(lab: &Lab, token: &str) -> u16 {
    let url = format!(
        "{}{WORKSPACE}?api-version=2024-04-01",
        lab.emulator.info().arm_url
    );
    send(lab.client.get(url).bearer_auth(token)).await.status
}
