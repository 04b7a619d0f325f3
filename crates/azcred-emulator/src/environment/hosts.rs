//! The personas that get tokens from their host: a cluster, a compute, an app, a virtual machine,
//! Cloud Shell.

use crate::{
    environment::{pairs::Pairs, way::Way},
    info::Info,
    service::Cloud,
};

/// A pod with workload identity, with the variables that the admission webhook of Azure Kubernetes
/// Service sets ('Microsoft Entra Workload ID on AKS').
pub(super) fn aks(info: &Info, way: Way) -> Option<Pairs> {
    let workload = info.workload.as_ref()?;
    let mut pairs = vec![
        ("AZURE_TENANT_ID", workload.tenant_id.to_string()),
        ("AZURE_CLIENT_ID", workload.client_id.to_string()),
        (
            "AZURE_FEDERATED_TOKEN_FILE",
            workload.token_file.display().to_string(),
        ),
    ];
    // By ports, every persona has this variable.
    if way == Way::RealNames {
        let authority = format!("https://{}/", Cloud::Public.login_host());
        pairs.push(("AZURE_AUTHORITY_HOST", authority));
    }
    Some(pairs)
}

/// A virtual machine. This variable has the URL of its metadata service.
pub(super) fn vm(info: &Info) -> Option<Pairs> {
    let hosts = info.identity_hosts.as_ref()?;
    Some(vec![(
        "AZURE_POD_IDENTITY_AUTHORITY_HOST",
        hosts.imds_url.clone(),
    )])
}

/// The variable by which Microsoft's older clients (msrestazure, and so azureml-core) know an App
/// Service. Without it, they take `MSI_ENDPOINT` for a virtual machine's extension.
const SITE_NAME: &str = "APPSETTING_WEBSITE_SITE_NAME";

/// An app in App Service, which sets the old names too ('Use managed identities for App Service',
/// 'REST endpoint reference'), and says which app it is ('Environment variables and app settings
/// reference'): telemetry reads these.
pub(super) fn app_service(info: &Info) -> Option<Pairs> {
    let hosts = info.identity_hosts.as_ref()?;
    let (endpoint, header) = (&hosts.app_service_endpoint, &hosts.app_service_header);
    let mut pairs = vec![
        ("IDENTITY_ENDPOINT", endpoint.clone()),
        ("IDENTITY_HEADER", header.clone()),
        ("MSI_ENDPOINT", endpoint.clone()),
        ("MSI_SECRET", header.clone()),
    ];
    let Some(site) = &hosts.app_service_site else {
        pairs.push((SITE_NAME, "app".to_owned()));
        return Some(pairs);
    };
    let (name, group) = (&site.name, &site.resource_group);
    let owner = format!("{}+{group}-WestEuropewebspace-Linux", site.subscription_id);
    pairs.extend([
        (SITE_NAME, name.clone()),
        ("WEBSITE_HOSTNAME", format!("{name}.azurewebsites.net")),
        ("WEBSITE_INSTANCE_ID", site.instance_id.clone()),
        ("WEBSITE_OWNER_NAME", owner),
        ("WEBSITE_RESOURCE_GROUP", group.clone()),
        ("WEBSITE_SITE_NAME", name.clone()),
    ]);
    Some(pairs)
}

/// An application in a Service Fabric cluster.
pub(super) fn service_fabric(info: &Info) -> Option<Pairs> {
    let hosts = info.identity_hosts.as_ref()?;
    Some(vec![
        ("IDENTITY_ENDPOINT", hosts.service_fabric_endpoint.clone()),
        ("IDENTITY_HEADER", hosts.service_fabric_header.clone()),
        (
            "IDENTITY_SERVER_THUMBPRINT",
            hosts.service_fabric_thumbprint.clone(),
        ),
    ])
}

/// A server with Azure Arc's agent.
pub(super) fn arc(info: &Info) -> Option<Pairs> {
    let hosts = info.identity_hosts.as_ref()?;
    Some(vec![
        ("IDENTITY_ENDPOINT", hosts.arc_endpoint.clone()),
        ("IMDS_ENDPOINT", hosts.arc_url.clone()),
    ])
}

/// A compute of Azure Machine Learning with a managed identity.
pub(super) fn azureml_compute(info: &Info) -> Option<Pairs> {
    let hosts = info.identity_hosts.as_ref()?;
    let mut pairs = vec![
        ("MSI_ENDPOINT", hosts.ml_compute_endpoint.clone()),
        ("MSI_SECRET", hosts.ml_compute_secret.clone()),
        // As on a compute instance, where msticpy recognizes Azure ML by it.
        (SITE_NAME, "AMLComputeInstance".to_owned()),
    ];
    let client_id = hosts.ml_compute_client_id;
    pairs.extend(client_id.map(|id| ("DEFAULT_IDENTITY_CLIENT_ID", id.to_string())));
    Some(pairs)
}

/// A job of Azure Machine Learning that runs as the user who submitted it.
pub(super) fn azureml_job(info: &Info) -> Option<Pairs> {
    let hosts = info.identity_hosts.as_ref()?;
    Some(vec![
        ("OBO_ENDPOINT", hosts.ml_obo_endpoint.clone()),
        ("AZUREML_OBO_ENABLED", "True".to_owned()),
    ])
}

/// Cloud Shell, and the variables by which Azure CLI and Azure PowerShell know it (the second is in
/// the image of Azure/CloudShell).
pub(super) fn cloud_shell(info: &Info) -> Option<Pairs> {
    let hosts = info.identity_hosts.as_ref()?;
    Some(vec![
        ("ACC_CLOUD", "PROD".to_owned()),
        ("AZUREPS_HOST_ENVIRONMENT", "cloud-shell/1.0".to_owned()),
        ("MSI_ENDPOINT", hosts.cloud_shell_endpoint.clone()),
    ])
}
