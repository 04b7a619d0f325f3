//! Issuers and subjects of GitLab, Azure Pipelines and Kubernetes.

use super::{FederatedTrust, invalid};
use crate::error::Result;
use azcred::{FederatedAudience, TenantId};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use uuid::{Uuid, uuid};

/// A project of GitLab (GitLab's page 'OpenID Connect (OIDC) Authentication Using ID Tokens').
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GitLabProject {
    /// The server's address without a slash at its end, which is the issuer.
    pub server: String,
    /// The path: groups and the project.
    pub path: String,
}

/// What a GitLab job runs for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum GitLabRef {
    /// A branch.
    Branch(String),
    /// A tag.
    Tag(String),
}

impl GitLabProject {
    /// Reads `GROUP/PROJECT` on gitlab.com, or the project's address on another server.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if it is neither.
    pub fn new(text: &str) -> Result<Self> {
        let text_of = text.trim_end_matches('/');
        let text_of = text_of.strip_suffix(".git").unwrap_or(text_of);
        let (server, path) = match text_of.strip_prefix("https://") {
            Some(rest) => rest.split_once('/').unwrap_or((rest, "")),
            None => ("gitlab.com", text_of),
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':');
        let is_name = |part: &str| {
            !part.is_empty()
                && !matches!(part, "." | "..")
                && part
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        let is_valid = !server.is_empty()
            && server.chars().all(is_host)
            && path.contains('/')
            && path.split('/').all(is_name);
        if !is_valid {
            return Err(invalid(
                "project",
                text,
                "a project is GROUP/PROJECT, or its address on another server than gitlab.com",
                "give it as the project's page shows it, such as contoso/ml-project or https://gitlab.contoso.com/contoso/ml-project",
            ));
        }
        Ok(Self {
            server: format!("https://{}", server.to_ascii_lowercase()),
            path: path.to_owned(),
        })
    }

    /// The trust in jobs of a branch or a tag.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the subject would be too long.
    pub fn trust(&self, of: &GitLabRef, audience: FederatedAudience) -> Result<FederatedTrust> {
        let (kind, name) = match of {
            GitLabRef::Branch(name) => ("branch", name),
            GitLabRef::Tag(name) => ("tag", name),
        };
        let path = &self.path;
        let subject = format!("project_path:{path}:ref_type:{kind}:ref:{name}");
        FederatedTrust::new(&self.server, &subject, audience)
    }
}

/// Azure DevOps as an application of Entra ID.
const AZURE_DEVOPS: Uuid = uuid!("499b84ac-1321-427f-aa17-267ca6975798");

/// A service connection of Azure DevOps. It has one of two forms, and Azure DevOps alone knows
/// which; the connection's page shows it (Microsoft's page 'Set a Resource Manager workload
/// identity service connection').
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DevOpsConnection {
    /// Tokens of Azure DevOps, with names in the subject.
    Names {
        /// The organization's id, which the issuer ends with.
        organization_id: Uuid,
        /// `ORGANIZATION/PROJECT/CONNECTION`.
        path: String,
    },
    /// Tokens of Entra ID, with ids in the subject.
    Ids {
        /// The tenant of the organization.
        tenant: Uuid,
        /// The organization's id.
        organization_id: Uuid,
        /// The connection's id.
        connection_id: Uuid,
    },
}

impl DevOpsConnection {
    /// The names of a connection: `ORGANIZATION/PROJECT/CONNECTION`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if there are not three names.
    pub fn path(text: &str) -> Result<String> {
        let names: Vec<&str> = text.trim_start_matches("sc://").split('/').collect();
        match names.len() == 3 && names.iter().all(|name| !name.trim().is_empty()) {
            true => Ok(names.join("/")),
            false => Err(invalid(
                "service connection",
                text,
                "a service connection is ORGANIZATION/PROJECT/CONNECTION",
                "give the three names as Azure DevOps shows them",
            )),
        }
    }

    /// The trust in jobs that use the connection.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the subject would be too long.
    pub fn trust(&self, audience: FederatedAudience) -> Result<FederatedTrust> {
        let (issuer, subject) = match self {
            Self::Names {
                organization_id,
                path,
            } => (
                format!("https://vstoken.dev.azure.com/{organization_id}"),
                format!("sc://{path}"),
            ),
            Self::Ids {
                tenant,
                organization_id,
                connection_id,
            } => (
                format!("https://login.microsoftonline.com/{tenant}/v2.0"),
                format!(
                    "/eid1/c/pub/t/{}/a/{}/sc/{organization_id}/{connection_id}",
                    encoded(*tenant),
                    encoded(AZURE_DEVOPS)
                ),
            ),
        };
        FederatedTrust::new(&issuer, &subject, audience)
    }

    /// A tenant as a subject has it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if it is a domain: subjects have ids.
    pub fn tenant(tenant: &TenantId) -> Result<Uuid> {
        Uuid::try_parse(tenant.as_ref()).map_err(|_| {
            invalid(
                "tenant",
                tenant.as_ref(),
                "the subject has the tenant's id, not a domain",
                "find it with `azcred tenant DOMAIN`",
            )
        })
    }
}

/// A GUID in a subject of Entra ID's: its bytes in the order of .NET's `Guid`, in base64url.
fn encoded(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.to_bytes_le())
}

/// A service account of a Kubernetes cluster (Kubernetes' page 'Service Accounts').
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KubernetesAccount {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl KubernetesAccount {
    /// Reads `NAMESPACE/NAME`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if it is not that.
    pub fn new(text: &str) -> Result<Self> {
        let is_label = |text: &str| {
            (1..=253).contains(&text.len())
                && text
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
        };
        match text.split_once('/') {
            Some((namespace, name))
                if is_label(namespace) && !namespace.contains('.') && is_label(name) =>
            {
                Ok(Self {
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                })
            }
            _ => Err(invalid(
                "service account",
                text,
                "a service account is NAMESPACE/NAME, in lower case",
                "give both, such as training/runner",
            )),
        }
    }

    /// The trust in pods with the account. `issuer` is the cluster's, which `kubectl get --raw
    /// /.well-known/openid-configuration` shows; AKS' ends with a slash.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the issuer is not an address.
    pub fn trust(&self, issuer: &str, audience: FederatedAudience) -> Result<FederatedTrust> {
        let Self { namespace, name } = self;
        let subject = format!("system:serviceaccount:{namespace}:{name}");
        FederatedTrust::new(issuer, &subject, audience)
    }
}
