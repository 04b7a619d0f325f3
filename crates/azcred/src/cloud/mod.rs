//! Azure clouds: their authority and the addresses of their services.

pub(crate) mod metadata;

use crate::{
    facts::{Error, ErrorKind, Result},
    sieve::{in_variable, oddity, shown, tidied},
    system::{System, is_loopback},
    tenant::{NO_AD_FS, instead_of_ad_fs, is_ad_fs},
};
use std::{borrow::Cow, fmt};
use url::Url;

/// An Azure cloud: the public one, a national one, or a custom one (an emulator, Azure Stack, any
/// OAuth provider).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    name: Cow<'static, str>,
    authority: Authority,
    protocol: Protocol,
    resource_manager: Cow<'static, str>,
    resource_manager_audience: Cow<'static, str>,
    older_resource_manager_audience: Cow<'static, str>,
    key_vault: Cow<'static, str>,
    graph: Cow<'static, str>,
    machine_learning: Cow<'static, str>,
    storage_suffix: Cow<'static, str>,
    portal: Cow<'static, str>,
}

/// Where an authority's endpoints are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    /// Below each tenant, as Microsoft Entra ID documents.
    Entra,
    /// Where the authority's configuration says (OpenID Connect Discovery 1.0).
    OpenId,
}

// Endpoints from Microsoft's page 'National clouds' and from `az cloud show`.
impl Cloud {
    /// Azure's public cloud.
    pub const PUBLIC: Self = Self {
        name: Cow::Borrowed("AzureCloud"),
        authority: Authority(Cow::Borrowed("https://login.microsoftonline.com")),
        protocol: Protocol::Entra,
        resource_manager: Cow::Borrowed("https://management.azure.com"),
        resource_manager_audience: Cow::Borrowed("https://management.azure.com"),
        older_resource_manager_audience: Cow::Borrowed("https://management.core.windows.net/"),
        key_vault: Cow::Borrowed("https://vault.azure.net"),
        graph: Cow::Borrowed("https://graph.microsoft.com"),
        machine_learning: Cow::Borrowed("https://ml.azure.com"),
        storage_suffix: Cow::Borrowed("core.windows.net"),
        portal: Cow::Borrowed("https://portal.azure.com"),
    };

    /// Azure Government, for the United States.
    pub const US_GOVERNMENT: Self = Self {
        name: Cow::Borrowed("AzureUSGovernment"),
        authority: Authority(Cow::Borrowed("https://login.microsoftonline.us")),
        protocol: Protocol::Entra,
        resource_manager: Cow::Borrowed("https://management.usgovcloudapi.net"),
        resource_manager_audience: Cow::Borrowed("https://management.usgovcloudapi.net"),
        older_resource_manager_audience: Cow::Borrowed(
            "https://management.core.usgovcloudapi.net/",
        ),
        key_vault: Cow::Borrowed("https://vault.usgovcloudapi.net"),
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
        older_resource_manager_audience: Cow::Borrowed("https://management.core.chinacloudapi.cn/"),
        key_vault: Cow::Borrowed("https://vault.azure.cn"),
        graph: Cow::Borrowed("https://microsoftgraph.chinacloudapi.cn"),
        machine_learning: Cow::Borrowed("https://ml.azure.cn"),
        storage_suffix: Cow::Borrowed("core.chinacloudapi.cn"),
        portal: Cow::Borrowed("https://portal.azure.cn"),
    };

    /// Azure's clouds.
    pub(crate) const KNOWN: [Self; 3] = [Self::PUBLIC, Self::US_GOVERNMENT, Self::CHINA];

    /// The cloud of this authority: a known cloud if the authority is a known one's. Otherwise a
    /// custom cloud with the public cloud's services.
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

    /// The cloud of an OpenID Connect provider. Its endpoints are read from
    /// `ISSUER/.well-known/openid-configuration` when the first token is requested. It has no
    /// tenants: those of credentials and requests are not sent. Azure's services have the public
    /// cloud's addresses.
    ///
    /// # Errors
    /// As [`Authority::new`].
    pub fn openid_provider(issuer: &str) -> Result<Self> {
        Ok(Self {
            name: Cow::Borrowed("OpenID"),
            authority: Authority::of_any_provider(issuer)?,
            protocol: Protocol::OpenId,
            ..Self::PUBLIC
        })
    }

