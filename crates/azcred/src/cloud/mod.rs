//! Which Azure: its identity provider and the names of its services.

pub(crate) mod metadata;

use crate::{
    facts::{Error, ErrorKind, Result},
    system::{System, is_loopback},
};
use std::{borrow::Cow, fmt};
use url::Url;

/// One Azure: the public one, a national one, or one of your own (an emulator, Azure Stack, any
/// OAuth provider).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    name: Cow<'static, str>,
    authority: Authority,
    protocol: Protocol,
    resource_manager: Cow<'static, str>,
    resource_manager_audience: Cow<'static, str>,
    graph: Cow<'static, str>,
    machine_learning: Cow<'static, str>,
    storage_suffix: Cow<'static, str>,
    portal: Cow<'static, str>,
}

/// Where an authority has its endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    /// Where Microsoft Entra ID has them, below each tenant.
    Entra,
    /// Where it says (OpenID Connect Discovery 1.0).
    OpenId,
}

// Endpoints from Microsoft's page 'National clouds' and from `az cloud show`.
impl Cloud {
    /// Azure, as most people mean it.
    pub const PUBLIC: Self = Self {
        name: Cow::Borrowed("AzureCloud"),
        authority: Authority(Cow::Borrowed("https://login.microsoftonline.com")),
        protocol: Protocol::Entra,
        resource_manager: Cow::Borrowed("https://management.azure.com"),
        resource_manager_audience: Cow::Borrowed("https://management.azure.com"),
        graph: Cow::Borrowed("https://graph.microsoft.com"),
        machine_learning: Cow::Borrowed("https://ml.azure.com"),
        storage_suffix: Cow::Borrowed("core.windows.net"),
        portal: Cow::Borrowed("https://portal.azure.com"),
    };

    /// Azure for the United States government.
    pub const US_GOVERNMENT: Self = Self {
        name: Cow::Borrowed("AzureUSGovernment"),
        authority: Authority(Cow::Borrowed("https://login.microsoftonline.us")),
        protocol: Protocol::Entra,
        resource_manager: Cow::Borrowed("https://management.usgovcloudapi.net"),
        resource_manager_audience: Cow::Borrowed("https://management.usgovcloudapi.net"),
        graph: Cow::Borrowed("https://graph.microsoft.us"),
        machine_learning: Cow::Borrowed("https://ml.azure.us"),
        storage_suffix: Cow::Borrowed("core.usgovcloudapi.net"),
        portal: Cow::Borrowed("https://portal.azure.us"),
    };

    /// Azure in China, operated by 21Vianet.
    pub const CHINA: Self = Self {
        name: Cow::Borrowed("AzureChinaCloud"),
        authority: Authority(Cow::Borrowed("https://login.partner.microsoftonline.cn")),
        protocol: Protocol::Entra,
        resource_manager: Cow::Borrowed("https://management.chinacloudapi.cn"),
        resource_manager_audience: Cow::Borrowed("https://management.chinacloudapi.cn"),
        graph: Cow::Borrowed("https://microsoftgraph.chinacloudapi.cn"),
        machine_learning: Cow::Borrowed("https://ml.azure.cn"),
        storage_suffix: Cow::Borrowed("core.chinacloudapi.cn"),
        portal: Cow::Borrowed("https://portal.azure.cn"),
    };

    /// The cloud that signs in at `authority`: a known one where it is known, else the public
    /// cloud's services behind an identity provider of your own.
    pub fn with_authority(authority: Authority) -> Self {
        let host = authority.host().to_owned();
        match host.as_str() {
            "login.microsoftonline.com"
            | "login.microsoft.com"
            | "login.windows.net"
            | "sts.windows.net" => Self {
                authority,
                ..Self::PUBLIC
            },
            "login.microsoftonline.us" | "login.usgovcloudapi.net" => Self {
                authority,
                ..Self::US_GOVERNMENT
            },
            "login.partner.microsoftonline.cn" | "login.chinacloudapi.cn" => Self {
                authority,
                ..Self::CHINA
            },
            _ => Self {
                name: Cow::Borrowed("Custom"),
                authority,
                ..Self::PUBLIC
            },
        }
    }

