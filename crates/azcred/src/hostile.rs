//! Damaged input, for tests of everything that reads data from others.

use proptest::prelude::*;

/// What is inserted besides single bytes: the limits of numbers, what JSON can't represent, and
/// what a terminal interprets.
const PIECES: [&[u8]; 21] = [
    b"'",
    b"`",
    b"0000",
    b"\"",
    b"{",
    b"[",
    b"}",
    b",",
    b"\\",
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"-9223372036854775809",
    b"\\ud800",
    b"\\u0000",
    b"\xff\xfe",
    "\u{202e}\u{1b}[31m".as_bytes(),
    "\u{130}\u{df}\u{1f600}".as_bytes(),
    b"\r\n",
    &[b'['; 4096],
];

#[derive(Clone, Debug)]
enum Edit {
    Cut,
    Remove(usize),
    Put(usize),
    Byte(u8),
    Repeat(usize),
}

/// `good` with some changes, and sometimes random bytes.
pub(crate) fn spoilt(good: impl Into<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let good = good.into();
    let edit = prop_oneof![
        1 => Just(Edit::Cut),
        4 => (1..40_usize).prop_map(Edit::Remove),
        6 => (0..PIECES.len()).prop_map(Edit::Put),
        4 => any::<u8>().prop_map(Edit::Byte),
        2 => (1..200_usize).prop_map(Edit::Repeat),
    ];
    let edits = prop::collection::vec((any::<prop::sample::Index>(), edit), 1..6);
    let changed = edits.prop_map(move |edits| {
        let mut text = good.clone();
        for (place, edit) in edits {
            let place = place.index(text.len() + 1);
            let end = |length: usize| (place + length).min(text.len());
            match edit {
                Edit::Cut => text.truncate(place),
                Edit::Remove(length) => drop(text.drain(place..end(length))),
                Edit::Put(piece) => drop(text.splice(place..place, PIECES[piece].iter().copied())),
                Edit::Byte(byte) => drop(text.splice(place..end(1), [byte])),
                Edit::Repeat(length) => {
                    let part = text[place..end(length)].to_vec();
                    drop(text.splice(place..place, part));
                }
            }
        }
        text
    });
    prop_oneof![20 => changed, 1 => prop::collection::vec(any::<u8>(), 0..300)]
}

/// As many cases as run in a moment. Failing cases are not written to a file.
pub(crate) fn cases() -> ProptestConfig {
    ProptestConfig {
        cases: 512,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}
