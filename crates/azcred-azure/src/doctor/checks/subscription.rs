//! Can the identity see the subscription?

use super::workspace::{self, WorkspaceSeen};
use crate::{
    doctor::{
        case::{Case, Finding},
        check::Check,
        report::{Subject, Verdict},
    },
    error::{Error, ErrorKind, Result},
    resource_manager::Subscription,
    service::Response,
    text::clean,
    workspace::{WorkspaceRef, subscription_id},
};
use azcred::Principal;

/// The subscription of the workspace or the options. If none is named, all that the identity can
/// see.
pub(super) struct SubscriptionsSeen(pub(super) Result<Response<Vec<Subscription>>>);

impl Finding for SubscriptionsSeen {
    async fn find(case: &Case<'_>) -> Self {
        let wanted = case
            .workspace()
            .map(WorkspaceRef::subscription)
            .or(case.doctor.subscription.as_deref());
        let look = async {
            let identity = case.identity_or_error().await?;
            let Some(wanted) = wanted else {
                return identity.manager.subscriptions().await;
            };
            let answer = identity
                .manager
                .subscription(&subscription_id(wanted)?)
                .await?;
            Ok(Response {
                value: vec![answer.value],
                clock_skew: answer.clock_skew,
                correlation_id: answer.correlation_id,
            })
        };
        Self(case.within("could not read the subscription", look).await)
    }
}

pub(super) struct SubscriptionCheck;

pub(super) enum SubscriptionOutcome {
    /// The identity can see the subscription.
    Seen { name: String, state: String },
    /// The identity has a role on the workspace, and none on the subscription.
    ThroughWorkspace,
    /// The identity has no role on the subscription; the workspace's check reports the failure.
    DecidedByWorkspace,
    /// The identity has no role on the subscription, nor on the workspace.
    NoRole(Error),
    /// No subscription is named; the identity can see these.
    Several(Vec<Subscription>),
    /// The request failed.
    Failed(Error),
}

impl Check for SubscriptionCheck {
    type Outcome = SubscriptionOutcome;

