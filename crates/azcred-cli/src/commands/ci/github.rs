//! `azcred ci github`.

use super::{
    file::read,
    made::Make,
    template::GitHubWorkflow,
    verdict::{JobVerdict, Side, judge, options},
    workflow::{Job, Setting, SignIn, jobs},
};
use crate::{
    commands::{
        reader::As,
        sp::{application, not_found_out},
    },
    failure::{Failure, Kind},
    given,
    output::Output,
    sign_in::Place,
};
use azcred::{FederatedAudience, shown_path, system::Command};
use azcred_azure::{GitHub, GitHubRepository, GitHubRun};
use clap::Args;
use serde::Serialize;
use std::{env, time::Duration};
use uuid::Uuid;

/// Write a workflow for GitHub Actions that submits a job, or check one
///
/// The job signs in with its identity token. It gets no other permission than to read the
/// repository. A file that is there and differs stays as it is.
///
/// With --check, reads a workflow and shows for each job whether it would sign in: its permissions,
/// and the subjects that it has for what starts it, beside the federated credentials of the
/// application. The exit code is 1 if one would not.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred ci github --for kedro
  azcred ci github --environment production -- python submit.py
  azcred ci github --check --client-id CLIENT_ID")]
pub(super) struct CiGitHub {
    #[command(flatten)]
    make: Make,

    /// The deployment environment of the job
    #[arg(long, value_name = "NAME", value_parser = given::text)]
    environment: Option<String>,

    /// The application's client id [default: the repository's variable AZURE_CLIENT_ID]
    #[arg(long, value_name = "ID", value_parser = given::guid)]
    client_id: Option<Uuid>,

    /// The application's tenant, by its id [default: the repository's variable AZURE_TENANT_ID]
    #[arg(long, value_name = "ID", value_parser = given::guid, requires = "client_id")]
    tenant_id: Option<Uuid>,

    /// Check the workflow in the file
    #[arg(long, conflicts_with_all = ["program", "force", "command", "environment", "tenant_id"])]
    check: bool,

    /// With --check: the name of an application that azcred made
    #[arg(long, value_name = "NAME", value_parser = given::text, requires = "check")]
    sp: Option<String>,

    /// The repository, as [HOST/]OWNER/REPOSITORY [default: the one of git's remote origin]
    #[arg(long, value_name = "REPOSITORY", value_parser = given::text)]
    github: Option<String>,

    #[command(flatten)]
    identity: As,
}

/// The usual file.
pub(super) const FILE: &str = ".github/workflows/azure-ml.yml";

/// The output of `--check --output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CheckedDocument<'a> {
    file: &'a str,
    repository: String,
    client_id: Uuid,
    /// Whether all jobs that sign in to Azure would sign in.
    signs_in: bool,
    jobs: &'a [JobVerdict],
}

