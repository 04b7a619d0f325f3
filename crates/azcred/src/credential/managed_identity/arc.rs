//! A server that is connected by Azure Arc. Its agent requires that the client can read a file that
//! only administrators can.
//!
//! 'Authenticate against Azure resources with Azure Arc-enabled servers': the first response names
//! a file, and the second request has the file's content. A false agent could thus read any file.
//! So the file must be one that the real agent could have written.

use super::{
    Asking, Host,
    answer::{self, HostRequest, HostToken},
    endpoint::{Endpoint, variable},
};
use crate::{
    credential::Availability,
    facts::{Error, ErrorKind, Fix, Result, Used},
    http::{HeaderName, HeaderValue, HttpRequest, header, parse_url},
    options::ClientOptions,
    system::{FileKind, System, Writers},
    token::AccessToken,
    untrusted::printable,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{io, path::Path};
use tokio::time::Instant;
use zeroize::Zeroizing;

#[derive(Debug)]
pub(super) struct Arc {
    endpoint: Endpoint,
    /// Whether variables describe the agent. If not, it was found on the disk.
    is_said: bool,
}

/// The agent's address (MSAL for Python 1.39, `_get_arc_endpoint`; the libraries for .NET and Go
/// use it too).
const ADDRESS: &str = "http://localhost:40342/metadata/identity/oauth2/token";

/// Whether the agent's service is on this machine. Checks one file.
pub(super) fn is_installed(system: &dyn System) -> bool {
    let service = match system.os() {
        "linux" => "/opt/azcmagent/bin/himds".to_owned(),
        "windows" => match system.var("ProgramFiles") {
            Some(programs) => format!(r"{programs}\AzureConnectedMachineAgent\himds.exe"),
            None => return false,
        },
        _ => return false,
    };
    system.look(Path::new(&service)).is_ok()
}

/// The oldest version that can select a user-assigned identity.
const API_VERSION: &str = "2020-06-01";
/// The largest key file in bytes.
const KEY_LIMIT: u64 = 4096;
const AGENT: &str =
    "check that the agent runs: `azcmagent show`, and `sudo systemctl status himdsd`";

impl Arc {
    pub(super) fn new(options: &ClientOptions) -> Result<Self> {
        let address = variable(&**options.system(), "IDENTITY_ENDPOINT")?;
        let endpoint = Endpoint::from_variable("IDENTITY_ENDPOINT", &address, options)?;
        Ok(Self {
            endpoint,
            is_said: true,
        })
    }

    /// The agent on this machine, without variables that describe it.
    pub(super) fn installed(options: &ClientOptions) -> Result<Self> {
        let url = parse_url("could not read the address of Azure Arc's agent", ADDRESS)?;
        Ok(Self {
            endpoint: Endpoint::fixed(url, options),
            is_said: false,
        })
    }

    /// An installed agent may be unable to return a token: the server may not be connected, or this
    /// user may not use its identity. Unless variables describe the agent, that counts as
    /// unavailable.
    fn failed(&self, error: Error) -> Error {
        let is_absent = matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Invalid);
        if self.is_said || !is_absent {
            return error;
        }
        let why = format!("Azure Arc's agent is installed here, and {}", error.why());
        Error::new(ErrorKind::Unavailable, error.what().to_owned(), why).with_fix_of(&error)
    }

    fn request(&self, asking: &Asking<'_>) -> HttpRequest {
        let parameters = [("api-version", API_VERSION), ("resource", asking.resource)];
        let id = asking.id.parameter("msi_res_id");
        let id = id.as_ref().map(|(name, id)| (*name, id.as_str()));
        HttpRequest::get(self.endpoint.url(parameters.into_iter().chain(id))).with_header(
            HeaderName::from_static("metadata"),
            HeaderValue::from_static("true"),
        )
    }
}

