//! A home folder for a program: links to what is in the user's, except where tools keep sign-ins.
//!
//! Some tools find their sign-ins through `HOME` only, and every program has files of its own
//! there. So the program gets a folder of links. A link leads to the user's own file. A [`place`]
//! of sign-ins is a link to the persona's folder. What the program creates beside the links is
//! moved into the user's folder in the end.
//!
//! Layout: `FOLDER/HOME` is the program's home, and `FOLDER/HOME.of` a link to the user's. The same
//! for `XDG_DATA_HOME`, if the user has set it.
//!
//! [`place`]: super::places

use super::places::{PLACES, Relation, above, relation};
use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// The lock that a running program's folder has.
const LOCK: &str = "lock";
/// Beginning of the names of folders for one program.
const OF_PROGRAM: &str = "run-";
/// Beginning of the names of folders for a shell, which stay.
const OF_SHELL: &str = "shell-";

/// The folders that replace the user's.
#[derive(Debug)]
pub(crate) struct Homes {
    folder: PathBuf,
    /// Held while a program runs. `None` for a shell, whose end is not known.
    lock: Option<File>,
}

/// A folder of the user, with the variable that names it.
pub(crate) type UserFolder = (&'static str, PathBuf);

impl Homes {
    /// For one program. [`Homes::end`] removes it.
    pub(crate) fn for_program(persona: &Path) -> io::Result<Self> {
        // Short: a socket's path has about a hundred characters at most, and programs create
        // sockets in their home.
        let random = short_hash(&uuid::Uuid::new_v4().to_string());
        let folder = persona.join(format!("{OF_PROGRAM}{random}"));
        private(&folder)?;
        let lock = File::create(folder.join(LOCK))?;
        lock.lock()?;
        Ok(Self {
            folder,
            lock: Some(lock),
        })
    }

    /// For a shell. Each user's folder has one, which stays.
    pub(crate) fn for_shell(persona: &Path, user: &[UserFolder]) -> io::Result<Self> {
        let mut all = String::new();
        for (variable, path) in user {
            all.push_str(&format!("{variable}={}\n", path.display()));
        }
        let folder = persona.join(format!("{OF_SHELL}{}", short_hash(&all)));
        private(&folder)?;
        settle(&folder);
        Ok(Self { folder, lock: None })
    }

    /// Fills the folder of a variable, and returns its path. `instead` is the persona's folder for
    /// a place.
    pub(crate) fn fill(
        &self,
        (variable, user): &UserFolder,
        instead: impl Fn(&str) -> PathBuf,
    ) -> io::Result<PathBuf> {
        let folder = self.folder.join(variable);
        let of = self.folder.join(format!("{variable}.of"));
        link_if_absent(user, &of)?;
        private(&folder)?;
        link_entries(variable, user, &folder, Path::new(""))?;
        for path in above(variable) {
            private(&folder.join(&path))?;
            link_entries(variable, user, &folder, &path)?;
        }
        for place in PLACES.iter().filter(|one| one.variable == *variable) {
            let link = folder.join(place.path);
            // A folder of another system is not made.
            if link.parent().is_some_and(Path::is_dir) {
                let target = instead(place.instead);
                private(&target)?;
                link_if_absent(&target, &link)?;
            }
        }
        Ok(folder)
    }

    /// Moves what the program created into the user's folders, and removes the links.
    pub(crate) fn end(self) {
        if self.lock.is_some() {
            settle(&self.folder);
            remove(&self.folder);
        }
    }
}

/// The user's folder that is behind a variable's: the folder itself, or the one that it replaces for a
/// program in an emulator.
pub fn users_folder(variable: &str, path: PathBuf) -> PathBuf {
    let is_ours = path.file_name().is_some_and(|name| name == variable);
    let of = path.with_file_name(format!("{variable}.of"));
    let recorded = || fs::read_to_string(&of).ok().map(PathBuf::from);
    match fs::read_link(&of).ok().or_else(recorded) {
        Some(user) if is_ours => user,
        _ => path,
    }
}

/// Records the user's folder that the folder of a variable replaces, where there are no links.
pub(crate) fn record(variable: &str, persona: &Path, user: &Path) -> io::Result<()> {
    match user.to_str() {
        Some(user) => fs::write(persona.join(format!("{variable}.of")), user),
        None => Ok(()),
    }
}

/// Ends the folders of programs that were killed, below a folder with one folder for each persona.
/// Those of programs that run stay.
pub(crate) fn settle_left(personas: &Path) {
    for persona in entries(personas) {
        for (name, folder) in entries(&persona.1) {
            let name = name.to_string_lossy();
            if name.starts_with(OF_SHELL) {
                settle(&folder);
            } else if name.starts_with(OF_PROGRAM)
                && let Ok(lock) = File::open(folder.join(LOCK))
                && lock.try_lock().is_ok()
            {
                settle(&folder);
                remove(&folder);
            }
        }
    }
}

/// Links to the user's entries at a path, except places and the folders above them.
fn link_entries(variable: &str, user: &Path, folder: &Path, path: &Path) -> io::Result<()> {
    // A folder that this user can't list has nothing for the program either.
    for (name, entry) in entries(&user.join(path)) {
        if relation(variable, &path.join(&name)) == Relation::None {
            link_if_absent(&entry, &folder.join(path).join(&name))?;
        }
    }
    // Links to what the user has deleted.
    for (name, link) in entries(&folder.join(path)) {
        let target = user.join(path).join(&name);
        let is_ours = fs::read_link(&link).is_ok_and(|to| to == target);
        if is_ours && is_absent(&target) {
            let _ = fs::remove_file(&link);
        }
    }
    Ok(())
}

/// Moves what is beside the links into the user's folders.
fn settle(folder: &Path) {
    for (name, of) in entries(folder) {
        let Some(variable) = name.to_str().and_then(|name| name.strip_suffix(".of")) else {
            continue;
        };
        if let Ok(user) = fs::read_link(of) {
            bring(variable, &folder.join(variable), &user, Path::new(""));
        }
    }
}

fn bring(variable: &str, folder: &Path, user: &Path, path: &Path) {
    for (name, entry) in entries(&folder.join(path)) {
        let path = path.join(name);
        let target = user.join(&path);
        match relation(variable, &path) {
            Relation::Is => continue,
            Relation::Above => {
                bring(variable, folder, user, &path);
                continue;
            }
            Relation::None => {}
        }
        if fs::read_link(&entry).is_ok_and(|to| to == target) {
            continue;
        }
        if let Err(error) = bring_one(&entry, &target) {
            tracing::warn!(%error, from = %entry.display(), to = %target.display(), "a file could not be moved to the user's folder");
        }
    }
}

/// Moves an entry. Of two files the newer one stays: programs replace a file to change it, and so
/// replace its link.
fn bring_one(entry: &Path, target: &Path) -> io::Result<()> {
    let ours = entry.symlink_metadata()?;
    match target.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
        }
        Err(error) => return Err(error),
        Ok(theirs) if ours.is_dir() && theirs.is_dir() => {
            for (name, entry) in entries(entry) {
                bring_one(&entry, &target.join(name))?;
            }
            return Ok(());
        }
        Ok(theirs) if ours.is_file() && theirs.is_file() => {
            if ours.modified()? < theirs.modified()? {
                return Ok(());
            }
        }
        Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
    }
    match fs::rename(entry, target) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy(entry, target),
        other => other,
    }
}

