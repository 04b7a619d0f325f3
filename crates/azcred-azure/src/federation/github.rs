//! Subjects of GitHub Actions. Source: GitHub's page 'OpenID Connect reference'.

use super::{FederatedTrust, invalid};
use crate::error::Result;
use azcred::FederatedAudience;
use serde::Serialize;

const GITHUB: &str = "github.com";
/// The longest name of an owner, and of a repository.
const OWNER: usize = 39;
const NAME: usize = 100;

/// A repository: its host, owner and name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GitHubRepository {
    /// The host: `github.com`, `NAME.ghe.com` or a GitHub Enterprise Server.
    pub host: String,
    /// The owner: a person or an organization.
    pub owner: String,
    /// The name.
    pub name: String,
}

impl GitHubRepository {
    /// Reads `OWNER/NAME`, `HOST/OWNER/NAME` or an address that `git clone` takes. `host` is the
    /// one of a text without a host.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if it is not a repository.
    pub fn new(text: &str, host: Option<&str>) -> Result<Self> {
        let wrong = || {
            invalid(
                "repository",
                text,
                "a repository is OWNER/NAME, or HOST/OWNER/NAME on another host than github.com",
                "give it as `gh repo view` shows it, such as contoso/ml-project",
            )
        };
        let path = text.trim_end_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let path = match path.strip_prefix("git@") {
            Some(rest) => rest.replacen(':', "/", 1),
            None => path.trim_start_matches("https://").to_owned(),
        };
        let parts: Vec<&str> = path.split('/').collect();
        let (host, owner, name) = match parts[..] {
            [owner, name] => (host.unwrap_or(GITHUB), owner, name),
            [host, owner, name] => (host, owner, name),
            _ => return Err(wrong()),
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':');
        // Accounts that an enterprise manages have an underscore.
        let is_owner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_valid = !host.is_empty()
            && host.chars().all(is_host)
            && (1..=OWNER).contains(&owner.len())
            && owner.chars().all(is_owner)
            && (1..=NAME).contains(&name.len())
            && name.chars().all(is_name)
            && !matches!(name, "." | "..");
        if !is_valid {
            return Err(wrong());
        }
        Ok(Self {
            host: host.to_ascii_lowercase(),
            owner: owner.to_owned(),
            name: name.to_owned(),
        })
    }

    /// `OWNER/NAME`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The issuer of the tokens of its jobs.
    pub fn issuer(&self) -> String {
        match self.host.strip_suffix(".ghe.com") {
            _ if self.is_public_github() => {
                "https://token.actions.githubusercontent.com".to_owned()
            }
            Some(name) => format!("https://token.actions.{name}.ghe.com"),
            None => format!("https://{}/_services/token", self.host),
        }
    }

    /// The address of its host's REST API.
    pub(super) fn api(&self) -> String {
        match self.host.ends_with(".ghe.com") || self.is_public_github() {
            true => format!("https://api.{}", self.host),
            false => format!("https://{}/api/v3", self.host),
        }
    }

    /// Whether the host writes subjects with ids. A GitHub Enterprise Server does not.
    pub(super) fn may_have_ids(&self) -> bool {
        self.is_public_github() || self.host.ends_with(".ghe.com")
    }

    fn is_public_github(&self) -> bool {
        self.host == GITHUB
    }

    /// The trust in the jobs of a run of this repository. `prefix` is the beginning of its
    /// subjects, which GitHub chooses.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the subject would be too long.
    pub fn trust(
        &self,
        prefix: &SubjectPrefix,
        run: &GitHubRun,
        audience: FederatedAudience,
    ) -> Result<FederatedTrust> {
        FederatedTrust::new(&self.issuer(), &prefix.subject(run), audience)
    }
}

/// The beginning of all subjects of a repository: `repo:OWNER/NAME` or `repo:OWNER@ID/NAME@ID`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubjectPrefix(String);

impl SubjectPrefix {
    /// The prefix of a repository with names alone.
    pub fn of_names(repository: &GitHubRepository) -> Self {
        Self(format!("repo:{}", repository.full_name()))
    }

    /// The prefix of a repository with the ids of its owner and itself.
    pub fn of_ids(repository: &GitHubRepository, owner_id: u64, repository_id: u64) -> Self {
        let GitHubRepository { owner, name, .. } = repository;
        Self(format!("repo:{owner}@{owner_id}/{name}@{repository_id}"))
    }

    /// The prefix in a text of GitHub's, if it is one of this repository. GitHub knows the case of
    /// the names, which a person may not.
    pub(super) fn read(text: &str, repository: &GitHubRepository) -> Option<Self> {
        let (owner, name) = text.strip_prefix("repo:")?.split_once('/')?;
        let split = |text: &str| {
            let (name, id) = match text.split_once('@') {
                Some((name, id)) => (name, Some(id)),
                None => (text, None),
            };
            let is_id = |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
            id.is_none_or(is_id)
                .then(|| (name.to_owned(), id.is_some()))
        };
        let ((owner, has_owner_id), (name, has_id)) = (split(owner)?, split(name)?);
        let is_same = owner.eq_ignore_ascii_case(&repository.owner)
            && name.eq_ignore_ascii_case(&repository.name);
        (is_same && has_owner_id == has_id).then(|| Self(text.to_owned()))
    }

    /// The prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The subject of a run's jobs.
    pub fn subject(&self, run: &GitHubRun) -> String {
        let Self(prefix) = self;
        // 'Filtering for metadata containing `:`': only this character is replaced.
        let value = |text: &str| text.replace(':', "%3A");
        match run {
            GitHubRun::Branch(name) => format!("{prefix}:ref:refs/heads/{}", value(name)),
            GitHubRun::Tag(name) => format!("{prefix}:ref:refs/tags/{}", value(name)),
            GitHubRun::Environment(name) => format!("{prefix}:environment:{}", value(name)),
            GitHubRun::PullRequest => format!("{prefix}:pull_request"),
        }
    }
}

/// What a job runs for, as the subject has it. A job with an environment has only the environment
/// in its subject, whatever started it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum GitHubRun {
    /// A branch.
    Branch(String),
    /// A tag.
    Tag(String),
    /// A deployment environment.
    Environment(String),
    /// A pull request. All of them have the same subject.
    PullRequest,
}

impl GitHubRun {
    /// A few words: `the branch main`.
    pub fn describe(&self) -> String {
        match self {
            Self::Branch(name) => format!("the branch {name}"),
            Self::Tag(name) => format!("the tag {name}"),
            Self::Environment(name) => format!("the environment {name}"),
            Self::PullRequest => "pull requests".to_owned(),
        }
    }
}
