//! All other commands: to Azure CLI, if that is the same identity.

use super::{
    Trouble, accounts,
    identity::{self, Identity},
    real,
};
use crate::failure::{Failure, Kind};
use azcred::{Fix, chain::Source, printable, shown_path, system::RealSystem};
use std::{ffi::OsString, path::Path};

/// Commands of Azure CLI that sign in, sign out or manage Azure CLI itself. They use no identity
/// but the one that is signed in by them.
const ITS_OWN: [&str; 10] = [
    "login",
    "logout",
    "config",
    "configure",
    "cloud",
    "extension",
    "upgrade",
    "find",
    "feedback",
    "self-test",
];

/// Runs a command of Azure CLI. `name` is the command for messages.
pub(super) fn run(arguments: &[OsString], name: &str) -> Result<u8, Trouble> {
    let first = name.split(' ').next().unwrap_or_default();
    let signs_in = ["login", "logout"].contains(&first) || name == "account clear";
    let is_inside = accounts::own_folder(&RealSystem).is_some();
    if is_inside && signs_in {
        return Err(signed_in_already(name).into());
    }
    let Some(az) = real::next() else {
        return Err(missing(name, signs_in).into());
    };
    let is_help = arguments
        .iter()
        .any(|argument| argument == "--help" || argument == "-h");
    if is_help {
        return Ok(real::run(&az, arguments)?);
    }
    // In this folder, Azure CLI is the same identity.
    if is_inside {
        return Ok(real::run(&az, arguments)?);
    }
    if signs_in || ITS_OWN.contains(&first) {
        return Ok(real::run(&az, arguments)?);
    }
    let identity = identity::wait(Identity::open(&[], None))??;
    match identity.source {
        Source::AzureCli => Ok(real::run(&az, arguments)?),
        _ => Err(another(name, &az, &identity).into()),
    }
}

/// Lets Azure CLI change what it keeps of its own account.
pub(super) fn its_own(arguments: &[OsString], name: &str) -> Result<u8, Trouble> {
    match real::next() {
        Some(az) => Ok(real::run(&az, arguments)?),
        None => Err(Failure::new(
            Kind::Failed,
            format!("`az {name}` was not run"),
            "the account is Azure CLI's own, which keeps its subscriptions, and Azure CLI is not on PATH",
        )
        .fix(installed())
        .into()),
    }
}

/// Runs the next Azure CLI, for a program that needs Azure CLI and no stand-in.
pub(super) fn pass_on(arguments: &[OsString]) -> Result<u8, Trouble> {
    match real::next() {
        Some(az) => Ok(real::run(&az, arguments)?),
        None => Err(Failure::new(
            Kind::NotSignedIn,
            "Azure CLI was called",
            "there is no Azure CLI on PATH but azcred's stand-in, which does not call itself",
        )
        .fix(installed())
        .into()),
    }
}

fn installed() -> &'static str {
    "install Azure CLI (https://aka.ms/azure-cli)"
}

fn missing(name: &str, signs_in: bool) -> Failure {
    let what = format!("`az {}` was not run", printable(name, 60));
    let why =
        "this az is azcred's stand-in, and there is no Azure CLI on PATH that has the command";
    let fix = match signs_in {
        true if name == "login" => Fix::from("sign in with `azcred login`").or(installed()),
        true => Fix::from("sign out with `azcred logout`").or(installed()),
        false => Fix::from(installed()),
    };
    Failure::new(Kind::Failed, what, why).fix(fix)
}

fn signed_in_already(name: &str) -> Failure {
    Failure::new(
        Kind::Failed,
        format!("`az {name}` was not run"),
        "inside `azcred exec`, azcred chooses the identity, and Azure CLI has the same one",
    )
    .fix(
        "leave the command out; to use another account, choose it with the options of `azcred exec`",
    )
}

/// Azure CLI would use its own account. The arguments may have a secret, so only the command is
/// shown.
fn another(name: &str, az: &Path, identity: &Identity) -> Failure {
    let name = printable(name, 60);
    Failure::new(
        Kind::Failed,
        format!("`az {name}` was not run"),
        format!(
            "Azure CLI would use its own account, and this az uses another one: {}",
            identity.describe()
        ),
    )
    .fix(
        Fix::from(format!(
            "run it as this account: put `azcred exec --` before `az {name}`"
        ))
        .or(format!(
            "run it as Azure CLI's own account: call {} in place of `az`",
            shown_path(az)
        )),
    )
}
