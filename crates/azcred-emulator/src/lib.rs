//! A local Azure: Entra ID and Azure Resource Manager on loopback.

pub mod clock;
pub mod directory;
pub mod resources;
pub mod service;
pub mod tokens;
pub mod world;

pub(crate) mod arm;
pub(crate) mod entra;
