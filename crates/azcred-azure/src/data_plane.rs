//! Requests to the services that belong to a workspace and are not Resource Manager: Blob Storage,
//! Key Vault, Container Registry. Each request only reads, and shows whether the service can be
//! reached with an identity's token.

use crate::{
    error::{Error, ErrorKind, Result},
    text::{between, clean},
};
use azcred::{
    Cloud, Credential, Scope, SecretString, Session, TokenRequest,
    http::{FormValue, HttpRequest, HttpResponse, Url, parse_url},
};
use serde::Deserialize;
use std::time::Duration;

/// The version of Blob Storage's protocol: an old one that all clouds have, with tokens.
const BLOB_VERSION: &str = "2020-10-02";
/// The version of Key Vault's protocol.
const VAULT_VERSION: &str = "7.3";

/// A kind of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Blob,
    Vault,
    Registry,
}

/// What a service returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The code of the error, and the one inside it; empty if there is no error.
    pub(crate) code: String,
    pub(crate) inner: String,
    /// The message of the error.
    pub(crate) message: String,
    /// The request's id for Microsoft's support.
    pub(crate) id: Option<String>,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The service did what was requested.
    Yes,
    /// The service was reached, and the identity has no right to its data.
    NoRight(Answer),
    /// The firewall of the service does not let this machine in. With the address that the service
    /// saw, if it says so.
    Firewall(Answer, Option<String>),
    /// The service does not exist.
    Gone(Answer),
    /// The container in it does not exist.
    NoContainer(Answer),
    /// The service rejected the request for another reason.
    Rejected(Answer),
}

/// The clouds whose services have names below a known domain.
fn known(cloud: &Cloud) -> Option<(&'static Cloud, &'static str)> {
    const KNOWN: [(Cloud, &str); 3] = [
        (Cloud::PUBLIC, "azurecr.io"),
        (Cloud::US_GOVERNMENT, "azurecr.us"),
        (Cloud::CHINA, "azurecr.cn"),
    ];
    let mut all = KNOWN.iter();
    let own = |(one, _): &&(Cloud, &str)| one.resource_manager() == cloud.resource_manager();
    all.find(own).map(|(one, registry)| (one, *registry))
}

impl Kind {
    /// The domain of all services of this kind in a cloud; `None` in a custom one.
    fn domain(self, cloud: &Cloud) -> Option<String> {
        let (cloud, registry) = known(cloud)?;
        Some(match self {
            Self::Blob => format!("blob.{}", cloud.storage_suffix()),
            Self::Vault => cloud.key_vault().trim_start_matches("https://").to_owned(),
            Self::Registry => registry.to_owned(),
        })
    }

    /// The address of a service. `told` is the one that Resource Manager names. A token is sent
    /// there, so it must be in the cloud's own domain, or where the custom cloud's Resource Manager
    /// is. `None` if the address is not known.
    pub(crate) fn address(self, cloud: &Cloud, name: &str, told: Option<&str>) -> Option<Url> {
        const WHAT: &str = "could not read an address";
        let is_label =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let manager = parse_url(WHAT, cloud.resource_manager()).ok()?;
        let domain = self.domain(cloud);
        let told = told.and_then(|told| parse_url(WHAT, told).ok());
        let is_own = |url: &Url| {
            let host = url.host_str().unwrap_or_default();
            let has_credentials = !url.username().is_empty() || url.password().is_some();
            if url.scheme() != manager.scheme() || has_credentials {
                return false;
            }
            match &domain {
                Some(domain) => host
                    .strip_suffix(domain.as_str())
                    .is_some_and(|rest| rest.ends_with('.')),
                None => Some(host) == manager.host_str(),
            }
        };
        let of_name = || {
            let domain = domain.as_ref().filter(|_| is_label)?;
            parse_url(WHAT, &format!("https://{name}.{domain}")).ok()
        };
        told.filter(is_own).or_else(of_name)
    }
}

/// Lists the blobs of a container, or the containers of an account: one at most.
pub(crate) async fn list_blobs(
    session: &Session,
    address: &Url,
    container: Option<&str>,
    limit: Duration,
) -> Result<Reach> {
    const WHAT: &str = "could not reach the workspace's storage account";
    let mut url = address.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(container);
    }
    if container.is_some() {
        url.query_pairs_mut().append_pair("restype", "container");
    }
    url.query_pairs_mut()
        .extend_pairs([("comp", "list"), ("maxresults", "1")]);
    let request = HttpRequest::get(url).with_text("x-ms-version", BLOB_VERSION);
    let answer = send(session, WHAT, Scope::STORAGE, request, limit).await?;
    Ok(of_blob(answer))
}

fn of_blob(answer: Answer) -> Reach {
    match (answer.status, answer.code.as_str()) {
        (200..300, _) => Reach::Yes,
        (403, "AuthorizationFailure") => Reach::Firewall(answer, None),
        (403, "AuthorizationPermissionMismatch" | "InsufficientAccountPermissions") => {
            Reach::NoRight(answer)
        }
        (404, "ContainerNotFound" | "ContainerBeingDeleted") => Reach::NoContainer(answer),
        (404, _) => Reach::Gone(answer),
        _ => Reach::Rejected(answer),
    }
}

