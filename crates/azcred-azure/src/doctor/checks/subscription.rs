//! Can the identity see the subscription?

use super::{
    sign_in::SignIn,
    subscription_tenant::{OwnTenant, other_tenant, sign_in},
    workspace::{self, OtherWorkspaces, WorkspaceSeen},
};
use crate::{
    doctor::{
        case::{Case, Finding},
        check::Check,
        checks::CheckId,
        report::{Area, Subject, Verdict},
    },
    error::{Error, ErrorKind, Result},
    resource_manager::Subscription,
    service::Response,
    text::clean,
    workspace::{WorkspaceRef, subscription_id},
};
use azcred::{Fix, Principal, PrincipalKind, SeenWorkspace};

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
    /// It belongs to another tenant than the token.
    OfTenant {
        tenant: OwnTenant,
        error: Error,
        /// The workspaces that the identity can see.
        others: Vec<SeenWorkspace>,
    },
    /// No subscription is named; the identity can see these.
    Several(Vec<Subscription>),
    /// The request failed.
    Failed(Error),
}

impl Check for SubscriptionCheck {
    type Outcome = SubscriptionOutcome;

    fn area(&self) -> Area {
        Area::Workspace
    }

    fn title(&self) -> &'static str {
        "subscription"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[CheckId::SignIn, CheckId::ResourceManager]
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
        // A tenant does not know the subscriptions of others.
        if matches!(
            error.code(),
            Some("SubscriptionNotFound" | "InvalidAuthenticationTokenTenant")
        ) {
            let wanted = case.workspace().map(WorkspaceRef::subscription);
            let wanted = wanted.or(case.doctor.subscription.as_deref());
            if let Some(tenant) = other_tenant(case, wanted?).await {
                return Some(SubscriptionOutcome::OfTenant {
                    tenant,
                    error,
                    others: case.find::<OtherWorkspaces>().await.0.clone(),
                });
            }
        }
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
                in_state(id, &name, &state, detail)
            }
            SubscriptionOutcome::OfTenant {
                tenant,
                error,
                others,
            } => {
                let principal = case.principal();
                let own = principal.as_ref().and_then(|one| one.tenant_id.as_ref());
                let mut verdict = Verdict::error(id, &error);
                verdict.reason = format!(
                    "the subscription belongs to the tenant {}, and the token is from another one",
                    tenant.describe()
                );
                verdict.fixes.clear();
                let found = case.found::<SignIn>();
                let report = found.and_then(|found| found.chain());
                let chosen = report.as_deref().and_then(|report| report.chosen());
                let from = chosen.and_then(|one| Some((one.source, one.used.as_ref()?)));
                let sign_in = sign_in(from, principal.as_ref(), &tenant.id);
                let is_person = principal
                    .as_ref()
                    .is_some_and(|one| one.kind == PrincipalKind::User);
                // An application is in few tenants, a person in many.
                // A name that was given to the command was meant.
                let is_given = case.doctor.subscription.is_some();
                let is_name_wrong = case.workspace().is_some()
                    && !is_given
                    && !others.is_empty()
                    && !is_person;
                let choose = Fix::ChooseWorkspace {
                    seen: others,
                    instead_of: None,
                }
                .when("another workspace is meant");
                let verdict = match is_name_wrong {
                    true => verdict.fix(choose).fix(sign_in),
                    false => verdict.fix(sign_in).fix(choose),
                };
                match own {
                    Some(own) => verdict.evidence("token", format!("from the tenant {own}")),
                    None => verdict,
                }
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

/// The words for a subscription's state. One with unpaid bills is read-only before it is deleted
/// ('Azure subscription states').
fn in_state(id: &str, name: &str, state: &str, detail: String) -> Verdict {
    const PAY: &str = "pay the open bills: Azure portal, Cost Management + Billing, Invoices";
    let is = |one: &str| state.eq_ignore_ascii_case(one);
    if state.is_empty() || is("Enabled") {
        return Verdict::ok(detail);
    }
    let what = match name {
        "" => format!("the subscription {id}"),
        name => format!("the subscription '{name}'"),
    };
    // It works until Azure disables it.
    if is("PastDue") {
        return Verdict::warning(
            detail,
            format!("{what} has an unpaid bill (state PastDue): Azure will disable it"),
        )
        .fix(format!("an owner should {PAY}"));
    }
    let (means, fix) = if is("Disabled") {
        (
            "is disabled, so Azure rejects all changes in it",
            format!("let its owner enable it: `az account subscription enable --id {id}`"),
        )
    } else if is("Warned") {
        (
            "has been read-only since a bill was not paid",
            format!("let its owner {PAY}"),
        )
    } else if is("Deleted") {
        (
            "was deleted",
            "let its owner reactivate it within 90 days: Azure portal, Subscriptions".to_owned(),
        )
    } else {
        (
            "is not enabled",
            "let its owner look at it: Azure portal, Subscriptions".to_owned(),
        )
    };
    Verdict::failed(
        Subject::Other,
        detail,
        format!("{what} {means} (state {state})"),
    )
    .fix(fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        case::tests::{case, doctor},
        report::Status,
    };

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
        assert!(due.reason.contains("PastDue"), "{}", due.reason);
        for (state, words) in [
            ("Disabled", "the subscription 'Contoso ML' is disabled"),
            ("Warned", "read-only"),
            ("Deleted", "was deleted"),
            ("Odd", "(state Odd)"),
        ] {
            let verdict = seen("Contoso ML", state);
            assert_eq!(verdict.status, Status::Failed, "{state}");
            assert!(verdict.reason.contains(words), "{verdict:?}");
        }
    }

    #[test]
    fn a_subscription_of_another_tenant_is_named_with_that_tenant() {
        let tenant = OwnTenant {
            id: "c0a70500-0000-4000-8000-000000000002".to_owned(),
            name: Some("Fabrikam".into()),
        };
        let error = Error::new(ErrorKind::NotFound, "could not read it", "it is not here")
            .with_code(Some("SubscriptionNotFound".to_owned()));
        let verdict = tell(SubscriptionOutcome::OfTenant {
            tenant,
            error,
            others: Vec::new(),
        });
        assert_eq!(
            verdict.reason,
            "the subscription belongs to the tenant Fabrikam (c0a70500-0000-4000-8000-000000000002), and the token is from another one"
        );
        assert!(matches!(&verdict.fixes[0], Fix::SignIn(_)), "{verdict:?}");
        assert_eq!(
            verdict.fixes[1],
            Fix::choose_workspace().when("another workspace is meant")
        );
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
