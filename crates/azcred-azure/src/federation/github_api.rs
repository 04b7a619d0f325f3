//! Which subjects a repository's jobs have, by GitHub's own word: the token of the job in which
//! this runs, or else its REST API ('GitHub Actions OIDC', 'Get the customization template for an
//! OIDC subject claim for a repository', whose `sub_claim_prefix` is the beginning of all
//! subjects).

use super::{GitHubRepository, SubjectPrefix};
use crate::{
    error::{Error, ErrorKind, Result},
    text::clean,
};
use azcred::{
    AccessToken, ClientOptions, SecretString,
    http::{HttpRequest, HttpResponse, Retry, Url},
    system::{Command, Finished, SharedSystem, is_loopback},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long GitHub may take.
const DEADLINE: Duration = Duration::from_secs(20);
/// Subjects that an organization or a repository makes up of these parts are the usual ones.
const USUAL: [&str; 2] = ["repo", "context"];

/// GitHub, for one program.
#[derive(Clone, Debug)]
pub struct GitHub {
    options: ClientOptions,
}

/// What said how the subjects of a repository begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum PrefixSource {
    /// The token of the job in which this runs.
    Job,
    /// GitHub's API.
    Api,
    /// GitHub's API, through GitHub CLI.
    GitHubCli,
    /// The ids of the owner and the repository, which a person gave.
    Ids,
}

#[derive(Deserialize)]
struct Customization {
    #[serde(default)]
    use_default: Option<bool>,
    #[serde(default)]
    include_claim_keys: Vec<String>,
    #[serde(default)]
    sub_claim_prefix: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    message: String,
}

/// The response of a job's token service.
#[derive(Deserialize)]
struct Issued {
    value: String,
}

impl GitHub {
    /// GitHub, with these options' network and variables.
    pub fn new(options: &ClientOptions) -> Self {
        Self {
            options: options.clone(),
        }
    }

    /// The beginning of a repository's subjects. Nothing is guessed: a repository that GitHub does
    /// not tell about is an error.
    ///
    /// In a job of the repository, its own token says it. Elsewhere GitHub's API does: with the
    /// token in `GH_TOKEN` or `GITHUB_TOKEN`, or through GitHub CLI if that is signed in, or
    /// without a sign-in. `GITHUB_API_URL` is the API's address.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if GitHub does not show the repository's subjects;
    /// [`ErrorKind::Invalid`] if they have a form of their own; [`ErrorKind::Unreachable`] and
    /// [`ErrorKind::Unexpected`].
    pub async fn prefix(
        &self,
        repository: &GitHubRepository,
    ) -> Result<(SubjectPrefix, PrefixSource)> {
        if let Some(prefix) = self.of_job(repository).await? {
            return Ok((prefix, PrefixSource::Job));
        }
        let path = format!(
            "repos/{}/actions/oidc/customization/sub",
            repository.full_name()
        );
        let token = self.token(repository);
        if token.is_none()
            && self.var("GITHUB_API_URL").is_none()
            && let Some(finished) = self.github_cli(repository, &path).await
        {
            let prefix = of_program(repository, &finished)?;
            return Ok((prefix, PrefixSource::GitHubCli));
        }
        let prefix = self.of_api(repository, &path, token).await?;
        Ok((prefix, PrefixSource::Api))
    }

    fn system(&self) -> &SharedSystem {
        self.options.system()
    }

    fn var(&self, name: &str) -> Option<String> {
        self.system().var(name)
    }

