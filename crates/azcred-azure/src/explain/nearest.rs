//! The known codes that are written most like an unknown one.

use crate::codes;
use azcred::{AZURE_CLI_SAYINGS, NETWORK_SAYINGS, entra};
use std::cmp::Reverse;

/// The longest code that is compared.
const LONGEST: usize = 64;
/// The most codes that are returned.
const MOST: usize = 3;

/// The known codes that are written most like `code`, the nearest first. Empty if none is near.
pub fn nearest_codes(code: &str) -> Vec<String> {
    let wanted: Vec<char> = code
        .trim()
        .to_lowercase()
        .chars()
        .take(LONGEST + 1)
        .collect();
    if wanted.is_empty() || wanted.len() > LONGEST {
        return Vec::new();
    }
    let wanted: String = wanted.into_iter().collect();
    let is_number = wanted.bytes().all(|b| b.is_ascii_digit());
    let entra = entra::meanings().iter().map(|meaning| match is_number {
        true => meaning.code.to_string(),
        false => format!("AADSTS{}", meaning.code),
    });
    let rows = codes::rows().map(|row| row.code.to_owned());
    let sayings = AZURE_CLI_SAYINGS.iter().chain(NETWORK_SAYINGS);
    let sayings = sayings.map(|saying| saying.code.to_owned());
    let mut near: Vec<(usize, String)> = entra
        .chain(rows.chain(sayings).filter(|_| !is_number))
        .map(|known| (distance(&wanted, &known.to_lowercase()), known))
        .filter(|(distance, known)| *distance <= (known.len() / 4).max(1))
        .collect();
    // Of two that are as near, the one that begins alike.
    let alike = |known: &str| {
        let known = known.to_lowercase();
        let pairs = known.chars().zip(wanted.chars());
        pairs.take_while(|(one, other)| one == other).count()
    };
    near.sort_by_key(|(distance, known)| (*distance, Reverse(alike(known)), known.clone()));
    near.dedup();
    let near = near.into_iter().take(MOST).map(|(_, known)| known);
    near.map(|known| match is_number {
        true => format!("AADSTS{known}"),
        false => known,
    })
    .collect()
}

/// How many characters must be added, removed or replaced (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let above = row[j + 1];
            let replaced = corner + usize::from(a != *b);
            row[j + 1] = replaced.min(above + 1).min(row[j] + 1);
            corner = above;
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_codes_come_first() {
        assert_eq!(nearest_codes("AADSTS700017")[0], "AADSTS700016");
        assert_eq!(
            nearest_codes("autorizationfailed")[0],
            "AuthorizationFailed"
        );
        assert!(nearest_codes("").is_empty());
        assert!(nearest_codes("xyz").is_empty());
        assert!(nearest_codes(&"a".repeat(1000)).is_empty());
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
