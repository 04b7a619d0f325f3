//! The texts of workflows.

use crate::shell;
use std::path::Path;

/// `actions/checkout` by its commit, as this project's own workflows have it.
const CHECKOUT: &str = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1";
const PAGE: &str = "https://github.com/azcred/azcred/blob/main/docs/ci.md";

/// What a workflow runs, and what it installs first.
pub(super) struct Work {
    /// The command that submits the job, as a line of a shell; empty if it is not known.
    command: String,
    /// The lines that install.
    install: Vec<String>,
}

impl Work {
    /// A command with what the folder's files install.
    pub(super) fn new(command: &[String], folder: &Path) -> Self {
        let words: Vec<String> = command.iter().map(|word| shell::word(word)).collect();
        let mut install = vec![
            "python3 -m venv \"$HOME/azure-ml\"".to_owned(),
            format!(
                "\"$HOME/azure-ml/bin/pip\" install azcred=={}",
                env!("CARGO_PKG_VERSION")
            ),
        ];
        let own = [
            ("requirements.txt", "-r requirements.txt"),
            ("pyproject.toml", "."),
        ];
        let found = own.iter().find(|(file, _)| folder.join(file).is_file());
        if let Some((_, what)) = found {
            install.push(format!("\"$HOME/azure-ml/bin/pip\" install {what}"));
        }
        Self {
            command: words.join(" "),
            install,
        }
    }

    fn install(&self, indent: &str) -> String {
        let lines = self.install.iter().map(|line| format!("{indent}{line}\n"));
        lines.collect()
    }
}

/// A workflow of GitHub Actions.
pub(super) struct GitHubWorkflow<'a> {
    pub(super) work: &'a Work,
    pub(super) branch: &'a str,
    pub(super) environment: Option<&'a str>,
    /// The application's client id and its tenant; `None` for the repository's variables.
    pub(super) ids: Option<(String, String)>,
}

impl GitHubWorkflow<'_> {
    /// The file.
    pub(super) fn text(&self) -> String {
        let branch = quoted(self.branch);
        let environment = self.environment.map_or_else(String::new, |name| {
            format!("    environment: {}\n", quoted(name))
        });
        let (client_id, tenant_id) = self.ids.clone().unwrap_or_else(|| {
            (
                "${{ vars.AZURE_CLIENT_ID }}".to_owned(),
                "${{ vars.AZURE_TENANT_ID }}".to_owned(),
            )
        });
        let install = self.work.install("          ");
        let submit = match &*self.work.command {
            "" => [
                "      # Your command, as the application:\n",
                "      # - name: Submit\n",
                "      #   run: azcred exec -- python submit.py\n",
            ]
            .concat(),
            command => format!(
                "      - name: Submit\n        run: |\n          azcred exec -- {command}\n"
            ),
        };
        format!(
            "\
# Made by `azcred ci github`. The job signs in to Azure by its own identity token, without a secret:
# {PAGE}
name: Azure ML

on:
  push:
    branches: [{branch}]
  workflow_dispatch:

permissions: {{}}

concurrency:
  group: azure-ml-${{{{ github.ref }}}}

jobs:
  submit:
    name: Submit the job
    runs-on: ubuntu-latest
    timeout-minutes: 60
{environment}    permissions:
      contents: read # for actions/checkout
      id-token: write # for the job's identity token
    env:
      AZURE_CLIENT_ID: {client_id}
      AZURE_TENANT_ID: {tenant_id}
    steps:
      - uses: {CHECKOUT}
        with:
          persist-credentials: false
      - name: Install
        run: |
{install}          echo \"$HOME/azure-ml/bin\" >> \"$GITHUB_PATH\"
      - name: Check the identity
        run: azcred doctor
{submit}"
        )
    }
}

/// A pipeline of Azure Pipelines.
pub(super) struct AzurePipeline<'a> {
    pub(super) work: &'a Work,
    pub(super) branch: &'a str,
    pub(super) connection: &'a str,
}

impl AzurePipeline<'_> {
    /// The file.
    pub(super) fn text(&self) -> String {
        let branch = quoted(self.branch);
        let connection = quoted(self.connection);
        let install = self.work.install("      ");
        let command = &self.work.command;
        format!(
            "\
# Made by `azcred ci azure-pipelines`. The task signs in to Azure by its service connection, without a secret:
# {PAGE}
trigger:
  branches:
    include: [{branch}]

pr: none

pool:
  vmImage: ubuntu-latest

steps:
  - checkout: self
    persistCredentials: false
  - script: |
{install}      echo \"##vso[task.prependpath]$HOME/azure-ml/bin\"
    displayName: Install
  - task: AzureCLI@2
    displayName: Submit the job
    inputs:
      azureSubscription: {connection}
      scriptType: bash
      scriptLocation: inlineScript
      inlineScript: |
        set -eu
        azcred doctor
        azcred exec -- {command}
    env:
      SYSTEM_ACCESSTOKEN: $(System.AccessToken)
"
        )
    }
}

/// A text as YAML takes it: plain if it can't be anything else, or else in single quotes.
fn quoted(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.'))
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n"
        );
    match is_plain {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(command: &[&str]) -> Work {
        let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
        Work::new(&command, Path::new("/nonexistent"))
    }

    #[test]
    fn whatever_is_named_the_yaml_has_it_as_a_text() {
        for name in ["main", "on", "release/1.0", "it's: #1", "*", "", "{a}", "1"] {
            let work = work(&["python", "train it.py", "--x='y'"]);
            let texts = [
                GitHubWorkflow {
                    work: &work,
                    branch: name,
                    environment: Some(name),
                    ids: None,
                }
                .text(),
                AzurePipeline {
                    work: &work,
                    branch: name,
                    connection: name,
                }
                .text(),
            ];
            let [github, devops] =
                texts.map(|text| serde_saphyr::from_str::<serde_json::Value>(&text).expect(&text));
            assert_eq!(github["on"]["push"]["branches"][0], name);
            assert_eq!(github["jobs"]["submit"]["environment"], name);
            assert_eq!(devops["trigger"]["branches"]["include"][0], name);
            assert_eq!(devops["steps"][2]["inputs"]["azureSubscription"], name);
            let run = github["jobs"]["submit"]["steps"][3]["run"].as_str();
            assert_eq!(
                run,
                Some("azcred exec -- python 'train it.py' '--x='\\''y'\\'''\n")
            );
        }
    }

    #[test]
    fn the_action_is_pinned_as_in_this_projects_own_workflows() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.github/workflows");
        // In a published crate, there are none.
        let Ok(files) = std::fs::read_dir(own) else {
            return;
        };
        let mut pinned: Vec<String> = files
            .filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok())
            .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
            .filter_map(|line| Some(line.split_once("uses: ")?.1.to_owned()))
            .filter(|used| used.starts_with("actions/checkout@"))
            .collect();
        pinned.dedup();
        assert_eq!(pinned, [CHECKOUT]);
    }
}
