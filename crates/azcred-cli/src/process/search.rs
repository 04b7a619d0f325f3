//! Whether a program can be executed, by the rules of `execvp`, before it is started.

use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::{
    env,
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Read as _},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process::Command,
};

/// Linux reads no more of a script's first line.
const LONGEST_LINE: u64 = 256;

/// The PATH that a command has: its own, or else this process's.
pub(super) fn path_of(command: &Command) -> Option<OsString> {
    let own = command.get_envs().find(|(name, _)| *name == "PATH");
    match own {
        Some((_, path)) => path.map(OsStr::to_owned),
        None => env::var_os("PATH"),
    }
}

/// The file that a start would execute, if that shows. Fails as a start does: with `NotFound` if
/// there is no such file, with `PermissionDenied` if none can be executed; for a folder, which a
/// start calls so too, with `IsADirectory`. Other trouble is left to the start.
pub(super) fn executable(name: &OsStr, path: Option<&OsStr>) -> io::Result<Option<PathBuf>> {
    let is_path = name.is_empty() || name.as_bytes().contains(&b'/');
    let candidates: Vec<PathBuf> = match (is_path, path) {
        (true, _) => vec![name.into()],
        (false, Some(path)) => env::split_paths(path).map(|at| at.join(name)).collect(),
        // The system has a PATH of its own then.
        (false, None) => return Ok(None),
    };
    let mut worst = io::ErrorKind::NotFound;
    for candidate in candidates {
        match check(&candidate).map_err(|error| error.kind()) {
            Err(io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(kind @ (io::ErrorKind::PermissionDenied | io::ErrorKind::IsADirectory)) => {
                worst = kind;
            }
            Ok(()) | Err(_) => return Ok(Some(candidate)),
        }
    }
    Err(worst.into())
}

/// The program that reads a script, by the script's first line.
pub(super) fn interpreter(script: &Path) -> Option<String> {
    let mut begin = Vec::new();
    let file = File::open(script).ok()?;
    file.take(LONGEST_LINE).read_to_end(&mut begin).ok()?;
    let line = begin
        .strip_prefix(b"#!")?
        .split(|byte| *byte == b'\n')
        .next()?;
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split_whitespace();
    words.next().map(str::to_owned)
}

fn check(file: &Path) -> io::Result<()> {
    accessat(CWD, file, Access::EXEC_OK, AtFlags::EACCESS)?;
    match file.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_the_check_says_is_what_a_start_says() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let put = |folder: &tempfile::TempDir, name: &str, mode: u32| {
            let file = folder.path().join(name);
            azcred_scripts::write(file, "#!/bin/sh\n", mode).unwrap();
        };
        put(&one, "plain", 0o644);
        put(&one, "both", 0o644);
        put(&other, "both", 0o755);
        put(&other, "runs", 0o755);
        fs::create_dir(one.path().join("folder")).unwrap();
        let path = env::join_paths([one.path(), other.path()]).unwrap();
        let whole = |name: &str| one.path().join(name).to_str().unwrap().to_owned();
        for name in [
            "runs",
            "both",
            "plain",
            "folder",
            "missing",
            "",
            "/bin/sh",
            "/",
            "/nonexistent/sh",
            "/bin/sh/sh",
            &whole("plain"),
            &whole("missing"),
        ] {
            let mut command = Command::new(name);
            command.env("PATH", &path).env_remove("x");
            let started = command.status().map_err(|error| error.kind());
            let checked = executable(name.as_ref(), path_of(&command).as_deref());
            let checked = checked.map(|_| ()).map_err(|error| error.kind());
            let kind = |result: Result<(), io::ErrorKind>| match result {
                // A file is not a folder: there is no such program, either way.
                Err(io::ErrorKind::NotADirectory) => Err(io::ErrorKind::NotFound),
                // A start does not say that it is a folder.
                Err(io::ErrorKind::PermissionDenied) if ["folder", "/"].contains(&name) => {
                    Err(io::ErrorKind::IsADirectory)
                }
                other => other,
            };
            assert_eq!(checked, kind(started.map(|_| ())), "{name}");
        }
    }

    #[test]
    fn a_command_has_the_path_of_its_own_variables() {
        let mut command = Command::new("x");
        assert_eq!(path_of(&command), env::var_os("PATH"));
        command.env("PATH", "/its");
        assert_eq!(path_of(&command).as_deref(), Some("/its".as_ref()));
        command.env_remove("PATH");
        assert_eq!(path_of(&command), None);
    }
}
