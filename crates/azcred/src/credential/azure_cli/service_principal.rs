//! The secret of an application that signed in to Azure CLI (`ServicePrincipalStore` in
//! azure-cli-core).

use super::files::{Folder, Limit, NotHere};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

const FILE: &str = "service_principal_entries.json";

#[derive(Deserialize)]
struct ServicePrincipalEntry {
    client_id: String,
    tenant: String,
    #[serde(default, deserialize_with = "hidden")]
    client_secret: Option<SecretString>,
    #[serde(default)]
    certificate: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    client_assertion: Option<serde::de::IgnoredAny>,
}

/// The application's secret: the one for the tenant, or else the first, as Azure CLI does it.
pub(super) fn secret(
    folder: &Folder<'_>,
    client_id: &str,
    tenant: &str,
) -> Result<SecretString, NotHere> {
    let Some(bytes) = folder.read(FILE, Limit::SMALL)? else {
        return Err(NotHere::because(
            "service_principal_entries.json does not exist",
        ));
    };
    let entries: Vec<ServicePrincipalEntry> = serde_json::from_slice(&bytes)
        .map_err(|_| NotHere::because("service_principal_entries.json has an unknown format"))?;
    let mut own: Vec<ServicePrincipalEntry> = entries
        .into_iter()
        .filter(|entry| entry.client_id == client_id)
        .collect();
    if own.is_empty() {
        return Err(NotHere::because(
            "the application is not in service_principal_entries.json",
        ));
    }
    let place = own
        .iter()
        .position(|entry| entry.tenant.eq_ignore_ascii_case(tenant))
        .unwrap_or(0);
    let entry = own.swap_remove(place);
    if entry.certificate.is_some() || entry.client_assertion.is_some() {
        return Err(NotHere::because(
            "the application signed in with a certificate or a federated token",
        ));
    }
    entry
        .client_secret
        .ok_or_else(|| NotHere::because("the application's entry has no secret"))
}

fn hidden<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}
