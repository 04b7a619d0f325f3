//! The account that is signed in to Visual Studio Code (its extension Azure Resources).
//!
//! The extension stores a record of the account, and no token. The system's broker (Web Account
//! Manager on Windows) returns tokens to programs with that record. Linux and macOS have no broker
//! for programs, and azcred does not use Windows' yet. So this source is always unavailable, and
//! says what is missing.

use super::{
    Availability,
    source::{Kept, TokenSource, credential},
};
use crate::{
    facts::{Error, ErrorKind, Result},
    json,
    options::ClientOptions,
    request::TokenRequest,
    system::{System, home, read_if_seen},
    tenant::TenantId,
    token::AccessToken,
    untrusted::printable,
};
use futures_util::{FutureExt, future::BoxFuture};
use serde::Deserialize;
use std::{fmt, io, sync::Arc};

/// Signs in as the account in Visual Studio Code. It is always unavailable, with the reason.
pub struct VisualStudioCodeCredential(Kept<VisualStudioCode>);

struct VisualStudioCode {
    options: ClientOptions,
}

const NAME: &str = "VisualStudioCodeCredential";
/// The extension's client id.
const CLIENT_ID: &str = "aebc6443-996d-45c2-90f0-388ff96faa56";
/// The record's path in the user's home folder (azure-identity's `vscode.py`). The second is for
/// case-sensitive file systems.
const PLACES: [&str; 2] = [
    ".azure/ms-azuretools.vscode-azureresourcegroups/authRecord.json",
    ".Azure/ms-azuretools.vscode-azureresourcegroups/authRecord.json",
];
/// A larger file is not a record, in bytes.
const RECORD_LIMIT: u64 = 10 << 10;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthenticationRecord {
    authority: String,
    client_id: String,
    home_account_id: String,
    tenant_id: String,
    username: String,
}

impl VisualStudioCodeCredential {
    /// A credential for that account. Reads nothing yet.
    pub fn new(options: ClientOptions) -> Self {
        let system = options.system().clone();
        Self(Kept::new(Arc::new(VisualStudioCode { options }), system))
    }
}

credential!(VisualStudioCodeCredential);

/// Why there is no token.
fn unavailable(system: &dyn System) -> Error {
    let error = |why: String| {
        Error::new(
            ErrorKind::Unavailable,
            format!("{NAME} could not use a sign-in to Visual Studio Code"),
            why,
        )
        .with_fix("run `az login`")
    };
    let Some(home) = home(system) else {
        return error("the home folder is not known".to_owned());
    };
    for place in PLACES {
        let path = home.join(place);
        let record = match read_if_seen(system, &path, RECORD_LIMIT) {
            Ok(None) => continue,
            Ok(Some(bytes)) => person(&bytes).ok_or("has an unknown format"),
            Err(cause) => Err(match cause.kind() {
                io::ErrorKind::FileTooLarge => "is too large",
                io::ErrorKind::IsADirectory | io::ErrorKind::InvalidInput => "is not a file",
                _ => "can't be read",
            }),
        };
        return error(match record {
            Ok(person) => format!(
                "{person} is signed in to Visual Studio Code, but only the system's broker can get its tokens, {}",
                if system.os() == "windows" {
                    "which azcred does not support"
                } else {
                    "and this system has none"
                }
            ),
            Err(why_not) => format!("its record of who is signed in {why_not}"),
        });
    }
    error("no account is signed in to its extension Azure Resources".to_owned()).absent()
}

/// The account's name in a record, if the file is one.
fn person(bytes: &[u8]) -> Option<String> {
    let record: AuthenticationRecord = json::object(bytes)?;
    let is_valid = record.client_id == CLIENT_ID
        && TenantId::new(&record.tenant_id).is_ok()
        && !record.home_account_id.is_empty()
        && !record.authority.is_empty();
    // The name is shown, so it must look like a sign-in name.
    let is_name = (1..=128).contains(&record.username.chars().count())
        && record
            .username
            .chars()
            .all(|c| c.is_alphanumeric() || "@._-+'#".contains(c));
    (is_valid && is_name).then(|| printable(&record.username, 128))
}

impl TokenSource for VisualStudioCode {
    fn name(&self) -> &'static str {
        NAME
    }

    fn look(&self, system: &dyn System) -> Availability {
        Availability::Unavailable(unavailable(system))
    }

    fn fetch(self: Arc<Self>, _: TokenRequest) -> BoxFuture<'static, Result<AccessToken>> {
        std::future::ready(Err(unavailable(&**self.options.system()))).boxed()
    }
}

impl fmt::Debug for VisualStudioCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(NAME).finish_non_exhaustive()
    }
}
