//! A program's home folder in the emulator, and the places where tools keep sign-ins.

mod links;
mod places;

pub use links::users_folder;
pub(crate) use links::{Homes, UserFolder, private, record, settle_left, short_hash};
pub(crate) use places::{AZCRED, AZD, AZURE_CLI};

/// The name of the folder in the state folder where the personas' folders are, below a folder for a
/// seed and its keys.
pub(crate) const PERSONAS_FOLDER: &str = "personas";
