//! The variables that put a program inside the emulator: as whom (persona) and by which way in.

use std::fmt;

use crate::info::{IdentityInfo, Info};

/// As whom a program signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Persona {
    /// The seeded service principal, by `AZURE_*`.
    ServicePrincipal,
    /// The same, by hi-ml's `HIML_*`.
    Himl,
    /// A service principal with a certificate, by `AZURE_*`.
    Certificate,
    /// Nobody: the program finds no credential in its environment.
    Nobody,
}

/// By which way a program reaches the emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// Each service by its port on `localhost`.
    Ports,
    /// Azure's own names, through the proxy.
    RealNames,
}

/// Variables for a child process. It holds secrets: `Debug` shows names only.
#[derive(Clone, PartialEq, Eq)]
pub struct Environment {
    /// Variables to set.
    pub set: Vec<(String, String)>,
    /// Variables to remove, because they would lead the program elsewhere or sign it in as somebody else.
    pub unset: Vec<&'static str>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.set.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Environment")
            .field("set", &names)
            .field("unset", &self.unset)
            .finish()
    }
}

/// Every persona, with the name the command line gives it.
pub const PERSONAS: &[(&str, Persona)] = &[
    ("service-principal", Persona::ServicePrincipal),
    ("himl", Persona::Himl),
    ("certificate", Persona::Certificate),
    ("nobody", Persona::Nobody),
];

/// Every way in, with the name the command line gives it.
pub const WAYS: &[(&str, Way)] = &[("ports", Way::Ports), ("names", Way::RealNames)];

/// Whatever could sign a program in, in any of Azure's libraries ('EnvironmentCredential', 'ManagedIdentityCredential',
/// 'WorkloadIdentityCredential', hi-ml): all of it goes before a persona's own is set.
const CREDENTIALS: &[&str] = &[
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
    "AZURE_USERNAME",
    "AZURE_PASSWORD",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_TOKEN_CREDENTIALS",
    "HIML_SERVICE_PRINCIPAL_ID",
    "HIML_SERVICE_PRINCIPAL_PASSWORD",
    "HIML_TENANT_ID",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "OBO_ENDPOINT",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "SYSTEM_OIDCREQUESTURI",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
];

/// Whatever could lead a program past the emulator.
const ROUTES: &[&str] = &[
    "AZURE_AUTHORITY_HOST",
    "ARM_CLOUD_METADATA_URL",
    "AZUREML_CURRENT_CLOUD",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

impl Info {
    /// The variables for a program that is to run inside the emulator. Whatever is not among them stays as it is.
    ///
    /// A persona that the seed has nobody for sets no credential.
    pub fn environment(&self, persona: Persona, way: Way) -> Environment {
        let mut set = self.trust();
        set.extend(self.route(way));
        set.extend(self.workspace_variables());
        set.extend(self.credential(persona));
        let unset = CREDENTIALS
            .iter()
            .chain(ROUTES)
            .filter(|name| !set.iter().any(|(set, _)| set == *name))
            .copied()
            .collect();
        Environment { set, unset }
    }

    fn trust(&self) -> Vec<(String, String)> {
        let bundle = self.ca_bundle.display().to_string();
        // OpenSSL and rustls-native-certs, requests, curl, Node.
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

    fn credential(&self, persona: Persona) -> Vec<(String, String)> {
        let pairs = match persona {
            Persona::Nobody => None,
            Persona::ServicePrincipal => self.service_principal().map(|(identity, secret)| {
                vec![
                    ("AZURE_TENANT_ID", identity.tenant_id.to_string()),
                    ("AZURE_CLIENT_ID", identity.client_id.to_string()),
                    ("AZURE_CLIENT_SECRET", secret.to_owned()),
                ]
            }),
            Persona::Himl => self.service_principal().map(|(identity, secret)| {
                vec![
                    ("HIML_TENANT_ID", identity.tenant_id.to_string()),
                    ("HIML_SERVICE_PRINCIPAL_ID", identity.client_id.to_string()),
                    ("HIML_SERVICE_PRINCIPAL_PASSWORD", secret.to_owned()),
                ]
            }),
            Persona::Certificate => self.identities.iter().find_map(|identity| {
                let path = identity.certificate_path.as_ref()?;
                Some(vec![
                    ("AZURE_TENANT_ID", identity.tenant_id.to_string()),
                    ("AZURE_CLIENT_ID", identity.client_id.to_string()),
                    ("AZURE_CLIENT_CERTIFICATE_PATH", path.display().to_string()),
                ])
            }),
        };
        owned(pairs.unwrap_or_default())
    }

    /// The persona `service-principal` with its secret: the first application that has all it needs.
    pub fn service_principal(&self) -> Option<(&IdentityInfo, &str)> {
        self.identities
            .iter()
            .filter(|i| i.enabled && i.object_id.is_some() && !i.secret_expired)
            .find_map(|i| Some((i, i.secret.as_deref()?)))
    }
}

fn owned(pairs: Vec<(&str, String)>) -> Vec<(String, String)> {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
