//! `azcred install-az`: makes azcred answer the command `az`.

use crate::{
    az::{Link, LinkTrouble},
    failure::{Failure, Kind},
    given,
    output::Output,
};
use azcred::{
    shown_path,
    system::{RealSystem, home, is_this_program, programs},
};
use clap::Args;
use serde::Serialize;
use std::{
    env,
    path::{Path, PathBuf},
};

/// Let programs that run Azure CLI get their tokens from azcred
///
/// Makes a link named az to azcred, in a folder that has no az. Programs that run
/// `az account get-access-token`, such as every Azure SDK and Terraform, then get
/// tokens of the account that `azcred whoami` shows. All other commands go to Azure
/// CLI, if it is installed and that is the same account.
///
/// It replaces no file. --undo removes the link, and nothing else.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  azcred install-az
  azcred install-az --dir ~/bin
  azcred install-az --undo"
)]
pub(crate) struct InstallAz {
    /// The folder for the link; it should be on PATH [default: ~/.local/bin, on Windows
    /// LOCALAPPDATA\azcred\bin]
    #[arg(long, value_name = "FOLDER", value_parser = given::path())]
    dir: Option<PathBuf>,

    /// Remove the link again
    #[arg(long)]
    undo: bool,
}

/// The output of `--output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InstallDocument<'a> {
    /// The link.
    path: &'a Path,
    /// Whether it was made or removed now.
    changed: bool,
    /// Whether `az` means this link now, by PATH.
    is_first_on_path: bool,
}

impl InstallAz {
    pub(crate) fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let folder = match self.dir {
            Some(folder) => std::path::absolute(folder).map_err(|error| {
                Failure::new(Kind::Usage, "--dir is not a path", error.to_string())
            })?,
            None => default_folder()?,
        };
        let link = Link::in_folder(&folder);
        let changed = match self.undo {
            true => link.remove().map_err(not_removed)?,
            false => link.make().map_err(not_made)?,
        };
        let first = first_az();
        if output.is_json() {
            output.json(&InstallDocument {
                path: link.path(),
                changed,
                is_first_on_path: first.as_deref() == Some(link.path()),
            });
            return Ok(0);
        }
        let path = shown_path(link.path());
        output.line(match (self.undo, changed) {
            (false, true) => format!("Made {path}. Programs that run az get azcred's tokens."),
            (false, false) => format!("{path} is there already."),
            (true, true) => format!("Removed {path}."),
            (true, false) => format!("There is no {path}."),
        });
        if !self.undo {
            remark(&folder, link.path(), first.as_deref(), output);
        }
        Ok(0)
    }
}

/// What keeps programs from finding the link, or what the link hides from them.
fn remark(folder: &Path, link: &Path, first: Option<&Path>, output: &Output) {
    let shown = shown_path(folder);
    match first {
        Some(first) if first == link => {
            let path = env::var_os("PATH").unwrap_or_default();
            if let Some(real) = programs("az", &path).find(|az| !is_this_program(az)) {
                output.remark(&format!(
                    "Azure CLI is {}. Programs now get azcred's az, which passes other commands on to it.",
                    shown_path(&real)
                ));
            }
        }
        Some(first) => output.remark(&format!(
            "programs run {}, which comes first on PATH. Put {shown} before it",
            shown_path(first)
        )),
        None if cfg!(windows) => output.remark(&format!("add {shown} to Path, the variable")),
        None => output.remark(&format!(
            "{shown} is not on PATH. Add it in your shell's profile: `export PATH=\"{shown}:$PATH\"`"
        )),
    }
}

/// What `az` means by PATH.
fn first_az() -> Option<PathBuf> {
    programs("az", &env::var_os("PATH")?).next()
}

fn default_folder() -> Result<PathBuf, Failure> {
    let folder = match cfg!(windows) {
        true => env::var_os("LOCALAPPDATA").map(|folder| PathBuf::from(folder).join(r"azcred\bin")),
        false => home(&RealSystem).map(|home| home.join(".local/bin")),
    };
    folder.ok_or_else(|| {
        Failure::new(
            Kind::Failed,
            "could not find a folder for az",
            "there is no home folder",
        )
        .fix("name a folder with `--dir FOLDER`")
    })
}

fn not_made(trouble: LinkTrouble) -> Failure {
    const WHAT: &str = "could not make az";
    match trouble {
        LinkTrouble::Taken(path) => Failure::new(
            Kind::Failed,
            WHAT,
            format!("{} exists, and azcred replaces no file", shown_path(&path)),
        )
        .fix(
            "name another folder that is on PATH before this one: `azcred install-az --dir FOLDER`",
        ),
        LinkTrouble::Failed(path, error) => failed(WHAT, &path, &error),
    }
}

fn not_removed(trouble: LinkTrouble) -> Failure {
    const WHAT: &str = "could not remove az";
    match trouble {
        LinkTrouble::Taken(path) => Failure::new(
            Kind::Failed,
            WHAT,
            format!("{} is not a link to this azcred", shown_path(&path)),
        )
        .fix("if `azcred install-az` made it in another folder, name that with `--dir FOLDER`"),
        LinkTrouble::Failed(path, error) => failed(WHAT, &path, &error),
    }
}

fn failed(what: &'static str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Kind::Failed, what, format!("{}: {error}", shown_path(path)))
        .fix("name a folder that is yours with `--dir FOLDER`")
}
