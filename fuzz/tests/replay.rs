//! Runs every target with every input of its corpus.

use azcred_fuzz::{TARGETS, run};
use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
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

#[test]
fn every_input_of_every_corpus_passes() {
    let mut failed = Vec::new();
    for (name, _) in TARGETS {
        let folder = folder("corpus").join(name);
        let mut inputs = vec![("nothing".to_owned(), Vec::new())];
        for file in names(&folder) {
            let content = fs::read(folder.join(&file)).unwrap();
            inputs.push((file, content));
        }
        for (file, input) in inputs {
            if catch_unwind(AssertUnwindSafe(|| run(name, &input))).is_err() {
                failed.push(format!("corpus/{name}/{file}"));
            }
        }
    }
    assert!(failed.is_empty(), "failed: {failed:#?}");
}

#[test]
fn every_target_has_a_corpus_and_a_binary_and_nothing_else_has() {
    assert_eq!(names(&folder("corpus")), targets());
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
    assert_eq!(of_files(&folder("src/bin"), ".rs"), targets());
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
