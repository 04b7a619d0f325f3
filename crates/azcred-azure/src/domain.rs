//! Finds the tenant of a domain without a sign-in: OpenID Connect Discovery 1.0 section 4, at the
//! authority's address for that domain (Microsoft's page 'OpenID Connect on the Microsoft identity
//! platform', 'Fetch the OpenID configuration document').

use crate::{
    error::{Error, ErrorKind, Result},
    refusal::{correlation_id, not_understood},
    service_kind::ServiceKind,
    text::{between, is_guid},
};
use azcred::{
    ClientOptions, TenantId, Untrusted,
    http::{HttpRequest, parse_url},
};
use serde::{Deserialize, Serialize};

/// A tenant, as its authority publishes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DomainTenant {
    /// The requested domain.
    pub domain: String,
    /// The tenant's GUID.
    pub tenant_id: String,
    /// The tenant's region: `EU`, `NA`, `WW`; `None` if the authority does not publish it.
    pub region: Option<Untrusted>,
    /// The host of the cloud at which the tenant signs in; `None` if the authority does not publish
    /// it.
    pub cloud_instance: Option<Untrusted>,
}

#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    #[serde(default)]
    tenant_region_scope: Option<Untrusted>,
    #[serde(default)]
    cloud_instance_name: Option<Untrusted>,
}

#[derive(Deserialize)]
struct AuthorityError {
    #[serde(default)]
    error_codes: Vec<u32>,
}

/// No tenant has this domain, or the name can't be a tenant's.
const NO_SUCH_TENANT: [u32; 2] = [90002, 900_023];

/// The tenant of a domain in the cloud of `options`. It needs no token and sends none.
///
/// # Errors
/// [`ErrorKind::NotFound`] if no tenant has the domain; [`ErrorKind::Invalid`] for `common`,
/// `organizations` and `consumers`; the errors of every request.
pub async fn tenant_of_domain(options: &ClientOptions, domain: &TenantId) -> Result<DomainTenant> {
    let what = format!("could not find the tenant of {domain}");
    if domain.is_shared() {
        return Err(Error::new(
            ErrorKind::Invalid,
            what,
            format!("'{domain}' is an address for accounts of every tenant"),
        )
        .with_fix("give a domain, such as contoso.com or contoso.onmicrosoft.com"));
    }
    let cloud = options.cloud().map_err(Error::token)?;
    let authority = cloud.authority();
    let url = parse_url(
        &what,
        &format!("{authority}/{domain}/v2.0/.well-known/openid-configuration"),
    )
    .map_err(|error| Error::transport(&error))?;
    let response = options
        .http()
        .send(&what, &HttpRequest::get(url), options.deadline())
        .await
        .map_err(|error| Error::transport(&error))?;
    let answered = |error: Error| {
        error.with_answer(
            response.status,
            correlation_id(&response),
            response.clock_skew,
        )
    };
    if response.status != 200 {
        let refusal = serde_json::from_slice::<AuthorityError>(&response.body).ok();
        let codes = refusal.map_or(Vec::new(), |refusal| refusal.error_codes);
        return Err(answered(match codes.first() {
            Some(code) if NO_SUCH_TENANT.contains(code) => Error::new(
                ErrorKind::NotFound,
                what,
                format!("no tenant at {} has the domain {domain}", authority.host()),
            )
            .with_fix(
                "check the spelling; a tenant of another cloud is found with AZURE_AUTHORITY_HOST set to that cloud's address",
            )
            .with_code(Some(format!("AADSTS{code}"))),
            _ => not_understood(ServiceKind::ResourceManager, &what, &response, options.system().now()),
        }));
    }
    let unexpected = || {
        answered(
            Error::new(
                ErrorKind::Unexpected,
                what.clone(),
                "the response names no tenant",
            )
            .with_fix(
                "check AZURE_AUTHORITY_HOST, and that no proxy answers in the authority's place",
            ),
        )
    };
    let configuration: Configuration =
        serde_json::from_slice(&response.body).map_err(|_| unexpected())?;
    let tenant_id = between(&configuration.issuer, "://", "/v2.0")
        .and_then(|rest| rest.split('/').next_back())
        .filter(|id| is_guid(id))
        .ok_or_else(unexpected)?;
    Ok(DomainTenant {
        domain: domain.to_string(),
        tenant_id: tenant_id.to_ascii_lowercase(),
        region: configuration.tenant_region_scope,
        cloud_instance: configuration.cloud_instance_name,
    })
}
