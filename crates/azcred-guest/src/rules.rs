//! The class of each variable.
//!
//! It is a rule and not a list, because tools invent names: a family of names has a class, and the
//! names in it that differ are in tables of their own.

/// What a variable does for a program that uses Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// It signs the program in, or chooses who is signed in: an application's id and its secret, a
    /// token, the endpoint of a managed identity, a key of a storage account.
    Identity,
    /// It says which Azure is used, and what of it: a proxy, an authority, a cloud, a tenant, the
    /// place of settings.
    Route,
    /// It lets a program log what it does: the token of an Azure ML job's run, the password of an
    /// MLflow server. Azure accepts such a token for that run only, and no SDK signs in with it.
    Tracking,
    /// It says where the program runs. Tools sign in differently there.
    Place,
}

use Class::{Identity, Place, Route, Tracking};

/// Beginnings of names, each with the class of its family. The longest that fits counts.
///
/// Terraform (`ARM_`), azcopy, MLflow, Azure ML, kubelogin (`AAD_`), Cloud Shell (`ACC_`,
/// `AZUREPS_`), GitHub Actions, Azure Pipelines, the hosts of managed identities, Azure Functions,
/// MSAL, and all of Azure's own.
const FAMILIES: &[(&str, Class)] = &[
    ("AAD_", Identity),
    ("ACC_", Place),
    ("ACTIONS_", Place),
    ("ACTIONS_ID_TOKEN_", Identity),
    ("ARM_", Route),
    ("ARM_ADO_PIPELINE_", Identity),
    ("ARM_CLIENT_", Identity),
    ("ARM_MSI_", Identity),
    ("ARM_OIDC_", Identity),
    ("ARM_USE_AKS_", Identity),
    ("ARM_USE_MSI", Identity),
    ("ARM_USE_OIDC", Identity),
    ("AZCOPY_", Route),
    ("AZCOPY_MSI_", Identity),
    ("AZCOPY_OAUTH_", Identity),
    ("AZCOPY_SPA_", Identity),
    ("AZD_AUTH_", Identity),
    ("AZD_CONFIG_", Route),
    ("AZURE_", Route),
    ("AZURE_AUTH_LOCATION", Identity),
    ("AZURE_CLIENT_", Identity),
    ("AZURE_FEDERATED_", Identity),
    ("AZURE_KUBERNETES_", Identity),
    ("AZURE_TOKEN_CREDENTIALS", Identity),
    ("AZUREML_", Route),
    ("AZUREML_DATAPREP_TOKEN_", Identity),
    ("AZUREML_OBO_", Identity),
    ("AZUREML_RUN_TOKEN", Tracking),
    ("AZUREPS_", Place),
    ("AZURESUBSCRIPTION_", Identity),
    ("AzureWebJobs", Identity),
    ("ENDPOINT_AUTH_", Identity),
    ("HIML_", Identity),
    ("IDENTITY_", Identity),
    ("IMDS_", Identity),
    ("MLFLOW_TRACKING_", Route),
    ("MLFLOW_TRACKING_PASSWORD", Tracking),
    ("MLFLOW_TRACKING_TOKEN", Tracking),
    ("MLFLOW_TRACKING_USERNAME", Tracking),
    ("MSAL_", Route),
    ("MSI_", Identity),
    ("OBO_", Identity),
    ("SYSTEM_", Place),
    ("SYSTEM_ACCESSTOKEN", Identity),
    ("SYSTEM_OIDCREQUESTURI", Identity),
];

/// Ends of names by which a variable of a family of routes carries an identity nevertheless.
const SECRETS: &[&str] = &[
    "_ACCOUNT_KEY",
    "_ACCESS_KEY",
    "_API_KEY",
    "_CONNECTION_STRING",
    "_CREDENTIALS",
    "_PASSWORD",
    "_PAT",
    "_SECRET",
    "_STORAGE_KEY",
    "_TOKEN",
    "_USERNAME",
];