impl Host for Arc {
    fn name(&self) -> &'static str {
        "Azure Arc's agent"
    }

    fn whereabouts(&self) -> [&[u8]; 2] {
        [self.endpoint.address().as_bytes(), b""]
    }

    fn look(&self, using: Used, _: &dyn System) -> Availability {
        if self.is_said {
            Availability::Ready { using }
        } else {
            Availability::Possible { using }
        }
    }

    fn request_token<'a>(&'a self, asking: Asking<'a>) -> BoxFuture<'a, Result<AccessToken>> {
        async move { self.token(asking).await.map_err(|error| self.failed(error)) }.boxed()
    }
}

impl Arc {
    async fn token(&self, asking: Asking<'_>) -> Result<AccessToken> {
        let started = Instant::now();
        let mut asked = HostRequest {
            what: &asking.what,
            resource: asking.resource,
            id: asking.id,
            variable: asking.variable,
            host: self.name(),
            assign: "connect the server to Azure again: `azcmagent connect`",
            secrets: &[],
            now: asking.system.now(),
        };
        let request = self.request(&asking);
        let first = self
            .endpoint
            .send(&asking.what, AGENT, &request, asking.deadline)
            .await?;
        if first.status != 401 {
            return confirmed(&asking, answer::read(&asked, &first)?);
        }
        let system = &**asking.system;
        let path = named_file(&asked, first.header("www-authenticate"), system)?;
        let key = read_key(&asked, &path, system)?;
        let secrets = [key.as_str()];
        asked.secrets = &secrets;
        let request = request.with_header(header::AUTHORIZATION, authorization(&asked, &key)?);
        let left = asking.deadline.saturating_sub(started.elapsed());
        let answer = self
            .endpoint
            .request_token(&asked, AGENT, &request, left)
            .await?;
        confirmed(&asking, answer)
    }
}

fn untrusted(asked: &HostRequest<'_>, why: String) -> Error {
    Error::new(ErrorKind::Unexpected, asked.what.to_owned(), why)
        .with_fix("run `azcmagent show`, and check that the agent listens at IDENTITY_ENDPOINT")
}

/// The folder in which the agent writes its keys.
fn folder(asked: &HostRequest<'_>, system: &dyn System) -> Result<String> {
    let unavailable = |why: &'static str| {
        Error::new(ErrorKind::Unavailable, asked.what.to_owned(), why).with_fix(
            "unset IDENTITY_ENDPOINT and IMDS_ENDPOINT if this server does not use Azure Arc",
        )
    };
    match system.os() {
        "linux" => Ok("/var/opt/azcmagent/tokens".to_owned()),
        "windows" => {
            let data = system.var("ProgramData").ok_or_else(|| {
                unavailable("ProgramData is not set, so the agent's folder is not known")
            })?;
            let data = data.trim_end_matches('\\');
            Ok(format!(r"{data}\AzureConnectedMachineAgent\Tokens"))
        }
        _ => Err(unavailable("the agent is for Linux and Windows only")),
    }
}

/// The file that a challenge names (`Basic realm=FILE`), if it is directly in the agent's folder.
fn named_file(
    asked: &HostRequest<'_>,
    challenge: Option<&str>,
    system: &dyn System,
) -> Result<String> {
    let folder = folder(asked, system)?;
    let named = challenge.and_then(|challenge| {
        let (scheme, rest) = challenge.trim().split_once(' ')?;
        let (name, file) = rest.trim().split_once('=')?;
        (scheme.eq_ignore_ascii_case("Basic") && name.eq_ignore_ascii_case("realm"))
            .then(|| file.trim().trim_matches('"').to_owned())
    });
    let Some(file) = named else {
        return Err(untrusted(
            asked,
            "the agent did not name the file with its key".to_owned(),
        ));
    };
    let windows = system.os() == "windows";
    let separator = if windows { '\\' } else { '/' };
    let start = file.get(..folder.len());
    let is_folder = start.is_some_and(|start| match windows {
        true => start.eq_ignore_ascii_case(&folder),
        false => start == folder,
    });
    let name = file
        .get(folder.len()..)
        .and_then(|rest| rest.strip_prefix(separator))
        .filter(|_| is_folder)
        .and_then(|name| name.strip_suffix(".key"));
    // Letters, digits and a few signs: no path separators, no alternate streams, no `..`, no
    // invisible characters.
    let is_plain = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.{}".contains(&byte))
    };
    if name.is_some_and(is_plain) {
        return Ok(file);
    }
    Err(untrusted(
        asked,
        format!(
            "the agent named the file '{}', but its keys are the files {folder}/*.key",
            printable(&file, 120)
        ),
    ))
}

