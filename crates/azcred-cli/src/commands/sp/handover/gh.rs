//! The credential in a repository of GitHub: GitHub CLI encrypts the secret for the repository, and
//! reads it from its standard input.

use super::{
    Delivered, NewCredential, NewProof, lines,
    program::{Ended, Program},
};
use crate::{
    failure::{Failure, Kind},
    sign_in::Place,
};
use azcred::{Fix, printable, redact};
use secrecy::ExposeSecret;
use serde::Deserialize;
use url::Url;

/// No prompts, no colors, no traces.
const VARIABLES: &[(&str, Option<&str>)] = &[
    ("GH_PROMPT_DISABLED", Some("1")),
    ("GH_NO_UPDATE_NOTIFIER", Some("1")),
    ("NO_COLOR", Some("1")),
    ("CLICOLOR_FORCE", None),
    ("GH_FORCE_TTY", None),
    ("GH_DEBUG", None),
    ("DEBUG", None),
];

/// A repository whose secrets the user of GitHub CLI may write.
#[derive(Debug)]
pub(in crate::commands) struct GitHub {
    gh: Program,
    /// `HOST/OWNER/REPO`, or as the user wrote it.
    repository: String,
    /// The same for people.
    shown: String,
}

/// The fields of `gh repo view --json`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    name_with_owner: String,
    viewer_permission: Option<String>,
    /// Its page. A repository of a folder may be on another host than gh's own.
    url: String,
}

impl GitHub {
    /// Checks that GitHub CLI is here, is signed in, and may write the repository's secrets.
    pub(super) async fn check(repository: Option<&str>, place: &Place) -> Result<Self, Failure> {
        let Some(gh) = Program::find("gh", &place.folder, place) else {
            return Err(failure(repository, "GitHub CLI (gh) is not installed").fix(
                Fix::InstallTool {
                    tool: "GitHub CLI".into(),
                    from: "https://cli.github.com".into(),
                    again: false,
                    then: Some("gh auth login".into()),
                },
            ));
        };
        let gh = Program {
            variables: VARIABLES,
            ..gh
        };
        let mut arguments = vec!["repo", "view"];
        arguments.extend(repository);
        arguments.extend(["--json", "nameWithOwner,viewerPermission,url"]);
        let ended = run(&gh, repository, &arguments, b"").await?;
        if ended.code != Some(0) {
            let fix = match repository {
                Some(_) => Fix::from("sign in: `gh auth login`").or("check the repository's name"),
                None => Fix::from("sign in: `gh auth login`")
                    .or("name the repository: `--to gh:OWNER/REPO`"),
            };
            return Err(failure(repository, said(&ended, &[])).fix(fix));
        }
        let seen: Seen = serde_json::from_str(&ended.stdout)
            .map_err(|error| failure(repository, format!("gh's answer can't be read: {error}")))?;
        // GitHub's page 'REST API endpoints for GitHub Actions Secrets': collaborators with write
        // access.
        let permission = seen.viewer_permission.as_deref().unwrap_or("NONE");
        if !matches!(permission, "ADMIN" | "MAINTAIN" | "WRITE") {
            return Err(Failure {
                kind: Kind::NotPermitted,
                ..failure(
                    repository,
                    format!(
                        "you have the permission {} for {}, and secrets need WRITE",
                        printable(permission, 20),
                        printable(&seen.name_with_owner, 200)
                    ),
                )
            }
            .fix(
                "ask an administrator of the repository to make you a collaborator who may write",
            ));
        }
        let (repository, shown) = match repository {
            Some(repository) => (repository.to_owned(), repository.to_owned()),
            None => {
                let url = Url::parse(&seen.url).ok();
                let host = url.as_ref().and_then(Url::host_str);
                let host = host.map_or_else(String::new, |host| format!("{host}/"));
                (
                    format!("{host}{}", seen.name_with_owner),
                    seen.name_with_owner,
                )
            }
        };
        // A fine-grained token may lack the permission `secrets`.
        let ended = run(
            &gh,
            Some(&repository),
            &["secret", "list", "--repo", &repository],
            b"",
        )
        .await?;
        match ended.code {
            Some(0) => Ok(Self {
                gh,
                repository,
                shown,
            }),
            _ => Err(failure(Some(&repository), said(&ended, &[]))
                .fix("give gh a token that may read and write the repository's secrets and variables: `gh auth refresh --scopes repo`")),
        }
    }

    /// Sets the secret, and the ids as variables: they are no secrets.
    pub(super) async fn deliver(&self, new: &NewCredential) -> Result<Delivered, Failure> {
        let [tenant, client_id, secret] = lines::AZURE;
        let mut names = vec![tenant, client_id];
        self.set("variable", tenant, new.tenant.as_str()).await?;
        self.set("variable", client_id, new.client_id.as_str())
            .await?;
        if let NewProof::Secret(value) = &new.proof {
            self.set("secret", secret, value.expose_secret()).await?;
            names.push(secret);
        }
        Ok(Delivered {
            repository: Some(self.shown.clone()),
            names,
            ..Delivered::new("github")
        })
    }

    async fn set(&self, kind: &str, name: &str, value: &str) -> Result<(), Failure> {
        let repository = Some(&*self.shown);
        let arguments = [kind, "set", name, "--repo", &self.repository];
        let ended = run(&self.gh, repository, &arguments, value.as_bytes()).await?;
        match ended.code {
            Some(0) => Ok(()),
            _ => Err(failure(
                repository,
                format!("{name} was not set: {}", said(&ended, &[value])),
            )
            .fix("run the command again; what was set stays")),
        }
    }
}

async fn run(
    gh: &Program,
    repository: Option<&str>,
    arguments: &[&str],
    input: &[u8],
) -> Result<Ended, Failure> {
    let ended = gh.run(arguments, input).await;
    ended.map_err(|error| {
        failure(repository, format!("gh did not work: {error}")).fix("run `gh auth status`")
    })
}

/// What gh said on its standard error.
fn said(ended: &Ended, secrets: &[&str]) -> String {
    let said = redact(ended.stderr.trim(), secrets);
    match said.is_empty() {
        true => "gh failed, and did not say why".to_owned(),
        false => format!("gh said: {}", printable(&said, 500)),
    }
}

fn failure(repository: Option<&str>, why: impl Into<String>) -> Failure {
    let of = repository.unwrap_or("this folder's repository");
    let what = format!("could not write the secrets of {of} on GitHub");
    Failure::new(Kind::Failed, what, why)
}