/// What stays although its family goes: names of what is used, and settings that carry no identity
/// and no address.
const KEPT: &[&str] = &[
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
/// (`addSpnToEnvironment`), settings of azcred, and marks of a CI system or host.
pub(crate) const NAMES: &[(&str, Class)] = &[
    ("servicePrincipalId", Identity),
    ("servicePrincipalKey", Identity),
    ("idToken", Identity),
    ("tenantId", Route),
    ("APPSETTING_WEBSITE_SITE_NAME", Place),
    ("COPILOT_AGENT_SESSION_ID", Place),
    ("DEFAULT_IDENTITY_CLIENT_ID", Identity),
    ("AZCRED_EXEC", Identity),
    ("AZCRED_FEDERATED_AUDIENCE", Route),
    ("AZCRED_HOME", Route),
    ("AZCRED_IMDS", Route),
    ("CI", Place),
    ("TF_BUILD", Place),
    ("BUILD_BUILDID", Place),
    ("GITHUB_ACTIONS", Place),
    ("GITHUB_ACTOR", Place),
    ("GITHUB_EVENT_NAME", Place),
    ("GITHUB_JOB", Place),
    ("GITHUB_REF", Place),
    ("GITHUB_REF_NAME", Place),
    ("GITHUB_REF_TYPE", Place),
    ("GITHUB_REPOSITORY", Place),
    ("GITHUB_REPOSITORY_OWNER", Place),
    ("GITHUB_RUN_ATTEMPT", Place),
    ("GITHUB_RUN_ID", Place),
    ("GITHUB_RUN_NUMBER", Place),
    ("GITHUB_SERVER_URL", Place),
    ("GITHUB_SHA", Place),
    ("GITHUB_WORKFLOW", Place),
    ("WEBSITE_HOSTNAME", Place),
    ("WEBSITE_INSTANCE_ID", Place),
    ("WEBSITE_OWNER_NAME", Place),
    ("WEBSITE_RESOURCE_GROUP", Place),
    ("WEBSITE_SITE_NAME", Place),
];

/// The `NAME` of a `NAME_proxy`, in any case: Python and curl read both cases.
const PROXIES: &[&str] = &["all", "grpc", "http", "https", "no", "socks", "ws", "wss"];

/// The class of a variable. `None` for one that is the user's own affair.
pub fn class_of(name: &str) -> Option<Class> {
    if let Some((_, class)) = NAMES.iter().find(|(one, _)| one.eq_ignore_ascii_case(name)) {
        return Some(*class);
    }
    if KEPT.iter().any(|one| one.eq_ignore_ascii_case(name)) {
        return None;
    }
    if is_proxy(name) {
        return Some(Route);
    }
    let fitting = FAMILIES.iter().filter(|(family, _)| begins(name, family));
    let (_, class) = fitting.max_by_key(|(family, _)| family.len())?;
    let is_secret = *class == Route && SECRETS.iter().any(|end| ends(name, end));
    Some(if is_secret { Identity } else { *class })
}

fn is_proxy(name: &str) -> bool {
    name.rsplit_once('_').is_some_and(|(scheme, proxy)| {
        proxy.eq_ignore_ascii_case("proxy")
            && PROXIES.iter().any(|one| one.eq_ignore_ascii_case(scheme))
    })
}

fn begins(name: &str, family: &str) -> bool {
    let start = name.get(..family.len());
    start.is_some_and(|start| is_same(start, family))
}

fn ends(name: &str, end: &str) -> bool {
    let start = name.len().checked_sub(end.len());
    let found = start.and_then(|start| name.get(start..));
    found.is_some_and(|found| is_same(found, end))
}

/// On Windows, names have no case.
fn is_same(one: &str, other: &str) -> bool {
    match cfg!(windows) {
        true => one.eq_ignore_ascii_case(other),
        false => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(class: Option<Class>, names: &[&str]) {
        for name in names {
            assert_eq!(class_of(name), class, "{name}");
        }
    }

    #[test]
    fn what_signs_a_program_in_is_an_identity() {
        let names = [
            "AAD_SERVICE_PRINCIPAL_CLIENT_SECRET",
            "AZCRED_EXEC",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "ARM_ACCESS_KEY",
            "ARM_CLIENT_ID",
            "ARM_CLIENT_SECRET",
            "ARM_OIDC_REQUEST_URL",
            "ARM_OIDC_TOKEN",
            "ARM_SAS_TOKEN",
            "ARM_USE_MSI",
            "AZCOPY_SPA_CLIENT_SECRET",
            "AZD_AUTH_ENDPOINT",
            "AZD_AUTH_KEY",
            "AZUREML_DATAPREP_TOKEN_PROVIDER",
            "AZUREML_OBO_ENABLED",
            "AZURESUBSCRIPTION_CLIENT_ID",
            "AZURE_ACCESS_TOKEN",
            "AZURE_AUTH_LOCATION",
            "AZURE_CLIENT_CERTIFICATE_PASSWORD",
            "AZURE_CLIENT_CERTIFICATE_PATH",
            "AZURE_CLIENT_ID",
            "AZURE_CLIENT_SECRET",
            "AZURE_CREDENTIALS",
            "AZURE_DEVOPS_EXT_PAT",
            "AZURE_FEDERATED_TOKEN_FILE",
            "AZURE_KUBERNETES_TOKEN_PROXY",
            "AZURE_OF_NEXT_YEAR_ACCESS_TOKEN",
            "AZURE_OPENAI_API_KEY",
            "AZURE_PASSWORD",
            "AZURE_STORAGE_CONNECTION_STRING",
            "AZURE_STORAGE_KEY",
            "AZURE_STORAGE_SAS_TOKEN",
            "AZURE_TOKEN_CREDENTIALS",
            "AZURE_USERNAME",
            "AzureWebJobsStorage",
            "DEFAULT_IDENTITY_CLIENT_ID",
            "ENDPOINT_AUTH_SYSTEMVSSCONNECTION",
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
            "SERVICEPRINCIPALKEY",
            "SYSTEM_ACCESSTOKEN",
            "SYSTEM_OIDCREQUESTURI",
            "idToken",
            "servicePrincipalId",
            "servicePrincipalKey",
        ];
        check(Some(Identity), &names);
    }

    #[test]
    fn what_says_which_azure_is_used_is_a_route() {
        let names = [
            "ARM_CLOUD_METADATA_URL",
            "ARM_TENANT_ID",
            "ARM_USE_AZUREAD",
            "ARM_USE_CLI",
            "AZCOPY_AUTO_LOGIN_TYPE",
            "AZCRED_FEDERATED_AUDIENCE",
            "AZCRED_HOME",
            "AZCRED_IMDS",
            "AZD_CONFIG_DIR",
            "AZUREML_ARM_WORKSPACE_NAME",
            "AZUREML_CURRENT_CLOUD",
            "AZURE_ADDITIONALLY_ALLOWED_TENANTS",
            "AZURE_AUTHORITY_HOST",
            "AZURE_CLOUD_NAME",
            "AZURE_CONFIG_DIR",
            "AZURE_CORE_ENCRYPT_TOKEN_CACHE",
            "AZURE_CORE_INSTANCE_DISCOVERY",
            "AZURE_DEFAULTS_GROUP",
            "AZURE_KEY_VAULT_NAME",
            "AZURE_OF_NEXT_YEAR",
            "AZURE_OPENAI_ENDPOINT",
            "AZURE_POD_IDENTITY_AUTHORITY_HOST",
            "AZURE_STORAGE_ACCOUNT",
            "AZURE_STORAGE_AUTH_MODE",
            "AZURE_TENANT_ID",
            "GRPC_PROXY",
            "HTTPS_PROXY",
            "Http_Proxy",
            "MLFLOW_TRACKING_URI",
            "MSAL_FORCE_REGION",
            "NO_PROXY",
            "SOCKS_PROXY",
            "all_proxy",
            "https_proxy",
            "tenantId",
            "ws_proxy",
            "wss_proxy",
        ];
        check(Some(Route), &names);
    }

    #[test]
    fn what_lets_a_program_log_is_no_identity() {
        let names = [
            "AZUREML_RUN_TOKEN",
            "AZUREML_RUN_TOKEN_EXPIRY",
            "AZUREML_RUN_TOKEN_PASS",
            "MLFLOW_TRACKING_PASSWORD",
            "MLFLOW_TRACKING_TOKEN",
            "MLFLOW_TRACKING_USERNAME",
        ];
        check(Some(Tracking), &names);
    }

    #[test]
    fn what_says_where_a_program_runs_is_a_place() {
        let names = [
            "ACC_CLOUD",
            "ACTIONS_RUNTIME_TOKEN",
            "APPSETTING_WEBSITE_SITE_NAME",
            "AZUREPS_HOST_ENVIRONMENT",
            "CI",
            "COPILOT_AGENT_SESSION_ID",
            "GITHUB_ACTIONS",
            "GITHUB_REPOSITORY",
            "SYSTEM_JOBID",
            "TF_BUILD",
            "ci",
        ];
        check(Some(Place), &names);
    }

    #[test]
    fn everything_else_is_the_users_own_affair() {
        check(None, KEPT);
        let names = [
            "HOME",
            "PATH",
            "MY_PROXY",
            "MY_TOKEN",
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
            "ÄZURE_",
            "",
        ];
        check(None, &names);
    }
}