fn copy(entry: &Path, target: &Path) -> io::Result<()> {
    let kind = entry.symlink_metadata()?.file_type();
    if kind.is_dir() {
        fs::create_dir_all(target)?;
        for (name, entry) in entries(entry) {
            copy(&entry, &target.join(name))?;
        }
        Ok(())
    } else if kind.is_symlink() {
        link_if_absent(&fs::read_link(entry)?, target)
    } else if kind.is_file() {
        fs::copy(entry, target).map(|_| ())
    } else {
        // A socket or a pipe ends with its program.
        Ok(())
    }
}

/// The entries of a folder. None if it can't be listed.
fn entries(folder: &Path) -> Vec<(OsString, PathBuf)> {
    let read = fs::read_dir(folder).into_iter().flatten().flatten();
    read.map(|entry| (entry.file_name(), entry.path()))
        .collect()
}

fn is_absent(path: &Path) -> bool {
    path.symlink_metadata()
        .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Removes a folder of links. The links' targets stay.
fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder) {
        tracing::warn!(%error, folder = %folder.display(), "a folder of links could not be removed");
    }
}

#[cfg(unix)]
fn link_if_absent(target: &Path, link: &Path) -> io::Result<()> {
    match std::os::unix::fs::symlink(target, link) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// On Windows, links need a permission that users rarely have.
#[cfg(not(unix))]
fn link_if_absent(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Creates a folder for this user only, with those above it.
pub(crate) fn private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Tells folders apart, in eight characters.
pub(crate) fn short_hash(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let begin = digest.as_ref().iter().take(4);
    begin.map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_folder_leads_to_the_users_also_where_there_are_no_links() {
        let persona = tempfile::tempdir().unwrap();
        let (user, own) = (
            Path::new("/home/ada/local"),
            persona.path().join("LOCALAPPDATA"),
        );
        assert_eq!(users_folder("LOCALAPPDATA", own.clone()), own);
        record("LOCALAPPDATA", persona.path(), user).unwrap();
        assert_eq!(users_folder("LOCALAPPDATA", own), user);
        // A folder of another name is the user's own.
        let other = persona.path().join("local");
        assert_eq!(users_folder("LOCALAPPDATA", other.clone()), other);
    }
}
