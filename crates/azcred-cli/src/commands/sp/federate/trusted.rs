//! The options that say what an application trusts, and what they mean.

use crate::{
    commands::reader::Reader,
    failure::{Failure, Kind},
    given,
};
use azcred::{FederatedAudience, TenantId};
use azcred_azure::{
    CredentialName, DevOpsConnection, Error, FederatedTrust, GitHub, GitHubRepository, GitHubRun,
    GitLabProject, GitLabRef, KubernetesAccount, PrefixSource, SubjectPrefix,
};
use clap::Args;
use std::env;
use uuid::Uuid;

/// What the application trusts.
#[derive(Args)]
#[command(next_help_heading = "What the application trusts")]
pub(in crate::commands) struct Federation {
    /// Jobs of this GitHub repository, as [HOST/]OWNER/REPOSITORY
    #[arg(long, value_name = "REPOSITORY", value_parser = given::text, group = "trusted")]
    github: Option<String>,

    /// Jobs of this GitLab project: GROUP/PROJECT, or its address on another server
    #[arg(long, value_name = "PROJECT", value_parser = given::text, group = "trusted")]
    gitlab: Option<String>,

    /// Jobs that run for this branch (GitHub, GitLab)
    #[arg(long, value_name = "NAME", value_parser = given::text, group = "run")]
    branch: Option<String>,

    /// Jobs that run for this tag (GitHub, GitLab)
    #[arg(long, value_name = "NAME", value_parser = given::text, group = "run")]
    tag: Option<String>,

    /// Jobs with this deployment environment (GitHub)
    #[arg(long, value_name = "NAME", value_parser = given::text, group = "run", requires = "github")]
    environment: Option<String>,

    /// Jobs of pull requests: everyone who may open one is trusted (GitHub)
    #[arg(long, group = "run", requires = "github")]
    pull_request: bool,

    /// The id of the repository's owner, if GitHub can't be read and subjects have ids
    #[arg(long, value_name = "NUMBER", requires_all = ["github", "repository_id"])]
    owner_id: Option<u64>,

    /// The repository's id, with --owner-id
    #[arg(long, value_name = "NUMBER", requires = "owner_id")]
    repository_id: Option<u64>,

    /// Jobs with this service connection of Azure DevOps: ORGANIZATION/PROJECT/CONNECTION
    #[arg(long, value_name = "CONNECTION", value_parser = given::text, group = "trusted", requires = "organization_id")]
    azure_pipelines: Option<String>,

    /// The id of the Azure DevOps organization, which the connection's page shows
    #[arg(long, value_name = "ID", value_parser = given::guid, requires = "azure_pipelines")]
    organization_id: Option<Uuid>,

    /// The connection's id, if the issuer on its page is login.microsoftonline.com
    #[arg(long, value_name = "ID", value_parser = given::guid, requires = "azure_pipelines")]
    connection_id: Option<Uuid>,

    /// Pods of a cluster with this issuer and this service account: NAMESPACE/NAME
    #[arg(long, num_args = 2, value_names = ["ISSUER", "ACCOUNT"], value_parser = given::text, group = "trusted")]
    kubernetes: Option<Vec<String>>,

    /// Tokens of any issuer: the claim iss
    #[arg(long, value_name = "ADDRESS", value_parser = given::text, group = "trusted", requires = "subject")]
    issuer: Option<String>,

    /// With --issuer: the claim sub
    #[arg(long, value_name = "TEXT", value_parser = given::text, requires = "issuer")]
    subject: Option<String>,

    /// The audience of the tokens: the claim aud [default: the cloud's]
    #[arg(long, value_name = "AUDIENCE", value_parser = FederatedAudience::new, requires = "trusted")]
    audience: Option<FederatedAudience>,

    /// The federated credential's name [default: made of the subject]
    #[arg(long, value_name = "NAME", value_parser = credential_name, requires = "trusted")]
    credential_name: Option<CredentialName>,
}

fn credential_name(text: &str) -> Result<CredentialName, String> {
    let text = given::text(text)?;
    CredentialName::new(&text).map_err(|error| error.why().to_owned())
}

/// What an application should trust, and what said how a GitHub repository's subjects begin.
pub(in crate::commands) type Trust = (FederatedTrust, Option<PrefixSource>);

/// What an application should trust, as far as the options say it.
pub(in crate::commands) struct Wanted {
    of: Trusted,
    audience: Option<FederatedAudience>,
}

enum Trusted {
    GitHub {
        repository: GitHubRepository,
        run: GitHubRun,
        /// The ids of the owner and of the repository.
        ids: Option<(u64, u64)>,
    },
    GitLab(GitLabProject, GitLabRef),
    DevOps {
        path: String,
        organization_id: Uuid,
        connection_id: Option<Uuid>,
    },
    Kubernetes {
        issuer: String,
        account: KubernetesAccount,
    },
    Other {
        issuer: String,
        subject: String,
    },
}

impl Federation {
    /// What the options name; `None` without such an option. Sends nothing.
    pub(in crate::commands) fn wanted(&self) -> Result<Option<Wanted>, Failure> {
        let Some(of) = self.trusted()? else {
            return Ok(None);
        };
        Ok(Some(Wanted {
            of,
            audience: self.audience.clone(),
        }))
    }

    /// The name that was given.
    pub(in crate::commands) fn credential_name(&self) -> Option<&CredentialName> {
        self.credential_name.as_ref()
    }

    /// The jobs of a GitHub repository that the options name.
    pub(in crate::commands) fn github_run(&self) -> Result<Option<GitHubRun>, Failure> {
        self.github.as_ref().map(|_| self.run()).transpose()
    }

