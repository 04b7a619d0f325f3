//! Writes a workflow's file, and never over one that differs unless that was allowed.

use crate::{
    commands::user_file::{Draft, DraftMode},
    failure::{Failure, Kind},
};
use azcred::shown_path;
use std::{fs, io, path::Path};

/// What came of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// It is new, or its content is.
    New,
    /// It had this content already.
    Same,
}

/// The longest file that is read.
const LONGEST: u64 = 1 << 20;

/// Writes `text` to `file` in `folder`.
///
/// # Errors
/// [`Kind::Invalid`] if there is a file with another content, with the first line that differs.
pub(super) fn write(
    folder: &Path,
    file: &Path,
    text: &str,
    may_replace: bool,
) -> Result<Written, Failure> {
    let what = || format!("could not write {}", shown_path(file));
    let failed = |error: &io::Error| Failure::new(Kind::Failed, what(), error.to_string());
    let path = folder.join(file);
    match read(&path) {
        Ok(there) if there == text => return Ok(Written::Same),
        Ok(there) if !may_replace => {
            let (number, old, new) = first_difference(&there, text);
            return Err(Failure::new(
                Kind::Invalid,
                what(),
                format!("it exists and differs, first in line {number}: it has '{old}', not '{new}'"),
            )
            .fix("name another file with `--file`, print the workflow with `--file -`, or replace the file with `--force`"));
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound && !may_replace => {
            return Err(failed(&error));
        }
        _ => {}
    }
    let draft = Draft::write(&path, text.as_bytes(), DraftMode::Usual);
    draft
        .and_then(|draft| draft.replace(&path))
        .map_err(|error| failed(&error))?;
    Ok(Written::New)
}

/// Whether there is no such file, or one with this content.
pub(super) fn agrees(file: &Path, text: Option<&str>) -> bool {
    match read(file) {
        Ok(there) => text == Some(&*there),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Reads a workflow's file.
pub(super) fn read(file: &Path) -> io::Result<String> {
    let length = fs::metadata(file)?.len();
    if length > LONGEST {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is larger than any workflow",
        ));
    }
    fs::read_to_string(file)
}

/// The number of the first line that differs, and both lines.
fn first_difference<'a>(there: &'a str, new: &'a str) -> (usize, &'a str, &'a str) {
    let (mut there, mut new) = (there.lines(), new.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (there.next(), new.next()) {
            (Some(one), Some(other)) if one == other => {}
            (one, other) => {
                return (
                    number,
                    one.unwrap_or_default().trim(),
                    other.unwrap_or_default().trim(),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_differs_is_replaced_only_on_request() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a/b/c.yml");
        let write =
            |text, may_replace| write(folder.path(), Path::new("a/b/c.yml"), text, may_replace);
        assert_eq!(write("one\ntwo\n", false).unwrap(), Written::New);
        assert_eq!(write("one\ntwo\n", false).unwrap(), Written::Same);
        let refused = write("one\nthree\n", false).unwrap_err();
        assert!(
            refused.why.ends_with("line 2: it has 'two', not 'three'"),
            "{}",
            refused.why
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), "one\ntwo\n");
        assert_eq!(write("one\nthree\n", true).unwrap(), Written::New);
        assert_eq!(fs::read_to_string(&file).unwrap(), "one\nthree\n");
    }
}
