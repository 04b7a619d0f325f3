//! The vault as a store of access tokens.

use super::{Shelf, Vault};
use crate::{
    facts::Result,
    store::{EntryKey, Lock, TokenStore},
};
use std::time::SystemTime;
use zeroize::Zeroizing;

/// The store is the shelf of access tokens.
impl TokenStore for Vault {
    fn get(&self, key: EntryKey<'_>) -> Result<Option<Zeroizing<Vec<u8>>>> {
        self.read(Shelf::Tokens, key)
    }

    fn put(&self, key: EntryKey<'_>, entry: &[u8], end: SystemTime) -> Result<()> {
        self.write_until(Shelf::Tokens, key, entry, Some(end))
    }

    fn lock(&self, key: EntryKey<'_>) -> Result<Option<Lock>> {
        Ok(self.try_lock(Shelf::Tokens, key)?.map(Lock::new))
    }

    fn list(&self) -> Result<Vec<Zeroizing<Vec<u8>>>> {
        self.entries(Shelf::Tokens)
    }

    fn remove(&self, is_meant: &dyn Fn(&[u8]) -> bool) -> Result<usize> {
        self.remove_tokens(is_meant)
    }

    fn clear(&self) -> Result<usize> {
        Self::clear(self, Shelf::Tokens)
    }
}