    /// The cloud of an OpenID provider: whatever speaks OpenID Connect, and says where its
    /// endpoints are at `ISSUER/.well-known/openid-configuration`. It is asked there when a token
    /// is first needed. It knows no tenants: those of credentials and requests are not sent.
    /// Azure's services have the public cloud's addresses.
    ///
    /// # Errors
    /// As [`Authority::new`].
    pub fn openid_provider(issuer: &str) -> Result<Self> {
        Ok(Self {
            name: Cow::Borrowed("OpenID"),
            authority: Authority::new(issuer)?,
            protocol: Protocol::OpenId,
            ..Self::PUBLIC
        })
    }

    /// Whether it is an OpenID provider's ([`Cloud::openid_provider`]), and not Microsoft Entra ID.
    pub fn is_openid_provider(&self) -> bool {
        self.protocol == Protocol::OpenId
    }

    /// The same cloud with Azure Resource Manager at `endpoint`, for tokens of `audience`; both
    /// without a slash at the end.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where the endpoint is not HTTPS (HTTP is taken for loopback only).
    pub fn with_resource_manager(mut self, endpoint: &str, audience: &str) -> Result<Self> {
        let endpoint = checked("the Resource Manager endpoint", endpoint)?;
        self.resource_manager = Cow::Owned(endpoint.as_str().trim_end_matches('/').to_owned());
        self.resource_manager_audience = Cow::Owned(audience.trim_end_matches('/').to_owned());
        Ok(self)
    }

    /// The cloud that the environment asks for: `AZURE_AUTHORITY_HOST` first, then
    /// `AZUREML_CURRENT_CLOUD`, else the public one.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where a variable is set and can't be used; it is named.
    pub fn from_system(system: &dyn System) -> Result<Self> {
        if let Some(authority) = authority_of(system)? {
            return Ok(Self::with_authority(authority));
        }
        match system.var("AZUREML_CURRENT_CLOUD").as_deref() {
            None | Some("AzureCloud") => Ok(Self::PUBLIC),
            Some("AzureUSGovernment") => Ok(Self::US_GOVERNMENT),
            Some("AzureChinaCloud") => Ok(Self::CHINA),
            Some(other) => Err(Error::new(
                ErrorKind::Invalid,
                "could not read AZUREML_CURRENT_CLOUD",
                format!("'{}' is not a known cloud", crate::redact::excerpt(other)),
            )
            .with_fix("set it to AzureCloud, AzureUSGovernment or AzureChinaCloud, or unset it")),
        }
    }

    /// Its name, as `az cloud list` gives it; `Custom` for one of your own, `OpenID` for an OpenID
    /// provider's.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Where it signs in.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }
    /// Azure Resource Manager's endpoint, without a slash at the end.
    pub fn resource_manager(&self) -> &str {
        &self.resource_manager
    }
    /// The resource that a token for Azure Resource Manager is for.
    pub fn resource_manager_audience(&self) -> &str {
        &self.resource_manager_audience
    }
    /// Microsoft Graph's endpoint.
    pub fn graph(&self) -> &str {
        &self.graph
    }
    /// The resource of Azure Machine Learning's data plane.
    pub fn machine_learning(&self) -> &str {
        &self.machine_learning
    }
    /// What storage accounts' names end in.
    pub fn storage_suffix(&self) -> &str {
        &self.storage_suffix
    }
    /// The Azure portal.
    pub fn portal(&self) -> &str {
        &self.portal
    }
}

impl Default for Cloud {
    fn default() -> Self {
        Self::PUBLIC
    }
}

/// The authority that `AZURE_AUTHORITY_HOST` names, where it is set.
fn authority_of(system: &dyn System) -> Result<Option<Authority>> {
    let Some(host) = system.var("AZURE_AUTHORITY_HOST") else {
        return Ok(None);
    };
    let authority = Authority::new(&host).map_err(|error| {
        Error::new(
            ErrorKind::Invalid,
            "could not read AZURE_AUTHORITY_HOST",
            error.why().to_owned(),
        )
        .with_fix("set it to https://login.microsoftonline.com, or unset it")
    })?;
    Ok(Some(authority))
}

