//! `azcred workspace show`.

use super::{
    list::named,
    meant::{Within, here, is_same},
};
use crate::{
    commands::reader::As,
    failure::{Failure, Kind},
    given,
    output::{
        Output,
        style::{STRONG, paint},
        table,
    },
    sign_in::Place,
};
use azcred::Untrusted;
use azcred_azure::{ErrorKind, Flags, Located, Source, Workspace, WorkspaceRef, locate};
use clap::Args;
use serde::Serialize;

/// Show a workspace
///
/// Without NAME, shows the workspace that MLClient and hi-ml use in this folder. It is named by the
/// variables AZUREML_ARM_*, else by .azureml/config.json or config.json in this folder or one above
/// it, else by hi-ml's variables HIML_*.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred workspace show
  azcred workspace show ws-contoso-ml

  # the resource id, which `azcred role assign --scope` needs
  azcred workspace show --output json | jq -r .id")]
pub(super) struct ShowWorkspace {
    /// The workspace's name, or its whole resource id
    #[arg(value_name = "NAME", value_parser = given::text)]
    name: Option<String>,

    #[command(flatten)]
    within: Within,

    #[command(flatten)]
    identity: As,
}

/// The output of `--output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkspaceDocument<'a> {
    /// `subscription`, `resourceGroup`, `name`.
    #[serde(flatten)]
    workspace: &'a WorkspaceRef,
    /// The resource id, which is a scope for role assignments.
    id: &'a Untrusted,
    /// The subscription's name; `null` if it can't be read.
    subscription_name: Option<&'a Untrusted>,
    /// The display name.
    friendly_name: Option<&'a Untrusted>,
    /// The region.
    location: &'a Untrusted,
    /// The GUID by which Azure Machine Learning's own services know the workspace.
    workspace_id: Option<&'a Untrusted>,
    /// The resource id of its storage account.
    storage_account: Option<&'a Untrusted>,
    /// `Enabled` or `Disabled`.
    public_network_access: Option<&'a Untrusted>,
    /// The source of its name; `null` if the user typed it.
    source: Option<String>,
    /// Whether MLClient and hi-ml use it in this folder.
    is_here: bool,
}

/// How the workspace is named.
enum Named<'a> {
    ByName(&'a str),
    ByFolder(Box<Located>),
}

impl ShowWorkspace {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        // An error comes before the sign-in.
        let asked = match &self.name {
            Some(name) => Named::ByName(name),
            None => Named::ByFolder(Box::new(by_folder(&place)?)),
        };
        let looked = async {
            let reader = self.identity.reader(&place, output).await?;
            let (meant, source) = match asked {
                Named::ByName(name) => (self.within.find(name, &reader).await?, None),
                Named::ByFolder(found) => (found.workspace, Some(found.source)),
            };
            let (found, subscription) = tokio::join!(
                reader.manager.workspace(&meant),
                reader.manager.subscription(meant.subscription())
            );
            let subscription = subscription.map(|answer| answer.value);
            Ok::<_, Failure>((meant, source, found?.value, subscription.ok()))
        };
        let looked = output.waiting("Reading the workspace", looked).await?;
        let (meant, source, found, subscription) = looked;
        if output.is_json() {
            output.json(&WorkspaceDocument {
                workspace: &meant,
                id: &found.id,
                subscription_name: subscription.as_ref().map(|one| &one.display_name),
                friendly_name: found.properties.friendly_name.as_ref(),
                location: &found.location,
                workspace_id: found.properties.workspace_id.as_ref(),
                storage_account: found.properties.storage_account.as_ref(),
                public_network_access: found.properties.public_network_access.as_ref(),
                source: source.map(|source| source.to_string()),
                is_here: here(&place).is_some_and(|here| is_same(&here.workspace, &meant)),
            });
            return Ok(0);
        }
        let known: Vec<_> = subscription.into_iter().collect();
        let subscription = named(meant.subscription(), &known);
        for line in table::pairs(&rows(&meant, &found, subscription, source.as_ref())) {
            output.line(line);
        }
        Ok(0)
    }
}

/// The workspace of this folder.
fn by_folder(place: &Place) -> Result<Located, Failure> {
    locate(&*place.system, &place.folder, &Flags::default()).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::new(
            Kind::NotFound,
            "could not find the workspace of this folder",
            "no variable names a workspace, and there is no config.json here or in a folder above",
        )
        .fix("run `azcred workspace use`, or give the workspace's name"),
        _ => error.into(),
    })
}

fn rows(
    meant: &WorkspaceRef,
    found: &Workspace,
    subscription: String,
    source: Option<&Source>,
) -> Vec<(&'static str, String)> {
    let properties = &found.properties;
    let mut rows = vec![("Workspace", paint(STRONG, meant.name()))];
    let friendly = properties.friendly_name.as_deref();
    if let Some(name) = friendly.filter(|name| *name != meant.name()) {
        rows.push(("Shown as", name.to_owned()));
    }
    rows.push(("Resource group", meant.resource_group().to_owned()));
    rows.push(("Subscription", subscription));
    rows.push(("Region", found.location.to_string()));
    if let Some(account) = &properties.storage_account {
        let name = account.rsplit('/').next().unwrap_or_default();
        rows.push(("Storage account", name.to_owned()));
    }
    if let Some(access) = &properties.public_network_access {
        rows.push(("Public access", access.to_string()));
    }
    if let Some(source) = source {
        rows.push(("Named by", source.to_string()));
    }
    rows
}
