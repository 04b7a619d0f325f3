//! A credential as a JSON document of another tool.

use super::{NewCredential, NewProof};
use crate::failure::{Failure, Kind};
use secrecy::ExposeSecret;
use serde::Serialize;
use zeroize::Zeroizing;

/// The output of `az ad sp create-for-rbac`, field by field.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfAz<'a> {
    app_id: &'a str,
    display_name: &'a str,
    password: &'a str,
    tenant: &'a str,
}

/// The configuration that `az devops service-endpoint create --service-endpoint-configuration`
/// takes: the body of Azure DevOps' REST API 'Endpoints - Create'.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceConnection<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    url: &'static str,
    data: ConnectionData<'a>,
    authorization: Authorization<'a>,
    is_shared: bool,
    is_ready: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConnectionData<'a> {
    environment: &'static str,
    scope_level: &'static str,
    creation_mode: &'static str,
    subscription_id: &'a str,
    subscription_name: &'a str,
}

#[derive(Serialize)]
struct Authorization<'a> {
    scheme: &'static str,
    parameters: Parameters<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
struct Parameters<'a> {
    tenantid: &'a str,
    serviceprincipalid: &'a str,
    #[serde(rename = "authenticationType")]
    kind: &'static str,
    serviceprincipalkey: &'a str,
}

/// The JSON of `az ad sp create-for-rbac`.
pub(super) fn of_az(new: &NewCredential) -> Result<Zeroizing<String>, Failure> {
    json(&OfAz {
        app_id: new.client_id.as_str(),
        display_name: &new.name,
        password: secret(new)?,
        tenant: new.tenant.as_str(),
    })
}

/// The configuration of a service connection.
pub(super) fn service_connection(new: &NewCredential) -> Result<Zeroizing<String>, Failure> {
    let Some(workspace) = &new.workspace else {
        return Err(Failure::new(
            Kind::Usage,
            "could not write the service connection",
            "a service connection belongs to a subscription, and no workspace says which one",
        )
        .fix("name the workspace with `--workspace`"));
    };
    let subscription = workspace.subscription();
    json(&ServiceConnection {
        name: &new.name,
        kind: "AzureRM",
        url: "https://management.azure.com/",
        data: ConnectionData {
            environment: "AzureCloud",
            scope_level: "Subscription",
            creation_mode: "Manual",
            subscription_id: subscription,
            subscription_name: subscription,
        },
        authorization: Authorization {
            scheme: "ServicePrincipal",
            parameters: Parameters {
                tenantid: new.tenant.as_str(),
                serviceprincipalid: new.client_id.as_str(),
                kind: "spnKey",
                serviceprincipalkey: secret(new)?,
            },
        },
        is_shared: false,
        is_ready: true,
    })
}

fn secret(new: &NewCredential) -> Result<&str, Failure> {
    match &new.proof {
        NewProof::Secret(secret) => Ok(secret.expose_secret()),
        _ => Err(Failure::new(
            Kind::Unexpected,
            "could not write the credential",
            "there is no secret",
        )),
    }
}

fn json(document: &impl Serialize) -> Result<Zeroizing<String>, Failure> {
    let text = serde_json::to_string_pretty(document).map_err(|error| {
        Failure::new(
            Kind::Unexpected,
            "could not write the credential",
            error.to_string(),
        )
    })?;
    Ok(Zeroizing::new(text + "\n"))
}
