//! The ports on which an emulator listens.

use crate::service::Service;

/// Ports on the loopback address. 0 means a free port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// Entra ID.
    pub login: u16,
    /// ARM.
    pub arm: u16,
    /// Microsoft Graph.
    pub graph: u16,
    /// Azure Machine Learning's own services.
    pub ml: u16,
    /// Blob Storage.
    pub blob: u16,
    /// The proxy for Azure's real names.
    pub proxy: u16,
    /// The admin port.
    pub admin: u16,
    /// The Instance Metadata Service.
    pub imds: u16,
    /// App Service's managed identity endpoint.
    pub app_service: u16,
    /// Service Fabric's managed identity endpoint.
    pub service_fabric: u16,
    /// Azure Arc's agent.
    pub arc: u16,
    /// Azure Machine Learning's managed identity endpoint.
    pub ml_compute: u16,
    /// Azure Machine Learning's tokens of a user.
    pub ml_obo: u16,
    /// Cloud Shell's tokens.
    pub cloud_shell: u16,
    /// GitHub Actions' tokens.
    pub github_actions: u16,
    /// Azure Pipelines' tokens.
    pub azure_pipelines: u16,
}

impl Ports {
    /// The port of a service.
    pub fn of(mut self, service: Service) -> u16 {
        *self.of_mut(service)
    }

    /// The port with this name, to be set: a service's name, `proxy` or `admin`. `None` for another
    /// name.
    pub fn named(&mut self, name: &str) -> Option<&mut u16> {
        match name {
            "proxy" => Some(&mut self.proxy),
            "admin" => Some(&mut self.admin),
            _ => Service::ALL
                .iter()
                .find(|service| service.name() == name)
                .map(|service| self.of_mut(*service)),
        }
    }

    /// The names of all ports.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let services = Service::ALL.iter().map(|service| service.name());
        services.chain(["proxy", "admin"])
    }

    fn of_mut(&mut self, service: Service) -> &mut u16 {
        match service {
            Service::Login => &mut self.login,
            Service::Arm => &mut self.arm,
            Service::Graph => &mut self.graph,
            Service::Ml => &mut self.ml,
            Service::Blob => &mut self.blob,
            Service::Imds => &mut self.imds,
            Service::AppService => &mut self.app_service,
            Service::ServiceFabric => &mut self.service_fabric,
            Service::Arc => &mut self.arc,
            Service::MlCompute => &mut self.ml_compute,
            Service::MlObo => &mut self.ml_obo,
            Service::CloudShell => &mut self.cloud_shell,
            Service::GithubActions => &mut self.github_actions,
            Service::AzurePipelines => &mut self.azure_pipelines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_has_its_own_name() {
        let mut ports = Ports::default();
        let all: Vec<_> = Ports::names().collect();
        for (number, name) in (1..).zip(&all) {
            let port = ports.named(name).unwrap();
            assert_eq!(*port, 0, "{name} is another's name too");
            *port = number;
        }
        assert_eq!(ports.of(Service::Login), 1);
        assert_eq!(usize::from(ports.admin), all.len());
        assert!(ports.named("ftp").is_none());
    }
}