/// An identity provider's address: HTTPS, or HTTP on loopback; valid by construction; without a
/// slash at the end.
///
/// A path is kept, so that a provider mounted below one (`https://id.example/realms/ml`) works.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Authority(Cow<'static, str>);

impl Authority {
    /// Reads an authority; `https://` is assumed where no scheme is given, as every Azure SDK does.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where it is no address, has a query, a fragment or credentials in it,
    /// or is plain HTTP to anywhere but this machine.
    pub fn new(authority: &str) -> Result<Self> {
        let authority = authority.trim();
        let url = if authority.contains("://") {
            checked("the authority", authority)?
        } else {
            checked("the authority", &format!("https://{authority}"))?
        };
        Ok(Self(Cow::Owned(
            url.as_str().trim_end_matches('/').to_owned(),
        )))
    }

    /// As text, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its host name.
    pub fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or(&*self.0, |(_, rest)| rest);
        let end = rest.find(['/', ':']).unwrap_or(rest.len());
        if rest.starts_with('[') {
            rest.split_inclusive(']').next().unwrap_or(rest)
        } else {
            &rest[..end]
        }
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({})", self.0)
    }
}

/// An address that a secret may be sent to.
fn checked(name: &'static str, text: &str) -> Result<Url> {
    let refuse = |why: &'static str| {
        Error::new(ErrorKind::Invalid, format!("could not read {name}"), why)
            .with_fix("give an https:// address such as https://login.microsoftonline.com")
    };
    let url = Url::parse(text).map_err(|_| refuse("it is not an address"))?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(refuse("it does not name a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it contains a user name or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("it contains a query or a fragment"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(refuse(
            "it is plain HTTP, which would expose a secret; only loopback addresses may be HTTP",
        )),
        _ => Err(refuse("it is neither https nor http")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Fixture;

    #[test]
    fn plain_http_is_refused_except_on_loopback() {
        for good in [
            "https://login.microsoftonline.com/",
            "login.microsoftonline.com",
            "http://localhost:1",
            "http://127.0.0.9:80/x/",
            "http://[::1]:5",
        ] {
            let authority = Authority::new(good).unwrap();
            assert!(!authority.as_str().ends_with('/'), "{authority}");
        }
        for bad in [
            "http://login.microsoftonline.com",
            "http://localhost.evil.com",
            "http://10.0.0.1",
            "ftp://localhost",
            "https://",
            "https://user:pw@host",
            "https://host/?q",
            "https://host/#f",
            "not a url",
            "",
            "javascript:alert(1)",
        ] {
            assert_eq!(
                Authority::new(bad).unwrap_err().kind(),
                ErrorKind::Invalid,
                "{bad}"
            );
        }
    }

    #[test]
    fn the_environment_decides_the_cloud() {
        let of = |system: Fixture| Cloud::from_system(&system);
        assert_eq!(of(Fixture::new()).unwrap(), Cloud::PUBLIC);
        assert_eq!(
            of(Fixture::new()
                .with_var("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/"))
            .unwrap(),
            Cloud::US_GOVERNMENT
        );
        assert_eq!(
            of(Fixture::new().with_var("AZUREML_CURRENT_CLOUD", "AzureChinaCloud")).unwrap(),
            Cloud::CHINA
        );
        let error =
            of(Fixture::new().with_var("AZURE_AUTHORITY_HOST", "http://evil.example")).unwrap_err();
        assert!(
            error.to_string().contains("AZURE_AUTHORITY_HOST"),
            "{error}"
        );
        assert!(of(Fixture::new().with_var("AZUREML_CURRENT_CLOUD", "Mars")).is_err());
    }

    #[test]
    fn a_host_is_found_in_every_form() {
        for (authority, host) in [
            ("https://a.b:5/c", "a.b"),
            ("http://[::1]:5/c", "[::1]"),
            ("https://a.b/c", "a.b"),
            ("a.b", "a.b"),
        ] {
            assert_eq!(Authority::new(authority).unwrap().host(), host);
        }
    }
}
