use std::{
    fs::{self, File, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

/// Writes a program of `/bin/sh` that everyone may start.
///
/// # Errors
/// Those of the file.
pub fn shell_script(path: impl AsRef<Path>, script: &str) -> io::Result<()> {
    write(path, format!("#!/bin/sh\n{script}\n"), 0o755)
}

/// Copies a program.
///
/// # Errors
/// Those of both files.
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    let mode = fs::metadata(&from)?.permissions().mode();
    write(to, fs::read(from)?, mode & 0o777)
}

/// Writes a file with these permissions, and returns when no process has it open for writing.
///
/// # Errors
/// Those of the file.
pub fn write(path: impl AsRef<Path>, content: impl AsRef<[u8]>, mode: u32) -> io::Result<()> {
    let mut file = File::create(&path)?;
    // The copies that a parallel child has of this open file share its lock. It ends with the last.
    file.lock()?;
    file.write_all(content.as_ref())?;
    drop(file);
    File::open(&path)?.lock()?;
    fs::set_permissions(path, Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{process::Command, thread};

    #[test]
    fn a_program_can_be_started_at_once_while_others_start_programs() {
        let folder = tempfile::tempdir().unwrap();
        thread::scope(|scope| {
            for thread in 0..8 {
                let folder = folder.path();
                scope.spawn(move || {
                    for round in 0..50 {
                        let path = folder.join(format!("{thread}-{round}"));
                        shell_script(&path, "exit 7").unwrap();
                        assert_eq!(Command::new(&path).status().unwrap().code(), Some(7));
                    }
                });
            }
        });
    }

    #[test]
    fn a_copy_is_a_program_with_the_same_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        write(&one, "#!/bin/sh\nexit 7\n", 0o711).unwrap();
        copy(&one, &other).unwrap();
        assert_eq!(Command::new(&other).status().unwrap().code(), Some(7));
        assert_eq!(
            other.metadata().unwrap().permissions().mode() & 0o777,
            0o711
        );
    }
}
