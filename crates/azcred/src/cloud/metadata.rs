//! Reads a cloud's description from `ARM_CLOUD_METADATA_URL`, as azure-ai-ml, Terraform and Azure
//! CLI do.
//!
//! Resource Manager's `/metadata/endpoints` returns one cloud or a list of clouds. From a list,
//! azcred takes the cloud that `AZUREML_CURRENT_CLOUD` names; or else the cloud with the authority
//! in `AZURE_AUTHORITY_HOST`; or else the cloud whose Resource Manager returned the list
//! (azure-ai-ml's rule); or else the only cloud.

use super::{Authority, Cloud, authority_of};
use crate::{
    facts::{Error, ErrorKind, Result},
    http::{Http, HttpRequest, HttpResponse},
    sieve::shown,
    system::System,
    untrusted::printable,
};
use serde::Deserialize;
use std::time::Duration;
use url::Url;

/// The variable with the address of the description.
const VARIABLE: &str = "ARM_CLOUD_METADATA_URL";

/// The parts of a cloud's description that azcred uses. Version 2015-01-01 has neither a name nor a
/// Resource Manager.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CloudDescription {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    resource_manager: Option<String>,
    /// Since version 2022-09-01.
    #[serde(rename = "microsoftGraphResourceId", default)]
    graph: Option<String>,
    authentication: Authentication,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authentication {
    login_endpoint: String,
    #[serde(default)]
    audiences: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    Many(Vec<CloudDescription>),
    One(Box<CloudDescription>),
}

/// The cloud that the environment's description names; `None` if [`VARIABLE`] is not set.
///
/// # Errors
/// [`ErrorKind::Invalid`] if a variable or the description can't be used;
/// [`ErrorKind::Unreachable`] if the address does not respond in time; [`ErrorKind::Unexpected`] if
/// the response is not a description.
pub(crate) async fn described(
    system: &dyn System,
    http: &Http,
    deadline: Duration,
) -> Result<Option<Cloud>> {
    let Some(text) = system.var(VARIABLE) else {
        return Ok(None);
    };
    let what = format!("could not read the cloud that {VARIABLE} describes");
    let invalid = |why: String, fix: &'static str| {
        Error::new(ErrorKind::Invalid, what.clone(), why).with_fix(fix)
    };
    let url = address(text.trim()).ok_or_else(|| {
        invalid(
            format!("{} is neither an https:// address nor an address on this machine", shown(&text)),
            "set it to https://management.azure.com/metadata/endpoints?api-version=2022-09-01 or the same address of your cloud, or unset it",
        )
    })?;
    let authority = authority_of(system)?;
    let response = http
        .send(&what, &HttpRequest::get(url.clone()), deadline)
        .await?;
    let entries = entries(&response).ok_or_else(|| not_understood(&what, &response))?;
    let wanted = system.var("AZUREML_CURRENT_CLOUD");
    let entry = choose(&entries, wanted.as_deref(), authority.as_ref(), &url).ok_or_else(|| {
        let names: Vec<String> = entries
            .iter()
            .map(|entry| printable(entry.name.as_deref().unwrap_or("?"), 40))
            .take(20)
            .collect();
        let why = match &wanted {
            Some(wanted) => format!(
                "it describes {}, and AZUREML_CURRENT_CLOUD is '{}'",
                names.join(", "),
                printable(wanted, 40)
            ),
            None => format!(
                "it describes several clouds ({}), and none is chosen",
                names.join(", ")
            ),
        };
        invalid(why, "set AZUREML_CURRENT_CLOUD to one of these names")
    })?;
    let cloud = cloud(entry, authority, &url).map_err(|error| {
        let why = match Authority::names_ad_fs(&entry.authentication.login_endpoint) {
            true => format!(
                "it signs in at {}: {}",
                shown(&entry.authentication.login_endpoint),
                error.why()
            ),
            false => {
                let why = error.why();
                let why = format!("its description of the cloud can't be used: {why}");
                return invalid(why, CHECK_ADDRESS);
            }
        };
        Error::new(ErrorKind::Invalid, what.clone(), why).with_fix_of(&error)
    })?;
    tracing::debug!(
        cloud = cloud.name(),
        resource_manager = cloud.resource_manager(),
        "the cloud describes itself"
    );
    Ok(Some(cloud))
}

