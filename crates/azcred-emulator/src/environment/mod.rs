//! The variables with which a program uses the emulator: the program's identity (persona) and how
//! it reaches the services (way).
//!
//! A persona is a line in [`PERSONAS`], a summary, and a function in the file of its group. Every
//! variable that a persona sets is also removed by the rule for the user's variables.

mod built_in;
mod ci;
mod hosts;
mod isolation;
mod java;
mod laptop;
mod pairs;
mod principals;
mod way;

use crate::info::Info;
use pairs::Pairs;
use std::fmt;

pub use built_in::BuiltIn;
pub use isolation::{Inherited, Isolated, Lifetime};
pub use way::{WAYS, Way};

/// The identity that a program gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Persona {
    /// The seeded service principal, by `AZURE_*`.
    ServicePrincipal,
    /// The same service principal, by hi-ml's `HIML_*`.
    Himl,
    /// A service principal with a certificate, by `AZURE_*`.
    Certificate,
    /// A laptop on which Azure CLI is signed in.
    Laptop,
    /// A job in GitHub Actions.
    Github,
    /// A job in Azure Pipelines with a service connection.
    AzurePipelines,
    /// A pod in Azure Kubernetes Service with workload identity.
    Aks,
    /// A compute of Azure Machine Learning with a managed identity.
    AzureMlCompute,
    /// A job of Azure Machine Learning on behalf of the user who submitted it.
    AzureMlJob,
    /// An app in App Service.
    AppService,
    /// An application in Service Fabric.
    ServiceFabric,
    /// A virtual machine.
    Vm,
    /// A server with Azure Arc's agent.
    Arc,
    /// Cloud Shell.
    CloudShell,
    /// A machine without any account.
    NoAccount,
}

/// The variables with which a program finds the emulator and its identity. They include secrets:
/// `Debug` shows names only.
///
/// For a program that inherits a user's variables and files, [`Info::isolated`] is right.
#[derive(Clone, PartialEq, Eq)]
pub struct Environment {
    /// Variables to set.
    pub set: Vec<(String, String)>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.set.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Environment").field("set", &names).finish()
    }
}

/// Every persona, with its name on the command line.
pub const PERSONAS: &[(&str, Persona)] = &[
    ("service-principal", Persona::ServicePrincipal),
    ("himl", Persona::Himl),
    ("certificate", Persona::Certificate),
    ("laptop", Persona::Laptop),
    ("github", Persona::Github),
    ("azure-pipelines", Persona::AzurePipelines),
    ("aks", Persona::Aks),
    ("azureml-compute", Persona::AzureMlCompute),
    ("azureml-job", Persona::AzureMlJob),
    ("app-service", Persona::AppService),
    ("service-fabric", Persona::ServiceFabric),
    ("vm", Persona::Vm),
    ("arc", Persona::Arc),
    ("cloud-shell", Persona::CloudShell),
    ("no-account", Persona::NoAccount),
];

impl Persona {
    /// The name on the command line.
    fn name(self) -> &'static str {
        let named = PERSONAS.iter().find(|(_, persona)| *persona == self);
        named.map_or("", |(name, _)| name)
    }

    /// The program's identity in a few words.
    pub fn summary(self) -> &'static str {
        match self {
            Self::ServicePrincipal => "a service principal with a secret, in AZURE_*",
            Self::Himl => "the same service principal, in hi-ml's HIML_*",
            Self::Certificate => "a service principal with a certificate, in AZURE_*",
            Self::Laptop => "a laptop on which Azure CLI is signed in",
            Self::Github => "a job in GitHub Actions with the permission id-token: write",
            Self::AzurePipelines => "a job in Azure Pipelines with a service connection",
            Self::Aks => "a pod in Azure Kubernetes Service with workload identity",
            Self::AzureMlCompute => "an Azure ML compute with a managed identity",
            Self::AzureMlJob => "an Azure ML job on behalf of the user who submitted it",
            Self::AppService => "an app in App Service with a managed identity",
            Self::ServiceFabric => "an application in Service Fabric with a managed identity",
            Self::Vm => "a virtual machine with a managed identity",
            Self::Arc => "a server with Azure Arc and a managed identity",
            Self::CloudShell => "Cloud Shell, as its user",
            Self::NoAccount => "a machine where no account is signed in",
        }
    }

    /// The persona's variables. `None` if the seed has no identity for it.
    fn variables(self, info: &Info, way: Way) -> Option<Pairs> {
        match self {
            Self::ServicePrincipal => principals::service_principal(info),
            Self::Himl => principals::himl(info),
            Self::Certificate => principals::certificate(info),
            Self::Laptop => laptop::laptop(info, way),
            Self::Github => ci::github(info),
            Self::AzurePipelines => ci::azure_pipelines(info),
            Self::Aks => hosts::aks(info, way),
            Self::AzureMlCompute => hosts::azureml_compute(info),
            Self::AzureMlJob => hosts::azureml_job(info),
            Self::AppService => hosts::app_service(info),
            Self::ServiceFabric => hosts::service_fabric(info),
            Self::Vm => hosts::vm(info),
            Self::Arc => hosts::arc(info),
            Self::CloudShell => hosts::cloud_shell(info),
            Self::NoAccount => None,
        }
    }
}

impl Info {
    /// The variables for a program that uses the emulator, on a machine without any other sign-in.
    ///
    /// If the seed has no identity for the persona, no credential is set.
    pub fn environment(&self, persona: Persona, way: Way) -> Environment {
        let mut set = self.trust();
        set.extend(self.route(way));
        set.extend(self.workspace_variables());
        set.extend(owned(persona.variables(self, way).unwrap_or_default()));
        Environment { set }
    }

    fn trust(&self) -> Vec<(String, String)> {
        let bundle = self.ca_bundle.display().to_string();
        // For OpenSSL and rustls-native-certs, requests, curl, Node.
        [
            "SSL_CERT_FILE",
            "REQUESTS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
            "NODE_EXTRA_CA_CERTS",
        ]
        .map(|name| (name.to_owned(), bundle.clone()))
        .into()
    }

    fn route(&self, way: Way) -> Vec<(String, String)> {
        let pairs = match way {
            Way::Ports => vec![
                ("AZURE_AUTHORITY_HOST", self.login_url.clone()),
                (
                    "ARM_CLOUD_METADATA_URL",
                    format!("{}/metadata/endpoints?api-version=2019-05-01", self.arm_url),
                ),
            ],
            Way::RealNames => {
                let direct = "localhost,127.0.0.1,::1".to_owned();
                vec![
                    ("HTTPS_PROXY", self.proxy_url.clone()),
                    ("https_proxy", self.proxy_url.clone()),
                    ("NO_PROXY", direct.clone()),
                    ("no_proxy", direct),
                ]
            }
        };
        owned(pairs)
    }

    fn workspace_variables(&self) -> Vec<(String, String)> {
        self.workspace.as_ref().map_or_else(Vec::new, |workspace| {
            owned(vec![
                (
                    "AZUREML_ARM_SUBSCRIPTION",
                    workspace.subscription_id.to_string(),
                ),
                (
                    "AZUREML_ARM_RESOURCEGROUP",
                    workspace.resource_group.clone(),
                ),
                ("AZUREML_ARM_WORKSPACE_NAME", workspace.name.clone()),
            ])
        })
    }
}

fn owned(pairs: Pairs) -> Vec<(String, String)> {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
