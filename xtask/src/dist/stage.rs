//! The files of a release: the binary, manual pages, completions, texts.

use super::{emptied, output_of, program};
use crate::command::{cargo, root, run};
use anyhow::{Context as _, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Shells with a completion script: the name for `azcred completions`, and the file's usual name.
const SHELLS: [(&str, &str); 5] = [
    ("bash", "azcred.bash"),
    ("zsh", "_azcred"),
    ("fish", "azcred.fish"),
    ("powershell", "azcred.ps1"),
    ("elvish", "azcred.elv"),
];

/// Texts beside the binary.
const TEXTS: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// A folder with the files of a release.
pub(super) struct Stage {
    pub(super) folder: PathBuf,
    /// The system that the binary runs on.
    pub(super) triple: String,
}

impl Stage {
    /// Puts the files of a release beside a copy of the binary.
    pub(super) fn made(binary: &Path, triple: &str) -> Result<Self> {
        let folder = emptied("dist-stage/files")?;
        let (man, completions) = (folder.join("man/man1"), folder.join("completions"));
        fs::create_dir_all(&man)?;
        fs::create_dir_all(&completions)?;
        fs::copy(binary, folder.join(program()))
            .with_context(|| format!("can't copy {}", binary.display()))?;
        for text in TEXTS {
            fs::copy(root().join(text), folder.join(text))
                .with_context(|| format!("can't copy {text}"))?;
        }
        // The pages come from the command line's own definition, which only the binary's tests
        // see.
        let page_test = "cli::tests::every_command_has_a_manual_page";
        run(
            cargo(&["test", "--locked", "--package", "azcred-cli", "--bins"])
                .args(["--", "--exact", page_test])
                .env("MAN_DIR", &man),
        )?;
        ensure!(
            fs::read_dir(&man)?.count() > 0,
            "no manual page was written to {}",
            man.display()
        );
        for (shell, file) in SHELLS {
            let script = output_of(Command::new(binary).args(["completions", shell]))?;
            fs::write(completions.join(file), script)?;
        }
        Ok(Self {
            folder,
            triple: triple.into(),
        })
    }
}
