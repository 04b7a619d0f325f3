//! `cargo xtask live`: azcred and the recorded facts against the tenant in which an account
//! is signed in.

use crate::{
    command::{cargo, run},
    interop::{binary, built},
};
use anyhow::Result;
use clap::Args;
use std::{path::PathBuf, process::Command};

/// Arguments of the verb.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The resource id of an Azure ML workspace that the account may read
    #[arg(long, value_name = "ID")]
    workspace: String,
    /// A new file for the facts, without ids and names
    #[arg(long, value_name = "FILE", default_value = "live.jsonl")]
    output: PathBuf,
}

/// The verb.
pub(crate) fn run_verb(arguments: &Arguments) -> Result<()> {
    build()?;
    let mut live = Command::new(built("debug", "azcred-live"));
    live.arg("--azcred").arg(binary("debug"));
    live.args(["--workspace", &arguments.workspace]);
    run(live.arg("--output").arg(&arguments.output))
}

/// The command and the program that compares.
pub(crate) fn build() -> Result<()> {
    run(cargo(&["build", "--locked", "--bins"]).args([
        "--package",
        "azcred-cli",
        "--package",
        "azcred-live",
    ]))
}
