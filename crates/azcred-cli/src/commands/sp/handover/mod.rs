//! Where a new secret goes: checked before the secret is made, and handed over afterwards. A secret
//! is in no argument and no message.

mod account;
mod documents;
mod gh;
mod git;
mod lines;
mod plan;
mod program;
mod target;
mod written;

pub(super) use plan::Purpose;
pub(super) use target::Target;

use self::{account::Store, gh::GitHub, plan::Plan, written::Written};
use crate::{failure::Failure, output::Output, sign_in::Place};
use azcred::{ClientId, SecretString, TenantId};
use azcred_azure::WorkspaceRef;
use clap::Args;
use serde::Serialize;
use time::OffsetDateTime;

/// What becomes of a new secret.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What becomes of the secret")]
pub(in crate::commands) struct HandoverOptions {
    /// Which program needs it: himl, azure, github, azure-pipelines, dotenv or json
    #[arg(long = "for", value_name = "WHAT", hide_possible_values = true)]
    purpose: Option<Purpose>,

    /// Where it goes: keyring, encrypted-file, gh[:OWNER/REPO], stdout or a file [default: keyring]
    #[arg(long, value_name = "PLACE", value_parser = target::parse)]
    to: Option<Target>,
}

/// The kind of credential that is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum ProofKind {
    /// None: another system's tokens are trusted.
    Federated,
    Secret,
    Certificate,
}

/// What is known before the credential is made.
pub(in crate::commands) struct Expected<'a> {
    /// The application's name.
    pub(in crate::commands) name: &'a str,
    /// The client id, if the application exists.
    pub(in crate::commands) client_id: Option<&'a ClientId>,
    pub(in crate::commands) proof: ProofKind,
}

/// A new credential.
pub(in crate::commands) struct NewCredential {
    pub(in crate::commands) client_id: ClientId,
    pub(in crate::commands) tenant: TenantId,
    /// The application's name.
    pub(in crate::commands) name: String,
    pub(in crate::commands) proof: NewProof,
    /// When it ends.
    pub(in crate::commands) expires_on: Option<OffsetDateTime>,
    /// The workspace that it is for.
    pub(in crate::commands) workspace: Option<WorkspaceRef>,
}

/// What proves the identity.
pub(in crate::commands) enum NewProof {
    /// Nothing that has to be handed over.
    Federated,
    Secret(SecretString),
    /// A certificate and its private key, both PEM in one text.
    Certificate(SecretString),
}

impl NewProof {
    fn kind(&self) -> ProofKind {
        match self {
            Self::Federated => ProofKind::Federated,
            Self::Secret(_) => ProofKind::Secret,
            Self::Certificate(_) => ProofKind::Certificate,
        }
    }
}

/// A place that was checked, and can take the credential.
#[derive(Debug)]
pub(in crate::commands) enum Handover {
    /// An account of azcred's.
    Account(Store),
    /// A file of the user's.
    File(Written),
    /// Standard output, which a program reads.
    Stdout(Purpose),
    /// A repository of GitHub.
    GitHub(GitHub),
    /// There is nothing to hand over.
    Nothing,
}

/// Where a credential is now.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct Delivered {
    /// `keyring`, `encrypted-file`, `file`, `stdout`, `github` or `nowhere`.
    to: &'static str,
    /// The profile with the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// The repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
    /// The variables or secrets that were set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    names: Vec<&'static str>,
    /// The command that uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
}

impl Delivered {
    fn new(to: &'static str) -> Self {
        Self {
            to,
            profile: None,
            path: None,
            repository: None,
            names: Vec::new(),
            command: None,
        }
    }

    /// Where the secret is, in a few words; `None` if there is none.
    pub(in crate::commands) fn place(&self) -> Option<String> {
        let profile = self.profile.as_deref().unwrap_or_default();
        let path = self.path.as_deref().unwrap_or_default();
        Some(match self.to {
            "keyring" => format!("in the keyring, as an account of the profile {profile}"),
            "encrypted-file" => {
                format!("in azcred's encrypted file, as an account of the profile {profile}")
            }
            "file" if self.profile.is_some() => {
                format!("in {path}, which is an account of the profile {profile}")
            }
            "file" => format!("in {path}, which only you can read"),
            "stdout" => "on standard output".to_owned(),
            "github" => format!(
                "in the repository {}",
                self.repository.as_deref().unwrap_or_default()
            ),
            _ => return None,
        })
    }

    /// The command that uses the credential.
    pub(in crate::commands) fn command(&self) -> Option<&str> {
        self.command.as_deref()
    }
}

impl HandoverOptions {
    /// Whether it is for a workflow of GitHub.
    pub(in crate::commands) fn is_for_github(&self) -> bool {
        self.purpose == Some(Purpose::Github)
    }

    /// Whether the options name a use that needs a secret.
    pub(in crate::commands) fn implies_secret(&self) -> bool {
        self.purpose.is_some_and(Purpose::needs_secret)
    }

    /// Checks that the place can take the credential. Changes nothing. Call it before the
    /// credential is made.
    pub(in crate::commands) async fn check(
        &self,
        expected: &Expected<'_>,
        place: &Place,
        output: &Output,
    ) -> Result<Handover, Failure> {
        Ok(
            match Plan::of(self.purpose, self.to.as_ref(), expected.proof)? {
                Plan::Nothing => Handover::Nothing,
                Plan::Account(store) => {
                    Handover::Account(Store::check(store, expected, place).await?)
                }
                Plan::File { path, purpose } => {
                    Handover::File(Written::check(&path, purpose, expected, place).await?)
                }
                Plan::Stdout(purpose) => {
                    plan::check_stdout(output)?;
                    Handover::Stdout(purpose)
                }
                Plan::GitHub(repository) => {
                    let found = GitHub::check(repository.as_deref(), place);
                    Handover::GitHub(output.waiting("Asking GitHub", found).await?)
                }
            },
        )
    }
}

impl Handover {
    /// Whether standard output belongs to the credential: nothing else may be written to it.
    pub(in crate::commands) fn takes_stdout(&self) -> bool {
        matches!(self, Self::Stdout(_))
    }

    /// Hands the credential over. A second call with the same credential changes nothing.
    ///
    /// # Errors
    /// When the place changed since the check. The credential is then nowhere.
    pub(in crate::commands) async fn deliver(
        &self,
        new: &NewCredential,
        place: &Place,
        output: &mut Output,
    ) -> Result<Delivered, Failure> {
        match self {
            Self::Nothing => Ok(Delivered::new("nowhere")),
            Self::Account(store) => store.deliver(new).await,
            Self::File(file) => file.deliver(new, place).await,
            Self::GitHub(github) => github.deliver(new).await,
            Self::Stdout(purpose) => {
                output.script(purpose.text(new)?.trim_end());
                output.finish()?;
                Ok(Delivered {
                    names: purpose.names(new.proof.kind()),
                    ..Delivered::new("stdout")
                })
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests;
