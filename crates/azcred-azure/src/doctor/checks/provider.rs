//! Is the subscription registered for Azure Machine Learning?

use crate::{
    belongings::PROVIDER,
    doctor::{
        case::Case,
        check::Check,
        checks::CheckId,
        report::{Area, Subject, Verdict},
    },
    error::{Error, ErrorKind},
    text::clean,
    workspace::WorkspaceRef,
};
use azcred::Fix;

pub(super) struct ProviderCheck;

pub(super) enum ProviderOutcome {
    /// No workspace, and so no subscription, is named.
    NoSubscription,
    /// The identity may not read it. If it is not registered, the workspace does not exist.
    NotReadable,
    /// `Registered`, `NotRegistered`, …
    State(String),
    /// The request failed.
    Failed(Error),
}

impl Check for ProviderCheck {
    type Outcome = ProviderOutcome;

    fn area(&self) -> Area {
        Area::Workspace
    }

    fn title(&self) -> &'static str {
        "provider"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[CheckId::SignIn, CheckId::Subscription]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<ProviderOutcome> {
        let identity = case.identity().await?;
        let Some(workspace) = case.workspace() else {
            return Some(ProviderOutcome::NoSubscription);
        };
        let read = identity.manager.provider(workspace.subscription());
        let read = case.within("could not read the resource provider", read);
        Some(match read.await {
            Ok(read) => ProviderOutcome::State(clean(&read.value.registration_state, 40)),
            // The workspace's own check tells more of the same cause.
            Err(error) if matches!(error.kind(), ErrorKind::NotPermitted | ErrorKind::NotFound) => {
                ProviderOutcome::NotReadable
            }
            Err(error) => ProviderOutcome::Failed(error),
        })
    }

    fn tell(&self, outcome: ProviderOutcome, case: &Case<'_>) -> Verdict {
        let subscription = case.workspace().map_or("", WorkspaceRef::subscription);
        let state = match outcome {
            ProviderOutcome::NoSubscription => {
                return Verdict::does_not_apply("no workspace is named");
            }
            ProviderOutcome::NotReadable => {
                return Verdict::does_not_apply(
                    "the identity may not read the subscription's resource providers",
                );
            }
            ProviderOutcome::Failed(error) => return Verdict::error(PROVIDER, &error),
            ProviderOutcome::State(state) => state,
        };
        // It is usable while it is being registered in further regions.
        if ["Registered", "Registering"]
            .iter()
            .any(|one| state.eq_ignore_ascii_case(one))
        {
            return Verdict::ok(format!("{PROVIDER}, {}", state.to_lowercase()));
        }
        Verdict::failed(
            Subject::Other,
            PROVIDER,
            format!("the subscription {subscription} is not registered for Azure Machine Learning"),
        )
        .fix(Fix::RegisterProvider {
            namespace: PROVIDER.into(),
            subscription: subscription.to_owned(),
        })
        .evidence("state", state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        case::tests::{case, doctor},
        report::Status,
    };

    fn tell(outcome: ProviderOutcome) -> Verdict {
        let doctor = doctor();
        ProviderCheck.tell(outcome, &case(&doctor))
    }

    #[test]
    fn a_subscription_that_is_not_registered_is_registered_by_the_fix() {
        for state in ["NotRegistered", "Unregistered"] {
            let verdict = tell(ProviderOutcome::State(state.to_owned()));
            assert_eq!(verdict.status, Status::Failed);
            assert!(
                matches!(&verdict.fixes[0], Fix::RegisterProvider { subscription, .. } if subscription.starts_with("5ec0ffee")),
                "{verdict:?}"
            );
        }
        for state in ["Registered", "Registering"] {
            assert_eq!(
                tell(ProviderOutcome::State(state.to_owned())).status,
                Status::Ok
            );
        }
        assert_eq!(
            tell(ProviderOutcome::NotReadable).status,
            Status::DoesNotApply
        );
        assert_eq!(
            tell(ProviderOutcome::NoSubscription).status,
            Status::DoesNotApply
        );
    }
}
