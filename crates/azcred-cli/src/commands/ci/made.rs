//! The options of a workflow that is written, and what is told afterwards.

use super::{
    file::{Written, write},
    template::Work,
};
use crate::{
    failure::{Failure, Kind},
    given,
    output::Output,
};
use azcred::shown_path;
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What a workflow runs, and where it is written.
#[derive(Args)]
pub(super) struct Make {
    /// What the command is: kedro (`kedro azureml run`), or himl (adds --azureml)
    #[arg(long = "for", value_name = "PROGRAM", hide_possible_values = true)]
    program: Option<Submitter>,

    /// The branch whose pushes start it
    #[arg(long, value_name = "NAME", value_parser = given::text, default_value = "main")]
    pub(super) branch: String,

    /// The file; - prints the workflow
    #[arg(long, value_name = "FILE", value_parser = given::path())]
    file: Option<PathBuf>,

    /// Replace a file that differs
    #[arg(long)]
    force: bool,

    /// The command that submits the job, after --
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// The programs whose command is known.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Submitter {
    Kedro,
    Himl,
}

/// The output of `--output json`.
#[derive(Serialize)]
struct MadeDocument<'a> {
    /// The file.
    file: &'a str,
    /// Whether the file or its content is new.
    #[serde(rename = "isNew")]
    is_new: bool,
}

impl Make {
    /// The file, for a usual name.
    pub(super) fn file(&self, usual: &str) -> PathBuf {
        self.file.clone().unwrap_or_else(|| usual.into())
    }

    /// The work, in this folder.
    pub(super) fn work(&self, folder: &Path) -> Result<Work, Failure> {
        let mut command = self.command.clone();
        let is_one_line = |word: &String| !word.contains(char::is_control);
        if !command.iter().all(is_one_line) {
            return Err(Failure::new(
                Kind::Usage,
                "could not use the command",
                "a word of it has a line break or another control character",
            )
            .fix("put the command into a script, and name the script"));
        }
        match self.program {
            Some(Submitter::Kedro) if command.is_empty() => {
                command = ["kedro", "azureml", "run"].map(str::to_owned).into();
            }
            // With this option, hi-ml submits a script instead of running it.
            Some(Submitter::Himl)
                if !command.is_empty() && !command.iter().any(|word| word == "--azureml") =>
            {
                command.push("--azureml".to_owned());
            }
            _ => {}
        }
        if command.is_empty() {
            return Err(Failure::new(
                Kind::Usage,
                "could not tell what the workflow should run",
                "there is no command",
            )
            .fix("add `-- COMMAND`, such as `-- python submit.py`, or `--for kedro`"));
        }
        Ok(Work::new(&command, folder))
    }

    /// Writes or prints a workflow, and says what is left to do.
    pub(super) fn done(
        &self,
        text: &str,
        usual: &str,
        folder: &Path,
        next: &[String],
        output: &mut Output,
    ) -> Result<(), Failure> {
        let file = self.file(usual);
        if file.as_os_str() == "-" {
            output.script(text);
            return Ok(());
        }
        let written = write(folder, &file, text, self.force)?;
        let shown = shown_path(&file);
        if output.is_json() {
            output.json(&MadeDocument {
                file: &file.to_string_lossy(),
                is_new: written == Written::New,
            });
            return Ok(());
        }
        output.line(match written {
            Written::New => format!("Wrote {shown}."),
            Written::Same => format!("Nothing to do: {shown} has this content."),
        });
        for remark in next {
            output.remark(remark);
        }
        Ok(())
    }
}
