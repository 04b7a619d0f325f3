//! What `--for` and `--to` mean together.

use super::{ProofKind, documents, lines, target::Target};
use crate::{
    failure::{Failure, Kind},
    output::Output,
};
use azcred::account::SecretStore;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// The program that needs the credential: how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::commands) enum Purpose {
    /// hi-ml: `HIML_*`.
    Himl,
    /// Every Azure SDK: `AZURE_*`.
    Azure,
    /// GitHub Actions.
    Github,
    /// Azure Pipelines: the configuration of a service connection.
    AzurePipelines,
    /// `AZURE_*` in a file `.env`.
    Dotenv,
    /// The JSON of `az ad sp create-for-rbac`.
    Json,
}

impl Purpose {
    /// Whether it makes no sense without a secret.
    pub(super) fn needs_secret(self) -> bool {
        matches!(self, Self::Himl | Self::Azure | Self::Dotenv | Self::Json)
    }

    /// The option's value.
    fn value(self) -> &'static str {
        match self {
            Self::Himl => "himl",
            Self::Azure => "azure",
            Self::Github => "github",
            Self::AzurePipelines => "azure-pipelines",
            Self::Dotenv => "dotenv",
            Self::Json => "json",
        }
    }

    /// The names of the variables, if it is written as variables.
    pub(super) fn names(self, proof: ProofKind) -> Vec<&'static str> {
        match (self, proof) {
            (_, ProofKind::Certificate) | (Self::AzurePipelines | Self::Json, _) => Vec::new(),
            (Self::Himl, _) => lines::HIML.to_vec(),
            (Self::Azure | Self::Github | Self::Dotenv, _) => lines::AZURE.to_vec(),
        }
    }

    /// The whole text, for standard output or a file of its own.
    pub(super) fn text(self, new: &super::NewCredential) -> Result<Zeroizing<String>, Failure> {
        match self {
            Self::Json => documents::of_az(new),
            Self::AzurePipelines => documents::service_connection(new),
            _ => lines::text(self, new),
        }
    }
}

/// Where a credential goes, and in which form.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Nowhere: there is nothing to hand over.
    Nothing,
    Account(SecretStore),
    File {
        path: PathBuf,
        purpose: Purpose,
    },
    Stdout(Purpose),
    /// To a repository; without a name, the one of the current folder.
    GitHub(Option<String>),
}

impl Plan {
    /// What the options mean.
    pub(super) fn of(
        purpose: Option<Purpose>,
        to: Option<&Target>,
        proof: ProofKind,
    ) -> Result<Self, Failure> {
        use Purpose::{AzurePipelines, Dotenv, Github, Himl, Json};
        if proof == ProofKind::Federated {
            return match (purpose, to) {
                (Some(Github) | None, Some(Target::GitHub(repository))) => {
                    Ok(Self::GitHub(repository.clone()))
                }
                (_, None) => Ok(Self::Nothing),
                _ => Err(usage(
                    "there is no secret to hand over",
                    "leave `--to` out, or add `--secret`",
                )),
            };
        }
        if proof == ProofKind::Certificate {
            return match (purpose, to) {
                (None | Some(Purpose::Azure), Some(Target::File(path))) => Ok(Self::File {
                    path: path.clone(),
                    purpose: Purpose::Azure,
                }),
                (Some(Himl), _) => Err(usage(
                    "hi-ml can't sign in with a certificate",
                    "use `--secret` in place of `--certificate`, or leave `--for` out and run hi-ml with `azcred exec`",
                )),
                (Some(other), _) if other != Purpose::Azure => Err(usage(
                    format!("`--for {}` has no place for a certificate", other.value()),
                    "use `--secret` in place of `--certificate`, or leave `--for` out",
                )),
                _ => Err(usage(
                    "a certificate and its key are a file, which programs read at every sign-in",
                    "name the file: `--to FILE.pem`",
                )),
            };
        }
        let in_file = |path: &str, purpose| Self::File {
            path: path.into(),
            purpose,
        };
        Ok(match (purpose, to) {
            (Some(Json | AzurePipelines), None) => {
                return Err(usage(
                    "the text with the secret needs a place",
                    "name a file with `--to FILE`, or pipe it into a program with `--to stdout`",
                ));
            }
            (Some(Dotenv), None) => in_file(".env", Dotenv),
            (Some(Github), None) => Self::GitHub(None),
            (Some(Github) | None, Some(Target::GitHub(repository))) => {
                Self::GitHub(repository.clone())
            }
            (Some(Github), Some(_)) => {
                return Err(usage(
                    "a workflow of GitHub reads secrets of its repository",
                    "leave `--to` out, or name the repository: `--to gh:OWNER/REPO`",
                ));
            }
            (Some(other), Some(Target::GitHub(_))) => {
                return Err(usage(
                    format!(
                        "`--for {}` has no use for a repository of GitHub",
                        other.value()
                    ),
                    "use `--for github`",
                ));
            }
            (
                Some(other @ (Json | AzurePipelines | Dotenv)),
                Some(Target::Keyring | Target::EncryptedFile),
            ) => {
                return Err(usage(
                    format!(
                        "an account of azcred's has no place for the text of `--for {}`",
                        other.value()
                    ),
                    "leave `--for` out, or name a file with `--to FILE`",
                ));
            }
            (_, None | Some(Target::Keyring)) => Self::Account(SecretStore::Keyring),
            (_, Some(Target::EncryptedFile)) => Self::Account(SecretStore::File),
            (purpose, Some(Target::Stdout)) => Self::Stdout(purpose.unwrap_or(Purpose::Azure)),
            (purpose, Some(Target::File(path))) => Self::File {
                path: path.clone(),
                purpose: purpose.unwrap_or(Purpose::Azure),
            },
        })
    }
}

