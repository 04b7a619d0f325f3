//! The register of sign-ins: a random value for each entry on that shelf.
//!
//! The register is stored with the vault's key, in the keyring or in the key's file. An entry's own
//! key is derived from its value too. Removing an entry removes its value first. So no copy of the
//! entry opens again, wherever it was: in a backup, or in a file that a killed writer left.
//!
//! ```text
//! KEY               as older versions wrote it: no entry has a value
//! KEY.VALUEVALUE…   each VALUE is the base64 of 6 bytes of the entry's name and 18 random bytes
//! ```
//!
//! A value of zeros stands for none: its entry was written before there was a register.

use super::seal::{self, Master};
use crate::facts::Result;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::fmt;
use zeroize::Zeroizing;

const OF: usize = 6;
const VALUE: usize = 18;
/// The length of an item as text, without padding.
const TEXT: usize = (OF + VALUE) / 3 * 4;

/// What the place of the key has.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) master: Master,
    /// `None` if an older version wrote it.
    pub(super) register: Option<Register>,
}

/// The values of the entries that may be opened.
#[derive(Clone, Default)]
pub(super) struct Register(Vec<Item>);

/// The start of an entry's name, and its value.
type Item = Zeroizing<[u8; OF + VALUE]>;

impl Stored {
    /// Reads the text in the key's place; `None` if it is no key.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let text = text.trim_ascii();
        let mut parts = text.splitn(2, |byte| *byte == b'.');
        let mut master = Master::default();
        decode(parts.next()?, &mut *master)?;
        let register = match parts.next() {
            None => None,
            Some(items) => {
                let mut register = Register::default();
                for text in items.chunks(TEXT) {
                    let mut item = Item::new([0; OF + VALUE]);
                    decode(text, &mut *item)?;
                    register.0.push(item);
                }
                Some(register)
            }
        };
        Some(Self { master, register })
    }

    /// The text for the key's place.
    pub(super) fn written(&self) -> Zeroizing<String> {
        let items = self
            .register
            .as_ref()
            .map_or(0, |register| register.0.len());
        // The capacity is enough for all: a string that grows leaves copies of secrets in memory.
        let mut text = Zeroizing::new(String::with_capacity(64 + items * TEXT));
        STANDARD.encode_string(&self.master[..], &mut text);
        if let Some(register) = &self.register {
            text.push('.');
            for item in &register.0 {
                STANDARD.encode_string(&item[..], &mut text);
            }
        }
        text
    }
}

impl Register {
    /// The values with which an entry may have been sealed, the newest first.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let of = start(name);
        let items = self.0.iter().rev();
        items
            .filter(move |item| item[..OF] == of)
            .map(|item| match &item[OF..] {
                [0, rest @ ..] if rest.iter().all(|byte| *byte == 0) => &[],
                value => value,
            })
    }

    /// Gives an entry a value, unless it has one. Returns whether that changed anything.
    pub(super) fn enter(&mut self, name: &str) -> Result<bool> {
        if self
            .values(name)
            .next()
            .is_some_and(|value| !value.is_empty())
        {
            return Ok(false);
        }
        let mut item = Item::new([0; OF + VALUE]);
        item[..OF].copy_from_slice(&start(name));
        seal::fill(&mut item[OF..])?;
        self.0.push(item);
        Ok(true)
    }

    /// Lists an entry that was sealed without a value.
    pub(super) fn enter_old(&mut self, name: &str) {
        let mut item = Item::new([0; OF + VALUE]);
        item[..OF].copy_from_slice(&start(name));
        self.0.push(item);
    }

    /// Removes an entry's values but the newest. Returns whether that changed anything.
    pub(super) fn settle(&mut self, name: &str) -> bool {
        let (of, before) = (start(name), self.0.len());
        let newest = self.0.iter().rposition(|item| item[..OF] == of);
        let mut place = 0;
        self.0.retain(|item| {
            let is_newest = Some(place) == newest;
            place += 1;
            is_newest || item[..OF] != of
        });
        self.0.len() != before
    }

    /// Removes an entry's values. Returns whether there were any.
    pub(super) fn strike(&mut self, name: &str) -> bool {
        let (of, before) = (start(name), self.0.len());
        self.0.retain(|item| item[..OF] != of);
        self.0.len() != before
    }

    /// Removes all values. Returns whether there were any.
    pub(super) fn clear(&mut self) -> bool {
        !std::mem::take(&mut self.0).is_empty()
    }
}

/// The first bytes of an entry's name. Two entries never share them by chance.
fn start(name: &str) -> [u8; OF] {
    let mut start = [0; OF];
    for (byte, digits) in start.iter_mut().zip(name.as_bytes().chunks(2)) {
        let digits = str::from_utf8(digits).unwrap_or_default();
        *byte = u8::from_str_radix(digits, 16).unwrap_or_default();
    }
    start
}

fn decode(text: &[u8], into: &mut [u8]) -> Option<()> {
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    if bytes.len() != into.len() {
        return None;
    }
    into.copy_from_slice(&bytes);
    Some(())
}

impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Register").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile::{cases, spoilt};
    use proptest::prelude::*;

    const ADA: &str = "cddaae739ad82e5bc6aa9081ae370bbfa41a15b5a67ba3732ba557bd01b7c498";
    const BOB: &str = "cddaae739ad9";

    fn stored(register: Option<Register>) -> Stored {
        Stored {
            master: Master::new([7; 32]),
            register,
        }
    }

    fn again(stored: &Stored) -> Stored {
        Stored::read(format!("{}\n", *stored.written()).as_bytes()).unwrap()
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert!(again(&stored(None)).register.is_none());
        let mut register = Register::default();
        let empty = again(&stored(Some(register.clone()))).register.unwrap();
        assert!(empty.values(ADA).next().is_none());
        register.enter_old(ADA);
        assert!(register.enter(ADA).unwrap() && register.enter(BOB).unwrap());
        assert!(!register.enter(ADA).unwrap());
        let mut read = again(&stored(Some(register.clone()))).register.unwrap();
        let values: Vec<_> = read.values(ADA).collect();
        assert_eq!(
            (values.len(), values[0].len(), values[1].len()),
            (2, VALUE, 0)
        );
        assert!(read.settle(ADA) && !read.settle(ADA));
        assert!(read.values(ADA).eq(register.values(ADA).take(1)));
        assert!(read.strike(ADA) && !read.strike(ADA));
        assert_eq!(read.values(BOB).count(), 1);
        assert_eq!(format!("{read:?}"), "Register(1)");
    }

    proptest! {
        #![proptest_config(cases())]

        #[test]
        fn damaged_text_is_read_without_harm(bad in spoilt(stored(Some(Register::default())).written().as_bytes().to_vec())) {
            if let Some(read) = Stored::read(&bad) {
                prop_assert!(Stored::read(read.written().as_bytes()).is_some());
            }
        }
    }
}
