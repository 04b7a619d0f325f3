//! A program's home folder in the emulator, and the places where tools keep sign-ins.

mod links;
mod places;

pub(crate) use links::{Homes, UserFolder, behind, private, settle_left, short_hash};
pub(crate) use places::{AZCRED, AZD, AZURE_CLI};
