//! `GET /metadata/endpoints`: the name of a cloud, and the URLs of its services. No token is
//! needed.
//!
//! The response has one of three formats. 2015-01-01 is one object with a few endpoints (Azure
//! Stack tools read it). 2018-05-01 to 2020-06-01 are a list of clouds (Azure CLI and azure-ai-ml
//! read it from `ARM_CLOUD_METADATA_URL`). 2022-09-01 and later are the one cloud that the client
//! called (`az cloud register`, Terraform).
//!
//! A client that came by Azure's real names gets Azure's own response. A client that came by a port
//! gets one cloud with another name: Azure CLI and azure-ai-ml have the endpoints of 'AzureCloud'
//! built in, and would call the real Azure.

use super::{access::audiences, call::Call, error::ArmError, response::ArmResponse};
use crate::{
    service::{Cloud, Service},
    world::World,
};
use serde_json::{Value, json};

/// The name of the cloud behind the ports.
const OWN_NAME: &str = "AzureEmulator";

/// The supported versions, oldest first.
const VERSIONS: &[&str] = &[
    "2015-01-01",
    "2018-05-01",
    "2019-05-01",
    "2020-06-01",
    "2022-09-01",
    "2023-12-01",
];

/// Names and suffixes of one cloud.
struct Names {
    cloud: Cloud,
    name: &'static str,
    portal: &'static str,
    gallery: &'static str,
    graph_audience: &'static str,
    storage: &'static str,
    key_vault: &'static str,
    sql: &'static str,
    registry: Option<&'static str>,
    batch: &'static str,
    sql_management: &'static str,
    media: &'static str,
    log_analytics: &'static str,
}

const CLOUDS: [Names; 3] = [
    Names {
        cloud: Cloud::Public,
        name: "AzureCloud",
        portal: "https://portal.azure.com",
        gallery: "https://gallery.azure.com/",
        graph_audience: "https://graph.windows.net/",
        storage: "core.windows.net",
        key_vault: "vault.azure.net",
        sql: "database.windows.net",
        registry: Some("azurecr.io"),
        batch: "https://batch.core.windows.net/",
        sql_management: "https://management.core.windows.net:8443/",
        media: "https://rest.media.azure.net",
        log_analytics: "https://api.loganalytics.io",
    },
    Names {
        cloud: Cloud::China,
        name: "AzureChinaCloud",
        portal: "https://portal.azure.cn",
        gallery: "https://gallery.chinacloudapi.cn/",
        graph_audience: "https://graph.chinacloudapi.cn",
        storage: "core.chinacloudapi.cn",
        key_vault: "vault.azure.cn",
        sql: "database.chinacloudapi.cn",
        registry: Some("azurecr.cn"),
        batch: "https://batch.chinacloudapi.cn",
        sql_management: "https://management.core.chinacloudapi.cn:8443",
        media: "https://rest.media.chinacloudapi.cn",
        log_analytics: "https://api.loganalytics.azure.cn",
    },
    Names {
        cloud: Cloud::UsGovernment,
        name: "AzureUSGovernment",
        portal: "https://portal.azure.us",
        gallery: "https://gallery.usgovcloudapi.net/",
        graph_audience: "https://graph.windows.net",
        storage: "core.usgovcloudapi.net",
        key_vault: "vault.usgovcloudapi.net",
        sql: "database.usgovcloudapi.net",
        registry: Some("azurecr.us"),
        batch: "https://batch.core.usgovcloudapi.net",
        sql_management: "https://management.core.usgovcloudapi.net:8443",
        media: "https://rest.media.usgovcloudapi.net",
        log_analytics: "https://api.loganalytics.us",
    },
];

/// The metadata, in the format of the requested version.
///
/// # Errors
/// 400 for a missing or unknown version.
pub(super) fn get(world: &World, call: &Call, version: &str) -> Result<ArmResponse, ArmError> {
    let requested = CLOUDS
        .iter()
        .find(|names| names.cloud == call.entrance.cloud)
        .unwrap_or(&CLOUDS[0]);
    let by_port = call.entrance.real_name.is_none();
    match version {
        "2015-01-01" => Ok(ArmResponse::ok(oldest_format(world, call, requested))),
        "2018-05-01" | "2019-05-01" | "2020-06-01" => {
            let clouds: Vec<Value> = if by_port {
                vec![cloud(world, call, requested)]
            } else {
                CLOUDS
                    .iter()
                    .map(|names| cloud(world, call, names))
                    .collect()
            };
            Ok(ArmResponse::ok(clouds.into()))
        }
        "2022-09-01" | "2023-12-01" => Ok(ArmResponse::ok(cloud(world, call, requested))),
        _ => Err(ArmError::bad_request(
            "InvalidApiVersionParameter",
            format!(
                "The api-version '{version}' is invalid. The supported versions are '{}'.",
                VERSIONS.join(", ")
            ),
        )),
    }
}

fn oldest_format(world: &World, call: &Call, names: &Names) -> Value {
    let urls = EndpointUrls::of(world, call, names);
    json!({
        "galleryEndpoint": names.gallery,
        "graphEndpoint": names.graph_audience,
        "portalEndpoint": format!("{}/", names.portal),
        "authentication": {"loginEndpoint": urls.login, "audiences": urls.audiences},
    })
}

fn cloud(world: &World, call: &Call, names: &Names) -> Value {
    let urls = EndpointUrls::of(world, call, names);
    let mut suffixes = json!({
        "storage": names.storage,
        "keyVaultDns": names.key_vault,
        "sqlServerHostname": names.sql,
        "mysqlServerEndpoint": format!("mysql.{}", names.sql),
        "postgresqlServerEndpoint": format!("postgres.{}", names.sql),
    });
    if let Some(registry) = names.registry {
        suffixes["acrLoginServer"] = registry.into();
    }
    json!({
        "name": if call.entrance.real_name.is_none() { OWN_NAME } else { names.name },
        "portal": names.portal,
        "authentication": {
            "loginEndpoint": urls.login,
            "audiences": urls.audiences,
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": format!("{}/", urls.arm),
        "graph": names.graph_audience,
        "graphAudience": names.graph_audience,
        "microsoftGraphResourceId": format!("{}/", urls.graph),
        "gallery": names.gallery,
        "batch": names.batch,
        "sqlManagement": names.sql_management,
        "media": names.media,
        "logAnalyticsResourceId": names.log_analytics,
        "vmImageAliasDoc":
            "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/main/arm-compute/quickstart-templates/aliases.json",
        "suffixes": suffixes,
    })
}

/// The URLs of a cloud's services, for the way by which the client came.
struct EndpointUrls {
    login: String,
    arm: String,
    graph: String,
    audiences: Vec<String>,
}

impl EndpointUrls {
    fn of(world: &World, call: &Call, names: &Names) -> Self {
        let mut entrance = call.entrance.clone();
        entrance.cloud = names.cloud;
        let [first, _, second, _] = audiences(names.cloud);
        let mut urls = Self {
            login: world.urls().for_client(Service::Login, &entrance),
            arm: world.urls().for_client(Service::Arm, &entrance),
            graph: world.urls().for_client(Service::Graph, &entrance),
            audiences: vec![first.to_owned(), second.to_owned()],
        };
        if entrance.real_name.is_none() {
            urls.audiences.push(urls.arm.clone());
        }
        urls
    }
}
