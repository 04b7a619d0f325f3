//! What came of a request to a service that belongs to the workspace, and its words: the same for
//! the storage account, the key vault and the registry.

use super::rights::{name_of, rights};
use crate::{
    access::Capability,
    data_plane::{Answer, Reach},
    doctor::{
        case::Case,
        report::{Status, Subject, Verdict},
    },
    error::{Error, ErrorKind, Result},
};
use azcred::Fix;
use std::time::Duration;
use tokio::time::Instant;

/// What came of a request.
pub(super) enum Contact {
    /// The service was reached.
    Reached,
    /// It does not exist.
    Gone(Option<Answer>),
    /// The container in it does not exist.
    NoContainer(Answer),
    /// Its firewall does not let this machine in, which has this address.
    Firewall(Answer, Option<String>),
    /// Its address is not known.
    NoAddress,
    /// It rejected the request for another reason.
    Rejected(Answer),
    /// There was no answer.
    Failed(Error),
}

impl Contact {
    /// From what Resource Manager said of the service, and what the service returned.
    pub(super) fn of(read: Option<&Error>, reach: &Result<Option<Reach>>) -> Self {
        match reach {
            _ if read.is_some_and(|error| error.kind() == ErrorKind::NotFound) => Self::Gone(None),
            Ok(None) => Self::NoAddress,
            Ok(Some(reach)) => match reach.clone() {
                // Whether the identity may use the data is a question of its permissions.
                Reach::Yes | Reach::NoRight(_) => Self::Reached,
                Reach::Firewall(answer, address) => Self::Firewall(answer, address),
                Reach::Gone(answer) => Self::Gone(Some(answer)),
                Reach::NoContainer(answer) => Self::NoContainer(answer),
                Reach::Rejected(answer) => Self::Rejected(answer),
            },
            Err(error) => Self::Failed(error.clone()),
        }
    }

    /// How much the service matters where it could not be asked: an identity that gets no token for
    /// it, as a user in Cloud Shell, does not use it from here.
    pub(super) fn matters(&self, matters: Matters) -> Matters {
        match self {
            Self::Failed(error) if error.token_error().is_some() => match matters {
                Matters::Required => matters,
                Matters::Usable | Matters::No => Matters::No,
            },
            _ => matters,
        }
    }
}

/// A kind of service in words, and the commands that fix it.
pub(super) struct Words<'a> {
    /// `key vault`
    pub(super) kind: &'static str,
    /// What brings it back.
    pub(super) restore: Vec<Fix>,
    /// Azure CLI's command that lets an address in, up to the service's name.
    pub(super) admit: &'static str,
    /// What the missing container is, and what brings it back.
    pub(super) container: Option<(&'a str, Fix)>,
}

impl Contact {
    /// The words.
    pub(super) fn tell(self, id: &str, words: Words<'_>) -> Verdict {
        let (name, kind) = (name_of(id), words.kind);
        match self {
            Self::Reached => Verdict::ok(format!("{name}, reached")),
            Self::NoAddress => Verdict::does_not_apply(format!(
                "the address of '{name}' is not known in this cloud"
            )),
            Self::Gone(answer) => {
                let reason = format!("the workspace's {kind} '{name}' does not exist any more");
                let verdict = rejected(Subject::Other, name, reason, answer.as_ref());
                words.restore.into_iter().fold(verdict, Verdict::fix)
            }
            Self::NoContainer(answer) => {
                let (what, fix) = words.container.unwrap_or_default();
                let reason = format!("the {kind} '{name}' does not have {what}");
                rejected(Subject::Other, name, reason, Some(&answer)).fix(fix)
            }
            Self::Firewall(answer, address) => {
                let reason =
                    format!("the firewall of the {kind} '{name}' does not let this machine in");
                let address = address.as_deref().unwrap_or("ADDRESS");
                let command = az(id, words.admit, &format!(" --ip-address {address}"));
                rejected(Subject::Unreachable, name, reason, Some(&answer)).fix(format!(
                    "{INSIDE}; or let an owner allow this machine's public address: {command}"
                ))
            }
            Self::Rejected(answer) => {
                let reason = format!(
                    "the {kind} '{name}' rejected the request (HTTP {}): {}",
                    answer.status, answer.message
                );
                rejected(Subject::Refused, name, reason, Some(&answer))
            }
            Self::Failed(error) => Verdict::error(name, &error),
        }
    }
}

/// How much a service matters that jobs run without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matters {
    /// The caller of the doctor requires it.
    Required,
    /// The identity has the right to use it.
    Usable,
    /// The identity has no right to use it.
    No,
}

impl Matters {
    /// What a capability of the identity makes of a service.
    pub(super) async fn of(case: &Case<'_>, capability: Capability) -> Self {
        if case.doctor.required.contains(&capability) {
            return Self::Required;
        }
        let rights = rights(case, capability.realm()).await.ok().flatten();
        let access = rights.map(|rights| capability.judge(&rights.permissions));
        match access.is_some_and(|access| access.is_allowed()) {
            true => Self::Usable,
            false => Self::No,
        }
    }

