//! Tokens kept until they end.

mod copies;
mod memory;
mod recent;

pub(crate) use memory::{MemoryCache, in_background};
