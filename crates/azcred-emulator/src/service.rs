//! The table of services: the service and the cloud of each real host name.

use serde::{Deserialize, Serialize};

/// One of the emulated services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Entra ID's sign-in service.
    Login,
    /// Azure Resource Manager.
    Arm,
    /// Microsoft Graph.
    Graph,
    /// Azure Machine Learning's own services in a region: run history, experiments, MLflow.
    Ml,
    /// Blob Storage.
    Blob,
    /// The Instance Metadata Service of a virtual machine.
    Imds,
    /// App Service's managed identity endpoint, also in its old version.
    AppService,
    /// Service Fabric's managed identity token service.
    ServiceFabric,
    /// The agent of Azure Arc-enabled servers.
    Arc,
    /// Azure Machine Learning's managed identity endpoint on a compute.
    MlCompute,
    /// Azure Machine Learning's tokens of the user who submitted a job.
    MlObo,
    /// Cloud Shell's tokens of its user.
    CloudShell,
    /// GitHub Actions' tokens of a job.
    GithubActions,
    /// Azure Pipelines' tokens of a service connection.
    AzurePipelines,
}

impl Service {
    /// All services, in the order in which they are shown.
    pub const ALL: &[Self] = &[
        Self::Login,
        Self::Arm,
        Self::Graph,
        Self::Ml,
        Self::Blob,
        Self::Imds,
        Self::AppService,
        Self::ServiceFabric,
        Self::Arc,
        Self::MlCompute,
        Self::MlObo,
        Self::CloudShell,
        Self::GithubActions,
        Self::AzurePipelines,
    ];

    /// The name used in seeds, faults and the request log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Arm => "arm",
            Self::Graph => "graph",
            Self::Ml => "ml",
            Self::Blob => "blob",
            Self::Imds => "imds",
            Self::AppService => "app_service",
            Self::ServiceFabric => "service_fabric",
            Self::Arc => "arc",
            Self::MlCompute => "ml_compute",
            Self::MlObo => "ml_obo",
            Self::CloudShell => "cloud_shell",
            Self::GithubActions => "github_actions",
            Self::AzurePipelines => "azure_pipelines",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Login => "Entra ID",
            Self::Arm => "ARM",
            Self::Graph => "Microsoft Graph",
            Self::Ml => "Azure ML",
            Self::Blob => "Blob Storage",
            Self::Imds => "IMDS",
            Self::AppService => "App Service",
            Self::ServiceFabric => "Service Fabric",
            Self::Arc => "Azure Arc",
            Self::MlCompute => "Azure ML's managed identities",
            Self::MlObo => "Azure ML's tokens of users",
            Self::CloudShell => "Cloud Shell",
            Self::GithubActions => "GitHub Actions",
            Self::AzurePipelines => "Azure Pipelines",
        }
    }

    /// Whether it receives bodies piece by piece, of any length. Those of other services are read
    /// first, and are small.
    pub fn streams(self) -> bool {
        self == Self::Blob
    }

    /// Whether a route of the user's may take its names, so that another server of the same
    /// protocol answers.
    pub fn may_be_routed(self) -> bool {
        self == Self::Blob
    }

    /// The protocol of its port.
    pub fn transport(self) -> Transport {
        match self {
            Self::Login
            | Self::Arm
            | Self::Graph
            | Self::Ml
            | Self::Blob
            | Self::GithubActions
            | Self::AzurePipelines => Transport::Tls,
            // 'How to leverage a Service Fabric application's managed identity': clients check the
            // thumbprint, not an authority.
            Self::ServiceFabric => Transport::SelfSignedTls,
            Self::Imds
            | Self::AppService
            | Self::Arc
            | Self::MlCompute
            | Self::MlObo
            | Self::CloudShell => Transport::Plain,
        }
    }
}

/// The protocol of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// HTTPS with a certificate of the emulator's authority.
    Tls,
    /// HTTPS with a self-signed certificate, whose thumbprint clients know.
    SelfSignedTls,
    /// HTTP.
    Plain,
}