    fn trusted(&self) -> Result<Option<Trusted>, Failure> {
        if let Some(text) = &self.github {
            let host = env::var("GH_HOST").ok().filter(|host| !host.is_empty());
            return Ok(Some(Trusted::GitHub {
                repository: GitHubRepository::new(text, host.as_deref())?,
                run: self.run()?,
                ids: self.owner_id.zip(self.repository_id),
            }));
        }
        if let Some(text) = &self.gitlab {
            let of = match (&self.branch, &self.tag) {
                (Some(name), _) => GitLabRef::Branch(plain(name, "refs/heads/")),
                (None, Some(name)) => GitLabRef::Tag(plain(name, "refs/tags/")),
                (None, None) => return Err(no_run("`--branch NAME` or `--tag NAME`")),
            };
            return Ok(Some(Trusted::GitLab(GitLabProject::new(text)?, of)));
        }
        if self.branch.is_some() || self.tag.is_some() {
            return Err(Failure::new(
                Kind::Usage,
                "could not tell whose branch or tag is meant",
                "there is neither `--github` nor `--gitlab`",
            )
            .fix("add `--github OWNER/REPOSITORY` or `--gitlab GROUP/PROJECT`"));
        }
        if let (Some(text), Some(organization_id)) = (&self.azure_pipelines, self.organization_id) {
            return Ok(Some(Trusted::DevOps {
                path: DevOpsConnection::path(text)?,
                organization_id,
                connection_id: self.connection_id,
            }));
        }
        if let Some([issuer, account]) = self.kubernetes.as_deref() {
            return Ok(Some(Trusted::Kubernetes {
                issuer: issuer.clone(),
                account: KubernetesAccount::new(account)?,
            }));
        }
        let other = self.issuer.clone().zip(self.subject.clone());
        Ok(other.map(|(issuer, subject)| Trusted::Other { issuer, subject }))
    }

    fn run(&self) -> Result<GitHubRun, Failure> {
        Ok(match (&self.branch, &self.tag, &self.environment) {
            (Some(name), ..) => GitHubRun::Branch(plain(name, "refs/heads/")),
            (_, Some(name), _) => GitHubRun::Tag(plain(name, "refs/tags/")),
            (.., Some(name)) => GitHubRun::Environment(name.clone()),
            _ if self.pull_request => GitHubRun::PullRequest,
            _ => {
                return Err(no_run(
                    "`--branch NAME`, `--environment NAME` or `--tag NAME`",
                ));
            }
        })
    }
}

/// A branch or a tag without the beginning of its full name.
fn plain(name: &str, beginning: &str) -> String {
    name.strip_prefix(beginning).unwrap_or(name).to_owned()
}

fn no_run(options: &str) -> Failure {
    Failure::new(
        Kind::Usage,
        "could not tell which jobs the application should trust",
        "an application trusts the jobs of one branch, tag or environment, not all of a repository",
    )
    .fix(format!("add {options}"))
}

impl Wanted {
    /// The trust, and what said how the subjects of a GitHub repository begin.
    pub(in crate::commands) async fn trust(&self, reader: &Reader) -> Result<Trust, Failure> {
        let audience = match &self.audience {
            Some(given) => given.clone(),
            None => FederatedAudience::new(reader.options.cloud()?.federated_audience())?,
        };
        let trust = match &self.of {
            Trusted::GitHub {
                repository,
                run,
                ids,
            } => {
                let (prefix, source) = match *ids {
                    Some((owner, id)) => (
                        SubjectPrefix::of_ids(repository, owner, id),
                        PrefixSource::Ids,
                    ),
                    None => {
                        let found = GitHub::new(&reader.options).prefix(repository).await;
                        found.map_err(|error| not_found_out(error, repository))?
                    }
                };
                return Ok((repository.trust(&prefix, run, audience)?, Some(source)));
            }
            Trusted::GitLab(project, of) => project.trust(of, audience),
            Trusted::DevOps {
                path,
                organization_id,
                connection_id,
            } => connection(path, *organization_id, *connection_id, reader)?.trust(audience),
            Trusted::Kubernetes { issuer, account } => account.trust(issuer, audience),
            Trusted::Other { issuer, subject } => FederatedTrust::new(issuer, subject, audience),
        };
        Ok((trust?, None))
    }
}

/// A connection in the form that the options say.
fn connection(
    path: &str,
    organization_id: Uuid,
    connection_id: Option<Uuid>,
    reader: &Reader,
) -> Result<DevOpsConnection, Failure> {
    let Some(connection_id) = connection_id else {
        return Ok(DevOpsConnection::Names {
            organization_id,
            path: path.to_owned(),
        });
    };
    let tenant = TenantId::new(reader.tenant_id().unwrap_or_default())?;
    Ok(DevOpsConnection::Ids {
        tenant: DevOpsConnection::tenant(&tenant)?,
        organization_id,
        connection_id,
    })
}

/// The failure, with the ways to find it out that are left.
pub(in crate::commands) fn not_found_out(error: Error, repository: &GitHubRepository) -> Failure {
    let has_fix = error.fix().is_some();
    let failure = Failure::from(error);
    if has_fix {
        return failure;
    }
    let name = repository.full_name();
    failure.fix(format!(
        "sign in with `gh auth login`, or set GH_TOKEN to a token that may read the repository. If its subjects have ids, as those of repositories \
         made since 15 July 2026 do, add `--owner-id ID --repository-id ID`: `gh api repos/{name} --jq '.owner.id, .id'` prints both. \
         Or give `--issuer` and `--subject` as the job's token has them"
    ))
}
