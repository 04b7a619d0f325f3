//! Registers a federated credential, and says what came of it.

use super::trustee::Trustee;
use crate::{
    failure::{Failure, Kind},
    output::style::{STRONG, paint},
};
use azcred_azure::{
    Caution, CredentialName, Difference, FederatedCredential, FederatedTrust, Part, Plan,
    PrefixSource, differences, other_form_of, plan,
};
use serde::Serialize;

/// What was done.
pub(super) struct Made {
    /// The federated credential's name.
    name: String,
    what: Done,
    /// A federated credential for the same jobs in the other form, which is still trusted.
    other_form: Option<FederatedCredential>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Done {
    Created,
    Changed,
    Nothing,
}

/// Registers a federated credential. One that is there already stays; one that
/// differs is changed only if `may_replace`.
pub(in crate::commands) async fn register(
    trustee: &Trustee<'_>,
    (trust, source): (FederatedTrust, Option<PrefixSource>),
    name: Option<&CredentialName>,
    may_replace: bool,
) -> Result<Registered, Failure> {
    let made = make(trustee, &trust, name, may_replace).await?;
    Ok(Registered {
        trust,
        source,
        made,
    })
}

async fn make(
    trustee: &Trustee<'_>,
    trust: &FederatedTrust,
    name: Option<&CredentialName>,
    may_replace: bool,
) -> Result<Made, Failure> {
    let registered = trustee.registered().await?;
    let other_form = other_form_of(&registered, trust).cloned();
    let (name, what) = match plan(&registered, trust, name)? {
        Plan::Nothing(one) => (one.name.to_string(), Done::Nothing),
        Plan::Make(name) => {
            trustee.add(&name, trust).await?;
            (name.as_str().to_owned(), Done::Created)
        }
        Plan::Change(one) if may_replace => {
            trustee.change(one, trust).await?;
            (one.name.to_string(), Done::Changed)
        }
        Plan::Change(one) => return Err(differs(one, trust)),
    };
    // One that was changed has the other form no longer.
    let other_form = other_form.filter(|one| one.name.as_str() != name);
    Ok(Made {
        name,
        what,
        other_form,
    })
}

/// The failure for a federated credential that is there and differs, with both sides.
fn differs(one: &FederatedCredential, trust: &FederatedTrust) -> Failure {
    let sides: Vec<String> = differences(one, trust).iter().map(side_by_side).collect();
    Failure::new(
        Kind::Invalid,
        format!("could not register the federated credential '{}'", one.name),
        format!("there is one already, and it differs: {}", sides.join("; ")),
    )
    .fix("add `--replace` to change it, or `--credential-name NAME` to make another one")
}

/// A difference in one sentence.
fn side_by_side(difference: &Difference) -> String {
    let Difference {
        registered,
        presented,
        reason,
        ..
    } = difference;
    let reason = reason
        .as_ref()
        .map_or_else(String::new, |reason| format!(" ({reason})"));
    format!(
        "the {} is '{registered}', not '{presented}'{reason}",
        part(difference.part)
    )
}

pub(super) fn part(part: Part) -> &'static str {
    match part {
        Part::Issuer => "issuer",
        Part::Subject => "subject",
        Part::Audience => "audience",
    }
}

/// A federated credential that is there now.
pub(in crate::commands) struct Registered {
    pub(super) trust: FederatedTrust,
    pub(super) source: Option<PrefixSource>,
    pub(super) made: Made,
}

/// It, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct RegisteredEntry<'a> {
    credential: Credential<'a>,
    /// What was done: `created`, `changed` or `nothing`.
    done: Done,
    /// What said how a GitHub repository's subjects begin; `null` for other systems.
    found_by: Option<PrefixSource>,
    cautions: Vec<Caution>,
    /// A subject of the same jobs in another form that is trusted too; `null` if there is none.
    also_trusted: Option<&'a str>,
}

#[derive(Serialize)]
struct Credential<'a> {
    name: &'a str,
    issuer: &'a str,
    subject: &'a str,
    audience: &'a str,
}

impl Registered {
    /// It, as JSON.
    pub(in crate::commands) fn entry(&self) -> RegisteredEntry<'_> {
        RegisteredEntry {
            credential: Credential {
                name: &self.made.name,
                issuer: self.trust.issuer(),
                subject: self.trust.subject(),
                audience: self.trust.audience().as_str(),
            },
            done: self.made.what,
            found_by: self.source,
            cautions: self.trust.cautions(),
            also_trusted: self.other_subject(),
        }
    }

    fn other_subject(&self) -> Option<&str> {
        self.made.other_form.as_ref()?.subject.as_deref()
    }

    pub(super) fn headline(&self) -> &'static str {
        match self.made.what {
            Done::Created => "Registered the federated credential:",
            Done::Changed => "Changed the federated credential:",
            Done::Nothing => "Nothing to do: the application trusts these tokens already.",
        }
    }

    /// The subject, and whether it was there before.
    pub(in crate::commands) fn subject(&self) -> String {
        let mark = match self.made.what {
            Done::Nothing => ", as before",
            Done::Created | Done::Changed => "",
        };
        format!("{}{mark}", self.trust.subject())
    }

    /// It, as names and values.
    pub(super) fn rows(&self) -> Vec<(&'static str, String)> {
        let found_by = match self.source {
            Some(PrefixSource::Job) => Some("the token of this job"),
            Some(PrefixSource::Api) => Some("GitHub's API"),
            Some(PrefixSource::GitHubCli) => Some("GitHub's API, through GitHub CLI"),
            _ => None,
        };
        let mut rows = vec![
            ("Credential", self.made.name.clone()),
            ("Issuer", self.trust.issuer().to_owned()),
            ("Subject", paint(STRONG, self.trust.subject())),
            ("Audience", self.trust.audience().to_string()),
        ];
        rows.extend(found_by.map(|by| ("Subject from", by.to_owned())));
        rows
    }

    /// What a person should know of it.
    pub(in crate::commands) fn remarks(&self) -> Vec<String> {
        let cautions = self.trust.cautions().into_iter();
        let mut remarks: Vec<String> = cautions
            .map(|caution| caution.sentence().to_owned())
            .collect();
        if let Some(other) = self.other_subject() {
            remarks.push(format!(
                "the application also trusts '{other}', the other form of this subject. Remove that one when no job uses it any more"
            ));
        }
        if self.made.what != Done::Nothing {
            remarks.push(
                "it takes a moment until Entra ID knows the federated credential everywhere"
                    .to_owned(),
            );
        }
        remarks
    }
}
