//! Can the identity see the workspace's computes, and can they be used?

use crate::{
    belongings::{Compute, Resource},
    doctor::{
        case::Case,
        check::Check,
        checks::CheckId,
        report::{Area, Subject, Verdict},
    },
    error::Error,
    workspace::WorkspaceRef,
};

pub(super) struct ComputesCheck;

pub(super) enum ComputesOutcome {
    /// The computes, each with whether it could be created.
    Seen(Vec<(String, bool)>),
    /// The identity may not list them.
    NotPermitted,
    /// The request failed.
    Failed(Error),
}

impl Check for ComputesCheck {
    type Outcome = ComputesOutcome;

    fn area(&self) -> Area {
        Area::Workspace
    }

    fn title(&self) -> &'static str {
        "computes"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[
            CheckId::SignIn,
            CheckId::Workspace,
            CheckId::WorkspaceNetwork,
        ]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<ComputesOutcome> {
        let identity = case.identity().await?;
        let listed = identity.manager.computes(case.workspace()?);
        Some(
            match case.within("could not list the computes", listed).await {
                Ok(listed) => ComputesOutcome::Seen(listed.value.iter().map(seen).collect()),
                // Without a deny assignment, the identity's permissions say what it lacks.
                Err(error) if error.code() == Some("AuthorizationFailed") => {
                    ComputesOutcome::NotPermitted
                }
                Err(error) => ComputesOutcome::Failed(error),
            },
        )
    }

    fn tell(&self, outcome: ComputesOutcome, case: &Case<'_>) -> Verdict {
        const SHOWN: usize = 4;
        let computes = match outcome {
            ComputesOutcome::Seen(computes) => computes,
            ComputesOutcome::NotPermitted => {
                return Verdict::does_not_apply(
                    "the identity may not list them; the check 'submit jobs' says what it lacks",
                );
            }
            ComputesOutcome::Failed(error) => return Verdict::error("", &error),
        };
        if computes.is_empty() {
            return Verdict::ok("none; jobs without a compute run on serverless compute");
        }
        let names = computes.iter().map(|(name, _)| name.as_str());
        let mut detail = names.take(SHOWN).collect::<Vec<_>>().join(", ");
        if computes.len() > SHOWN {
            detail = format!("{detail} and {} more", computes.len() - SHOWN);
        }
        // Jobs run as long as one of them works.
        if computes.iter().any(|(_, works)| *works) {
            return Verdict::ok(detail);
        }
        let reason = match &computes[..] {
            [(name, _)] => format!("Azure could not create the compute '{name}' (state Failed)"),
            _ => format!("Azure could not create any of the computes (state Failed): {detail}"),
        };
        let first = computes.first().map_or("", |(name, _)| name);
        let verdict = Verdict::failed(Subject::Other, detail, reason);
        match case.workspace() {
            Some(workspace) => verdict.fix(see(first, workspace)),
            None => verdict,
        }
    }
}

fn see(name: &str, workspace: &WorkspaceRef) -> String {
    format!(
        "see the cause, and make the compute again: `az ml compute show --name {name} --workspace-name {} --resource-group \"{}\" --subscription {}`",
        workspace.name(),
        workspace.resource_group(),
        workspace.subscription()
    )
}

fn seen(compute: &Resource<Compute>) -> (String, bool) {
    let state = &compute.properties.provisioning_state;
    (
        compute.name.to_string(),
        !state.eq_ignore_ascii_case("Failed"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        case::tests::{case, doctor},
        report::Status,
    };

    fn tell(computes: &[(&str, bool)]) -> Verdict {
        let computes = computes
            .iter()
            .map(|(name, works)| ((*name).to_owned(), *works));
        let doctor = doctor();
        ComputesCheck.tell(ComputesOutcome::Seen(computes.collect()), &case(&doctor))
    }

    #[test]
    fn one_compute_that_works_is_enough_and_so_is_none() {
        let some = tell(&[
            ("a", true),
            ("b", false),
            ("c", true),
            ("d", true),
            ("e", true),
        ]);
        assert_eq!(
            (some.status, &*some.detail),
            (Status::Ok, "a, b, c, d and 1 more")
        );
        assert_eq!(tell(&[]).status, Status::Ok);
    }

    #[test]
    fn computes_that_all_failed_are_a_failure_with_their_names() {
        let one = tell(&[("gpu", false)]);
        assert_eq!(
            one.reason,
            "Azure could not create the compute 'gpu' (state Failed)"
        );
        assert!(
            one.fixes[0]
                .to_string()
                .contains("`az ml compute show --name gpu "),
            "{one:?}"
        );
        let two = tell(&[("gpu", false), ("cpu", false)]);
        assert!(two.reason.ends_with(": gpu, cpu"), "{two:?}");
    }
}