/// Lists the names of the secrets in a vault: one at most.
pub(crate) async fn list_secrets(
    session: &Session,
    cloud: &Cloud,
    address: &Url,
    limit: Duration,
) -> Result<Reach> {
    const WHAT: &str = "could not reach the workspace's key vault";
    let mut url = address.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push("secrets");
    }
    url.query_pairs_mut()
        .extend_pairs([("api-version", VAULT_VERSION), ("maxresults", "1")]);
    let scope = Scope::from_resource(cloud.key_vault()).map_err(Error::token)?;
    let answer = send(session, WHAT, scope, HttpRequest::get(url), limit).await?;
    Ok(of_vault(answer))
}

fn of_vault(answer: Answer) -> Reach {
    match (answer.status, answer.inner.as_str()) {
        (200..300, _) => Reach::Yes,
        // 'Azure Key Vault REST API error codes' has both under 403.
        (403, "ForbiddenByFirewall" | "ForbiddenByConnection") => {
            let address = answer.message.split_once("Client address: ");
            let address = address.and_then(|(_, rest)| address_in(rest));
            Reach::Firewall(answer, address)
        }
        (403, _) => Reach::NoRight(answer),
        (404, _) => Reach::Gone(answer),
        _ => Reach::Rejected(answer),
    }
}

/// Exchanges the identity's token for one of a registry, as the first step of a pull does
/// (Azure/acr, 'AAD-OAuth'). The registry's token is dropped.
pub(crate) async fn exchange(
    session: &Session,
    cloud: &Cloud,
    address: &Url,
    tenant: &str,
    limit: Duration,
) -> Result<Reach> {
    const WHAT: &str = "could not reach the workspace's container registry";
    let mut url = address.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(["oauth2", "exchange"]);
    }
    // As azure-containerregistry does it. In the public cloud, the token is good for nothing else.
    let audience = match cloud.resource_manager() == Cloud::PUBLIC.resource_manager() {
        true => "https://containerregistry.azure.net",
        false => cloud.resource_manager_audience(),
    };
    let scope = Scope::from_resource(audience).map_err(Error::token)?;
    let token = session.get_token(&TokenRequest::new(scope)).await;
    let token = token.map_err(Error::token)?;
    let secret = SecretString::from(token.secret().to_owned());
    let service = address.host_str().unwrap_or_default().to_owned();
    let request = HttpRequest::post_form(
        url,
        &[
            ("grant_type", "access_token".into()),
            ("service", (&*service).into()),
            ("tenant", tenant.into()),
            ("access_token", FormValue::Secret(&secret)),
        ],
    );
    let http = session.options().http();
    let sent = http.send(WHAT, &request, limit).await;
    Ok(of_registry(read(
        &sent.map_err(|error| Error::transport(&error))?,
    )))
}

fn of_registry(answer: Answer) -> Reach {
    match answer.status {
        200..300 => Reach::Yes,
        // 'Troubleshoot network issues with registry' has the message of the firewall.
        403 if answer.message.contains("is not allowed access") => {
            let address = between(&answer.message, "client with IP '", "'").and_then(address_in);
            Reach::Firewall(answer, address)
        }
        401 | 403 => Reach::NoRight(answer),
        404 => Reach::Gone(answer),
        _ => Reach::Rejected(answer),
    }
}

/// The IP address at the beginning of a text.
fn address_in(text: &str) -> Option<String> {
    let end = text.find(|c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':')));
    let text = text[..end.unwrap_or(text.len())].trim_end_matches(['.', ':']);
    text.parse::<std::net::IpAddr>()
        .ok()
        .map(|ip| ip.to_string())
}

async fn send(
    session: &Session,
    what: &'static str,
    scope: Scope,
    request: HttpRequest,
    limit: Duration,
) -> Result<Answer> {
    let token = session.get_token(&TokenRequest::new(scope)).await;
    let token = token.map_err(Error::token)?;
    let request = request.with_bearer(&token).ok_or_else(|| {
        Error::new(
            ErrorKind::Unexpected,
            what,
            "the token has characters that a header can't hold",
        )
    })?;
    let sent = session.options().http().send(what, &request, limit).await;
    Ok(read(&sent.map_err(|error| Error::transport(&error))?))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    error: Problem,
    errors: Vec<Problem>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: String,
    message: String,
    innererror: Option<Inner>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Inner {
    code: String,
}

/// Reads an answer: Key Vault's and Container Registry's errors are JSON, Blob Storage's are XML
/// with the code in a header.
fn read(response: &HttpResponse) -> Answer {
    const LONGEST: usize = 400;
    let mut answer = Answer {
        status: response.status,
        code: String::new(),
        inner: String::new(),
        message: String::new(),
        id: ["x-ms-request-id", "x-ms-correlation-request-id"]
            .into_iter()
            .find_map(|name| response.header(name))
            .map(|id| clean(id, 80)),
    };
    if response.status < 400 {
        return answer;
    }
    let text = String::from_utf8_lossy(&response.body);
    if let Ok(body) = serde_json::from_slice::<Body>(&response.body) {
        let problem = body.errors.into_iter().next().unwrap_or(body.error);
        answer.code = clean(&problem.code, 80);
        answer.message = clean(&problem.message, LONGEST);
        answer.inner = problem
            .innererror
            .map_or_else(String::new, |inner| clean(&inner.code, 80));
    } else {
        let code = response.header("x-ms-error-code");
        let code = code.or_else(|| between(&text, "<Code>", "</Code>"));
        answer.code = clean(code.unwrap_or_default(), 80);
        let message = between(&text, "<Message>", "</Message>").unwrap_or_default();
        answer.message = clean(message.lines().next().unwrap_or_default(), LONGEST);
    }
    answer
}

#[cfg(test)]
#[path = "data_plane_tests.rs"]
mod tests;
