//! Tokens kept until they end.

mod memory;

pub(crate) use memory::MemoryCache;
