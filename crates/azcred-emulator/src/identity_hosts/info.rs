//! URLs and secrets of the hosts of managed identities: a part of `emulator.json`.

use crate::{
    identity_hosts::{app_service, cloud_shell, hosts::Hosts, imds, ml_compute, ml_obo},
    resources::ManagedIdentity,
    service::Service,
};
use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf};
use uuid::Uuid;

/// The hosts of managed identities, with their URLs on this machine. They include secrets, which
/// `Debug` hides.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostsInfo {
    /// IMDS without a path, for `AZURE_POD_IDENTITY_AUTHORITY_HOST`. It takes the place of
    /// `http://169.254.169.254`.
    pub imds_url: String,
    /// App Service's `IDENTITY_ENDPOINT`.
    pub app_service_endpoint: String,
    /// App Service's `IDENTITY_HEADER`.
    pub app_service_header: String,
    /// The app in App Service, if it has an identity of its own.
    #[serde(default)]
    pub app_service_site: Option<SiteInfo>,
    /// Service Fabric's `IDENTITY_ENDPOINT`.
    pub service_fabric_endpoint: String,
    /// Service Fabric's `IDENTITY_HEADER`.
    pub service_fabric_header: String,
    /// SHA-1 of the host's certificate: `IDENTITY_SERVER_THUMBPRINT`.
    pub service_fabric_thumbprint: String,
    /// Azure Arc's `IDENTITY_ENDPOINT`.
    pub arc_endpoint: String,
    /// Azure Arc's `IMDS_ENDPOINT`.
    pub arc_url: String,
    /// The folder of Azure Arc's key files, unless it is the agent's folder. Clients accept files
    /// only in the agent's folder.
    #[serde(default)]
    pub arc_keys_elsewhere: Option<PathBuf>,
    /// Azure Machine Learning's `MSI_ENDPOINT` on a compute.
    pub ml_compute_endpoint: String,
    /// Azure Machine Learning's `MSI_SECRET` on a compute.
    pub ml_compute_secret: String,
    /// Azure Machine Learning's `DEFAULT_IDENTITY_CLIENT_ID`, if the compute has an identity.
    pub ml_compute_client_id: Option<Uuid>,
    /// Azure Machine Learning's `OBO_ENDPOINT` in a job.
    pub ml_obo_endpoint: String,
    /// Cloud Shell's `MSI_ENDPOINT`.
    pub cloud_shell_endpoint: String,
}

/// An app in App Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteInfo {
    /// Its name.
    pub name: String,
    /// Its resource group.
    pub resource_group: String,
    /// Its subscription.
    pub subscription_id: Uuid,
    /// The instance on which it runs: 64 digits.
    pub instance_id: String,
}

impl SiteInfo {
    fn of(identity: &ManagedIdentity) -> Option<Self> {
        let id = &identity.resource_id;
        let kind = id.resource_type()?;
        if !kind.eq_ignore_ascii_case("Microsoft.Web/sites") {
            return None;
        }
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, id.key().as_bytes());
        let digits = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
        Some(Self {
            name: id.name().to_owned(),
            resource_group: id.resource_group()?.to_owned(),
            subscription_id: id.subscription_id()?,
            instance_id: digits.collect(),
        })
    }
}

impl HostsInfo {
    /// `url` returns the base URL of a service's port.
    pub(crate) fn new(hosts: &Hosts, url: impl Fn(Service) -> String) -> Self {
        let at = |service, path: &str| format!("{}{path}", url(service));
        let default = hosts.default_of(Service::MlCompute);
        Self {
            imds_url: url(Service::Imds),
            app_service_endpoint: at(Service::AppService, app_service::TOKEN_PATH),
            app_service_header: hosts.app_service.expose().to_owned(),
            app_service_site: hosts.default_of(Service::AppService).and_then(SiteInfo::of),
            service_fabric_endpoint: at(Service::ServiceFabric, imds::TOKEN_PATH),
            service_fabric_header: hosts.service_fabric.expose().to_owned(),
            service_fabric_thumbprint: hosts.certificate.thumbprint().to_owned(),
            arc_endpoint: at(Service::Arc, imds::TOKEN_PATH),
            arc_url: url(Service::Arc),
            arc_keys_elsewhere: hosts.arc_keys.elsewhere().map(Into::into),
            ml_compute_endpoint: at(Service::MlCompute, ml_compute::TOKEN_PATH),
            ml_compute_secret: hosts.ml_compute.expose().to_owned(),
            ml_compute_client_id: default.map(|identity| identity.client_id),
            ml_obo_endpoint: at(Service::MlObo, ml_obo::TOKEN_PATH),
            cloud_shell_endpoint: at(Service::CloudShell, cloud_shell::TOKEN_PATH),
        }
    }
}

impl fmt::Debug for HostsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostsInfo")
            .field("imds_url", &self.imds_url)
            .field("app_service_endpoint", &self.app_service_endpoint)
            .field("service_fabric_endpoint", &self.service_fabric_endpoint)
            .field("arc_endpoint", &self.arc_endpoint)
            .field("ml_compute_endpoint", &self.ml_compute_endpoint)
            .field("ml_obo_endpoint", &self.ml_obo_endpoint)
            .field("cloud_shell_endpoint", &self.cloud_shell_endpoint)
            .finish_non_exhaustive()
    }
}
