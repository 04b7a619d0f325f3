//! Tokens kept until they end.

mod memory;
mod recent;

pub(crate) use memory::MemoryCache;
