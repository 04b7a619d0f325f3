//! The commands of azcred that only read.

use crate::redact::Redaction;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// A command that ran.
pub(crate) struct Flow {
    name: String,
    exit_code: Option<i32>,
    /// Its JSON; null if it printed none.
    pub(crate) answer: Value,
}

/// Runs a command without a person.
pub(crate) fn run(azcred: &Path, command: &[&str]) -> Result<Flow> {
    let name = command.first().copied().unwrap_or_default().to_owned();
    let output = Command::new(azcred)
        .args(command)
        .args(["--output", "json", "--no-input"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("starting {}", azcred.display()))?;
    let exit_code = output.status.code();
    println!(
        "  azcred {name}: {}",
        exit_code.map_or_else(
            || "ended by a signal".to_owned(),
            |code| format!("exit {code}")
        )
    );
    Ok(Flow {
        name,
        exit_code,
        answer: serde_json::from_slice(&output.stdout).unwrap_or_default(),
    })
}

/// What a command said, without ids and names.
pub(crate) fn fact(flow: &Flow, redaction: &Redaction) -> Value {
    json!({
        "source": "azcred",
        "request": {"command": flow.name},
        "status": flow.exit_code,
        "headers": {},
        "response": redaction.value(&flow.answer, None),
    })
}
