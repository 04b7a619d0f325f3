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
use azcred_guest::Locked;
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
    lock: Option<Locked>,
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
        let lock = Locked::waiting(File::create(folder.join(LOCK))?)?;
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

/// The user's folder that is behind a variable's: the folder itself, or the one that it replaces
/// for a program in an emulator.
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
                && let Ok(Some(_lock)) = File::open(folder.join(LOCK)).and_then(Locked::exclusive)
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

    /// A user's home, and the folders of a persona.
    #[cfg(unix)]
    struct Folders {
        home: tempfile::TempDir,
        personas: tempfile::TempDir,
        persona: PathBuf,
    }

    #[cfg(unix)]
    impl Folders {
        fn new() -> Self {
            let new = || tempfile::tempdir().unwrap();
            let (home, personas) = (new(), new());
            let persona = personas.path().join("no-account-names");
            Self {
                home,
                personas,
                persona,
            }
        }

        fn user(&self) -> [UserFolder; 1] {
            [("HOME", self.home.path().to_owned())]
        }

        /// A shell's home folder.
        fn shell(&self) -> PathBuf {
            let homes = Homes::for_shell(&self.persona, &self.user()).unwrap();
            let instead = |name: &str| self.persona.join(name);
            homes.fill(&self.user()[0], instead).unwrap()
        }

        fn users(&self, name: &str) -> Option<String> {
            fs::read_to_string(self.home.path().join(name)).ok()
        }
    }

    #[cfg(unix)]
    fn put(folder: &Path, name: &str, content: &str) -> File {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        File::options().write(true).open(path).unwrap()
    }

    #[test]
    #[cfg(unix)]
    fn of_two_files_the_newer_one_stays_and_folders_are_merged() {
        let folders = Folders::new();
        let shell = folders.shell();
        let hour = std::time::Duration::from_secs(3600);
        let earlier = std::time::SystemTime::now() - hour;
        put(&shell, "programs", "newer");
        put(folders.home.path(), "programs", "older")
            .set_modified(earlier)
            .unwrap();
        put(&shell, "users", "older").set_modified(earlier).unwrap();
        put(folders.home.path(), "users", "newer");
        put(&shell, "both/programs", "its");
        put(folders.home.path(), "both/users", "mine");
        settle(shell.parent().unwrap());
        for (name, content) in [
            ("programs", "newer"),
            ("users", "newer"),
            ("both/programs", "its"),
            ("both/users", "mine"),
        ] {
            assert_eq!(folders.users(name).as_deref(), Some(content), "{name}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn what_a_shell_created_is_brought_and_what_the_user_deleted_is_gone() {
        let folders = Folders::new();
        put(folders.home.path(), "deleted", "mine");
        let shell = folders.shell();
        assert!(shell.join("deleted").exists());
        fs::remove_file(folders.home.path().join("deleted")).unwrap();
        put(&shell, "made", "its");
        settle_left(folders.personas.path());
        assert_eq!(folders.users("made").as_deref(), Some("its"));
        assert_eq!(folders.shell(), shell, "it stays the same");
        assert!(shell.join("deleted").symlink_metadata().is_err());
        assert!(shell.join("made").symlink_metadata().unwrap().is_symlink());
        let other = [("HOME", folders.personas.path().join("other"))];
        let other = Homes::for_shell(&folders.persona, &other).unwrap();
        assert_ne!(Some(&*other.folder), shell.parent());
    }

    #[test]
    #[cfg(unix)]
    fn other_users_may_not_enter_a_programs_folders() {
        use std::os::unix::fs::PermissionsExt as _;
        let folders = Folders::new();
        let shell = folders.shell();
        let persona = &*folders.persona;
        for folder in [
            &*shell,
            shell.parent().unwrap(),
            &persona.join(super::super::AZURE_CLI),
        ] {
            let mode = fs::metadata(folder).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", folder.display());
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_folder_is_copied_where_it_can_not_be_moved() {
        let folders = Folders::new();
        let persona = &*folders.persona;
        put(persona, "made/deep/file", "its");
        link_if_absent(Path::new("deep/file"), &persona.join("made/link")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(persona.join("made/socket")).unwrap();
        copy(&persona.join("made"), &folders.home.path().join("made")).unwrap();
        assert_eq!(folders.users("made/deep/file").as_deref(), Some("its"));
        let link = fs::read_link(folders.home.path().join("made/link")).unwrap();
        assert_eq!(link, Path::new("deep/file"));
        assert!(is_absent(&folders.home.path().join("made/socket")));
    }

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