    /// Whether this is one of Azure's clouds and not a custom one.
    pub(crate) fn is_known(&self) -> bool {
        !matches!(&*self.name, "Custom" | "OpenID")
    }

    /// Whether this is an OpenID provider's cloud ([`Cloud::openid_provider`]) and not one of
    /// Microsoft Entra ID.
    pub fn is_openid_provider(&self) -> bool {
        self.protocol == Protocol::OpenId
    }

    /// The same cloud with Azure Resource Manager at `endpoint`, which takes tokens for `audience`.
    /// Both have no slash at the end.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the endpoint is not HTTPS (HTTP is allowed on loopback only).
    pub fn with_resource_manager(mut self, endpoint: &str, audience: &str) -> Result<Self> {
        let endpoint = checked("the Resource Manager endpoint", endpoint)?;
        self.resource_manager = Cow::Owned(endpoint.as_str().trim_end_matches('/').to_owned());
        self.resource_manager_audience = Cow::Owned(audience.trim_end_matches('/').to_owned());
        Ok(self)
    }

    /// The same cloud with Microsoft Graph at `endpoint`, which is the resource of its tokens too.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the endpoint is not HTTPS (HTTP is allowed on loopback only).
    pub fn with_graph(mut self, endpoint: &str) -> Result<Self> {
        let endpoint = checked("the Microsoft Graph endpoint", endpoint)?;
        self.graph = Cow::Owned(endpoint.as_str().trim_end_matches('/').to_owned());
        Ok(self)
    }

    /// The cloud of the environment: by `AZURE_AUTHORITY_HOST`, or else by `AZUREML_CURRENT_CLOUD`,
    /// or else the public one.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if a variable can't be used; the error names the variable.
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
                "AZUREML_CURRENT_CLOUD is not valid",
                format!("{} is not a known cloud", shown(other)),
            )
            .with_fix("set it to AzureCloud, AzureUSGovernment or AzureChinaCloud, or unset it")),
        }
    }

    /// The name, as in `az cloud list`; `Custom` for a custom cloud, `OpenID` for an OpenID
    /// provider's.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The identity provider's address.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }
    /// Azure Resource Manager's endpoint, without a slash at the end.
    pub fn resource_manager(&self) -> &str {
        &self.resource_manager
    }
    /// The resource of a token for Azure Resource Manager.
    pub fn resource_manager_audience(&self) -> &str {
        &self.resource_manager_audience
    }
    /// The older name of that resource, with a slash at the end. Azure CLI's library and
    /// azureml-core use it (`activeDirectoryResourceId` in `az cloud show`). Resource Manager
    /// accepts tokens for both names.
    pub fn older_resource_manager_audience(&self) -> &str {
        &self.older_resource_manager_audience
    }
    /// The resource of Azure Key Vault.
    pub fn key_vault(&self) -> &str {
        &self.key_vault
    }
    /// Microsoft Graph's endpoint.
    pub fn graph(&self) -> &str {
        &self.graph
    }
    /// The resource of Azure Machine Learning's data plane.
    pub fn machine_learning(&self) -> &str {
        &self.machine_learning
    }
    /// The end of storage accounts' host names.
    pub fn storage_suffix(&self) -> &str {
        &self.storage_suffix
    }
    /// The audience of identity tokens that Entra ID exchanges in this cloud ('Configure an
    /// application to trust a managed identity' lists it for each cloud).
    pub fn federated_audience(&self) -> &'static str {
        match self.name() {
            "AzureUSGovernment" => "api://AzureADTokenExchangeUSGov",
            "AzureChinaCloud" => "api://AzureADTokenExchangeChina",
            _ => "api://AzureADTokenExchange",
        }
    }

    /// The Azure portal's address.
    pub fn portal(&self) -> &str {
        &self.portal
    }
}

impl Default for Cloud {
    fn default() -> Self {
        Self::PUBLIC
    }
}

