//! Federated credentials: what an application trusts in place of a secret.
//!
//! A federated credential has an issuer, a subject and an audience. Entra ID accepts a token if the
//! three are exactly the token's (Microsoft's page 'Important considerations and restrictions for
//! federated identity credentials', which also has the limits). Only [`github_api`] and
//! [`managed_identity`] send requests.

mod compare;
mod github;
mod github_api;
mod issuers;
mod managed_identity;
mod plan;

use crate::{
    error::{Error, ErrorKind, Result},
    text::clean,
};
use azcred::{FederatedAudience, SubjectForm, is_unseen, printable};
use serde::Serialize;

pub use compare::{Difference, Part, differences, nearest, other_form_of};
pub use github::{GitHubRepository, GitHubRun, SubjectPrefix};
pub use github_api::{GitHub, PrefixSource};
pub use issuers::{DevOpsConnection, GitLabProject, GitLabRef, KubernetesAccount};
pub use managed_identity::UserAssignedIdentity;
pub use plan::{Plan, plan};

/// The longest issuer, subject or audience.
const LONGEST: usize = 600;
/// The shortest and the longest name.
const NAME_LENGTHS: std::ops::RangeInclusive<usize> = 3..=120;

/// The issuer, the subject and the audience of the tokens that an application trusts. Valid by
/// construction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FederatedTrust {
    issuer: String,
    subject: String,
    audience: FederatedAudience,
}

impl FederatedTrust {
    /// The trust in tokens with these values.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the issuer is not an address with https, or a value is empty,
    /// longer than 600 characters, or has unseen characters or white space at an end.
    pub fn new(issuer: &str, subject: &str, audience: FederatedAudience) -> Result<Self> {
        let address = issuer.strip_prefix("https://").unwrap_or_default();
        let is_address =
            !address.is_empty() && !address.starts_with('/') && !address.contains(['?', '#', ' ']);
        if !is_address || !is_plain(issuer) {
            return Err(invalid(
                "issuer",
                issuer,
                "an issuer is an address with https, such as https://token.actions.githubusercontent.com, of at most 600 characters",
                "give the token's claim 'iss', exactly as it is",
            ));
        }
        if !is_plain(subject) {
            return Err(invalid(
                "subject",
                subject,
                "a subject is a text of at most 600 characters, without white space at its ends",
                "give the token's claim 'sub', exactly as it is",
            ));
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            audience,
        })
    }

    /// The issuer: `iss` in the token.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The subject: `sub` in the token.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The audience: `aud` in the token.
    pub fn audience(&self) -> &FederatedAudience {
        &self.audience
    }

    /// The form of the subject.
    pub fn form(&self) -> SubjectForm {
        SubjectForm::of(&self.subject)
    }

    /// What a person should know before an application trusts such tokens.
    pub fn cautions(&self) -> Vec<Caution> {
        let form = self.form();
        let all = [
            (self.subject.contains('*'), Caution::Wildcard),
            (form == SubjectForm::GitHubNames, Caution::NamesAlone),
            (
                matches!(form, SubjectForm::GitHubNames | SubjectForm::GitHubIds)
                    && self.subject.ends_with(":pull_request"),
                Caution::EveryPullRequest,
            ),
        ];
        let is_so = |(is_so, caution)| if is_so { Some(caution) } else { None };
        all.into_iter().filter_map(is_so).collect()
    }

    /// A name for the federated credential, of characters that Entra ID accepts:
    /// `repo-contoso-ml-ref-refs-heads-main`.
    pub fn suggested_name(&self) -> CredentialName {
        CredentialName::from_words(&self.subject)
    }
}

/// What a person should know of a federated credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Caution {
    /// The subject has a `*`, which matches nothing but itself.
    Wildcard,
    /// The subject has names without ids: another owner can make a repository of these names after
    /// this one is gone, and its tokens match.
    NamesAlone,
    /// The subject is that of every pull request.
    EveryPullRequest,
}

impl Caution {
    /// A sentence without a full stop.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Wildcard => {
                "the subject has a '*'. Entra ID knows no wildcards here: it matches only a token whose subject has the same '*'"
            }
            Self::NamesAlone => {
                "the subject has names without ids. If the owner or the repository is renamed or deleted, someone else can make a repository of this name \
                 and sign in as the application. Switch the repository to subjects with ids in GitHub's OIDC settings, and register those"
            }
            Self::EveryPullRequest => {
                "every pull request has this subject, so everyone who may open one from a branch of this repository can sign in as the application"
            }
        }
    }
}

/// The name of a federated credential: 3 to 120 letters, digits, dashes and underscores, the first
/// one a letter or a digit. It can't be changed later.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct CredentialName(String);

impl CredentialName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if Entra ID would reject it.
    pub fn new(name: &str) -> Result<Self> {
        let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let is_valid = NAME_LENGTHS.contains(&name.len())
            && name.chars().all(is_good)
            && name.starts_with(|c: char| c.is_ascii_alphanumeric());
        if is_valid {
            return Ok(Self(name.to_owned()));
        }
        Err(invalid(
            "name of a federated credential",
            name,
            "a name has 3 to 120 letters, digits, dashes and underscores, and begins with a letter or a digit",
            "give another name, such as github-main",
        ))
    }

    /// A name of the words in a text.
    fn from_words(text: &str) -> Self {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let mut name = words.join("-");
        if name.len() < *NAME_LENGTHS.start() {
            name = format!("token-{name}");
        }
        name.truncate(*NAME_LENGTHS.end());
        Self(name.trim_end_matches('-').to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a value can be registered and shown.
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && value.chars().count() <= LONGEST
        && value.trim() == value
        && !value.contains(is_unseen)
        && printable(value, LONGEST) == value
}

fn invalid(noun: &str, value: &str, rule: &'static str, fix: &'static str) -> Error {
    let what = format!("could not use the {noun} '{}'", clean(value, 200));
    Error::new(ErrorKind::Invalid, what, rule).with_fix(fix)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