/// The content of a key file, if the agent could have written it.
fn read_key(asked: &HostRequest<'_>, path: &str, system: &dyn System) -> Result<Zeroizing<String>> {
    let file = Path::new(path);
    let unreadable = |error: &io::Error| {
        let why = format!("the agent's key {path} can't be read: {error}");
        let fix = if error.kind() == io::ErrorKind::PermissionDenied {
            "let this user read it: `sudo usermod --append --groups himds USER`, then sign in again (on Windows: be an administrator or in the group 'Hybrid agent extension applications')"
        } else {
            AGENT
        };
        Error::new(ErrorKind::Invalid, asked.what.to_owned(), why).with_fix(fix)
    };
    // What is judged is what is open: a path can lead to another file the next time.
    let file = system.open(file).map_err(|error| unreadable(&error))?;
    // If other users could replace the folder, they could replace the file.
    let is_judged = system.os() != "windows";
    let folder = is_judged.then_some(file.folder);
    let facts = file.facts;
    let is_linked = file.folder_is_linked || file.folder.kind != FileKind::Folder;
    let why = if is_judged && is_linked {
        "its folder is a link or not a folder"
    } else if facts.kind != FileKind::File {
        "it is not a regular file"
    } else if facts.len > KEY_LIMIT {
        "it is larger than 4,096 bytes, the limit for a key"
    } else if facts.owner.is_some_and(|owner| owner != 0)
        && folder.is_some_and(|folder| folder.owner != facts.owner)
    {
        "it belongs neither to root nor to the owner of its folder"
    } else if [folder, Some(facts)]
        .iter()
        .flatten()
        .any(|facts| facts.writers == Writers::Anybody)
    {
        "anybody may write to it or to its folder"
    } else {
        let bytes = file.read(KEY_LIMIT).map_err(|error| unreadable(&error))?;
        let bytes = Zeroizing::new(bytes);
        return match std::str::from_utf8(&bytes).map(str::trim) {
            Ok(key) if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Zeroizing::new(key.to_owned()))
            }
            _ => Err(untrusted(
                asked,
                format!("the content of {path} is not a key"),
            )),
        };
    };
    Err(untrusted(
        asked,
        format!("the agent pointed to {path}, and {why}"),
    ))
}

fn authorization(asked: &HostRequest<'_>, key: &str) -> Result<HeaderValue> {
    let text = Zeroizing::new(format!("Basic {key}"));
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        untrusted(
            asked,
            "the content of the agent's file is not a key".to_owned(),
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The token, if it is of the requested identity. An old agent ignores the selection and returns
/// the server's own identity (azure-identity 1.27 checks that too).
fn confirmed(asking: &Asking<'_>, answer: HostToken) -> Result<AccessToken> {
    let Some((name, chosen)) = asking.id.parameter("msi_res_id") else {
        return Ok(answer.token);
    };
    let confirmed = match name {
        "client_id" => answer.client_id,
        "object_id" => answer.object_id,
        _ => answer.resource_id,
    };
    if confirmed.is_some_and(|confirmed| confirmed.eq_ignore_ascii_case(&chosen)) {
        return Ok(answer.token);
    }
    Err(Error::new(
        ErrorKind::Refused,
        asking.what.clone(),
        format!("the agent did not confirm that its token is for {}; older agents know only the server's own identity", asking.id),
    )
    .with_fix(
        Fix::from("upgrade the agent")
            .or("unset AZURE_CLIENT_ID to use the server's own identity"),
    ))
}

#[cfg(test)]
#[path = "arc_tests.rs"]
mod tests;
