//! Which variables of the user a program in the emulator does not get: those that carry an
//! identity, and those that lead past the emulator.
//!
//! It is a rule and not a list, because tools invent names: a family of names goes as a whole, and
//! what is harmless in it is named.

/// Families of which every name goes, except those in [`KEPT`].
///
/// Terraform (`ARM_`), azcopy, MLflow, Azure ML, kubelogin (`AAD_`), Cloud Shell (`ACC_`,
/// `AZUREPS_`), GitHub Actions, Azure Pipelines, the hosts of managed identities, Azure Functions,
/// MSAL, and all of Azure's own.
pub(super) const FAMILIES: &[&str] = &[
    "AAD_",
    "ACC_",
    "ACTIONS_",
    "ARM_",
    "AZCOPY_",
    "AZD_AUTH_",
    "AZD_CONFIG_",
    "AZURE_",
    "AZUREML_",
    "AZUREPS_",
    "AZURESUBSCRIPTION_",
    "AzureWebJobs",
    "ENDPOINT_AUTH_",
    "HIML_",
    "IDENTITY_",
    "IMDS_",
    "MLFLOW_TRACKING_",
    "MSAL_",
    "MSI_",
    "OBO_",
    "SYSTEM_",
];

/// What stays although its family goes: names of what is used, and settings that carry no identity
/// and no address.
pub(super) const KEPT: &[&str] = &[
    "ARM_SUBSCRIPTION_ID",
    "AZURE_CORE_COLLECT_TELEMETRY",
    "AZURE_CORE_NO_COLOR",
    "AZURE_DEV_COLLECT_TELEMETRY",
    "AZURE_ENV_NAME",
    "AZURE_EXTENSION_DIR",
    "AZURE_HTTP_USER_AGENT",
    "AZURE_IDENTITY_DISABLE_CP1",
    "AZURE_LOCATION",
    "AZURE_LOG_LEVEL",
    "AZURE_RESOURCE_GROUP",
    "AZURE_SDK_TRACING_IMPLEMENTATION",
    "AZURE_SUBSCRIPTION_ID",
    "AZURE_TELEMETRY_DISABLED",
    "HIML_RESOURCE_GROUP",
    "HIML_SUBSCRIPTION_ID",
    "HIML_WORKSPACE_NAME",
    // Of macOS.
    "SYSTEM_VERSION_COMPAT",
];

/// Single names, in any case: what the task `AzureCLI` of Azure Pipelines sets
/// (`addSpnToEnvironment`), and marks of a CI system or host, where programs sign in differently.
pub(super) const NAMES: &[&str] = &[
    "servicePrincipalId",
    "servicePrincipalKey",
    "idToken",
    "tenantId",
    "APPSETTING_WEBSITE_SITE_NAME",
    "COPILOT_AGENT_SESSION_ID",
    "DEFAULT_IDENTITY_CLIENT_ID",
    "AZCRED_FEDERATED_AUDIENCE",
    "AZCRED_HOME",
    "AZCRED_IMDS",
    "CI",
    "TF_BUILD",
    "BUILD_BUILDID",
    "GITHUB_ACTIONS",
    "GITHUB_ACTOR",
    "GITHUB_EVENT_NAME",
    "GITHUB_JOB",
    "GITHUB_REF",
    "GITHUB_REF_NAME",
    "GITHUB_REF_TYPE",
    "GITHUB_REPOSITORY",
    "GITHUB_REPOSITORY_OWNER",
    "GITHUB_RUN_ATTEMPT",
    "GITHUB_RUN_ID",
    "GITHUB_RUN_NUMBER",
    "GITHUB_SERVER_URL",
    "GITHUB_SHA",
    "GITHUB_WORKFLOW",
];

