//! Finds the codes and the words of a text that are known, and orders them: the cause first.

use super::flat::Flat;
use crate::{
    codes::{self, Row, Speaker},
    error::ErrorKind,
};
use azcred::{AZURE_CLI_SAYINGS, NETWORK_SAYINGS, Saying, entra};
use std::{collections::HashMap, ptr, sync::LazyLock};

/// What was found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hit {
    /// A code of Entra ID.
    Entra(u32),
    /// A code or words of a service or an SDK.
    Row(&'static Row),
    /// Words of Azure CLI or of the network.
    Saying(Speaker, &'static Saying),
    /// A code that is not known, from its first to its last byte.
    Unknown(usize, usize),
}

/// A hit, and where it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) hit: Hit,
    pub(super) at: usize,
    order: (Rank, usize),
}

/// What a problem says about the cause, the more telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// A service refused the request.
    Refused,
    /// Something on this machine or on the way is wrong.
    Here,
    /// A service refused it by a code that is not known.
    Unknown,
    /// It passes by itself.
    Passing,
    /// A source has nothing to sign in with. A chain lists many such ones.
    Absent,
    /// A metadata service that does not answer, as on most machines.
    NoHost,
}

/// The most codes that are not known of which the first is looked for.
const MOST_UNKNOWN: usize = 50;
/// How far around a hit its service is looked for.
const NEAR: usize = 1500;

/// Words that stand for a code.
struct Words {
    words: &'static str,
    hit: Hit,
}

/// All words by the first of them.
static WORDS: LazyLock<HashMap<&'static str, Vec<Words>>> = LazyLock::new(|| {
    let mut index: HashMap<&'static str, Vec<Words>> = HashMap::new();
    let mut add = |words: &'static str, hit| {
        let first = &words[..word_end(words)];
        index.entry(first).or_default().push(Words { words, hit });
    };
    for row in codes::rows() {
        for words in row.words() {
            add(words, Hit::Row(row));
        }
    }
    for (speaker, sayings) in [
        (Speaker::AzureCli, AZURE_CLI_SAYINGS),
        (Speaker::Network, NETWORK_SAYINGS),
    ] {
        for saying in sayings {
            for words in saying.says {
                add(words, Hit::Saying(speaker, saying));
            }
        }
    }
    index
});

fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// The end of the word at the beginning of a text.
fn word_end(text: &str) -> usize {
    let end = text.bytes().position(|b| !is_word(b));
    end.unwrap_or(text.len())
}

/// What a text has, the cause first, each problem once.
pub(super) fn all(flat: &Flat) -> Vec<Found> {
    let text = &flat.text;
    let bytes = text.as_bytes();
    let mut found: Vec<Found> = Vec::new();
    let mut unknown = 0;
    let mut at = 0;
    while at < bytes.len() {
        if !is_word(bytes[at]) {
            at += 1;
            continue;
        }
        let end = at + word_end(&text[at..]);
        for hit in hits(flat, at, end) {
            let one = Found {
                hit,
                at,
                order: order(flat, hit, at),
            };
            // The tables limit how many known ones there are; of unknown ones, a text may have any
            // number.
            let is_unknown = one.order.0 == Rank::Unknown;
            unknown += usize::from(is_unknown);
            let is_one_too_many = is_unknown && unknown > MOST_UNKNOWN;
            if !is_one_too_many && !found.iter().any(|other| is_same(flat, other, &one)) {
                found.push(one);
            }
        }
        at = end;
    }
    found.sort_by_key(|found| (found.order, found.at));
    // What nothing is known of is worth a line only where nothing else is known.
    if found.iter().any(|found| found.order.0 < Rank::Unknown) {
        found.retain(|found| found.order.0 != Rank::Unknown);
    }
    // A chain says so of every failure.
    if found.iter().any(|found| found.order.0 < Rank::Absent) {
        found.retain(|found| !is_of_chain(found.hit));
    }
    found
}

/// What the word from `at` to `end` begins.
fn hits(flat: &Flat, at: usize, end: usize) -> Vec<Hit> {
    let text = &flat.text;
    let word = &text[at..end];
    if let Some(digits) = word.get(6..).filter(|_| is_aadsts(&word[..6])) {
        return match digits.parse() {
            Ok(code) if entra::explain(code).is_some() => vec![Hit::Entra(code)],
            Ok(_) => vec![Hit::Unknown(at, end)],
            Err(_) => Vec::new(),
        };
    }
    let known = WORDS.get(word).into_iter().flatten();
    let said = known.filter(|known| {
        let rest = &text[at..];
        let after = rest.as_bytes().get(known.words.len());
        let ends = !known
            .words
            .ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            || after.is_none_or(|b| !is_word(*b));
        rest.starts_with(known.words) && ends
    });
    let near = || flat.part(at.saturating_sub(NEAR), end + NEAR);
    let said: Vec<Hit> = said
        .map(|known| known.hit)
        .filter(|hit| fits(*hit, near))
        .collect();
    // Several services have this code: the one that the text is about.
    let rows: Vec<&'static Row> = said
        .iter()
        .filter_map(|hit| match hit {
            Hit::Row(row) if row.code == word => Some(*row),
            _ => None,
        })
        .collect();
    if rows.len() > 1 {
        let speaks = |row: &&&Row| speaks(row.speaker, near());
        let row = rows.iter().find(speaks).unwrap_or(&rows[0]);
        return vec![Hit::Row(row)];
    }
    if said.is_empty() && is_code_at(flat, at, word) {
        return vec![Hit::Unknown(at, end)];
    }
    said
}

