//! The troubles into which an emulator can be put by name: what `azcred emulator break` does.
//!
//! A trouble is a row of [`ALL`]. It breaks something in the emulated Azure, or on the side of the
//! program: variables, and files in the emulator's own folder. [`Info::break_`] does it, and
//! [`Info::repair`] undoes it. A new trouble is a row, and a function in the file of its area.

mod machine;
mod permissions;
mod programs;
mod scene;
mod sign_in;
mod table;
mod workspace;

use crate::{
    damage::{Broken, WantedTrouble},
    environment::{PERSONAS, Persona, WAYS, Way},
    info::Info,
};
use scene::Scene;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::PathBuf,
};

pub use table::ALL;

/// The folder with the files of troubles, in the state folder.
const FOLDER: &str = "troubles";

/// A trouble.
pub struct Trouble {
    /// The name on the command line.
    pub name: &'static str,
    /// What it is about.
    pub area: Area,
    /// What is broken, in one sentence of the user's terms.
    pub sentence: &'static str,
    /// The accounts for which it can be made. The first is the one that shows it best.
    pub personas: &'static [Persona],
    /// Who can fix it, other than by [`Info::repair`], and how.
    pub cure: Cure,
    /// Makes it.
    make: fn(&mut Scene<'_>) -> Result<(), TroubleError>,
}

/// What a trouble is about, in the order of causes: the doctor's areas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// This machine: its clock, its network, its certificates.
    Machine,
    /// Which identity signs in, and with what.
    SignIn,
    /// The workspace and what belongs to it.
    Workspace,
    /// What the identity may do.
    Permissions,
    /// Whether other programs act as the same identity.
    Programs,
}

impl Area {
    /// Every area, in order.
    pub const ALL: [Self; 5] = [
        Self::Machine,
        Self::SignIn,
        Self::Workspace,
        Self::Permissions,
        Self::Programs,
    ];

    /// The name, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::SignIn => "sign-in",
            Self::Workspace => "workspace",
            Self::Permissions => "permissions",
            Self::Programs => "programs",
        }
    }
}

/// Who can fix a trouble, and how. The sentence is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cure {
    /// The user, on this machine: a variable, a file, a command as the same account.
    Here(&'static str),
    /// The user, by a new sign-in, which needs a browser or another device.
    SignIn(&'static str),
    /// An owner of the subscription or of the application: `ada@contoso.com` in the built-in seed.
    Owner(&'static str),
    /// The people who run the network or Azure, by no command of azcred's. Only [`Info::repair`]
    /// ends it.
    Others(&'static str),
}

impl Cure {
    /// What to do.
    pub fn sentence(self) -> &'static str {
        let (Self::Here(how) | Self::SignIn(how) | Self::Owner(how) | Self::Others(how)) = self;
        how
    }

    /// Who can do it, in JSON: `here`, `signIn`, `owner`, `others`.
    pub fn by(self) -> &'static str {
        match self {
            Self::Here(_) => "here",
            Self::SignIn(_) => "signIn",
            Self::Owner(_) => "owner",
            Self::Others(_) => "others",
        }
    }
}

/// What the program must get so that it is in the trouble. It includes secrets: `Debug` shows names
/// only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Variables to set, beside those of the persona.
    pub set: BTreeMap<String, String>,
    /// Variables to remove.
    pub unset: BTreeSet<String>,
    /// Files that were written for it, in the state folder.
    pub files: Vec<PathBuf>,
    /// The folder in which the program must run. `None`: any.
    pub directory: Option<PathBuf>,
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Change")
            .field("set", &self.set.keys())
            .field("unset", &self.unset)
            .field("files", &self.files)
            .field("directory", &self.directory)
            .finish()
    }
}

/// A trouble that was repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// Its name.
    pub name: String,
    /// The variables that it had changed. They get the values of the persona again.
    pub variables: BTreeSet<String>,
    /// The persona.
    pub persona: Persona,
    /// The way.
    pub way: Way,
}

/// Why an emulator can't be put into a trouble.
#[derive(Debug, thiserror::Error)]
pub enum TroubleError {
    /// The trouble can't be made for this persona.
    #[error("it can't be made for this account")]
    Persona,
    /// The seed lacks what the trouble is about.
    #[error("this emulator's seed has no {0}")]
    Missing(&'static str),
    /// The emulator did not answer, refused, or a file can't be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The trouble with this name.
pub fn named(name: &str) -> Option<&'static Trouble> {
    ALL.iter().find(|trouble| trouble.name == name)
}

impl Info {
    /// Puts the running emulator into a trouble, for a program with this persona and way. The
    /// program must get the change. Several troubles can be combined. The same one again breaks
    /// what was fixed since. Blocks for a moment.
    ///
    /// # Errors
    /// If the trouble can't be made for this persona or with this seed, the emulator does not
    /// answer, or a file can't be written.
    pub fn break_(
        &self,
        trouble: &Trouble,
        persona: Persona,
        way: Way,
    ) -> Result<Change, TroubleError> {
        if !trouble.personas.contains(&persona) {
            return Err(TroubleError::Persona);
        }
        self.remove_files(trouble.name)?;
        let mut scene = Scene::new(self, trouble.name, persona, way);
        (trouble.make)(&mut scene)?;
        let Scene { change, damage, .. } = scene;
        let variables = change.set.keys().chain(&change.unset).cloned().collect();
        self.damage(&WantedTrouble {
            broken: Broken {
                name: trouble.name.to_owned(),
                persona: persona.name().to_owned(),
                way: way.name().to_owned(),
                variables,
            },
            damage,
        })?;
        Ok(change)
    }

    /// The names of the troubles in which the running emulator is, the oldest first. Blocks for a
    /// moment.
    ///
    /// # Errors
    /// When the emulator does not answer. `Unsupported` if it is of an earlier version.
    pub fn troubles(&self) -> io::Result<Vec<String>> {
        Ok(self.broken()?.into_iter().map(|one| one.name).collect())
    }

    /// Repairs a trouble of the running emulator, or all, and removes their files. What a person
    /// has changed since stays. Blocks for a moment.
    ///
    /// # Errors
    /// `NotFound` if the emulator is not in this trouble. When the emulator does not answer, or a
    /// file can't be removed. `Unsupported` if it is of an earlier version.
    pub fn repair(&self, trouble: Option<&Trouble>) -> io::Result<Vec<Repaired>> {
        let ended = self.repaired(trouble.map(|trouble| trouble.name))?;
        let mut repaired = Vec::new();
        for one in ended {
            self.remove_files(&one.name)?;
            repaired.push(Repaired {
                name: one.name,
                variables: one.variables.into_iter().collect(),
                persona: by_name(PERSONAS, &one.persona).unwrap_or(Persona::ServicePrincipal),
                way: by_name(WAYS, &one.way).unwrap_or(Way::RealNames),
            });
        }
        Ok(repaired)
    }

    /// Removes a trouble's files. Its folder stays, as a shell may be in it.
    fn remove_files(&self, name: &str) -> io::Result<()> {
        let entries = match fs::read_dir(self.state_dir.join(FOLDER).join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
        Ok(())
    }
}

fn by_name<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    let mut all = table.iter();
    all.find(|(known, _)| *known == name).map(|(_, one)| *one)
}
