//! What `azcred` does with folders that it may not enter, may not write to, or that belong to
//! another user, and with paths that are not UTF-8.

use crate::{
    azure::Azure,
    run::{AZCRED, Run, azcred},
};
use azcred_emulator::{Persona, Way};
use std::{
    ffi::OsString,
    fs,
    os::unix::{
        ffi::OsStringExt,
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
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
        said.stderr.contains("AZURE_CLIENT_SECRET is not valid"),
        "{said}"
    );
    assert!(!said.stderr.contains("cret\u{fffd}"), "{said}");
}

/// Another user than the one who runs the tests.
const OTHER: u32 = 65_534;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether a test that needs a user without rights can run: as root, it needs another user, who may
/// enter the folder of the build.
fn has_user_without_rights() -> bool {
    let mut version = Command::new(AZCRED);
    version.arg("--version").env_clear().stdout(Stdio::null());
    let can = !is_root() || version.uid(OTHER).gid(OTHER).status().is_ok();
    if !can {
        eprintln!("skipped: another user may not enter the folder of the build");
    }
    can
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("changed");
}

/// The variables of a service principal, for any user of this machine: the emulator's bundle of
/// certificates is private, so `folder` gets a copy.
fn for_all(azure: &Azure, folder: &Path) -> Vec<(String, String)> {
    let mut environment = azure.environment(Persona::ServicePrincipal, Way::Ports);
    let bundle = folder.join("bundle.pem");
    fs::copy(&azure.info().ca_bundle, &bundle).expect("copied");
    set_mode(folder, 0o755);
    set_mode(&bundle, 0o644);
    for (_, value) in &mut environment {
        if Path::new(value) == azure.info().ca_bundle {
            *value = bundle.display().to_string();
        }
    }
    environment
}

/// A folder that the run may not enter. Root may enter each, so as root another user runs.
fn closed(run: Run, folder: &Path) -> Run {
    fs::create_dir(folder).expect("a folder");
    fs::write(folder.join("azcred.toml"), "[chian]\n").expect("a file");
    match is_root() {
        true => {
            set_mode(folder, 0o700);
            run.user(OTHER)
        }
        false => {
            set_mode(folder, 0o000);
            run
        }
    }
}

/// Every folder in which azcred looks for a file: those of the settings, of azcred's own files, of
/// Azure CLI's, and the project's.
#[test]
fn a_folder_that_can_not_be_entered_is_one_without_files() {
    if !has_user_without_rights() {
        return;
    }
    let azure = Azure::shared();
    let readable = tempfile::tempdir().expect("a folder");
    let environment = for_all(&azure, readable.path());
    for variable in [
        "HOME",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
        "AZURE_CONFIG_DIR",
        "AZCRED_HOME",
    ] {
        let around = tempfile::tempdir().expect("a folder");
        set_mode(around.path(), 0o755);
        let folder = around.path().join("closed");
        let home = around.path().join("home");
        fs::create_dir(&home).expect("a folder");
        set_mode(&home, 0o777);
        for arguments in [
            &["token", "-v"][..],
            &["whoami", "-v"],
            &["chain"],
            &["workspace", "show"],
            &["account", "list"],
            &["cache", "list"],
        ] {
            let _ = fs::remove_dir_all(&folder);
            let run = azcred(arguments)
                .envs(&environment)
                .env_os("HOME", &home)
                .directory(around.path());
            let run = closed(run, &folder);
            let run = run.env_os(variable, &folder);
            let said = run.said();
            set_mode(&folder, 0o700);
            assert_eq!(said.code, 0, "{variable} {arguments:?}: {said}");
            if arguments.contains(&"-v") && variable != "AZURE_CONFIG_DIR" {
                let note = said.stderr.contains("may not enter")
                    || said.stderr.contains("nothing is stored on disk");
                assert!(note, "{variable}: {said}");
            }
        }
    }
}

/// As `sudo -E azcred emulator start`.
#[test]
fn root_keeps_no_emulator_in_another_users_home() {
    if !is_root() {
        eprintln!("skipped: only root can run in another user's home");
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::chown(home.path(), Some(OTHER), Some(OTHER)).expect("given away");
    let said = azcred(&["emulator", "start"])
        .env_os("HOME", home.path())
        .said();
    assert_eq!(said.code, 1, "{said}");
    assert!(said.stderr.contains("belongs to another user"), "{said}");
    assert!(said.stderr.contains("without `sudo`"), "{said}");
    let made = fs::read_dir(home.path()).expect("a folder").count();
    assert_eq!(made, 0, "{said}");
}

/// As `sudo -u svc` in a folder of one's own: the project's file may be in any folder above.
#[test]
fn a_current_folder_that_can_not_be_entered_has_no_settings() {
    if !is_root() || !has_user_without_rights() {
        eprintln!("skipped: only root can begin a run in such a folder");
        return;
    }
    let azure = Azure::shared();
    let around = tempfile::tempdir().expect("a folder");
    let environment = for_all(&azure, around.path());
    let folder = around.path().join("closed");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("azcred.toml"), "[chian]\n").expect("a file");
    set_mode(&folder, 0o700);
    let mut command = Command::new("setpriv");
    let user = format!("{OTHER}");
    command.args(["--reuid", &user, "--regid", &user, "--clear-groups"]);
    command.args([AZCRED, "token", "-v"]);
    if Command::new("setpriv")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        eprintln!("skipped: `setpriv` is not installed");
        return;
    }
    let said = Run::bare(command)
        .envs(&environment)
        .env("AZCRED_IMDS", "never")
        .directory(&folder)
        .said();
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stderr.contains("may not enter"), "{said}");
}

