//! The names that tools are known to read.

use crate::rules::{Class, NAMES, class_of};

/// The well-known names of some classes, whether the user has set them or not. A text of commands
/// that unset variables needs them: it may be read in another shell than the one where it was made.
pub fn known(is_wanted: impl Fn(Class) -> bool) -> impl Iterator<Item = &'static str> {
    let singles = NAMES.iter().map(|(name, _)| *name);
    let names = singles.chain(WELL_KNOWN.iter().copied());
    names.filter(move |name| class_of(name).is_some_and(&is_wanted))
}

const WELL_KNOWN: &[&str] = &[
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_well_known_name_is_one_of_the_rule() {
        assert_eq!(known(|_| true).count(), NAMES.len() + WELL_KNOWN.len());
        let identities: Vec<_> = known(|class| class == Class::Identity).collect();
        assert!(identities.contains(&"AZURE_CLIENT_SECRET"));
        assert!(!identities.contains(&"AZURE_TENANT_ID"));
    }
}