    fn title(&self) -> &'static str {
        "subscription"
    }

    async fn examine(&self, case: &Case<'_>) -> Option<SubscriptionOutcome> {
        case.identity().await?;
        let seen = case.find::<SubscriptionsSeen>().await;
        let error = match &seen.0 {
            Ok(seen) if case.workspace().is_none() => {
                return Some(SubscriptionOutcome::Several(seen.value.clone()));
            }
            Ok(seen) => {
                let seen = seen.value.first();
                return Some(SubscriptionOutcome::Seen {
                    name: seen.map_or_else(String::new, |seen| clean(&seen.display_name, 80)),
                    state: seen.map_or_else(String::new, |seen| clean(&seen.state, 40)),
                });
            }
            Err(error) => error.clone(),
        };
        if error.kind() != ErrorKind::NotPermitted || case.workspace().is_none() {
            return Some(SubscriptionOutcome::Failed(error));
        }
        // A role on the workspace is enough. Without any role, only one of the two checks fails.
        Some(match &case.find::<WorkspaceSeen>().await.0 {
            Ok(_) => SubscriptionOutcome::ThroughWorkspace,
            Err(second) if second.kind() == ErrorKind::NotPermitted => {
                SubscriptionOutcome::NoRole(error)
            }
            Err(_) => SubscriptionOutcome::DecidedByWorkspace,
        })
    }

    fn tell(&self, outcome: SubscriptionOutcome, case: &Case<'_>) -> Verdict {
        let id = case.workspace().map_or("", WorkspaceRef::subscription);
        match outcome {
            SubscriptionOutcome::Seen { name, state } => {
                let detail = if name.is_empty() {
                    id.to_owned()
                } else {
                    format!("{name} ({id})")
                };
                // A subscription with unpaid bills becomes read-only before it is deleted.
                if state.is_empty() || state.eq_ignore_ascii_case("Enabled") {
                    return Verdict::ok(detail);
                }
                Verdict::warning(
                    detail,
                    format!("its state is '{state}': Azure may reject changes in it"),
                )
                .fix("ask the subscription's owner to enable it again (Azure portal, Subscriptions, Overview)")
            }
            SubscriptionOutcome::ThroughWorkspace => Verdict::ok(format!(
                "{id} (the identity has no role on it, but one on the workspace)"
            )),
            SubscriptionOutcome::DecidedByWorkspace => Verdict::skipped(
                "the identity has no role on it; the check of the workspace decides",
            ),
            SubscriptionOutcome::NoRole(error) => {
                let principal = case.principal();
                let who = principal
                    .as_ref()
                    .map_or_else(|| "the identity".to_owned(), Principal::describe);
                let mut verdict = Verdict::error(id, &error);
                verdict.reason = format!(
                    "{who} has no role on this subscription, nor on the workspace in it"
                );
                verdict.fixes.clear();
                match case.workspace() {
                    Some(target) => workspace::grant(verdict, principal.as_ref(), target),
                    None => verdict,
                }
            }
            SubscriptionOutcome::Several(seen) if seen.is_empty() => Verdict::failed(
                Subject::NotPermitted,
                "",
                "the identity has no role in any subscription of this tenant",
            )
            .fix("check that the tenant above is the right one")
            .fix("ask an owner for a role: https://learn.microsoft.com/azure/machine-learning/how-to-assign-roles"),
            SubscriptionOutcome::Several(seen) => {
                const SHOWN: usize = 3;
                let names = seen.iter().take(SHOWN).map(|one| {
                    let (name, id) = (&one.display_name, &one.subscription_id);
                    format!("{} ({})", clean(name, 60), clean(id, 36))
                });
                let mut detail = names.collect::<Vec<_>>().join(", ");
                if seen.len() > SHOWN {
                    detail = format!("{detail} and {} more", seen.len() - SHOWN);
                }
                Verdict::ok(detail)
            }
            SubscriptionOutcome::Failed(error) => Verdict::error(id, &error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        case::tests::{case, doctor},
        report::Status,
    };
    use azcred::Fix;

    const ID: &str = "5ec0ffee-0001-4000-8000-000000000001";

    fn tell(outcome: SubscriptionOutcome) -> Verdict {
        let doctor = doctor();
        SubscriptionCheck.tell(outcome, &case(&doctor))
    }

    fn seen(name: &str, state: &str) -> Verdict {
        let (name, state) = (name.to_owned(), state.to_owned());
        tell(SubscriptionOutcome::Seen { name, state })
    }

    #[test]
    fn a_subscription_is_shown_by_name_and_id_with_an_unusual_state() {
        assert_eq!(
            seen("Contoso ML", "Enabled").detail,
            format!("Contoso ML ({ID})")
        );
        assert_eq!(seen("", "").detail, ID);
        let due = seen("Contoso ML", "PastDue");
        assert_eq!(due.status, Status::Warning);
        assert!(due.reason.contains("'PastDue'"), "{}", due.reason);
    }

    #[test]
    fn a_role_on_the_workspace_alone_is_enough() {
        assert_eq!(
            tell(SubscriptionOutcome::ThroughWorkspace).status,
            Status::Ok
        );
        assert_eq!(
            tell(SubscriptionOutcome::DecidedByWorkspace).status,
            Status::Skipped
        );
    }

    #[test]
    fn without_any_role_the_fix_is_the_role_that_jobs_need() {
        let error = Error::new(ErrorKind::NotPermitted, "could not read it", "no role")
            .with_code(Some("AuthorizationFailed".to_owned()));
        let verdict = tell(SubscriptionOutcome::NoRole(error));
        assert_eq!(verdict.subject, Some(Subject::NotPermitted));
        assert_eq!(verdict.code.as_deref(), Some("AuthorizationFailed"));
        assert!(
            matches!(&verdict.fixes[0], Fix::GrantRole(grant) if grant.role == "AzureML Data Scientist"),
            "{verdict:?}"
        );
    }

    #[test]
    fn some_of_many_subscriptions_are_named_and_an_empty_list_is_a_missing_role() {
        let one = |number: u8| {
            let json = format!(r#"{{"subscriptionId": "s-{number}", "displayName": "S{number}"}}"#);
            serde_json::from_str::<Subscription>(&json).expect("it is one")
        };
        let several = tell(SubscriptionOutcome::Several((1..=5).map(one).collect()));
        assert_eq!(several.detail, "S1 (s-1), S2 (s-2), S3 (s-3) and 2 more");
        let none = tell(SubscriptionOutcome::Several(Vec::new()));
        assert_eq!(none.subject, Some(Subject::NotPermitted));
    }

    #[test]
    fn a_failed_request_is_reported_with_its_error() {
        let error = Error::new(
            ErrorKind::Unreachable,
            "could not read it",
            "there was no response",
        );
        let verdict = tell(SubscriptionOutcome::Failed(error));
        assert_eq!(verdict.subject, Some(Subject::Unreachable));
        assert_eq!(
            (verdict.detail.as_str(), verdict.reason.as_str()),
            (ID, "there was no response")
        );
    }
}
