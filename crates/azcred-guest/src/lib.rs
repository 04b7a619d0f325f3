#![doc = include_str!("../README.md")]

mod known;
mod locked;
pub mod own_file;
mod private_folder;
mod rules;
mod variables;

pub use known::known;
pub use locked::Locked;
pub use private_folder::{FolderError, FolderKind, PrivateFolder};
pub use rules::{Class, class_of};
pub use variables::{direct_to, value_of};
