//! A token beside the federated credentials that are registered: what differs, and why.

use super::FederatedTrust;
use crate::applications::FederatedCredential;
use azcred::SubjectForm;
use serde::Serialize;

/// A part of a federated credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// The issuer.
    Issuer,
    /// The subject.
    Subject,
    /// The audience.
    Audience,
}

/// A part in which a token and a federated credential differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The part.
    pub part: Part,
    /// The value of the federated credential: what is expected.
    pub registered: String,
    /// The value of the token.
    pub presented: String,
    /// What is behind it, as a sentence without a full stop; `None` if the values say it.
    pub reason: Option<String>,
}

/// In which parts a token and a federated credential differ. Empty if the token matches: each part
/// is compared exactly, with the case of its letters.
pub fn differences(
    registered: &FederatedCredential,
    presented: &FederatedTrust,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut add = |part, registered: &str, presented: &str, reason| {
        found.push(Difference {
            part,
            registered: registered.to_owned(),
            presented: presented.to_owned(),
            reason,
        });
    };
    let issuer = registered.issuer.raw();
    if issuer != presented.issuer() {
        let reason = if issuer.trim_end_matches('/') == presented.issuer().trim_end_matches('/') {
            Some("only the slash at the end differs, and it counts".to_owned())
        } else {
            only_case(issuer, presented.issuer())
        };
        add(Part::Issuer, &registered.issuer, presented.issuer(), reason);
    }
    match &registered.subject {
        Some(subject) if subject.raw() == presented.subject() => {}
        Some(subject) => {
            let reason = subjects(subject.raw(), presented.subject());
            add(Part::Subject, subject, presented.subject(), reason);
        }
        None => {
            let reason = "the federated credential has an expression in place of a subject, which is not evaluated here";
            add(
                Part::Subject,
                "",
                presented.subject(),
                Some(reason.to_owned()),
            );
        }
    }
    let audience = presented.audience().as_str();
    if !registered.audiences.iter().any(|one| one.raw() == audience) {
        let all: Vec<&str> = registered
            .audiences
            .iter()
            .map(azcred::Untrusted::as_str)
            .collect();
        add(Part::Audience, &all.join(" "), audience, None);
    }
    found
}

/// Why two subjects differ, if it is more than the values say.
fn subjects(registered: &str, presented: &str) -> Option<String> {
    let forms = [registered, presented].map(SubjectForm::of);
    let [expected, got] = forms;
    if expected != got && expected.other_form() == Some(got) {
        let is_same = without_ids(registered) == without_ids(presented);
        let also = match is_same || expected == SubjectForm::DevOpsNames {
            true => "",
            false => "; what follows differs too",
        };
        return Some(format!(
            "the federated credential has {expected}, the token {got}{also}"
        ));
    }
    if let Some(reason) = only_case(registered, presented) {
        return Some(reason);
    }
    registered
        .contains('*')
        .then(|| "the federated credential has a '*', which matches nothing but itself".to_owned())
}

fn only_case(registered: &str, presented: &str) -> Option<String> {
    registered
        .eq_ignore_ascii_case(presented)
        .then(|| "only the case of letters differs, and it counts".to_owned())
}

/// A subject of GitHub's without the ids.
pub(super) fn without_ids(subject: &str) -> String {
    let Some((repository, rest)) = subject
        .strip_prefix("repo:")
        .and_then(|text| text.split_once(':'))
    else {
        return subject.to_owned();
    };
    let names = repository
        .split('/')
        .map(|part| part.split('@').next().unwrap_or_default());
    format!("repo:{}:{rest}", names.collect::<Vec<_>>().join("/"))
}

/// The federated credential that is most like a token, with what differs: the fewest parts, then
/// the longest common beginning of the subjects. `None` without any.
pub fn nearest<'a>(
    registered: &'a [FederatedCredential],
    presented: &FederatedTrust,
) -> Option<(&'a FederatedCredential, Vec<Difference>)> {
    let all = registered
        .iter()
        .map(|one| (one, differences(one, presented)));
    all.min_by_key(|(one, differences)| {
        let own = without_ids(one.subject.as_ref().map_or("", azcred::Untrusted::raw));
        let theirs = without_ids(presented.subject());
        let common = own
            .chars()
            .zip(theirs.chars())
            .take_while(|(own, their)| own == their);
        (differences.len(), std::cmp::Reverse(common.count()))
    })
}

/// The federated credential for the same jobs in the other form of their system, if there is one.
/// Only GitHub's subjects can be compared across forms: Azure DevOps' have nothing in common.
pub fn other_form_of<'a>(
    registered: &'a [FederatedCredential],
    trust: &FederatedTrust,
) -> Option<&'a FederatedCredential> {
    let wanted = without_ids(trust.subject());
    registered.iter().find(|one| {
        let subject = one.subject.as_ref().map_or("", azcred::Untrusted::raw);
        one.issuer.raw() == trust.issuer()
            && SubjectForm::of(subject).other_form() == Some(trust.form())
            && without_ids(subject) == wanted
    })
}
