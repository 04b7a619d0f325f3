//! A copy of azcred as a user has it, and what must work there.

use super::{emptied, output_of, version};
use crate::command::on_path;
use anyhow::{Context as _, Result, ensure};
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// Shells: how each ignores its user's settings, and a script that prints what it completes with
/// the file of its first argument. zsh completes at a terminal only: here, the words for it.
const SHELLS: [(&str, &str, &str); 3] = [
    (
        "bash",
        "--norc",
        r#"
            . "$1"
            offers() {
                COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9; COMPREPLY=()
                _clap_complete_azcred azcred "${COMP_WORDS[COMP_CWORD]}" ''
                echo "${COMPREPLY[*]}"
            }
            offers azcred who
            offers azcred exec -- azcr
        "#,
    ),
    (
        "fish",
        "--no-config",
        "source $argv[1]; complete -C 'azcred who'; complete -C 'azcred exec -- azcr'",
    ),
    (
        "zsh",
        "-f",
        r#"
            fpath=("${1:h}"); autoload -U _azcred; compdef() { }
            _describe() { shift 2; for name in "$@"; do print -l -- "${(@P)name}"; done }
            words=(azcred who); CURRENT=2; _azcred
            words=(azcred exec -- azcr); CURRENT=4; _azcred
        "#,
    ),
];

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

    /// A shell completes a command, and the programs on `PATH`, with its script in this file, if
    /// this machine has the shell.
    pub(super) fn completes(&self, shell: &str, script: &Path) -> Result<()> {
        let known = SHELLS.iter().find(|(name, ..)| *name == shell);
        let (_, option, completes) = known.context("an unknown shell")?;
        let Some(found) = on_path(shell).filter(|_| cfg!(unix)) else {
            return Ok(());
        };
        let mut command = self.bare(&found);
        command.args([option, "-c", completes]);
        if shell != "fish" {
            // There, the first argument is the name of the script that runs.
            command.arg(shell);
        }
        let folder = self.program.parent().context("a folder")?;
        let path = env::join_paths([folder, Path::new("/usr/bin"), Path::new("/bin")])?;
        let offered = output_of(command.arg(script).env("PATH", path))?;
        // Behind a word, fish and zsh have its description.
        let words = offered.lines().map(|line| line.split(['\t', ':']).next());
        let words: Vec<_> = words.flatten().collect();
        ensure!(
            words.contains(&"whoami") && words.contains(&"azcred"),
            "with {}, {shell} offers {offered:?}",
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