    /// The prefix in the token of the job in which this runs, if the job is the repository's.
    async fn of_job(&self, repository: &GitHubRepository) -> Result<Option<SubjectPrefix>> {
        let is_own = self
            .var("GITHUB_REPOSITORY")
            .is_some_and(|own| own.eq_ignore_ascii_case(&repository.full_name()));
        let service = self
            .var("ACTIONS_ID_TOKEN_REQUEST_URL")
            .zip(self.var("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
        let Some((address, token)) = service.filter(|_| is_own) else {
            return Ok(None);
        };
        let what = "could not get the job's token from GitHub";
        let issued = self.get(what, &address, Some(token.into())).await?;
        let unexpected = || {
            Error::new(
                ErrorKind::Unexpected,
                what,
                "the response has no token with a subject",
            )
        };
        let issued: Issued = serde_json::from_slice(&issued.body).map_err(|_| unexpected())?;
        let token = bearer(issued.value.into(), self.system());
        let claims = token.unverified_claims().map_err(|_| unexpected())?;
        let subject = claims.get("sub").and_then(serde_json::Value::as_str);
        let subject = subject.ok_or_else(unexpected)?;
        let prefix: Vec<&str> = subject.splitn(3, ':').take(2).collect();
        match SubjectPrefix::read(&prefix.join(":"), repository) {
            Some(prefix) => Ok(Some(prefix)),
            None => Err(own_form(repository).with_fix(
                "register the subject of the job's token as it is; the error of a sign-in that Entra ID rejected shows it",
            )),
        }
    }

    /// The token in a variable that GitHub CLI reads for this host.
    fn token(&self, repository: &GitHubRepository) -> Option<SecretString> {
        let names = match repository.may_have_ids() {
            true => ["GH_TOKEN", "GITHUB_TOKEN"],
            false => ["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"],
        };
        names.iter().find_map(|name| Some(self.var(name)?.into()))
    }

    /// What GitHub CLI got; `None` if it is not there or not signed in.
    async fn github_cli(&self, repository: &GitHubRepository, path: &str) -> Option<Finished> {
        /// 'Exit codes' in GitHub CLI's manual.
        const NOT_SIGNED_IN: i32 = 4;
        let system = self.system();
        let program = system.find_program("gh")?;
        let arguments = ["api", path, "--hostname", &repository.host];
        let command = Command::new(program, &arguments, DEADLINE)
            .with_var("GH_PROMPT_DISABLED", "1")
            .with_var("GH_NO_UPDATE_NOTIFIER", "1");
        let finished = system.run(command).await.ok()?;
        (finished.code != Some(NOT_SIGNED_IN)).then_some(finished)
    }

    async fn of_api(
        &self,
        repository: &GitHubRepository,
        path: &str,
        token: Option<SecretString>,
    ) -> Result<SubjectPrefix> {
        let what = what_of(repository);
        let base = self
            .var("GITHUB_API_URL")
            .unwrap_or_else(|| repository.api());
        let address = format!("{}/{path}", base.trim_end_matches('/'));
        let response = self.get(&what, &address, token).await?;
        read(repository, &response.body)
    }

    /// A response with status 200.
    async fn get(
        &self,
        what: &str,
        address: &str,
        token: Option<SecretString>,
    ) -> Result<HttpResponse> {
        let invalid = |why| Error::new(ErrorKind::Invalid, what.to_owned(), why);
        let url = Url::parse(address).map_err(|_| invalid("GitHub's address is not valid"))?;
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        if !is_safe {
            return Err(invalid(
                "GitHub's address is plain HTTP, which would expose the token",
            ));
        }
        let mut request = HttpRequest::get(url).with_retry(Retry::NEVER);
        let secret = token.map(|token| bearer(token, self.system()));
        if let Some(token) = &secret {
            request = request
                .with_bearer(token)
                .ok_or_else(|| invalid("the token for GitHub has characters that no token has"))?;
        }
        let http = self.options.http();
        let response = http
            .send(what, &request, DEADLINE.min(self.options.deadline()))
            .await
            .map_err(|error| Error::transport(&error))?;
        if secret
            .as_ref()
            .is_some_and(|token| response.repeats(token.secret()))
        {
            return Err(Error::new(
                ErrorKind::Unexpected,
                what.to_owned(),
                "the response repeats the token of the request, which GitHub never does",
            ));
        }
        match response.status {
            200 => Ok(response),
            status => Err(refused(what, status, &message(&response.body))),
        }
    }
}

/// A token for a header. How long it lives does not matter.
fn bearer(token: SecretString, system: &SharedSystem) -> AccessToken {
    AccessToken::new(token, system.now(), Duration::from_secs(60), None)
}

fn what_of(repository: &GitHubRepository) -> String {
    format!(
        "could not find out which subjects {} has",
        repository.full_name()
    )
}

/// GitHub's own words of a rejection.
fn message(body: &[u8]) -> String {
    serde_json::from_slice::<Refused>(body).map_or_else(
        |_| "no reason".to_owned(),
        |refused| clean(&refused.message, 200),
    )
}

fn refused(what: &str, status: u16, said: &str) -> Error {
    let kind = match status {
        401 | 403 | 404 => ErrorKind::NotFound,
        429 | 500.. => ErrorKind::Unreachable,
        _ => ErrorKind::Unexpected,
    };
    Error::new(
        kind,
        what.to_owned(),
        format!("GitHub returned HTTP {status}: {said}"),
    )
}

fn of_program(repository: &GitHubRepository, finished: &Finished) -> Result<SubjectPrefix> {
    if finished.code == Some(0) {
        return read(repository, &finished.stdout);
    }
    let said = String::from_utf8_lossy(&finished.stderr);
    let said = said.lines().next().unwrap_or_default();
    Err(Error::new(
        ErrorKind::NotFound,
        what_of(repository),
        format!("GitHub CLI could not read it: {}", clean(said, 200)),
    ))
}

/// The prefix in GitHub's description of a repository's subjects.
fn read(repository: &GitHubRepository, body: &[u8]) -> Result<SubjectPrefix> {
    let unexpected = |why: String| Error::new(ErrorKind::Unexpected, what_of(repository), why);
    let found: Customization = serde_json::from_slice(body)
        .map_err(|_| unexpected("the response is not GitHub's".to_owned()))?;
    // Without keys, the organization's own parts count, which are not in the response.
    if found.use_default == Some(false) && found.include_claim_keys != USUAL {
        return Err(own_form(repository).with_fix(
            "let a job of the repository sign in: the error shows its subject, with the command that registers it",
        ));
    }
    match found.sub_claim_prefix {
        Some(text) => SubjectPrefix::read(&text, repository).ok_or_else(|| {
            unexpected(format!(
                "GitHub's subjects of this repository begin with '{}', which is another name; use the name that the repository has now",
                clean(&text, 200)
            ))
        }),
        None if !repository.may_have_ids() => Ok(SubjectPrefix::of_names(repository)),
        None => Err(unexpected(
            "GitHub's response does not say how the subjects begin".to_owned(),
        )),
    }
}

/// The error for a repository whose subjects are made of other parts.
fn own_form(repository: &GitHubRepository) -> Error {
    Error::new(
        ErrorKind::Invalid,
        what_of(repository),
        "the repository or its organization has a template of its own for subjects",
    )
}

#[cfg(test)]
#[path = "github_api_tests.rs"]
mod tests;