const CHECK_ADDRESS: &str = "check the address, and that no proxy answers instead";

/// The clouds in a response; `None` if the response is not a description.
fn entries(response: &HttpResponse) -> Option<Vec<CloudDescription>> {
    if response.status != 200 {
        return None;
    }
    Some(match serde_json::from_slice(&response.body).ok()? {
        Document::Many(entries) => entries,
        Document::One(entry) => vec![*entry],
    })
}

fn not_understood(what: &str, response: &HttpResponse) -> Error {
    let status = response.status;
    if status == 429 || status >= 500 {
        let why = format!("the server failed (HTTP {status})");
        return Error::new(ErrorKind::Unreachable, what.to_owned(), why)
            .with_fix("try again in a minute");
    }
    let body = response.body.trim_ascii_start();
    let is_page = response
        .header("content-type")
        .is_some_and(|kind| kind.contains("text/html"))
        || body.starts_with(b"<");
    let why = match body {
        _ if is_page => format!(
            "the response is a web page (HTTP {status}), as a captive portal or a company's proxy sends"
        ),
        [] => format!("the response is empty (HTTP {status})"),
        _ => format!("the response (HTTP {status}) does not describe a cloud"),
    };
    Error::new(ErrorKind::Unexpected, what.to_owned(), why).with_fix(CHECK_ADDRESS)
}

/// An address at which the description may be requested. Over plain HTTP, an attacker on the
/// network could change where secrets are sent.
fn address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let mut origin = url.clone();
    origin.set_query(None);
    origin.set_fragment(None);
    // The rule of an authority: HTTPS, or HTTP on loopback; no credentials.
    Authority::new(origin.as_str()).ok()?;
    Some(url)
}

fn choose<'a>(
    entries: &'a [CloudDescription],
    wanted: Option<&str>,
    authority: Option<&Authority>,
    from: &Url,
) -> Option<&'a CloudDescription> {
    if let Some(wanted) = wanted {
        return entries
            .iter()
            .find(|entry| {
                entry
                    .name
                    .as_deref()
                    .is_some_and(|name| name.eq_ignore_ascii_case(wanted))
            })
            // The oldest form has no name and describes one cloud.
            .or_else(|| {
                entries
                    .first()
                    .filter(|entry| entries.len() == 1 && entry.name.is_none())
            });
    }
    let by_authority = || {
        let authority = authority?;
        entries.iter().find(|entry| {
            Authority::new(&entry.authentication.login_endpoint)
                .is_ok_and(|login| login == *authority)
        })
    };
    let by_address = || {
        entries.iter().find(|entry| {
            let manager = entry
                .resource_manager
                .as_deref()
                .and_then(|address| Url::parse(address).ok());
            manager.is_some_and(|manager| manager.origin() == from.origin())
        })
    };
    by_authority()
        .or_else(by_address)
        .or_else(|| entries.first().filter(|_| entries.len() == 1))
}

fn cloud(entry: &CloudDescription, authority: Option<Authority>, from: &Url) -> Result<Cloud> {
    let authority = match authority {
        Some(authority) => authority,
        None => Authority::new(&entry.authentication.login_endpoint)?,
    };
    // Older forms have no field for Resource Manager; it is the service that returned the
    // description.
    let manager = entry
        .resource_manager
        .clone()
        .unwrap_or_else(|| from.origin().ascii_serialization());
    let manager = manager.trim_end_matches('/');
    let own = |audience: &&String| audience.trim_end_matches('/') == manager;
    let audiences = &entry.authentication.audiences;
    let audience = audiences
        .iter()
        .find(own)
        .or_else(|| audiences.first())
        .map_or(manager, String::as_str);
    let cloud = Cloud::with_authority(authority).with_resource_manager(manager, audience)?;
    match entry.graph.as_deref().filter(|graph| !graph.is_empty()) {
        Some(graph) => cloud.with_graph(graph),
        None => Ok(cloud),
    }
}

#[cfg(test)]
#[path = "metadata_tests.rs"]
mod tests;