/// Names that are removed whether the user has them or not: `emulator env` may be read in another
/// shell than the one in which it ran.
pub(super) const WELL_KNOWN: &[&str] = &[
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
    "AZURE_USERNAME",
    "AZURE_PASSWORD",
    "AZURE_ADDITIONALLY_ALLOWED_TENANTS",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_KUBERNETES_TOKEN_PROXY",
    "AZURE_KUBERNETES_CA_FILE",
    "AZURE_KUBERNETES_CA_DATA",
    "AZURE_KUBERNETES_SNI_NAME",
    "AZURE_TOKEN_CREDENTIALS",
    "AZURE_ACCESS_TOKEN",
    "AZURE_AUTH_LOCATION",
    "AZURE_STORAGE_ACCOUNT",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_CONNECTION_STRING",
    "ARM_TENANT_ID",
    "ARM_CLIENT_ID",
    "ARM_CLIENT_SECRET",
    "ARM_CLIENT_CERTIFICATE_PATH",
    "ARM_OIDC_TOKEN",
    "ARM_OIDC_TOKEN_FILE_PATH",
    "ARM_OIDC_REQUEST_TOKEN",
    "ARM_OIDC_REQUEST_URL",
    "ARM_USE_MSI",
    "ARM_MSI_ENDPOINT",
    "AZD_AUTH_ENDPOINT",
    "AZD_AUTH_KEY",
    "AZCOPY_AUTO_LOGIN_TYPE",
    "AZCOPY_SPA_CLIENT_SECRET",
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
    "AZUREML_OBO_ENABLED",
    "AZUREML_RUN_ID",
    "AZUREML_RUN_TOKEN",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_URI",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "SYSTEM_COLLECTIONURI",
    "SYSTEM_TEAMPROJECT",
    "SYSTEM_OIDCREQUESTURI",
    "SYSTEM_ACCESSTOKEN",
    "AZURESUBSCRIPTION_CLIENT_ID",
    "AZURESUBSCRIPTION_TENANT_ID",
    "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZURE_AUTHORITY_HOST",
    "AZURE_REGIONAL_AUTHORITY_NAME",
    "AZURE_CLOUD_NAME",
    "ACC_CLOUD",
    "AZUREPS_HOST_ENVIRONMENT",
    "ARM_CLOUD_METADATA_URL",
    "AZUREML_ARM_SUBSCRIPTION",
    "AZUREML_ARM_RESOURCEGROUP",
    "AZUREML_ARM_WORKSPACE_NAME",
    "AZUREML_CURRENT_CLOUD",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// The `NAME` of a `NAME_proxy`, in any case: Python and curl read both cases.
const PROXIES: &[&str] = &["all", "grpc", "http", "https", "no", "socks", "ws", "wss"];

/// Whether a variable of the user goes.
pub(super) fn is_removed(name: &str) -> bool {
    let is_proxy = name.rsplit_once('_').is_some_and(|(scheme, proxy)| {
        proxy.eq_ignore_ascii_case("proxy")
            && PROXIES.iter().any(|one| one.eq_ignore_ascii_case(scheme))
    });
    let begins = |family: &&str| match name.get(..family.len()) {
        // On Windows, names have no case.
        Some(start) if cfg!(windows) => start.eq_ignore_ascii_case(family),
        Some(start) => start == *family,
        None => false,
    };
    let is_kept = KEPT.iter().any(|one| one.eq_ignore_ascii_case(name));
    is_proxy
        || NAMES.iter().any(|one| one.eq_ignore_ascii_case(name))
        || (!is_kept && FAMILIES.iter().any(begins))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_families_of_variables_go() {
        for name in [
            "ARM_CLIENT_ID",
            "ARM_CLIENT_SECRET",
            "ARM_OIDC_TOKEN",
            "ARM_OIDC_REQUEST_URL",
            "ARM_ACCESS_KEY",
            "ARM_CLOUD_METADATA_URL",
            "AZD_AUTH_ENDPOINT",
            "AZD_AUTH_KEY",
            "AZD_CONFIG_DIR",
            "AZURE_AUTH_LOCATION",
            "AZURE_ACCESS_TOKEN",
            "AZURE_CLIENT_SECRET",
            "AZURE_CLOUD_NAME",
            "AZURE_CONFIG_DIR",
            "AZURE_CORE_INSTANCE_DISCOVERY",
            "AZURE_DEFAULTS_GROUP",
            "AZURE_DEVOPS_EXT_PAT",
            "AZURE_FEDERATED_TOKEN_FILE",
            "AZURE_STORAGE_CONNECTION_STRING",
            "AZURE_STORAGE_KEY",
            "AZURE_TOKEN_CREDENTIALS",
            "AZURE_OF_NEXT_YEAR",
            "AZUREML_RUN_TOKEN",
            "AZUREML_CURRENT_CLOUD",
            "MLFLOW_TRACKING_TOKEN",
            "MLFLOW_TRACKING_URI",
            "AZCOPY_AUTO_LOGIN_TYPE",
            "AZCOPY_SPA_CLIENT_SECRET",
            "servicePrincipalKey",
            "SERVICEPRINCIPALKEY",
            "servicePrincipalId",
            "idToken",
            "tenantId",
            "ACC_CLOUD",
            "AZUREPS_HOST_ENVIRONMENT",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "ACTIONS_RUNTIME_TOKEN",
            "SYSTEM_ACCESSTOKEN",
            "SYSTEM_OIDCREQUESTURI",
            "AZURESUBSCRIPTION_CLIENT_ID",
            "ENDPOINT_AUTH_SYSTEMVSSCONNECTION",
            "AAD_SERVICE_PRINCIPAL_CLIENT_SECRET",
            "AzureWebJobsStorage",
            "HIML_SERVICE_PRINCIPAL_PASSWORD",
            "IDENTITY_ENDPOINT",
            "IMDS_ENDPOINT",
            "MSI_SECRET",
            "MSAL_FORCE_REGION",
            "OBO_ENDPOINT",
            "HTTPS_PROXY",
            "https_proxy",
            "Http_Proxy",
            "all_proxy",
            "NO_PROXY",
            "GRPC_PROXY",
            "SOCKS_PROXY",
            "ws_proxy",
            "wss_proxy",
            "CI",
            "ci",
            "AZCRED_HOME",
            "AZCRED_IMDS",
            "AZCRED_FEDERATED_AUDIENCE",
            "APPSETTING_WEBSITE_SITE_NAME",
            "COPILOT_AGENT_SESSION_ID",
            "DEFAULT_IDENTITY_CLIENT_ID",
            "GITHUB_ACTIONS",
            "GITHUB_REPOSITORY",
            "TF_BUILD",
        ] {
            assert!(is_removed(name), "{name} stays");
        }
    }

    #[test]
    fn every_well_known_name_is_one_of_the_rule() {
        for name in WELL_KNOWN {
            assert!(is_removed(name), "{name}");
        }
    }

    #[test]
    fn what_carries_no_identity_and_no_route_stays() {
        for name in KEPT.iter().chain(&[
            "HOME",
            "PATH",
            "MY_PROXY",
            "GOPROXY",
            "ARMOUR",
            "AZCRED_PRESET",
            "AZCRED_LOG",
            "AZD_DEBUG",
            "GITHUB_OUTPUT",
            "GITHUB_WORKSPACE",
            "MLFLOW_EXPERIMENT_NAME",
            "SystemRoot",
            "KUBECONFIG",
            "",
        ]) {
            assert!(!is_removed(name), "{name} goes");
        }
    }
}
