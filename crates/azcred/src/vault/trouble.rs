//! Why a vault can't be used, and the fix.

use super::Shelf;
use crate::{
    facts::{Error, ErrorKind, Fix},
    redact::shown_path,
    system::{FileFacts, FileKind, System},
};
use std::{io, path::Path};

/// The error if there is no home folder and no variable names another.
pub(super) fn no_home(system: &dyn System, shelf: Shelf) -> Error {
    let variable = variable(system, shelf);
    Error::new(
        ErrorKind::Unavailable,
        format!("could not find the folder for {}", shelf.title()),
        format!("{variable} is not set to a full path"),
    )
    .with_fix(format!("set {variable}"))
}

/// The variable that decides the folder.
pub(super) fn variable(system: &dyn System, shelf: Shelf) -> &'static str {
    match (system.os(), shelf) {
        // `AZCRED_HOME` counts before all others.
        _ if system.var_os("AZCRED_HOME").is_some() => "AZCRED_HOME",
        ("windows", _) => "LOCALAPPDATA",
        ("macos", _) => "HOME",
        (_, Shelf::Tokens) => "XDG_CACHE_HOME or HOME",
        (_, Shelf::SignIns) => "XDG_DATA_HOME or HOME",
    }
}

/// Why the file or folder at a path must not be used for secrets; `None` if it may be used.
pub(super) fn refused(
    path: &Path,
    facts: &FileFacts,
    is: FileKind,
    user: Option<u32>,
) -> Option<Error> {
    let shown = shown_path(path);
    let (why, fix) = if facts.kind == FileKind::Link {
        (
            "it is a link, whose target may belong to another user",
            format!("remove the link: `rm '{shown}'`").into(),
        )
    } else if facts.kind != is {
        (
            match is {
                FileKind::Folder => "it is not a folder",
                _ => "it is not a file",
            },
            format!("move it away: `mv '{shown}' '{shown}.old'`").into(),
        )
    } else if facts.owner.is_some() && user.is_some() && facts.owner != user {
        (
            "it belongs to another user, who could read and change it",
            match user {
                Some(0) => format!(
                    "run it as that user, or set AZCRED_HOME to your own folder; else `chown -R root '{shown}'`"
                )
                .into(),
                _ => format!("make it yours: `sudo chown -R \"$(id -un)\" '{shown}'`").into(),
            },
        )
    } else if facts.is_readable_by_others || facts.writers != crate::system::Writers::Owner {
        (
            "other users may read it",
            Fix::ChangePermissions {
                path: path.to_owned(),
                mode: if is == FileKind::Folder { 0o700 } else { 0o600 },
            },
        )
    } else {
        return None;
    };
    Some(Error::new(ErrorKind::Invalid, format!("could not use {shown}"), why).with_fix(fix))
}

/// The error for a file that can't be read or written. `what` is what was tried.
pub(super) fn failed(
    system: &dyn System,
    what: &str,
    path: &Path,
    shelf: Shelf,
    error: &io::Error,
) -> Error {
    let shown = shown_path(path);
    let folder = path.parent().map_or_else(|| shown.clone(), shown_path);
    let elsewhere = match shelf {
        Shelf::Tokens => "; or store no tokens on disk: `export AZCRED_CACHE=never`",
        Shelf::SignIns => "",
    };
    let (why, fix) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (
            "the disk is full".to_owned(),
            format!("free some space: `df -h '{folder}'` shows the disk"),
        ),
        io::ErrorKind::ReadOnlyFilesystem => (
            "the disk is read-only".to_owned(),
            format!(
                "set {} to a folder that can be written to{elsewhere}",
                match (variable(system, shelf), shelf) {
                    // The other variables are the system's, or would move all of the user's files.
                    ("AZCRED_HOME" | "LOCALAPPDATA" | "HOME", _) => "AZCRED_HOME",
                    (_, Shelf::Tokens) => "XDG_CACHE_HOME",
                    (_, Shelf::SignIns) => "XDG_DATA_HOME",
                }
            ),
        ),
        io::ErrorKind::PermissionDenied => (
            "this user does not have the permission".to_owned(),
            format!("allow it: `chmod u+rwx '{folder}'`{elsewhere}"),
        ),
        kind => (
            format!("the system says '{kind}'"),
            format!("check the disk: `df -h '{folder}'`{elsewhere}"),
        ),
    };
    Error::new(ErrorKind::Invalid, format!("{what} {shown}"), why).with_fix(fix)
}
