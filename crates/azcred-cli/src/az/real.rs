//! Azure CLI itself: the next `az` on PATH that is not this binary.

use crate::failure::{Failure, Kind};
use azcred::{
    shown_path,
    system::{AZ_CALLED, is_this_program, programs},
};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

/// How often an `az` may call another one. Azure CLI's extensions run `az`, and so on; where the
/// system does not tell a program's own file, only this ends a loop.
const DEEPEST: u32 = 8;

/// Whether a program that azcred or the stand-in started called this one. Then Azure CLI is meant:
/// a stand-in that answered by itself could wait for itself.
pub(super) fn is_marked() -> bool {
    std::env::var_os(AZ_CALLED).is_some()
}

/// How many times an `az` has called the next one.
fn depth() -> u32 {
    let mark = std::env::var_os(AZ_CALLED);
    mark.map_or(0, |mark| {
        mark.to_str()
            .and_then(|mark| mark.parse().ok())
            .unwrap_or(1)
    })
}

/// The next `az` on PATH. It comes after this one in PATH, so that two copies of the stand-in don't
/// call each other.
pub(super) fn next() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let all: Vec<PathBuf> = programs("az", &path).collect();
    let own = all.iter().rposition(|az| is_this_program(az));
    let is_other = |az: &&PathBuf| !is_this_program(az);
    let after = all.iter().skip(own.map_or(0, |own| own + 1)).find(is_other);
    match is_marked() {
        true => after.cloned(),
        false => after.or_else(|| all.iter().find(is_other)).cloned(),
    }
}

/// Runs it with these arguments, in place of this process where the system can do that.
pub(super) fn run(az: &Path, arguments: &[OsString]) -> Result<u8, Failure> {
    let depth = depth();
    if depth >= DEEPEST {
        return Err(Failure::new(
            Kind::Failed,
            "could not run Azure CLI",
            format!("{} calls itself: {depth} times until now", shown_path(az)),
        )
        .fix("remove azcred's stand-in from PATH: `azcred install-az --undo`"));
    }
    let mut command = Command::new(az);
    command
        .args(arguments)
        .env(AZ_CALLED, (depth + 1).to_string());
    #[cfg(unix)]
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    #[cfg(not(unix))]
    let error = match command.status() {
        Ok(status) => {
            return Ok(status
                .code()
                .map_or(1, |code| u8::try_from(code).unwrap_or(1)));
        }
        Err(error) => error,
    };
    Err(Failure::new(
        Kind::Failed,
        "could not run Azure CLI",
        format!("{}: {error}", shown_path(az)),
    )
    .fix("install Azure CLI again (https://aka.ms/azure-cli)"))
}
