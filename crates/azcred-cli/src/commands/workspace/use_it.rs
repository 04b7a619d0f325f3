//! `azcred workspace use`.

use super::{
    config_file::{self, Written},
    meant::{Within, here, is_same},
    pick::pick,
};
use crate::{
    commands::reader::{As, Reader},
    failure::{Failure, Kind},
    given,
    output::{
        Output,
        style::{GOOD, paint},
    },
    sign_in::Place,
};
use azcred::printable_path;
use azcred_azure::{Source, WorkspaceRef};
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;

/// Choose the workspace of this folder, and write it to config.json
///
/// MLClient.from_config and hi-ml read that file. Without NAME, lists the workspaces that you can
/// see and asks you to choose one.
///
/// If the file exists and names another workspace, only that is changed. If the file is not a
/// workspace's config.json, it is not changed and the command fails.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred workspace use
  azcred workspace use ws-contoso-ml
  azcred workspace use ws-contoso-ml --file .azureml/config.json")]
pub(super) struct UseWorkspace {
    /// The workspace's name, or its whole resource id
    #[arg(value_name = "NAME", value_parser = given::text)]
    name: Option<String>,

    /// The file to write
    #[arg(long, value_name = "PATH", value_parser = given::path(), default_value = "config.json")]
    file: PathBuf,

    #[command(flatten)]
    within: Within,

    #[command(flatten)]
    identity: As,
}

/// The output of `--output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UseDocument<'a> {
    /// `subscription`, `resourceGroup`, `name`.
    #[serde(flatten)]
    workspace: &'a WorkspaceRef,
    /// The resource id.
    id: String,
    /// The absolute path of the file.
    file: String,
    /// Whether the file has changed.
    is_changed: bool,
    /// Whether MLClient and hi-ml now use this workspace in this folder.
    is_here: bool,
}

impl UseWorkspace {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let chosen = match &self.name {
            Some(name) => {
                let found = async {
                    let reader = self.identity.reader(&place, output).await?;
                    let meant = self.within.find(name, &reader).await?;
                    // A complete id is looked up too: a file that names a missing workspace is
                    // useless.
                    reader.manager.workspace(&meant).await?;
                    Ok::<_, Failure>(meant)
                };
                output.waiting("Looking for the workspace", found).await?
            }
            None => self.asked(&place, output).await?,
        };
        let path = std::path::absolute(&self.file).map_err(|error| {
            Failure::new(
                Kind::Usage,
                format!("could not use the path {}", printable_path(&self.file)),
                error.to_string(),
            )
        })?;
        let written = config_file::write(&path, &chosen)?;
        let here = here(&place);
        let is_here = here
            .as_ref()
            .is_some_and(|here| is_same(&here.workspace, &chosen));
        if output.is_json() {
            output.json(&UseDocument {
                workspace: &chosen,
                id: chosen.resource_id(),
                file: printable_path(&path),
                is_changed: written != Written::Unchanged,
                is_here,
            });
            return Ok(0);
        }
        let done = match written {
            Written::New | Written::Changed => "names",
            Written::Unchanged => "already names",
        };
        output.line(format!(
            "{} {} {done} the workspace {} (resource group {})",
            paint(GOOD, "✓"),
            printable_path(&self.file),
            chosen.name(),
            chosen.resource_group()
        ));
        if let Some(here) = here.filter(|_| !is_here) {
            let other = here.workspace.name();
            output.remark(&match &here.source {
                Source::File(file) => format!(
                    "MLClient reads {} first here, which names the workspace {other}. Remove that file, or change it: `azcred workspace use \
                     {} --file {0}`",
                    printable_path(file),
                    chosen.name()
                ),
                source => format!(
                    "{source} comes first here, and names the workspace {other}. Unset {}, {} and {source} to use this one",
                    here.subscription_source,
                    here.resource_group_source
                ),
            });
        }
        Ok(0)
    }

    /// Prompts a person to choose a workspace from a list.
    async fn asked(&self, place: &Place, output: &Output) -> Result<WorkspaceRef, Failure> {
        if let Some(why) = output.why_not_ask(&*place.system) {
            return Err(
                Failure::new(Kind::Usage, "could not choose a workspace", why)
                    .fix("name it: `azcred workspace use NAME`, from `azcred workspace list`"),
            );
        }
        let looked = async {
            let reader = self.identity.reader(place, output).await?;
            let (subscriptions, all) = self.within.look(&reader).await?;
            Ok::<_, Failure>((reader, subscriptions, all.found))
        };
        let looked = output.waiting("Listing the workspaces", looked).await?;
        let (reader, subscriptions, found) = looked;
        if found.is_empty() {
            return Err(nothing(&reader).await);
        }
        pick(&found, &subscriptions, output).await
    }
}

async fn nothing(reader: &Reader) -> Failure {
    Failure::new(
        Kind::NotFound,
        "could not list the workspaces",
        "you can see no workspace",
    )
    .fix(reader.nothing_seen(&reader.tenants().await))
}