#[test]
fn a_file_that_is_seen_and_can_not_be_read_is_an_error() {
    if !has_user_without_rights() {
        return;
    }
    let azure = Azure::shared();
    let environment = azure.environment(Persona::ServicePrincipal, Way::Ports);
    let project = tempfile::tempdir().expect("a folder");
    set_mode(project.path(), 0o755);
    let file = project.path().join("azcred.toml");
    fs::write(&file, "").expect("a file");
    let run = azcred(&["token"])
        .envs(&environment)
        .directory(project.path());
    let run = match is_root() {
        true => {
            set_mode(&file, 0o600);
            run.user(OTHER)
        }
        false => {
            set_mode(&file, 0o000);
            run
        }
    };
    let said = run.said();
    assert_eq!(said.code, 1, "{said}");
    assert!(said.stderr.contains("azcred.toml"), "{said}");
}

/// A service whose home is `/`, does not exist, or is another user's.
#[test]
fn where_nothing_can_be_stored_a_token_comes_without_a_note() {
    if !has_user_without_rights() {
        return;
    }
    let azure = Azure::shared();
    let readable = tempfile::tempdir().expect("a folder");
    let environment = for_all(&azure, readable.path());
    for home in ["/", "/nonexistent", "/root"] {
        let run = |arguments: &[&str]| {
            let run = azcred(arguments)
                .envs(&environment)
                .env("HOME", home)
                .directory("/");
            match is_root() {
                true => run.user(OTHER).said(),
                false => run.said(),
            }
        };
        let token = run(&["token"]);
        assert_eq!((token.code, token.stderr.as_str()), (0, ""), "{token}");
        let verbose = run(&["token", "-v"]);
        let fix = "export AZCRED_HOME=";
        assert!(verbose.stderr.contains(fix), "{home}: {verbose}");
    }
}

#[test]
fn root_makes_nothing_in_another_users_home() {
    let azure = Azure::shared();
    let environment = azure.environment(Persona::ServicePrincipal, Way::Ports);
    let home = tempfile::tempdir().expect("a folder");
    if !is_root() || chown(home.path(), Some(OTHER), Some(OTHER)).is_err() {
        eprintln!("skipped: another user's home, for want of privileges");
        return;
    }
    for arguments in [
        &["token"][..],
        &["whoami"],
        &["chain"],
        &["cache", "clear"],
        &["logout", "--all"],
    ] {
        let run = azcred(arguments).envs(&environment);
        let said = run.env_os("HOME", home.path()).said();
        assert_eq!(
            (said.code, said.stderr.contains("note")),
            (0, false),
            "{said}"
        );
        let made: Vec<PathBuf> = names(home.path());
        assert!(made.is_empty(), "{arguments:?}: {made:?}");
    }
    let login = azcred(&["login", "--managed-identity"]).envs(&environment);
    let said = login.env_os("HOME", home.path()).said();
    assert_ne!(said.code, 0, "{said}");
    assert!(names(home.path()).is_empty());
}

#[test]
fn folders_that_are_made_around_azcreds_own_are_the_users_as_usual() {
    let azure = Azure::shared();
    let environment = azure.environment(Persona::ServicePrincipal, Way::Ports);
    let home = tempfile::tempdir().expect("a folder");
    let usual = home.path().join("usual");
    fs::create_dir(&usual).expect("a folder");
    let token = azcred(&["token"]).envs(&environment);
    let said = token.env_os("HOME", home.path()).said();
    assert_eq!(said.code, 0, "{said}");
    let mode = |path: &str| {
        let made = fs::metadata(home.path().join(path)).expect("made");
        made.permissions().mode() & 0o777
    };
    for around in [".cache", ".local", ".local/share"] {
        assert_eq!(mode(around), mode("usual") & 0o755, "{around}");
    }
    for own in [".cache/azcred", ".local/share/azcred"] {
        assert_eq!(mode(own), 0o700, "{own}");
    }
}