/// One of Azure's clouds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cloud {
    /// `AzureCloud`.
    Public,
    /// `AzureUSGovernment`.
    UsGovernment,
    /// `AzureChinaCloud`.
    China,
}

impl Cloud {
    /// The sign-in host of this cloud (Microsoft's 'National clouds' page).
    pub fn login_host(self) -> &'static str {
        match self {
            Self::Public => "login.microsoftonline.com",
            Self::UsGovernment => "login.microsoftonline.us",
            Self::China => "login.partner.microsoftonline.cn",
        }
    }

    /// The ARM host of this cloud.
    pub fn arm_host(self) -> &'static str {
        match self {
            Self::Public => "management.azure.com",
            Self::UsGovernment => "management.usgovcloudapi.net",
            Self::China => "management.chinacloudapi.cn",
        }
    }

    /// The Graph host of this cloud.
    pub fn graph_host(self) -> &'static str {
        match self {
            Self::Public => "graph.microsoft.com",
            Self::UsGovernment => "graph.microsoft.us",
            Self::China => "microsoftgraph.chinacloudapi.cn",
        }
    }

    /// The domain of this cloud's storage accounts.
    pub fn storage_domain(self) -> &'static str {
        match self {
            Self::Public => "core.windows.net",
            Self::UsGovernment => "core.usgovcloudapi.net",
            Self::China => "core.chinacloudapi.cn",
        }
    }

    /// The host in the issuer of v1.0 tokens of this cloud.
    pub fn sts_host(self) -> &'static str {
        match self {
            Self::Public | Self::UsGovernment => "sts.windows.net",
            Self::China => "sts.chinacloudapi.cn",
        }
    }
}

/// The real host names that are served. `*.` matches any subdomain. A new service needs a line here
/// and a router in `serve`.
pub const HOSTS: &[(&str, Service, Cloud)] = &[
    ("login.microsoftonline.com", Service::Login, Cloud::Public),
    ("login.microsoft.com", Service::Login, Cloud::Public),
    // Regional: `westeurope.login.microsoft.com`.
    ("*.login.microsoft.com", Service::Login, Cloud::Public),
    ("login.windows.net", Service::Login, Cloud::Public),
    ("sts.windows.net", Service::Login, Cloud::Public),
    // The page on which users enter device codes.
    ("microsoft.com", Service::Login, Cloud::Public),
    ("www.microsoft.com", Service::Login, Cloud::Public),
    (
        "login.microsoftonline.us",
        Service::Login,
        Cloud::UsGovernment,
    ),
    (
        "login.partner.microsoftonline.cn",
        Service::Login,
        Cloud::China,
    ),
    ("login.chinacloudapi.cn", Service::Login, Cloud::China),
    ("management.azure.com", Service::Arm, Cloud::Public),
    ("management.core.windows.net", Service::Arm, Cloud::Public),
    (
        "management.usgovcloudapi.net",
        Service::Arm,
        Cloud::UsGovernment,
    ),
    ("management.chinacloudapi.cn", Service::Arm, Cloud::China),
    ("graph.microsoft.com", Service::Graph, Cloud::Public),
    // Retired, and refused.
    ("graph.windows.net", Service::Graph, Cloud::Public),
    ("graph.microsoft.us", Service::Graph, Cloud::UsGovernment),
    (
        "microsoftgraph.chinacloudapi.cn",
        Service::Graph,
        Cloud::China,
    ),
    // 'Configure inbound and outbound network traffic' (Azure Machine Learning).
    ("*.api.azureml.ms", Service::Ml, Cloud::Public),
    ("*.experiments.azureml.net", Service::Ml, Cloud::Public),
    ("*.modelmanagement.azureml.net", Service::Ml, Cloud::Public),
    ("ml.azure.com", Service::Ml, Cloud::Public),
    ("*.ml.azure.us", Service::Ml, Cloud::UsGovernment),
    ("ml.azure.us", Service::Ml, Cloud::UsGovernment),
    ("*.ml.azure.cn", Service::Ml, Cloud::China),
    ("ml.azure.cn", Service::Ml, Cloud::China),
    ("*.blob.core.windows.net", Service::Blob, Cloud::Public),
    (
        "*.blob.core.usgovcloudapi.net",
        Service::Blob,
        Cloud::UsGovernment,
    ),
    ("*.blob.core.chinacloudapi.cn", Service::Blob, Cloud::China),
];