    /// The verdict for a service that exists and can't be reached. `but` is why jobs run without
    /// it.
    pub(super) fn soften(self, verdict: Verdict, but: &str) -> Verdict {
        if verdict.status != Status::Failed || self == Self::Required {
            return verdict;
        }
        let reason = format!("{}; {but}", verdict.reason);
        match self {
            Self::No => Verdict::does_not_apply(reason),
            _ => Verdict {
                status: Status::Warning,
                subject: None,
                reason,
                ..verdict
            },
        }
    }
}

/// What to do where a network keeps this machine out.
pub(super) const INSIDE: &str =
    "work from inside its network: through a VPN, or on a compute or a jump host there";

/// The failure that an answer has, with its code.
fn rejected(subject: Subject, detail: &str, reason: String, answer: Option<&Answer>) -> Verdict {
    let mut verdict = Verdict::failed(subject, detail, reason);
    if let Some(answer) = answer {
        let code = match answer.inner.as_str() {
            "" => &answer.code,
            inner => inner,
        };
        verdict.code = Some(code.to_owned()).filter(|code| !code.is_empty());
        verdict.correlation_id.clone_from(&answer.id);
    }
    verdict
}

/// A command of Azure CLI for a resource, of which it needs the name, the group and the
/// subscription.
pub(super) fn az(id: &str, command: &str, more: &str) -> String {
    let part = |number: usize| id.split('/').nth(number).unwrap_or_default();
    format!(
        "`{command} {} --resource-group \"{}\" --subscription {}{more}`",
        name_of(id),
        part(4),
        part(2)
    )
}

/// The time that is left for a request.
pub(super) fn left(case: &Case<'_>) -> Duration {
    case.end.saturating_duration_since(Instant::now())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::doctor::checks) const ID: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg 1/providers/Microsoft.X/things/thing";

    pub(in crate::doctor::checks) fn answer(code: &str, inner: &str) -> Answer {
        Answer {
            status: 403,
            code: code.to_owned(),
            inner: inner.to_owned(),
            message: "no".to_owned(),
            id: Some("c0".to_owned()),
        }
    }

    fn tell(contact: Contact) -> Verdict {
        let words = Words {
            kind: "thing",
            restore: vec!["bring it back".into()],
            admit: "az thing allow --name",
            container: Some(("the box 'b'", "make it".into())),
        };
        contact.tell(ID, words)
    }

    #[test]
    fn a_service_that_rejects_for_lack_of_a_right_was_reached() {
        for reach in [Reach::Yes, Reach::NoRight(answer("x", ""))] {
            let verdict = tell(Contact::of(None, &Ok(Some(reach))));
            assert_eq!(
                (verdict.status, &*verdict.detail),
                (Status::Ok, "thing, reached")
            );
        }
    }

    #[test]
    fn what_resource_manager_does_not_find_is_gone() {
        let error = |kind| Error::new(kind, "could not read it", "because");
        let gone = Contact::of(Some(&error(ErrorKind::NotFound)), &Ok(None));
        let verdict = tell(gone);
        assert_eq!(
            verdict.reason,
            "the workspace's thing 'thing' does not exist any more"
        );
        assert_eq!(verdict.fixes, ["bring it back".into()]);
        // Who may not read it is not told whether it exists.
        let unknown = Contact::of(Some(&error(ErrorKind::NotPermitted)), &Ok(None));
        assert_eq!(tell(unknown).status, Status::DoesNotApply);
    }

    #[test]
    fn a_firewall_is_opened_for_the_address_that_it_saw() {
        let blocked = Contact::Firewall(
            answer("Forbidden", "ForbiddenByFirewall"),
            Some("203.0.113.7".into()),
        );
        let verdict = tell(blocked);
        assert_eq!(verdict.subject, Some(Subject::Unreachable));
        assert_eq!(verdict.code.as_deref(), Some("ForbiddenByFirewall"));
        assert_eq!(verdict.correlation_id.as_deref(), Some("c0"));
        let fix = verdict.fixes[0].to_string();
        let command = "`az thing allow --name thing --resource-group \"rg 1\" --subscription 5ec0ffee-0001-4000-8000-000000000001 --ip-address 203.0.113.7`";
        assert!(fix.ends_with(command), "{fix}");
    }

    #[test]
    fn a_missing_container_and_any_other_rejection_are_named() {
        let missing = tell(Contact::NoContainer(answer("ContainerNotFound", "")));
        assert_eq!(
            missing.reason,
            "the thing 'thing' does not have the box 'b'"
        );
        assert_eq!(missing.fixes, ["make it".into()]);
        let other = tell(Contact::Rejected(answer("Odd", "")));
        assert_eq!(
            other.reason,
            "the thing 'thing' rejected the request (HTTP 403): no"
        );
        let none = tell(Contact::Failed(Error::new(
            ErrorKind::Unreachable,
            "a",
            "no response",
        )));
        assert_eq!(none.reason, "no response");
    }

    #[test]
    fn a_service_that_jobs_run_without_matters_to_who_uses_it() {
        let blocked = || tell(Contact::Firewall(answer("x", ""), None));
        let status = |matters: Matters| matters.soften(blocked(), "jobs don't need it").status;
        assert_eq!(status(Matters::Required), Status::Failed);
        assert_eq!(status(Matters::Usable), Status::Warning);
        assert_eq!(status(Matters::No), Status::DoesNotApply);
        let reached = Matters::No.soften(tell(Contact::Reached), "");
        assert_eq!(reached.status, Status::Ok);
    }
}
