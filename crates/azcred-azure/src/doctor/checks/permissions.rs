//! What may the identity do in the workspace?

use crate::{
    access::{Access, Capability},
    doctor::{
        case::{Case, Finding},
        check::Check,
        checks::CheckId,
        report::{Subject, Verdict},
    },
    error::{Error, Result},
    permissions::Permissions,
    role,
    workspace::WorkspaceRef,
};

/// What the identity's roles allow at the workspace.
pub(super) struct PermissionsSeen(Result<Permissions>);

impl Finding for PermissionsSeen {
    async fn find(case: &Case<'_>) -> Self {
        let look = async {
            let target = case.workspace_or_error()?;
            let identity = case.identity_or_error().await?;
            let seen = identity.manager.permissions(&target.resource_id()).await?;
            Ok(seen.value)
        };
        Self(
            case.within("could not read the identity's permissions", look)
                .await,
        )
    }
}

/// The check of one capability.
pub(super) struct PermissionCheck(pub(super) Capability);

pub(super) enum PermissionOutcome {
    /// The identity's roles were compared with the needed actions.
    Judged(Access),
    /// The identity's permissions could not be read.
    Failed(Error),
    /// The permissions could not be read, and an earlier check reports that.
    NotRead,
}

impl Check for PermissionCheck {
    type Outcome = PermissionOutcome;

    fn title(&self) -> &'static str {
        self.0.title()
    }

    fn needs(&self) -> &'static [CheckId] {
        &[CheckId::SignIn, CheckId::Workspace]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<PermissionOutcome> {
        case.workspace()?;
        case.identity().await?;
        Some(match &case.find::<PermissionsSeen>().await.0 {
            Ok(permissions) => PermissionOutcome::Judged(self.0.judge(permissions)),
            // One request serves all capabilities, so only the first check reports its failure.
            Err(error) if self.0 == Capability::ALL[0] => PermissionOutcome::Failed(error.clone()),
            Err(_) => PermissionOutcome::NotRead,
        })
    }

    fn tell(&self, outcome: PermissionOutcome, case: &Case<'_>) -> Verdict {
        let access = match outcome {
            PermissionOutcome::Judged(access) if access.is_allowed() => {
                return Verdict::ok("allowed");
            }
            PermissionOutcome::Judged(access) => access,
            PermissionOutcome::Failed(error) => return Verdict::error("", &error),
            PermissionOutcome::NotRead => {
                return Verdict::skipped("the identity's permissions could not be read");
            }
        };
        let reason = missing(&access);
        let verdict = if case.doctor.required.contains(&self.0) {
            Verdict::failed(Subject::NotPermitted, "not allowed", reason)
        } else {
            Verdict::warning("not allowed, and not needed to run jobs", reason)
        };
        let least = self.0.least_role().map_or("Owner", |role| role.name);
        let scope = case.workspace().map(WorkspaceRef::resource_id);
        verdict.fix(role::grant(
            case.principal().as_ref(),
            least,
            scope.unwrap_or_default(),
        ))
    }
}

/// The number of missing actions, and the names of as many as fit.
fn missing(access: &Access) -> String {
    const NAMED: usize = 2;
    let (missing, total) = (access.missing.len(), access.capability.actions().len());
    let named = &access.missing[..missing.min(NAMED)];
    let names = match missing > NAMED {
        true => format!("{} and {} more", named.join(", "), missing - NAMED),
        false => named.join(" and "),
    };
    format!("the identity's roles lack {missing} of the {total} actions that this takes: {names}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        doctor::{
            case::tests::{case, doctor},
            report::Status,
        },
        error::ErrorKind,
    };
    use azcred::Fix;

    fn tell(capability: Capability, outcome: PermissionOutcome) -> Verdict {
        let doctor = doctor();
        PermissionCheck(capability).tell(outcome, &case(&doctor))
    }

    fn lacking(capability: Capability, missing: Vec<&'static str>) -> Verdict {
        let access = Access {
            capability,
            missing,
        };
        tell(capability, PermissionOutcome::Judged(access))
    }

    #[test]
    fn every_missing_action_is_counted() {
        let computes = Capability::ManageComputes;
        let total = computes.actions().len();
        let reason = |count: usize| lacking(computes, computes.actions()[..count].to_vec()).reason;
        let begins = |count: usize| {
            format!("the identity's roles lack {count} of the {total} actions that this takes: ")
        };
        let [first, second, ..] = computes.actions() else {
            unreachable!()
        };
        assert_eq!(reason(1), format!("{}{first}", begins(1)));
        assert_eq!(reason(2), format!("{}{first} and {second}", begins(2)));
        assert_eq!(
            reason(4),
            format!("{}{first}, {second} and 2 more", begins(4))
        );
    }

    #[test]
    fn missing_actions_for_jobs_fail_and_others_warn() {
        let jobs = lacking(Capability::SubmitJobs, vec!["x/y"]);
        assert_eq!(
            (jobs.status, jobs.subject),
            (Status::Failed, Some(Subject::NotPermitted))
        );
        let role = |verdict: &Verdict| match &verdict.fixes[..] {
            [Fix::GrantRole(grant)] => grant.role.clone(),
            fixes => panic!("{fixes:?}"),
        };
        assert_eq!(role(&jobs), "AzureML Data Scientist");
        let computes = lacking(Capability::ManageComputes, vec!["x/y"]);
        assert_eq!((computes.status, computes.subject), (Status::Warning, None));
        assert_eq!(role(&computes), "AzureML Compute Operator");
        let allowed = lacking(Capability::SubmitJobs, Vec::new());
        assert_eq!(
            (allowed.status, allowed.detail.as_str()),
            (Status::Ok, "allowed")
        );
    }

    #[test]
    fn permissions_that_could_not_be_read_are_one_failure() {
        let error = Error::new(
            ErrorKind::Unreachable,
            "could not read them",
            "there was no response",
        );
        let first = tell(Capability::SubmitJobs, PermissionOutcome::Failed(error));
        assert_eq!(first.subject, Some(Subject::Unreachable));
        let next = tell(Capability::ReadData, PermissionOutcome::NotRead);
        assert_eq!(next.status, Status::Skipped);
    }
}
