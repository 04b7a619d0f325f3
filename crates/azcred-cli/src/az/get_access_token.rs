//! `az account get-access-token`.

use super::{
    Trouble,
    accounts::Accounts,
    arguments::{GetAccessToken, RESOURCE_TYPES},
    identity::Identity,
    said,
    value::{Object, Value},
};
use azcred::{Scope, TenantId, chain::Source};
use chrono::{Local, TimeZone};

/// Azure CLI's resources for `--resource-type`, by the name of the cloud, in the order of
/// [`RESOURCE_TYPES`] (`az cloud show`).
const RESOURCES: [(&str, [&str; RESOURCE_TYPES.len()]); 3] = [
    (
        "AzureCloud",
        [
            "https://ossrdbms-aad.database.windows.net",
            "https://management.core.windows.net/",
            "https://graph.windows.net/",
            "https://graph.microsoft.com/",
            "https://batch.core.windows.net/",
            "https://rest.media.azure.net",
            "https://datalake.azure.net/",
        ],
    ),
    (
        "AzureUSGovernment",
        [
            "https://ossrdbms-aad.database.usgovcloudapi.net",
            "https://management.core.usgovcloudapi.net/",
            "https://graph.microsoftazure.us/",
            "https://graph.microsoft.us/",
            "https://batch.core.usgovcloudapi.net/",
            "https://rest.media.usgovcloudapi.net",
            "",
        ],
    ),
    (
        "AzureChinaCloud",
        [
            "https://ossrdbms-aad.database.chinacloudapi.cn",
            "https://management.core.chinacloudapi.cn/",
            "https://graph.chinacloudapi.cn/",
            "https://microsoftgraph.chinacloudapi.cn",
            "https://batch.chinacloudapi.cn/",
            "https://rest.media.chinacloudapi.cn",
            "",
        ],
    ),
];

/// The token, with the members in Azure CLI's order.
pub(super) async fn run(asked: GetAccessToken) -> Result<Value, Trouble> {
    if asked.subscription.is_some() && asked.tenant.is_some() {
        return Err(said(
            "Please specify only one of subscription and tenant, not both",
        ));
    }
    let tenant = asked.tenant.as_deref().map(TenantId::new).transpose()?;
    let scopes = scopes(&asked)?;
    let mut identity = Identity::open(&scopes, tenant).await?;
    if let (Source::ManagedIdentity, Some(asked), Some(own)) =
        (identity.source, &asked.tenant, identity.tenant())
        && !asked.eq_ignore_ascii_case(own)
    {
        return Err(said(format!(
            "For managed identity account, getting access token for non-current tenants is not supported. \
             The specified tenant must be the current tenant {own}"
        )));
    }
    let mut subscription = None;
    let mut of = asked.tenant.clone();
    if let Some(asked) = &asked.subscription {
        let accounts = Accounts::load(&identity, false).await?;
        let account = accounts.find(Some(asked))?;
        subscription = Some(account.text("id").to_owned());
        let tenant = account.text("tenantId");
        if identity
            .tenant()
            .is_none_or(|own| !own.eq_ignore_ascii_case(tenant))
        {
            identity = Identity::open(&scopes, Some(TenantId::new(tenant)?)).await?;
        }
        of = Some(tenant.to_owned());
    } else if asked.tenant.is_none() {
        // Which subscription is the default one is no reason to send a request.
        if let Some(accounts) = Accounts::known(&identity)? {
            let account = accounts.find(None)?;
            subscription = Some(account.text("id").to_owned());
        } else if let Ok(Some(found)) = identity.session.workspace() {
            subscription = Some(found.workspace.subscription().to_owned());
        }
    }
    let of = of.or_else(|| identity.tenant().map(str::to_owned));
    Ok(document(&identity, of, subscription))
}

fn document(identity: &Identity, tenant: Option<String>, subscription: Option<String>) -> Value {
    let token = &identity.token;
    let seconds = token.expires_on().unix_timestamp();
    // Local time without a zone: what Azure CLI prints, and why it prints the seconds too.
    let local = Local.timestamp_opt(seconds, 0).earliest();
    let local = local.map(|time| time.format("%Y-%m-%d %H:%M:%S%.6f").to_string());
    let mut document = Object::of([
        ("tokenType", Value::text("Bearer")),
        ("accessToken", Value::text(token.secret())),
        ("expires_on", Value::Number(seconds.into())),
        ("expiresOn", Value::text(local.unwrap_or_default())),
        ("tenant", Value::text(tenant.unwrap_or_default())),
    ]);
    if let Some(subscription) = subscription {
        document.set("subscription", Value::text(subscription));
    }
    document.into()
}

/// The scopes of the token; empty for Azure Resource Manager.
fn scopes(asked: &GetAccessToken) -> Result<Vec<Scope>, Trouble> {
    if !asked.scopes.is_empty() {
        let scopes = asked.scopes.iter();
        return Ok(scopes.map(Scope::new).collect::<azcred::Result<_>>()?);
    }
    if let Some(resource) = &asked.resource {
        return Ok(vec![Scope::from_resource(resource)?]);
    }
    match &asked.resource_type {
        // Also for Azure Resource Manager, whose audience azcred knows by its newer name.
        None => Ok(Vec::new()),
        Some(kind) if kind == "arm" => Ok(Vec::new()),
        Some(kind) => Ok(vec![Scope::from_resource(resource(kind)?)?]),
    }
}

fn resource(kind: &str) -> Result<&'static str, Trouble> {
    let cloud = crate::sign_in::Place::here()?
        .session()
        .options()?
        .cloud()?;
    let resources = RESOURCES.iter().find(|(name, _)| *name == cloud.name());
    let number = RESOURCE_TYPES.iter().position(|name| *name == kind);
    resources
        .zip(number)
        .map(|((_, resources), number)| resources[number])
        .filter(|resource| !resource.is_empty())
        .ok_or_else(|| {
            said(format!(
                "The cloud '{}' has no resource of the type '{kind}'. Use --resource with its address.",
                cloud.name()
            ))
        })
}