fn usage(why: impl Into<String>, fix: &'static str) -> Failure {
    let what = "could not choose a place for the credential";
    Failure::new(Kind::Usage, what, why).fix(fix)
}

/// Checks that a program reads standard output, and only the credential.
pub(super) fn check_stdout(output: &Output) -> Result<(), Failure> {
    const WHAT: &str = "could not write the secret to standard output";
    if output.is_json() {
        return Err(Failure::new(
            Kind::Usage,
            WHAT,
            "with `--output json`, the result is written there",
        )
        .fix("leave `--output json` out (`--for json` writes JSON with the secret), or name a file with `--to FILE`"));
    }
    match output.is_terminal() {
        true => Err(Failure::new(
            Kind::Usage,
            WHAT,
            "it is a terminal, which shows and keeps what is written to it",
        )
        .fix("pipe it into the program that needs it, or name another place with `--to`")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Target {
        Target::File(path.into())
    }

    #[test]
    fn without_a_place_a_secret_goes_where_its_use_needs_it() {
        let secret = |purpose, to: Option<&Target>| Plan::of(purpose, to, ProofKind::Secret).ok();
        for purpose in [None, Some(Purpose::Himl), Some(Purpose::Azure)] {
            assert_eq!(
                secret(purpose, None),
                Some(Plan::Account(SecretStore::Keyring))
            );
            assert_eq!(
                secret(purpose, Some(&file("x"))),
                Some(Plan::File {
                    path: "x".into(),
                    purpose: purpose.unwrap_or(Purpose::Azure)
                })
            );
        }
        assert_eq!(
            secret(Some(Purpose::Dotenv), None),
            Some(Plan::File {
                path: ".env".into(),
                purpose: Purpose::Dotenv
            })
        );
        assert_eq!(
            secret(Some(Purpose::Github), None),
            Some(Plan::GitHub(None))
        );
        for purpose in [Purpose::Json, Purpose::AzurePipelines] {
            assert_eq!(secret(Some(purpose), None), None, "{purpose:?}");
            assert_eq!(
                secret(Some(purpose), Some(&Target::Stdout)),
                Some(Plan::Stdout(purpose))
            );
        }
    }

    #[test]
    fn a_certificate_goes_into_a_file_and_nothing_into_no_place() {
        let plan = |purpose, to: Option<&Target>, proof| Plan::of(purpose, to, proof);
        let pem = file("x.pem");
        assert!(plan(None, Some(&pem), ProofKind::Certificate).is_ok());
        for purpose in [
            Purpose::Himl,
            Purpose::Dotenv,
            Purpose::Github,
            Purpose::Json,
        ] {
            assert!(plan(Some(purpose), Some(&pem), ProofKind::Certificate).is_err());
        }
        for to in [None, Some(&Target::Keyring), Some(&Target::Stdout)] {
            assert!(plan(None, to, ProofKind::Certificate).is_err());
        }
        assert_eq!(
            plan(Some(Purpose::Github), None, ProofKind::Federated).unwrap(),
            Plan::Nothing
        );
        assert!(plan(None, Some(&pem), ProofKind::Federated).is_err());
    }
}
