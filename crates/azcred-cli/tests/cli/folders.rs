//! What `azcred` does with folders that it may not enter, may not write to, or that belong to
//! another user, and with paths that are not UTF-8.

use crate::{azure::Azure, run::azcred};
use azcred_emulator::{Persona, Way};
use std::{
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

/// The names in a folder.
fn names(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

#[test]
fn a_home_whose_path_is_not_utf_8_is_used_as_it_is() {
    let azure = Azure::shared();
    let environment = azure.environment(Persona::ServicePrincipal, Way::Ports);
    let around = tempfile::tempdir().expect("a folder");
    let home = around
        .path()
        .join(OsString::from_vec(b"h\xe9l\xe8ne".to_vec()));
    if fs::create_dir(&home).is_err() {
        eprintln!("skipped: this file system takes UTF-8 names only");
        return;
    }
    let token = azcred(&["token"]).envs(&environment).env_os("HOME", &home);
    let said = token.said();
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
    assert_eq!(names(around.path()), std::slice::from_ref(&home));
    assert!(!names(&home).is_empty(), "the token is stored there");
}

#[test]
fn a_secret_that_is_not_utf_8_is_an_error_with_the_variables_name() {
    let azure = Azure::shared();
    let environment = azure.environment(Persona::ServicePrincipal, Way::Ports);
    let said = azcred(&["token"])
        .envs(&environment)
        .env_os(
            "AZURE_CLIENT_SECRET",
            OsString::from_vec(b"s\xe9cret".to_vec()),
        )
        .said();
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said}");
    assert!(
        said.stderr.contains("could not read AZURE_CLIENT_SECRET"),
        "{said}"
    );
    assert!(!said.stderr.contains("cret\u{fffd}"), "{said}");
}
