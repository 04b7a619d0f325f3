//! Files that need not exist. One that this user can't see counts as absent: nothing shows that it
//! exists. One that is seen and can't be read is an error.

use super::{FileFacts, OpenFile, System};
use crate::untrusted::printable_path;
use std::{io, path::Path};

/// As [`System::read`]; `None` if the file is absent or can't be seen.
///
/// # Errors
/// As [`System::read`].
pub(crate) fn read_if_seen(
    system: &dyn System,
    path: &Path,
    limit: u64,
) -> io::Result<Option<Vec<u8>>> {
    if_seen(system, path, system.read(path, limit))
}

/// As [`System::open`]; `None` if the file is absent or can't be seen.
///
/// # Errors
/// As [`System::open`].
pub(crate) fn open_if_seen(system: &dyn System, path: &Path) -> io::Result<Option<OpenFile>> {
    if_seen(system, path, system.open(path))
}

/// As [`System::look`]; `None` if nothing is there or can be seen.
///
/// # Errors
/// As [`System::look`].
pub(crate) fn look_if_seen(system: &dyn System, path: &Path) -> io::Result<Option<FileFacts>> {
    if_seen(system, path, system.look(path))
}

/// As [`System::list`]; no names if there is no folder or it can't be seen.
///
/// # Errors
/// As [`System::list`].
pub(crate) fn list_if_seen(
    system: &dyn System,
    folder: &Path,
) -> io::Result<Vec<std::ffi::OsString>> {
    if_seen(system, folder, system.list(folder)).map(Option::unwrap_or_default)
}

fn if_seen<T>(system: &dyn System, path: &Path, done: io::Result<T>) -> io::Result<Option<T>> {
    let error = match done {
        Ok(done) => return Ok(Some(done)),
        Err(error) => error,
    };
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
        // A file that is seen has facts.
        io::ErrorKind::PermissionDenied if is_hidden(system, path) => {
            tracing::info!(
                path = printable_path(path),
                "this user may not enter the folder of this file, so the file counts as absent"
            );
            Ok(None)
        }
        _ => Err(error),
    }
}

fn is_hidden(system: &dyn System, path: &Path) -> bool {
    let facts = system.look(path);
    facts.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Fixture;

    #[test]
    fn what_is_absent_or_hidden_is_none_and_what_is_seen_and_unreadable_is_an_error() {
        use io::ErrorKind::{InvalidData, NotADirectory, NotFound, PermissionDenied};
        let path = Path::new("/home/ada/file");
        let machine = Fixture::new().with_file(path, "content");
        let hidden = machine.clone().with_hidden("/home/ada");
        let of = |machine: &Fixture, kind: io::ErrorKind| {
            if_seen::<()>(machine, path, Err(kind.into())).map_err(|error| error.kind())
        };
        for absent in [NotFound, NotADirectory] {
            assert_eq!(of(&machine, absent), Ok(None));
        }
        assert_eq!(of(&hidden, PermissionDenied), Ok(None));
        for error in [PermissionDenied, InvalidData] {
            assert_eq!(of(&machine, error), Err(error));
        }
        assert_eq!(if_seen(&machine, path, Ok(7)).unwrap(), Some(7));
    }
}