/// The authority in `AZURE_AUTHORITY_HOST`, if it is set.
fn authority_of(system: &dyn System) -> Result<Option<Authority>> {
    let Some(host) = system.var("AZURE_AUTHORITY_HOST") else {
        return Ok(None);
    };
    let authority = Authority::new(&host).map_err(|error| {
        let error = in_variable("AZURE_AUTHORITY_HOST", &host, &error);
        match Authority::names_ad_fs(&host) {
            true => error,
            false => error.with_fix("set it to https://login.microsoftonline.com, or unset it"),
        }
    })?;
    Ok(Some(authority))
}

/// An identity provider's address: HTTPS, or HTTP on loopback. Valid by construction, without a
/// slash at the end.
///
/// It may have a path, for a provider that is mounted below one (`https://id.example/realms/ml`).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Authority(Cow<'static, str>);

impl Authority {
    /// Parses an authority. Without a scheme, `https://` is assumed, as in every Azure SDK.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the text is not an address, has a query, a fragment or
    /// credentials, is plain HTTP to another machine, or names AD FS (`https://HOST/adfs`).
    pub fn new(authority: &str) -> Result<Self> {
        let parsed = Self::of_any_provider(authority)?;
        if Self::names_ad_fs(&parsed.0) {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("could not read the authority {}", shown(authority)),
                NO_AD_FS,
            )
            .with_fix(instead_of_ad_fs()));
        }
        Ok(parsed)
    }

    /// Whether an address is AD FS's: it has `adfs` in its path, in place of a tenant.
    fn names_ad_fs(authority: &str) -> bool {
        let rest = authority
            .split_once("://")
            .map_or(authority, |(_, rest)| rest);
        rest.split('/').skip(1).map(tidied).any(is_ad_fs)
    }

    /// As [`Authority::new`], at whatever path the provider is.
    fn of_any_provider(authority: &str) -> Result<Self> {
        let authority = tidied(authority);
        let url = if authority.contains("://") {
            checked("the authority", authority)?
        } else {
            checked("the authority", &format!("https://{authority}"))?
        };
        Ok(Self(Cow::Owned(
            url.as_str().trim_end_matches('/').to_owned(),
        )))
    }

    /// The address as text, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host name, and the port if the address has one.
    pub(crate) fn host_and_port(&self) -> &str {
        let rest = self.0.split_once("://").map_or(&*self.0, |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest)
    }

    /// The host name.
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

/// An address to which a secret may be sent.
fn checked(name: &'static str, text: &str) -> Result<Url> {
    let refuse = |why: &'static str| {
        let why = oddity(text).unwrap_or(why.into());
        Error::new(ErrorKind::Invalid, format!("{name} is not valid"), why)
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
    fn an_unknown_cloud_is_named_with_its_variable_and_the_known_ones() {
        let machine = Fixture::new().with_var("AZUREML_CURRENT_CLOUD", "Pluto");
        let error = Cloud::from_system(&machine).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let text = format!("{error} {}", error.fix().unwrap());
        for word in ["AZUREML_CURRENT_CLOUD", "Pluto", "AzureCloud", "unset"] {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert!(error.what().starts_with("AZUREML_CURRENT_CLOUD"), "{error}");
    }

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
    fn ad_fs_is_refused_by_name_as_an_authority() {
        for named in [
            "https://adfs.local.azurestack.external/adfs",
            "https://adfs.contoso.com/ADFS/",
            "adfs.contoso.com/adfs",
            "\"https://adfs.contoso.com/adfs\"",
            "https://adfs.contoso.com/adfs/oauth2",
        ] {
            let machine = Fixture::new().with_var("AZURE_AUTHORITY_HOST", named);
            for error in [
                Authority::new(named).unwrap_err(),
                Cloud::from_system(&machine).unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::Invalid, "{named}");
                assert!(error.why().contains("does not sign in to AD FS"), "{error}");
                let fix = error.fix().unwrap().to_string();
                assert!(fix.contains("--tenant adfs"), "{fix}");
            }
            let error = Cloud::from_system(&machine).unwrap_err();
            assert!(error.what().contains("AZURE_AUTHORITY_HOST"), "{error}");
        }
        assert!(Authority::new("https://adfs.contoso.com").is_ok());
        // Its discovery document may be all that a program needs.
        assert!(Cloud::openid_provider("https://adfs.contoso.com/adfs").is_ok());
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
