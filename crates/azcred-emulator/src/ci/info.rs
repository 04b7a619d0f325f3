//! What a CI job finds in its environment.

use super::{azure_pipelines, github_actions};
use crate::directory::Directory;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// A workflow run of GitHub Actions whose job may request tokens. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GithubActionsInfo {
    /// The client id of the application that trusts the run's tokens.
    pub client_id: Uuid,
    /// The tenant.
    pub tenant_id: Uuid,
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
    pub request_url: String,
    /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
    pub request_token: String,
    /// `OWNER/NAME`.
    pub repository: String,
    /// The Git reference, such as `refs/heads/main`.
    pub git_ref: String,
    /// The event that started the run, such as `push`.
    pub event: String,
}

/// A job of Azure Pipelines that may use a service connection. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AzurePipelinesInfo {
    /// The client id of the application that trusts the connection's tokens.
    pub client_id: Uuid,
    /// The tenant.
    pub tenant_id: Uuid,
    /// `SYSTEM_OIDCREQUESTURI`.
    pub request_uri: String,
    /// `SYSTEM_ACCESSTOKEN`.
    pub access_token: String,
    /// The id of the service connection.
    pub service_connection_id: Uuid,
    /// The connection's `sub`.
    pub subject: String,
    /// The organization's name.
    pub organization: String,
    /// The project's name.
    pub project: String,
}

impl GithubActionsInfo {
    /// The directory's workflow run. `base` is the service's base URL.
    pub(crate) fn find(directory: &Directory, base: &str) -> Option<Self> {
        let job = github_actions::job(directory)?;
        Some(Self {
            client_id: job.application.app_id,
            tenant_id: job.application.home_tenant,
            request_url: github_actions::request_url(base),
            request_token: job.request_token.expose().to_owned(),
            repository: job.repository(),
            git_ref: job.git_ref().to_owned(),
            event: job.event().to_owned(),
        })
    }
}

impl AzurePipelinesInfo {
    /// The job of the directory's first connection. `base` is the service's base URL.
    pub(crate) fn find(directory: &Directory, base: &str) -> Option<Self> {
        let connections = azure_pipelines::connections(directory);
        let connection = connections.first()?;
        let (organization, project) = connection.place();
        Some(Self {
            client_id: connection.application.app_id,
            tenant_id: connection.application.home_tenant,
            request_uri: azure_pipelines::request_uri(base),
            access_token: connection.access_token.expose().to_owned(),
            service_connection_id: connection.id,
            subject: connection.subject.to_owned(),
            organization: organization.to_owned(),
            project: project.to_owned(),
        })
    }
}

impl fmt::Debug for GithubActionsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GithubActionsInfo")
            .field("client_id", &self.client_id)
            .field("request_url", &self.request_url)
            .field("repository", &self.repository)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AzurePipelinesInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzurePipelinesInfo")
            .field("client_id", &self.client_id)
            .field("request_uri", &self.request_uri)
            .field("service_connection_id", &self.service_connection_id)
            .finish_non_exhaustive()
    }
}