fn is_aadsts(start: &str) -> bool {
    start.eq_ignore_ascii_case("aadsts")
}

/// Whether words mean what they would mean here: some are words of any program.
fn fits<'a>(hit: Hit, near: impl Fn() -> &'a str) -> bool {
    match hit {
        Hit::Row(row) if matches!(row.code, "Forbidden" | "UNAUTHORIZED" | "DENIED") => {
            speaks(row.speaker, near())
        }
        Hit::Saying(Speaker::AzureCli, saying)
            if matches!(
                saying.code,
                "AzureCliTooOld"
                    | "ModuleNotFoundError"
                    | "Permission denied"
                    | "JSONDecodeError"
                    | "Decryption failed"
            ) =>
        {
            let near = near();
            [
                "azure.cli",
                "azure/cli",
                "Azure CLI",
                "az login",
                ".azure",
                "azureProfile",
                "msal",
                "az account",
            ]
            .iter()
            .any(|mark| near.contains(mark))
        }
        _ => true,
    }
}

/// Whether a text is about a service.
fn speaks(speaker: Speaker, near: &str) -> bool {
    let marks: &[&str] = match speaker {
        Speaker::Storage => &[
            "blob.core.",
            "dfs.core.",
            "queue.core.",
            "file.core.",
            "ErrorCode:",
            "azure.storage",
            "BlobServiceClient",
        ],
        Speaker::KeyVault => &[
            ".vault.",
            "vault.azure",
            "keyvault",
            "KeyVault",
            "key vault",
        ],
        Speaker::ContainerRegistry => &["azurecr."],
        Speaker::Graph => &["graph.microsoft"],
        _ => return false,
    };
    marks.iter().any(|mark| near.contains(mark))
}

/// Whether a word stands where a service's code does: `Code: X`, `"code": "X"`.
fn is_code_at(flat: &Flat, at: usize, word: &str) -> bool {
    let start = flat.part(at.saturating_sub(16), at);
    let before = start.trim_end_matches(['"', '\'', ' ', ':', '=', '<', '>']);
    // 'Visual Studio Code Authentication' has no code.
    let is_followed = start[before.len()..].contains([':', '=', '>', '"']);
    let is_label = is_followed
        && ["Code", "ErrorCode", "code", "error_code"]
            .iter()
            .any(|label| before.ends_with(label));
    is_label
        && word.len() >= 6
        && word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.bytes().any(|b| b.is_ascii_lowercase())
        && word.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Whether two hits are one problem.
fn is_same(flat: &Flat, one: &Found, other: &Found) -> bool {
    match (one.hit, other.hit) {
        (Hit::Entra(one), Hit::Entra(other)) => one == other,
        (Hit::Row(one), Hit::Row(other)) => ptr::eq(one, other),
        // A metadata service that does not answer is not the server that is not reached.
        (Hit::Saying(_, a), Hit::Saying(_, b)) => a.code == b.code && one.order.0 == other.order.0,
        (Hit::Unknown(from, to), Hit::Unknown(at, end)) => {
            flat.part(from, to) == flat.part(at, end)
        }
        _ => false,
    }
}

/// The order among the problems of a text.
fn order(flat: &Flat, hit: Hit, at: usize) -> (Rank, usize) {
    let rank = match hit {
        Hit::Entra(code) => match entra::explain(code).is_some_and(entra::Meaning::is_passing) {
            true => Rank::Passing,
            false => Rank::Refused,
        },
        Hit::Unknown(..) => Rank::Unknown,
        Hit::Row(row) if row.is_passing() => Rank::Passing,
        Hit::Row(row) => match (row.code, row.speaker) {
            ("NoCredential", _) => Rank::Absent,
            ("Identity not found" | "MultipleIdentities", _) => return (Rank::Absent, 1),
            ("AzureCliSignedOut", _) => return (Rank::Absent, 2),
            ("CredentialUnavailableError" | "AuthenticationException", _) => {
                return (Rank::Absent, 3);
            }
            (_, Speaker::Network) => return (Rank::Here, NETWORK_SAYINGS.len() + 1),
            (_, Speaker::Sdk) => Rank::Here,
            _ => Rank::Refused,
        },
        Hit::Saying(_, saying) => {
            // A chain asks every machine whether it has a managed identity.
            let near = flat.within_line(at, 300);
            let is_of_host = ["169.254.169.254", "IMDS"]
                .iter()
                .any(|mark| near.contains(mark));
            let number = NETWORK_SAYINGS.iter().position(|other| other == saying);
            return match (saying.kind, number) {
                (_, Some(number)) if is_of_host => (Rank::NoHost, number),
                (_, Some(number)) => (Rank::Here, number + 1),
                (azcred::ErrorKind::Refused, None) => (Rank::Refused, 0),
                (_, None) => (Rank::Here, 0),
            };
        }
    };
    (rank, 0)
}

/// Whether these are the words of a chain that has no token.
fn is_of_chain(hit: Hit) -> bool {
    matches!(hit, Hit::Row(row) if row.code == "NoCredential")
}

impl Hit {
    /// The kind of error, as far as the table has it.
    pub(super) fn is_of_network(self) -> bool {
        matches!(self, Self::Saying(Speaker::Network, _))
    }
}

/// Whether a row is an authorization that the message explains further.
pub(super) fn is_of_role(row: &Row) -> bool {
    row.kind == ErrorKind::NotPermitted
        && matches!(
            row.code,
            "AuthorizationFailed" | "LinkedAuthorizationFailed"
        )
}
