//! `azcred completions`: a script with which a shell completes azcred's command line. It runs
//! azcred at each Tab, so that it offers this machine's accounts too.

use crate::{failure::Failure, output::Output};
use clap::Args;
use clap_complete::{Shell, env::Shells};

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
    pub(crate) fn run(self, variable: &str, output: &mut Output) -> Result<u8, Failure> {
        let mut script = Vec::new();
        let name = self.shell.to_string();
        let shells = Shells::builtins();
        if let Some(shell) = shells.completer(&name) {
            // A write to memory does not fail.
            let _ = shell.write_registration(variable, NAME, NAME, NAME, &mut script);
        }
        let mut script = String::from_utf8_lossy(&script).trim().to_owned();
        if self.shell == Shell::Zsh {
            script.push_str(WHEN_LOADED);
        }
        output.script(&script);
        Ok(0)
    }
}

/// The binary.
const NAME: &str = "azcred";

/// zsh runs a file of `$fpath` at the first completion, as a function with the file's name.
const WHEN_LOADED: &str = "
if [ \"${funcstack[1]}\" = _azcred ]; then
    _clap_dynamic_completer_azcred \"$@\"
fi";
