//! `azcred ci azure-pipelines`.

use super::{
    file::read,
    made::Make,
    pipeline::{Task, tasks},
    template::AzurePipeline,
};
use crate::{
    commands::{reader::As, sp::application},
    failure::{Failure, Kind},
    given,
    output::{
        Output,
        style::{BAD, GOOD, STRONG, WARN, paint},
    },
    sign_in::Place,
};
use azcred::{SubjectForm, shown_path};
use azcred_azure::FederatedCredential;
use clap::Args;
use serde::Serialize;
use uuid::Uuid;

/// Write a pipeline for Azure Pipelines that submits a job, or check one
///
/// The job signs in with a service connection of the kind 'workload identity federation'. A file
/// that is there and differs stays as it is.
///
/// With --check, reads a pipeline and shows for each task with a service connection whether its
/// script gets the job's token. With an application, also whether that trusts the connection. The
/// exit code is 1 if something is missing.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred ci azure-pipelines --connection azure-ml --for kedro
  azcred ci azure-pipelines --check
  azcred ci azure-pipelines --check --client-id CLIENT_ID")]
pub(super) struct CiAzurePipelines {
    #[command(flatten)]
    make: Make,

    /// The service connection's name
    #[arg(long, value_name = "NAME", value_parser = given::text, required_unless_present = "check")]
    connection: Option<String>,

    /// Check the pipeline in the file
    #[arg(long, conflicts_with_all = ["program", "force", "command", "connection"])]
    check: bool,

    /// With --check: the application's client id
    #[arg(long, value_name = "ID", value_parser = given::guid, requires = "check")]
    client_id: Option<Uuid>,

    /// With --check: the name of an application that azcred made
    #[arg(long, value_name = "NAME", value_parser = given::text, requires = "check")]
    sp: Option<String>,

    #[command(flatten)]
    identity: As,
}

const FILE: &str = "azure-pipelines.yml";

/// The output of `--check --output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CheckedDocument<'a> {
    file: &'a str,
    /// Whether all tasks would sign in, as far as it can be told.
    signs_in: bool,
    tasks: Vec<TaskVerdict<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TaskVerdict<'a> {
    name: &'a str,
    connection: &'a str,
    has_token: bool,
    /// Whether the application trusts the connection; `null` if that can't be told.
    is_trusted: Option<bool>,
}

impl CiAzurePipelines {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        if self.check {
            return self.check(&place, output).await;
        }
        let work = self.make.work(&place.folder)?;
        let pipeline = AzurePipeline {
            work: &work,
            branch: &self.make.branch,
            connection: self.connection.as_deref().unwrap_or_default(),
        };
        let next = [
            "in Azure DevOps, make the service connection with 'workload identity federation', and permit it for the pipeline".to_owned(),
            "if you made its application yourself, let that trust the connection: `azcred sp federate NAME --issuer ISSUER --subject SUBJECT`, with \
             the values on the connection's page"
                .to_owned(),
        ];
        self.make
            .done(&pipeline.text(), FILE, &place.folder, &next, output)?;
        Ok(0)
    }

    async fn check(&self, place: &Place, output: &mut Output) -> Result<u8, Failure> {
        let file = self.make.file(FILE);
        let what = || format!("could not check {}", shown_path(&file));
        let text = read(&place.folder.join(&file)).map_err(|error| {
            Failure::new(Kind::NotFound, what(), error.to_string())
                .fix("name the pipeline with `--file`")
        })?;
        let found = tasks(&text).map_err(|why| Failure::new(Kind::Invalid, what(), why))?;
        if found.is_empty() {
            return Err(Failure::new(
                Kind::NotFound,
                what(),
                "none of its tasks has a service connection (`azureSubscription`)",
            )
            .fix("run the command in an AzureCLI@2 task: `azcred ci azure-pipelines --file -` prints one"));
        }
        let registered = match self.client_id.is_some() || self.sp.is_some() {
            false => None,
            true => {
                let work = async {
                    let reader = self.identity.reader(place, output).await?;
                    let graph = &reader.graph;
                    let application =
                        application(graph, self.sp.as_deref(), self.client_id).await?;
                    Ok::<_, Failure>(graph.federated_credentials(application.id).await?)
                };
                let what = "Reading the federated credentials";
                Some(output.waiting(what, work).await?)
            }
        };
        let verdicts: Vec<TaskVerdict<'_>> = found
            .iter()
            .map(|task| verdict(task, registered.as_deref()))
            .collect();
        let signs_in = verdicts
            .iter()
            .all(|one| one.has_token && one.is_trusted != Some(false));
        if output.is_json() {
            output.json(&CheckedDocument {
                file: &file.to_string_lossy(),
                signs_in,
                tasks: verdicts,
            });
        } else {
            for one in &verdicts {
                one.show(registered.is_some(), output);
            }
        }
        Ok(u8::from(!signs_in))
    }
}

fn verdict<'a>(task: &'a Task, registered: Option<&[FederatedCredential]>) -> TaskVerdict<'a> {
    TaskVerdict {
        name: &task.name,
        connection: &task.connection,
        has_token: task.has_token,
        is_trusted: registered.and_then(|registered| trusts(registered, &task.connection)),
    }
}

/// Whether a connection of this name is trusted; `None` if it can't be told: subjects of Entra ID's
/// form have the connection's id, and not its name.
fn trusts(registered: &[FederatedCredential], connection: &str) -> Option<bool> {
    let subjects = || {
        registered
            .iter()
            .filter_map(|one| one.subject.as_ref().map(azcred::Untrusted::raw))
    };
    let is_named = |subject: &str| {
        SubjectForm::of(subject) == SubjectForm::DevOpsNames
            && subject.rsplit('/').next() == Some(connection)
    };
    if subjects().any(is_named) {
        return Some(true);
    }
    let may_be = connection.contains("$(")
        || subjects().any(|subject| SubjectForm::of(subject) == SubjectForm::DevOpsIds);
    (!may_be).then_some(false)
}

impl TaskVerdict<'_> {
    fn show(&self, is_compared: bool, output: &mut Output) {
        output.line(format!(
            "Task {}, service connection {}",
            paint(STRONG, self.name),
            self.connection
        ));
        match self.has_token {
            true => output.line(format!("  {} the job's token", paint(GOOD, "gets"))),
            false => {
                output.line(format!(
                    "  {} the job's token: programs in it can't sign in",
                    paint(BAD, "does not get")
                ));
                output.remark(
                    "add `SYSTEM_ACCESSTOKEN: $(System.AccessToken)` below `env` of the task",
                );
            }
        }
        let trusted = match self.is_trusted {
            _ if !is_compared => return,
            Some(true) => format!("{} by the application", paint(GOOD, "trusted")),
            Some(false) => {
                output.remark("`azcred sp federate` registers the issuer and the subject on the connection's page");
                format!("{} by the application", paint(BAD, "not trusted"))
            }
            None => format!(
                "{} whether it is trusted: the application trusts connections by their ids, and the file has the name",
                paint(WARN, "can't be told")
            ),
        };
        output.line(format!("  {trusted}"));
    }
}
