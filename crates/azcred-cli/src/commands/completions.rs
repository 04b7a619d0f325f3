//! `azcred completions`: a script with which a shell completes azcred's command line.

use crate::{failure::Failure, output::Output};
use clap::Args;
use clap_complete::{Shell, generate};

/// Print a script for your shell's tab completion
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred completions bash > ~/.local/share/bash-completion/completions/azcred
  azcred completions fish > ~/.config/fish/completions/azcred.fish

  # zsh: the folder must be in $fpath
  azcred completions zsh > ~/.zfunc/_azcred

  azcred completions powershell >> $PROFILE")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// `line` is the whole command line.
    pub(crate) fn run(self, mut line: clap::Command, output: &mut Output) -> Result<u8, Failure> {
        let mut script = Vec::new();
        generate(self.shell, &mut line, "azcred", &mut script);
        output.script(String::from_utf8_lossy(&script).trim_end());
        Ok(0)
    }
}
