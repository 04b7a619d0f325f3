//! Why a vault can't be used, and the fix.

use super::Shelf;
use crate::{
    facts::{Error, ErrorKind, Fix},
    sieve::shown_path,
    system::{FileFacts, FileKind, Foreign, System, Unsuitable, Writers, home},
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
                Some(0) => not_as_root(),
                _ => make_own(&shown),
            },
        )
    } else if facts.is_readable_by_others || facts.writers != Writers::Owner {
        (
            match facts.writers {
                Writers::Owner => "other users may read it",
                Writers::Group | Writers::Anybody => "other users may write to it",
            },
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
    let inner = error.get_ref();
    if let Some(found) = inner.and_then(|inner| inner.downcast_ref::<Unsuitable>()) {
        let is = match found.path == path {
            true => FileKind::File,
            false => FileKind::Folder,
        };
        if let Some(error) = refused(&found.path, &found.facts, is, system.user()) {
            return error;
        }
    }
    let shown = shown_path(path);
    let folder = path.parent().map_or_else(|| shown.clone(), shown_path);
    let (why, fix, has_place) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (
            "the disk is full".to_owned(),
            Fix::from(format!(
                "free some space: `df -h '{folder}'` shows the disk"
            )),
            true,
        ),
        io::ErrorKind::ReadOnlyFilesystem => {
            ("the disk is read-only".to_owned(), own_place(system), false)
        }
        io::ErrorKind::PermissionDenied => {
            let foreign = inner.and_then(|inner| inner.downcast_ref::<Foreign>());
            match (foreign, may_be_allowed(system, path)) {
                (Some(foreign), _) => (
                    format!(
                        "the folder {} belongs to another user, and root would make files in it that this user can't use",
                        shown_path(&foreign.folder)
                    ),
                    not_as_root(),
                    false,
                ),
                (None, Some(fix)) => (
                    "this user does not have the permission".to_owned(),
                    fix,
                    true,
                ),
                (None, None) => (
                    "this user can't write to the home folder".to_owned(),
                    own_place(system),
                    false,
                ),
            }
        }
        kind => (
            format!("the system says '{kind}'"),
            Fix::from(format!("check the disk: `df -h '{folder}'`")),
            true,
        ),
    };
    let (kind, fix) = match shelf {
        // Tokens can be requested again. Where nothing can be stored, no user expects that.
        Shelf::Tokens if !has_place => (ErrorKind::Unavailable, fix.or(NO_CACHE)),
        Shelf::Tokens => (ErrorKind::Invalid, fix.or(NO_CACHE)),
        Shelf::SignIns => (ErrorKind::Invalid, fix),
    };
    Error::new(kind, format!("{what} {shown}"), why).with_fix(fix)
}

const NO_CACHE: &str = "store no tokens on disk: `export AZCRED_CACHE=never`";

const OTHER_FOLDER: &str = "use another folder: `export AZCRED_HOME=\"/tmp/azcred-$(id -u)\"`";

/// The fix where this user's home folder can't be used.
fn own_place(system: &dyn System) -> Fix {
    match system.os() {
        "windows" => "set AZCRED_HOME to a folder that this user can write to".into(),
        _ => OTHER_FOLDER.into(),
    }
}

/// The fix for the administrator with another user's home folder, as `sudo -E` leaves it.
fn not_as_root() -> Fix {
    Fix::from("run it as that user, without `sudo`")
        .or("use root's own home folder: `sudo -H`")
        .or(OTHER_FOLDER)
}

/// The change that gives this user the permission: on the file, or on the nearest folder that
/// exists, if it is the user's own or in the user's own home folder. `None` if it is neither.
fn may_be_allowed(system: &dyn System, path: &Path) -> Option<Fix> {
    let user = system.user()?;
    if let Ok(facts) = system.look(path)
        && facts.owner == Some(user)
        && facts.kind == FileKind::File
    {
        return Some(Fix::ChangePermissions {
            path: path.to_owned(),
            mode: 0o600,
        });
    }
    let mut around = path.ancestors().skip(1);
    let (folder, facts) = around.find_map(|folder| Some((folder, system.look(folder).ok()?)))?;
    let shown = shown_path(folder);
    if facts.owner == Some(user) {
        return Some(format!("allow it: `chmod u+rwx '{shown}'`").into());
    }
    let home = home(system)?;
    let is_own_home = system.look(&home).ok()?.owner == Some(user);
    (is_own_home && folder.starts_with(&home) && folder != home).then(|| make_own(&shown))
}

/// Makes a file or folder in the user's own home folder the user's.
fn make_own(shown: &str) -> Fix {
    format!("make it yours: `sudo chown -R \"$(id -un)\" '{shown}'`").into()
}
