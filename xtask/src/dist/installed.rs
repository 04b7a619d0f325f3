//! A copy of azcred as a user has it, and what must work there.

use super::{emptied, output_of, version};
use crate::command::on_path;
use anyhow::{Context as _, Result, ensure};
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// An installed azcred. It runs without this build's variables and folders.
pub(super) struct Installed {
    program: PathBuf,
    home: PathBuf,
}

impl Installed {
    /// The program at this path, with an empty home folder.
    pub(super) fn at(program: PathBuf) -> Result<Self> {
        let home = emptied("dist-stage/home")?;
        Ok(Self { program, home })
    }

    /// It names its version and commit, and gets a token.
    pub(super) fn works(&self) -> Result<()> {
        let said = self.azcred(&["--version"])?;
        ensure!(
            said.starts_with(&format!("azcred {} (", version())),
            "`azcred --version` prints {said:?}, which names no commit"
        );
        self.gets_token(&[self.text()?, "token"])?;
        println!("{}: {}", self.program.display(), said.trim());
        Ok(())
    }

    /// A program in the emulator prints a token.
    pub(super) fn gets_token(&self, program: &[&str]) -> Result<()> {
        let token = self.azcred(&[&["emulator", "exec", "--"], program].concat())?;
        ensure!(token.starts_with("eyJ"), "{program:?} printed no token");
        Ok(())
    }

    /// bash completes a command, and the programs of this machine, with this script.
    pub(super) fn completes(&self, script: &Path) -> Result<()> {
        let Some(bash) = on_path("bash").filter(|_| cfg!(unix)) else {
            return Ok(());
        };
        let offers = r#"
            . "$1"
            offers() {
                COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9; COMPREPLY=()
                _clap_complete_azcred azcred "${COMP_WORDS[COMP_CWORD]}" ''
                echo "${COMPREPLY[*]}"
            }
            offers azcred who
            offers azcred exec -- azcr
        "#;
        let mut command = self.bare(&bash);
        command.args(["--norc", "-c", offers, "bash"]).arg(script);
        let folder = self.program.parent().context("a folder")?;
        let offered = output_of(command.env("PATH", folder))?;
        ensure!(
            offered == "whoami\nazcred\n",
            "with {}, bash offers {offered:?}",
            script.display()
        );
        Ok(())
    }

    /// `man` finds a page for the command and for its subcommands in this folder.
    pub(super) fn has_manual(&self, folder: &Path) -> Result<()> {
        let Some(man) = on_path("man") else {
            return Ok(());
        };
        for (page, word) in [("azcred", "exec"), ("azcred-exec", "--keep-env")] {
            let mut command = self.bare(&man);
            let text = output_of(
                command
                    .arg("-M")
                    .arg(folder)
                    .arg(page)
                    // man runs other programs. With a pager or a terminal, words have styles.
                    .envs(env::var_os("PATH").map(|path| ("PATH", path)))
                    .env("MANPAGER", "cat")
                    .env("MAN_KEEP_FORMATTING", ""),
            )?;
            ensure!(text.contains(word), "the page {page} has no {word}: {text}");
        }
        Ok(())
    }

    /// What the command prints.
    fn azcred(&self, arguments: &[&str]) -> Result<String> {
        output_of(self.bare(&self.program).args(arguments))
    }

    fn bare(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", &self.home)
            .current_dir(&self.home);
        if cfg!(windows) {
            // Sockets need it there.
            command.envs(env::vars_os().filter(|(name, _)| name == "SystemRoot"));
        }
        command
    }

    fn text(&self) -> Result<&str> {
        self.program.to_str().context("a path in UTF-8")
    }
}
