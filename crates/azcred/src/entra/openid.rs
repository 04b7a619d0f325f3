//! The endpoints of an OpenID Connect provider.

use crate::{
    cloud::Authority,
    facts::{Error, ErrorKind, Fix, Result},
    http::{Http, HttpRequest, parse_url},
    json,
    system::is_loopback,
    untrusted::printable,
};
use serde::Deserialize;
use std::time::Duration;
use url::Url;

/// The endpoints of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoints {
    /// The authorization endpoint, for a person's browser (RFC 6749 section 3.1).
    pub(crate) authorization: Url,
    /// The token endpoint (RFC 6749 section 3.2).
    pub(crate) token: Url,
    /// The endpoint for device codes (RFC 8628 section 3.1); `None` if the provider has none.
    pub(crate) device_authorization: Option<Url>,
    /// The provider's issuer, compared exactly; `None` if it depends on the tenant, as with Entra
    /// ID.
    pub(crate) issuer: Option<String>,
    /// Whether the provider also names itself in redirects (RFC 9207 section 3).
    pub(crate) names_issuer: bool,
}

impl Endpoints {
    /// Entra ID's endpoints, whose addresses its documentation fixes.
    pub(super) fn of_entra(what: &str, authority: &Authority, tenant: &str) -> Result<Self> {
        let at = |path: &str| parse_url(what, &format!("{authority}/{tenant}/oauth2/v2.0/{path}"));
        Ok(Self {
            authorization: at("authorize")?,
            token: at("token")?,
            device_authorization: Some(at("devicecode")?),
            issuer: None,
            names_issuer: false,
        })
    }
}

/// A provider's configuration (OpenID Connect Discovery 1.0 section 3).
#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    #[serde(default)]
    device_authorization_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Requests the endpoints of the provider `issuer` (OpenID Connect Discovery 1.0 section 4).
///
/// # Errors
/// As [`Http::send`]; [`ErrorKind::Unexpected`] if the response is not a configuration, is another
/// provider's, or names an address at which a secret could be read.
pub(super) async fn discover(
    http: &Http,
    issuer: &Authority,
    deadline: Duration,
) -> Result<Endpoints> {
    let what = format!("could not get the configuration of the OpenID provider {issuer}");
    let url = parse_url(&what, &format!("{issuer}/.well-known/openid-configuration"))?;
    let answer = http.send(&what, &HttpRequest::get(url), deadline).await?;
    if answer.status == 429 || answer.status >= 500 {
        return Err(Error::new(
            ErrorKind::Unreachable,
            what,
            format!("it failed (HTTP {})", answer.status),
        )
        .with_fix(Fix::Retry { after: None }));
    }
    let unexpected = |why: String| {
        Error::new(ErrorKind::Unexpected, what.clone(), why).with_fix(
            "check the issuer's address: ISSUER/.well-known/openid-configuration must be its configuration",
        )
    };
    if answer.status != 200 {
        return Err(unexpected(format!("it returned HTTP {}", answer.status)));
    }
    read(issuer, &answer.body).map_err(unexpected)
}

fn read(issuer: &Authority, body: &[u8]) -> std::result::Result<Endpoints, String> {
    let configuration: Configuration =
        json::object(body).ok_or("it did not return an OpenID configuration")?;
    // Section 4.3: the issuer must be the same, or another provider answers for this one. Only a
    // slash at the end may differ.
    if configuration.issuer.trim_end_matches('/') != issuer.as_str() {
        return Err(format!(
            "it names itself {}",
            printable(&configuration.issuer, 100)
        ));
    }
    let optional = configuration
        .device_authorization_endpoint
        .map(|text| endpoint("device_authorization_endpoint", &text));
    Ok(Endpoints {
        authorization: endpoint(
            "authorization_endpoint",
            &configuration.authorization_endpoint,
        )?,
        token: endpoint("token_endpoint", &configuration.token_endpoint)?,
        device_authorization: optional.transpose()?,
        issuer: Some(configuration.issuer),
        names_issuer: configuration.authorization_response_iss_parameter_supported,
    })
}

/// An address to which a secret, or a browser with a person's password, may be sent.
pub(super) fn endpoint(name: &str, text: &str) -> std::result::Result<Url, String> {
    let refused = || {
        format!(
            "its {name} '{}' is neither https nor on this machine",
            printable(text, 100)
        )
    };
    let url = Url::parse(text).map_err(|_| refused())?;
    let is_safe = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
        && url.host_str().is_some_and(|host| !host.is_empty());
    if is_safe && is_plain {
        Ok(url)
    } else {
        Err(refused())
    }
}

#[cfg(test)]
#[path = "openid_tests.rs"]
mod tests;
