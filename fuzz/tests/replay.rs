//! Runs every target with every input of its corpus.

use azcred_fuzz::{TARGETS, run};
use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The names in a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn targets() -> BTreeSet<String> {
    TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect()
}

/// An input that takes longer hangs. The slowest one takes a few seconds without optimisation.
const SLOWEST: Duration = Duration::from_secs(60);

/// Runs an input in a thread of its own, whose name is the input's: a message about a panic or a
/// stack overflow has it.
fn passes(target: &'static str, name: &str, input: Vec<u8>) -> Result<(), &'static str> {
    let (tell, told) = mpsc::sync_channel(1);
    let run = move || {
        let ended = catch_unwind(AssertUnwindSafe(|| run(target, &input)));
        // The receiver is gone if it took too long.
        let _ = tell.send(ended.is_ok());
    };
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(run).expect("a thread");
    match told.recv_timeout(SLOWEST) {
        Ok(true) => Ok(()),
        Ok(false) => Err("panics"),
        Err(_) => Err("hangs"),
    }
}

/// The inputs of a target's corpus by name, and the empty one.
fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = folder("corpus").join(target);
    let read = |file: String| {
        let content = fs::read(folder.join(&file)).unwrap();
        (format!("corpus/{target}/{file}"), content)
    };
    let nothing = (format!("corpus/{target}/nothing"), Vec::new());
    let files = names(&folder).into_iter().map(read);
    std::iter::once(nothing).chain(files).collect()
}

/// Runs what is made of each input of each corpus. Inputs that the fuzzer found are already
/// variations of others.
fn replay_variations(make: impl Fn(&str, Vec<u8>) -> Vec<(String, Vec<u8>)>) {
    replay(|target, name, input| match name.contains("/found-") {
        true => Vec::new(),
        false => make(target, input),
    });
}

/// Runs what is made of each input of each corpus.
fn replay(make: impl Fn(&str, &str, Vec<u8>) -> Vec<(String, Vec<u8>)>) {
    let mut failed = Vec::new();
    for (target, _) in TARGETS {
        for (name, input) in inputs(target) {
            for (what, input) in make(target, &name, input) {
                let name = format!("{name}{what}");
                match passes(target, &name, input) {
                    Ok(()) => {}
                    Err("hangs") => panic!(
                        "{name} still runs after {} s; before it failed: {failed:#?}",
                        SLOWEST.as_secs()
                    ),
                    Err(_) => failed.push(name),
                }
            }
        }
    }
    assert!(failed.is_empty(), "failed: {failed:#?}");
}

#[test]
fn every_input_of_every_corpus_passes() {
    replay(|_, _, input| vec![(String::new(), input)]);
}

#[test]
fn every_input_that_ends_early_passes() {
    const PIECES: usize = 8;
    replay_variations(|_, input| {
        let ends = (1..PIECES).map(|piece| input.len() * piece / PIECES);
        let cut = |end: usize| (format!(" up to {end}"), input[..end].to_vec());
        ends.map(cut).collect()
    });
}

/// The places of an input where a text begins: after a quote, a colon with a blank, or an equals
/// sign. Empty if the input is binary or long.
fn places(input: &[u8]) -> Vec<usize> {
    const LONGEST: usize = 4 << 10;
    const MOST: usize = 60;
    if input.len() > LONGEST || str::from_utf8(input).is_err() {
        return Vec::new();
    }
    let begins = |at: &usize| {
        let before = &input[..*at];
        let is_text = input.get(*at).is_some_and(u8::is_ascii_alphanumeric);
        is_text
            && [b"\"".as_slice(), b": ", b"="]
                .iter()
                .any(|mark| before.ends_with(mark))
    };
    (1..input.len()).filter(begins).take(MOST).collect()
}

/// The targets that plant the secret where an input's last bytes say.
const PLANTED: [&str; 5] = [
    "arm",
    "identity_answers",
    "token_answers",
    "token_services",
    "tools",
];

#[test]
fn the_secret_is_shown_from_no_place_of_an_input() {
    replay_variations(|target, input| {
        if !PLANTED.contains(&target) {
            return Vec::new();
        }
        let at = places(&input).into_iter().enumerate();
        at.map(|(form, at)| {
            let [.., high, low] = at.to_be_bytes();
            #[expect(clippy::cast_possible_truncation, reason = "any form will do")]
            let form = form as u8;
            let input = [input.as_slice(), &[form, high, low]].concat();
            (format!(" with the secret at {at}"), input)
        })
        .collect()
    });
}

#[test]
fn what_can_not_be_seen_and_markup_pass_from_no_place_of_an_input() {
    // It is valid within the strings of JSON and TOML, in forms, and in headers' values.
    let text = "\u{202e}<fuzz>\u{200b}".as_bytes();
    replay_variations(|_, input| {
        let at = places(&input).into_iter();
        at.map(|at| {
            let input = [&input[..at], text, &input[at..]].concat();
            (format!(" with markup at {at}"), input)
        })
        .collect()
    });
}

#[test]
fn every_target_has_a_corpus_and_a_binary_and_nothing_else_has() {
    let same = |what: &str, found: BTreeSet<String>| {
        let targets = targets();
        let odd: Vec<_> = found.symmetric_difference(&targets).collect();
        assert!(
            odd.is_empty(),
            "{what} and the list of targets differ by {odd:?}"
        );
    };
    same("the corpora", names(&folder("corpus")));
    for target in targets() {
        let inputs = names(&folder("corpus").join(&target));
        assert!(!inputs.is_empty(), "the corpus of {target} is empty");
    }
    let of_files = |folder: &Path, end: &str| -> BTreeSet<String> {
        let names = names(folder).into_iter();
        names
            .map(|name| name.strip_suffix(end).unwrap_or(&name).to_owned())
            .collect()
    };
    same("the binaries", of_files(&folder("src/bin"), ".rs"));
    let dictionaries = of_files(&folder("dictionaries"), ".dict");
    assert_eq!(dictionaries.difference(&targets()).next(), None);
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    for target in targets() {
        let bin = format!("[[bin]]\nname = \"{target}\"\npath = \"src/bin/{target}.rs\"\n");
        assert!(manifest.contains(&bin), "Cargo.toml has no binary {target}");
    }
}

#[test]
fn a_corpus_stays_small() {
    let mut all = 0;
    for (name, _) in TARGETS {
        let folder = folder("corpus").join(name);
        for file in names(&folder) {
            let size = fs::metadata(folder.join(&file)).unwrap().len();
            assert!(size <= 16 << 10, "corpus/{name}/{file} has {size} bytes");
            all += size;
        }
    }
    assert!(all <= 512 << 10, "the corpora have {all} bytes");
}