impl CiGitHub {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        if self.check {
            return self.check(&place, output).await;
        }
        let work = self.make.work(&place.folder)?;
        let workflow = GitHubWorkflow {
            work: &work,
            branch: &self.make.branch,
            environment: self.environment.as_deref(),
            ids: self
                .client_id
                .zip(self.tenant_id)
                .map(|(client_id, tenant)| (client_id.to_string(), tenant.to_string())),
        };
        let repository = self.repository(&place).await.ok();
        let next = self.next(repository.as_ref());
        let text = workflow.text();
        self.make.done(&text, FILE, &place.folder, &next, output)?;
        Ok(0)
    }

    /// What is left to do after the workflow was written.
    fn next(&self, repository: Option<&GitHubRepository>) -> Vec<String> {
        let run = match &self.environment {
            Some(name) => GitHubRun::Environment(name.clone()),
            None => GitHubRun::Branch(self.make.branch.clone()),
        };
        let of = repository.map_or_else(
            || "OWNER/REPOSITORY".to_owned(),
            GitHubRepository::full_name,
        );
        let who = match self.client_id {
            Some(id) => format!("--client-id {id}"),
            None => "NAME".to_owned(),
        };
        let mut next = Vec::new();
        if self.client_id.is_none() || self.tenant_id.is_none() {
            next.push(
                "the workflow reads the client id and the tenant from the repository's variables: `gh variable set AZURE_CLIENT_ID`, \
                 `gh variable set AZURE_TENANT_ID`"
                    .to_owned(),
            );
        }
        next.push(format!(
            "let the application trust its jobs: `azcred sp federate {who} --github {of} {}`",
            options(&run)
        ));
        next
    }

    /// The repository of the option, or of git's remote.
    async fn repository(&self, place: &Place) -> Result<GitHubRepository, Failure> {
        let host = env::var("GH_HOST").ok().filter(|host| !host.is_empty());
        if let Some(given) = &self.github {
            return Ok(GitHubRepository::new(given, host.as_deref())?);
        }
        let unknown = || {
            Failure::new(
                Kind::Usage,
                "could not tell which repository is meant",
                "git has no remote 'origin' here that is a repository of GitHub",
            )
            .fix("add `--github OWNER/REPOSITORY`")
        };
        let git = place.system.find_program("git").ok_or_else(unknown)?;
        let folder = place.folder.to_string_lossy();
        let arguments = ["-C", &*folder, "config", "--get", "remote.origin.url"];
        let command = Command::new(git, &arguments, Duration::from_secs(10));
        let finished = place.system.run(command).await.map_err(|_| unknown())?;
        let address = String::from_utf8_lossy(&finished.stdout);
        GitHubRepository::new(address.trim(), None).map_err(|_| unknown())
    }

    async fn check(&self, place: &Place, output: &mut Output) -> Result<u8, Failure> {
        let file = self.make.file(FILE);
        let shown = shown_path(&file).to_string();
        let what = || format!("could not check {shown}");
        let text = read(&place.folder.join(&file)).map_err(|error| {
            Failure::new(Kind::NotFound, what(), error.to_string())
                .fix("name the workflow with `--file`, or write one: `azcred ci github -- COMMAND`")
        })?;
        let found = jobs(&text).map_err(|why| Failure::new(Kind::Invalid, what(), why))?;
        if found.is_empty() {
            return Err(Failure::new(
                Kind::NotFound,
                what(),
                "none of its jobs signs in to Azure: none has AZURE_CLIENT_ID in `env`, or a step with azure/login",
            )
            .fix("set AZURE_CLIENT_ID and AZURE_TENANT_ID in the job's `env`"));
        }
        let client_id = self.client_id_of(&found)?;
        let work = async {
            let reader = self.identity.reader(place, output).await?;
            let repository = self.repository(place).await?;
            let found_out = GitHub::new(&reader.options).prefix(&repository).await;
            let (prefix, _) = found_out.map_err(|error| not_found_out(error, &repository))?;
            let application = application(&reader.graph, self.sp.as_deref(), client_id).await?;
            let registered = reader.graph.federated_credentials(application.id).await?;
            let audience = FederatedAudience::new(reader.options.cloud()?.federated_audience())?;
            let side = Side {
                repository: &repository,
                prefix: &prefix,
                registered: &registered,
                audience: &audience,
            };
            let verdicts: Vec<JobVerdict> = found.iter().map(|job| judge(job, &side)).collect();
            Ok::<_, Failure>((repository, application.app_id, verdicts))
        };
        let (repository, client_id, verdicts) = output
            .waiting("Reading the federated credentials", work)
            .await?;
        let signs_in = verdicts.iter().all(JobVerdict::signs_in);
        if output.is_json() {
            output.json(&CheckedDocument {
                file: &file.to_string_lossy(),
                repository: repository.full_name(),
                client_id,
                signs_in,
                jobs: &verdicts,
            });
        } else {
            let federate = format!(
                "azcred sp federate --client-id {client_id} --github {}",
                repository.full_name()
            );
            for (number, verdict) in verdicts.iter().enumerate() {
                if number > 0 {
                    output.line("");
                }
                verdict.show(&federate, output);
            }
        }
        Ok(u8::from(!signs_in))
    }

    /// The application of the options, or the one that all jobs name.
    fn client_id_of(&self, jobs: &[Job]) -> Result<Option<Uuid>, Failure> {
        if self.client_id.is_some() || self.sp.is_some() {
            return Ok(self.client_id);
        }
        let named: Vec<&Setting> = jobs
            .iter()
            .filter_map(|job| match &job.sign_in {
                SignIn::Token { client_id, .. } => Some(client_id),
                SignIn::Secret => None,
            })
            .collect();
        let why = match &named[..] {
            [Setting::Literal(id), rest @ ..] if rest.iter().all(|one| one == &named[0]) => {
                match Uuid::try_parse(id) {
                    Ok(id) => return Ok(Some(id)),
                    Err(_) => format!("the client id '{}' is not an id", azcred::printable(id, 80)),
                }
            }
            [Setting::Expression(text), ..] => {
                format!(
                    "the client id is {}, which only GitHub knows",
                    azcred::printable(text, 80)
                )
            }
            _ => "its jobs sign in as several applications, or with secrets".to_owned(),
        };
        Err(Failure::new(
            Kind::Usage,
            "could not tell which application is meant",
            why,
        )
        .fix("add `--client-id ID`, or `--sp NAME` for an application that azcred made"))
    }
}
