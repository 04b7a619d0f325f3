//! The troubles in which an emulator is, and the repairs of each. They are kept for the next start.

use super::{CantBreak, Damage, Repair};
use crate::{state::StateDir, state_error::StateError, world::World};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

/// A trouble in which the emulator is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Broken {
    /// The trouble's name.
    pub(crate) name: String,
    /// The persona whose variables it changed, by its name.
    pub(crate) persona: String,
    /// The way of these variables, by its name.
    pub(crate) way: String,
    /// The variables that it set or removed.
    pub(crate) variables: Vec<String>,
}

/// A trouble into which to put the emulator, as its admin port takes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedTrouble {
    /// The trouble.
    pub(crate) broken: Broken,
    /// What it does.
    pub(crate) damage: Vec<Damage>,
}

/// A trouble with what it broke.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The trouble.
    pub(crate) broken: Broken,
    /// What it does.
    damage: Vec<Damage>,
    /// What undoes it, in the order in which the damage was done.
    repairs: Vec<Repair>,
}

impl Record {
    fn inflict(broken: Broken, damage: Vec<Damage>, world: &World) -> Result<Self, CantBreak> {
        let mut repairs = Vec::new();
        for one in &damage {
            match one.inflict(world) {
                Ok(more) => repairs.extend(more),
                Err(error) => {
                    undo(repairs, world);
                    return Err(error);
                }
            }
        }
        Ok(Self {
            broken,
            damage,
            repairs,
        })
    }

    fn undo(&self, world: &World) {
        undo(self.repairs.clone(), world);
    }
}

fn undo(repairs: Vec<Repair>, world: &World) {
    for repair in repairs.into_iter().rev() {
        repair.run(world);
    }
}

/// All troubles in which the emulator is, in the order in which they began.
#[derive(Default)]
pub(crate) struct Records {
    all: Mutex<Vec<Record>>,
    /// The state folder and the file in it. Without them, nothing is kept.
    kept: Option<(Arc<StateDir>, String)>,
}

impl Records {
    /// Those of an earlier start with the same seed, repaired until [`Records::resume`].
    ///
    /// # Errors
    /// When the file can't be read.
    pub(crate) fn suspended(
        world: &World,
        state: Arc<StateDir>,
        digest: &str,
    ) -> Result<Self, StateError> {
        let file = format!("troubles-{digest}.json");
        let kept: Option<Vec<Record>> =
            state.read_json(&file, "; what they broke then stays broken")?;
        let all = kept.unwrap_or_default();
        all.iter().rev().for_each(|one| one.undo(world));
        Ok(Self {
            all: Mutex::new(all),
            kept: Some((state, file)),
        })
    }

    /// Begins again the troubles that were suspended.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub(crate) fn resume(&self, world: &World) -> Result<(), StateError> {
        let mut all = self.lock();
        for Record { broken, damage, .. } in std::mem::take(&mut *all) {
            match Record::inflict(broken, damage, world) {
                Ok(record) => all.push(record),
                Err(error) => tracing::warn!(%error, "a trouble has ended"),
            }
        }
        self.keep(&all)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Record>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The troubles, the oldest first.
    pub(crate) fn all(&self) -> Vec<Broken> {
        self.lock().iter().map(|one| one.broken.clone()).collect()
    }

    /// Puts the emulator into a trouble. If it is in this trouble already, it is repaired first, so
    /// that a part that a person has fixed breaks again.
    ///
    /// # Errors
    /// If the seed lacks what the trouble is about, or the folder can't be written.
    pub(crate) fn begin(&self, world: &World, wanted: WantedTrouble) -> Result<(), CantBreak> {
        let mut all = self.lock();
        take(&mut all, &wanted.broken.name, world);
        let record = Record::inflict(wanted.broken, wanted.damage, world)?;
        all.push(record);
        Ok(self.keep(&all)?)
    }

    /// Repairs a trouble. `None` if the emulator is not in it.
    ///
    /// # Errors
    /// If the folder can't be written.
    pub(crate) fn end(&self, world: &World, name: &str) -> Result<Option<Broken>, CantBreak> {
        let mut all = self.lock();
        let Some(ended) = take(&mut all, name, world) else {
            return Ok(None);
        };
        self.keep(&all)?;
        Ok(Some(ended.broken))
    }

    /// Repairs all troubles, and returns them.
    ///
    /// # Errors
    /// If the folder can't be written.
    pub(crate) fn end_all(&self, world: &World) -> Result<Vec<Broken>, CantBreak> {
        let mut all = self.lock();
        let ended = std::mem::take(&mut *all);
        ended.iter().rev().for_each(|one| one.undo(world));
        self.keep(&all)?;
        Ok(ended.into_iter().map(|one| one.broken).collect())
    }

    fn keep(&self, all: &Vec<Record>) -> Result<(), StateError> {
        let Some((state, file)) = &self.kept else {
            return Ok(());
        };
        if all.is_empty() {
            state.remove(file);
            return Ok(());
        }
        state.write_json(file, all)
    }
}

/// Repairs one of several troubles, and removes it. Those that began later are undone before it and
/// done again after it: they may have broken the same thing.
fn take(all: &mut Vec<Record>, name: &str, world: &World) -> Option<Record> {
    let at = all.iter().position(|one| one.broken.name == name)?;
    let later = all.split_off(at + 1);
    later.iter().rev().for_each(|one| one.undo(world));
    let ended = all.pop()?;
    ended.undo(world);
    for Record { broken, damage, .. } in later {
        // What it is about existed before.
        if let Ok(record) = Record::inflict(broken, damage, world) {
            all.push(record);
        }
    }
    Some(ended)
}
