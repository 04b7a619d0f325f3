//! Stores tokens until they end: in memory for the process, on the disk for the user.

mod copies;
mod disk;
mod identity;
mod kept;
#[cfg(any(feature = "disk-cache", feature = "people"))]
mod list;
mod memory;
mod recent;

pub(crate) use disk::through;
pub(crate) use identity::Identity;
#[cfg(any(feature = "disk-cache", feature = "people"))]
pub(crate) use list::forget;
pub(crate) use memory::{MemoryCache, in_background, without_person};

#[cfg(feature = "disk-cache")]
pub use list::{CacheList, CachedToken, clear, list};
