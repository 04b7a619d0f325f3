//! Runs azcred's flows that only read, and the GETs of the recorded facts, against the tenant in
//! which a person or a program is signed in, and compares the answers with the facts.
//!
//! The file that it writes has the form of `interop/recorded`. Ids, names, times and texts are
//! replaced before anything is written or printed: see `redact`.

mod facts;
mod flows;
mod redact;

use crate::{facts::Tenant, redact::Redaction};
use anyhow::{Context as _, Result};
use azcred::{Session, workspace::WorkspaceRef};
use clap::Parser;
use serde_json::Value;
use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Reads from Azure as the account that azcred finds, compares with the recorded facts, and writes
/// what it found without ids and names.
#[derive(Parser)]
#[command(name = "cargo xtask live", bin_name = "cargo xtask live")]
struct Arguments {
    /// The resource id of an Azure ML workspace that the account may read
    #[arg(long, value_name = "ID")]
    workspace: String,
    /// A new file for the facts
    #[arg(long, value_name = "FILE", default_value = "live.jsonl")]
    output: PathBuf,
    /// The command `azcred`
    #[arg(long, value_name = "FILE")]
    azcred: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<()> {
    let workspace = WorkspaceRef::from_resource_id(&arguments.workspace)?;
    let mut file = create(&arguments.output)?;
    let done = write(arguments, &workspace, &mut file).await;
    if done.is_err() {
        // What was not finished is of no use to a reader.
        fs::remove_file(&arguments.output).context("removing the unfinished file")?;
    }
    done
}

/// A new file that only this user may read.
fn create(path: &Path) -> Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).with_context(|| {
        format!(
            "{} can't be created; name a new file with --output",
            path.display()
        )
    })
}

async fn write(arguments: &Arguments, workspace: &WorkspaceRef, file: &mut fs::File) -> Result<()> {
    let session = Session::builder().open().await?;
    session
        .token()
        .await
        .context("no account is signed in that may read")?;
    let whoami = flows::run(&arguments.azcred, &["whoami"])?;
    let redaction = Redaction::new(workspace, &whoami.answer);
    let mut line = |fact: &Value| writeln!(file, "{fact}").context("writing the facts");

    println!("What azcred's commands say:");
    let id = workspace.resource_id();
    let others: [&[&str]; 2] = [&["chain"], &["doctor", "--workspace", &id]];
    line(&flows::fact(&whoami, &redaction))?;
    for command in others {
        let flow = flows::run(&arguments.azcred, command)?;
        line(&flows::fact(&flow, &redaction))?;
    }

    println!("What Azure answers, beside the recorded facts:");
    let tenant = Tenant::new(&session, workspace, &whoami.answer)?;
    let tally = facts::compare(&tenant, &redaction, &mut line).await?;
    println!(
        "{} answers: {} as recorded, {} with differences. {} facts were not tried: they write, or \
         need something that this tenant may not have.",
        tally.same + tally.different,
        tally.same,
        tally.different,
        tally.not_tried
    );
    println!(
        "Written to {}. Read it before you share it.",
        arguments.output.display()
    );
    Ok(())
}