/// The service and the cloud of a real host name. `None` for a host that the emulator does not
/// serve.
pub fn by_host(host: &str) -> Option<(Service, Cloud)> {
    HOSTS
        .iter()
        .find(|(name, ..)| is_name_of(name, host))
        .map(|(_, service, cloud)| (*service, *cloud))
}

/// Whether a host has this name. `*.` at the beginning of the name matches any subdomain.
pub fn is_name_of(name: &str, host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    match name.strip_prefix("*.") {
        Some(suffix) => host.strip_suffix(suffix).is_some_and(|rest| {
            rest.strip_suffix('.')
                .is_some_and(|label| !label.is_empty())
        }),
        None => host == name,
    }
}

/// The way by which a request came. Handlers get it from the request's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrance {
    /// The service.
    pub service: Service,
    /// The cloud. By a port, it is always the public one.
    pub cloud: Cloud,
    /// The real host name of the request, or `None` if it came by a port.
    pub real_name: Option<String>,
}

impl Entrance {
    /// The entrance of a request to a real host name. `None` for a host that the emulator does not
    /// serve.
    pub fn by_name(host: &str) -> Option<Self> {
        let (service, cloud) = by_host(host)?;
        Some(Self {
            service,
            cloud,
            real_name: Some(host.trim_end_matches('.').to_ascii_lowercase()),
        })
    }
}

/// The base URLs of the ports, without a trailing slash, such as `https://localhost:41234`.
#[derive(Clone, Debug, Default)]
pub struct Urls {
    /// Entra ID.
    pub login: String,
    /// ARM.
    pub arm: String,
    /// Microsoft Graph.
    pub graph: String,
    /// Azure Machine Learning's own services.
    pub ml: String,
    /// Blob Storage. An account's address is below it: `https://localhost:41235/ACCOUNT`.
    pub blob: String,
}

impl Urls {
    /// The base URL of a service for a client that came this way: with the real name, or with the
    /// port. It has no trailing slash. It is empty for services that no other service names.
    pub fn for_client(&self, service: Service, entrance: &Entrance) -> String {
        match (&entrance.real_name, service) {
            (Some(_), Service::Login) => format!("https://{}", entrance.cloud.login_host()),
            (Some(_), Service::Arm) => format!("https://{}", entrance.cloud.arm_host()),
            (Some(_), Service::Graph) => format!("https://{}", entrance.cloud.graph_host()),
            (None, Service::Login) => self.login.clone(),
            (None, Service::Arm) => self.arm.clone(),
            (None, Service::Graph) => self.graph.clone(),
            (None, Service::Ml) => self.ml.clone(),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_has_one_name_everywhere() {
        for service in Service::ALL {
            let written = serde_json::to_value(service).unwrap();
            assert_eq!(written, service.name());
        }
    }

    #[test]
    fn real_names_are_found_in_any_case_and_other_names_are_not() {
        assert_eq!(
            by_host("Login.MicrosoftOnline.com"),
            Some((Service::Login, Cloud::Public))
        );
        assert_eq!(
            by_host("westeurope.login.microsoft.com"),
            Some((Service::Login, Cloud::Public))
        );
        assert_eq!(
            by_host("management.azure.com."),
            Some((Service::Arm, Cloud::Public))
        );
        for stranger in [
            "example.com",
            "evil-login.microsoftonline.com",
            "azure.com",
            "",
        ] {
            assert_eq!(by_host(stranger), None, "{stranger}");
        }
    }
}
