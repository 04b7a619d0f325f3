//! The machine of a module in another program, such as Python.

use super::{
    Command, FileFacts, FileLock, Finished, Hypervisor, Keyring, OpenFile, RealSystem, System,
    Unfinished, process, variables::sieved,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The machine that this process runs on, with the variables and the folder of one moment.
///
/// For a module in a program of another language. The program may change its variables while the
/// module's threads run, and C has no lock for that. It may also be able to ask a person without a
/// terminal, as a notebook is.
#[derive(Clone, Debug)]
pub struct EmbeddedSystem {
    variables: BTreeMap<String, OsString>,
    folder: Option<PathBuf>,
    person: Option<bool>,
}

impl EmbeddedSystem {
    /// Takes the variables and the current folder of this moment. No other thread may change a
    /// variable meanwhile: an interpreter's lock is held.
    pub fn now() -> Self {
        let text = |(name, value): (OsString, OsString)| Some((key(name.to_str()?), value));
        Self {
            variables: std::env::vars_os().filter_map(text).collect(),
            folder: std::env::current_dir().ok(),
            person: None,
        }
    }

    /// Says whether a person can be asked, whatever standard error is.
    #[must_use]
    pub fn with_person(mut self, is_here: bool) -> Self {
        self.person = Some(is_here);
        self
    }
}

/// The name as it is compared: on Windows, case does not matter.
fn key(name: &str) -> String {
    match cfg!(windows) {
        true => name.to_uppercase(),
        false => name.to_owned(),
    }
}

impl super::Sealed for EmbeddedSystem {}

impl System for EmbeddedSystem {
    fn var(&self, name: &str) -> Option<String> {
        self.var_os(name)?.into_string().ok()
    }

    fn var_os(&self, name: &str) -> Option<OsString> {
        sieved(name, self.variables.get(&key(name))?.clone())
    }

    fn not_text(&self) -> Vec<String> {
        let not_text = |(_, value): &(&String, &OsString)| value.to_str().is_none();
        let names = self.variables.iter().filter(not_text);
        names.map(|(name, _)| name.clone()).collect()
    }

    fn current_folder(&self) -> Option<PathBuf> {
        self.folder.clone()
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        RealSystem.read(path, limit)
    }

    fn open(&self, path: &Path) -> io::Result<OpenFile> {
        RealSystem.open(path)
    }

    fn look(&self, path: &Path) -> io::Result<FileFacts> {
        RealSystem.look(path)
    }

    fn make_folder(&self, folder: &Path, own: &Path) -> io::Result<()> {
        RealSystem.make_folder(folder, own)
    }

    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        RealSystem.write(path, content)
    }

    fn write_durably(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        RealSystem.write_durably(path, content)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealSystem.remove(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        RealSystem.list(folder)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<FileLock>> {
        RealSystem.try_lock(path)
    }

    fn keyring(&self) -> Option<&dyn Keyring> {
        RealSystem.keyring()
    }

    fn has_terminal(&self) -> bool {
        self.person.unwrap_or_else(|| RealSystem.has_terminal())
    }

    fn start(&self, program: &Path, args: &[String]) -> io::Result<()> {
        RealSystem.start(program, args)
    }

    fn find_program(&self, name: &str) -> Option<PathBuf> {
        process::find(name, self.variables.get("PATH")?)
    }

    fn run(&self, command: Command) -> BoxFuture<'static, Result<Finished, Unfinished>> {
        process::run(command, self.folder.clone(), Some(self.variables.clone())).boxed()
    }

    fn hypervisor(&self) -> Hypervisor {
        RealSystem.hypervisor()
    }

    fn user(&self) -> Option<u32> {
        RealSystem.user()
    }

    fn os(&self) -> &'static str {
        RealSystem.os()
    }

    fn boot(&self) -> Option<String> {
        RealSystem.boot()
    }

    fn now(&self) -> SystemTime {
        RealSystem.now()
    }

    fn coarse_now(&self) -> SystemTime {
        RealSystem.coarse_now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::{Unattended, unattended};

    /// As if the process had these variables only.
    fn with(variables: &[(&str, &str)]) -> EmbeddedSystem {
        let mut system = EmbeddedSystem::now();
        let owned = |(name, value): &(&str, &str)| (key(name), OsString::from(value));
        system.variables = variables.iter().map(owned).collect();
        system
    }

    #[test]
    fn it_has_the_variables_and_the_folder_of_its_moment() {
        let now = EmbeddedSystem::now();
        assert_eq!(now.var_os("PATH"), RealSystem.var_os("PATH"));
        assert_eq!(now.current_folder(), std::env::current_dir().ok());
        assert_eq!(now.find_program("cargo"), RealSystem.find_program("cargo"));
        let made_up = with(&[("AZCRED_PRESET", " azure "), ("EMPTY", "")]);
        assert_eq!(made_up.var("AZCRED_PRESET").as_deref(), Some("azure"));
        assert_eq!(made_up.var("EMPTY"), None);
        assert_eq!(made_up.var("PATH"), None);
        assert_eq!(made_up.find_program("cargo"), None);
    }

    #[test]
    fn a_person_without_a_terminal_is_asked_but_not_in_a_ci_job() {
        let notebook = with(&[]).with_person(true);
        assert_eq!(unattended(&notebook), None);
        let alone = with(&[]).with_person(false);
        assert_eq!(unattended(&alone), Some(Unattended::NoTerminal));
        let job = with(&[("CI", "true")]).with_person(true);
        assert_eq!(unattended(&job), Some(Unattended::CiJob("CI")));
    }
}
