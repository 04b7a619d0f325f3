//! Secrets on disk: encrypted, whole or not there, and nobody else's.

use crate::system::SharedSystem;

/// A set of entries, each a file of its own under a name that tells nothing to who does not have the key.
///
/// Every method reads or writes files, and may ask the keyring: none is for an asynchronous task's own thread.
#[derive(Clone, Debug)]
pub(crate) struct Vault {
    system: SharedSystem,
}

/// What an entry is: its kind first.
pub(crate) type Parts<'a> = &'a [&'a [u8]];

/// A set of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shelf {
    /// Access tokens, which can be had again: in the cache folder.
    Tokens,
    /// Sign-ins, which somebody would miss: in the data folder, written so that they outlive a loss of power.
    SignIns,
}
