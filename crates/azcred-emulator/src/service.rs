//! The table of services: which real host names lead to which service, and in which cloud.

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
    /// The Instance Metadata Service of a virtual machine.
    Imds,
    /// App Service's managed identity endpoint, the old one too.
    AppService,
    /// Service Fabric's managed identity token service.
    ServiceFabric,
    /// The agent of Azure Arc-enabled servers.
    Arc,
    /// Azure Machine Learning's managed identity endpoint on a compute.
    MlCompute,
    /// Azure Machine Learning's tokens of the user on whose behalf a job runs.
    MlObo,
    /// Cloud Shell's tokens of the user whose shell it is.
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

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Login => "Entra ID",
            Self::Arm => "ARM",
            Self::Graph => "Microsoft Graph",
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

    /// What its port speaks.
    pub fn transport(self) -> Transport {
        match self {
            Self::Login | Self::Arm | Self::Graph | Self::GithubActions | Self::AzurePipelines => {
                Transport::Tls
            }
            // 'How to leverage a Service Fabric application's managed identity': by thumbprint, not
            // by authority.
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

/// What a port speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// HTTPS by a certificate of the emulator's authority.
    Tls,
    /// HTTPS by a certificate that vouches for itself: clients know its thumbprint.
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

    /// The host of issuers in v1.0 tokens of this cloud.
    pub fn sts_host(self) -> &'static str {
        match self {
            Self::Public | Self::UsGovernment => "sts.windows.net",
            Self::China => "sts.chinacloudapi.cn",
        }
    }
}

/// Every real host name that is served. A name that starts with `*.` matches any host below
/// it. A new service is a line here and a router in `serve`.
pub const HOSTS: &[(&str, Service, Cloud)] = &[
    ("login.microsoftonline.com", Service::Login, Cloud::Public),
    ("login.microsoft.com", Service::Login, Cloud::Public),
    ("login.windows.net", Service::Login, Cloud::Public),
    ("sts.windows.net", Service::Login, Cloud::Public),
    // Where people enter device codes.
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
    ("graph.microsoft.us", Service::Graph, Cloud::UsGovernment),
    (
        "microsoftgraph.chinacloudapi.cn",
        Service::Graph,
        Cloud::China,
    ),
];

/// The service and cloud behind a real host name; `None` for any host that is not ours to answer
/// for.
pub fn by_host(host: &str) -> Option<(Service, Cloud)> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    HOSTS
        .iter()
        .find(|(name, _, _)| match name.strip_prefix("*.") {
            Some(suffix) => host.strip_suffix(suffix).is_some_and(|rest| {
                rest.strip_suffix('.')
                    .is_some_and(|label| !label.is_empty())
            }),
            None => host == *name,
        })
        .map(|(_, service, cloud)| (*service, *cloud))
}

/// By which way a request came in. Handlers find it in the request's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrance {
    /// The service it was for.
    pub service: Service,
    /// The cloud: always public by a port.
    pub cloud: Cloud,
    /// The real name that was asked for, or `None` when the request came to a port.
    pub real_name: Option<String>,
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
}

impl Urls {
    /// Where a client that came in this way finds a service: the real name for one that came by a
    /// real name, the port for one that came by a port. No trailing slash. Empty for what no other
    /// service leads to.
    pub fn for_client(&self, service: Service, entrance: &Entrance) -> String {
        match (&entrance.real_name, service) {
            (Some(_), Service::Login) => format!("https://{}", entrance.cloud.login_host()),
            (Some(_), Service::Arm) => format!("https://{}", entrance.cloud.arm_host()),
            (Some(_), Service::Graph) => format!("https://{}", entrance.cloud.graph_host()),
            (None, Service::Login) => self.login.clone(),
            (None, Service::Arm) => self.arm.clone(),
            (None, Service::Graph) => self.graph.clone(),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_is_known_by_one_name_wherever_it_is_written() {
        for service in Service::ALL {
            let written = serde_json::to_value(service).unwrap();
            assert_eq!(written, service.name());
        }
    }

    #[test]
    fn real_names_are_found_in_any_case_and_strangers_are_not() {
        assert_eq!(
            by_host("Login.MicrosoftOnline.com"),
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
