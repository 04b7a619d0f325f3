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
    /// Those of an earlier start with the same seed. What ended with that emulator, such as a
    /// fault, begins again.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(crate) fn restored(
        world: &World,
        state: Arc<StateDir>,
        digest: &str,
    ) -> Result<Self, StateError> {
        let file = format!("troubles-{digest}.json");
        let kept: Option<Vec<Record>> =
            state.read_json(&file, "; its troubles then stay as they are")?;
        let mut all = kept.unwrap_or_default();
        for record in &mut all {
            let in_memory = record
                .damage
                .iter()
                .filter(|one| one.ends_with_the_emulator());
            for damage in in_memory {
                // Those that were not kept have the same repairs, with another id.
                let again = damage.inflict(world).unwrap_or_default();
                record.repairs.extend(again);
            }
        }
        Ok(Self {
            all: Mutex::new(all),
            kept: Some((state, file)),
        })
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
        self.keep(&all)
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

    fn keep(&self, all: &Vec<Record>) -> Result<(), CantBreak> {
        let Some((state, file)) = &self.kept else {
            return Ok(());
        };
        let kept = match all.is_empty() {
            true => {
                state.remove(file);
                Ok(())
            }
            false => state.write_json(file, all),
        };
        kept.map_err(|error| CantBreak::Other(error.to_string()))
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

impl Damage {
    /// Whether the state folder does not keep it.
    fn ends_with_the_emulator(&self) -> bool {
        matches!(
            self,
            Self::Fault(_) | Self::Proxy(_) | Self::Policy { .. } | Self::OtherTenant { .. }
        )
    }
}
