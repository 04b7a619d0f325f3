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
        Self(case.within("Read the identity's permissions", look).await)
    }
}

/// The check of one capability.
pub(super) struct PermissionCheck(pub(super) Capability);

pub(super) enum Outcome {
    /// What the identity's roles allow of it.
    Judged(Access),
    /// What its roles allow could not be read.
    Failed(Error),
    /// The same, and an earlier check says so.
    NotRead,
}

impl Check for PermissionCheck {
    type Outcome = Outcome;

    fn title(&self) -> &'static str {
        self.0.title()
    }

    fn needs(&self) -> &'static [CheckId] {
        &[CheckId::SignIn, CheckId::Workspace]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<Outcome> {
        case.workspace()?;
        case.identity().await?;
        Some(match &case.find::<PermissionsSeen>().await.0 {
            Ok(permissions) => Outcome::Judged(self.0.judge(permissions)),
            // One request answers for all capabilities, so its failure is told once.
            Err(error) if self.0 == Capability::ALL[0] => Outcome::Failed(error.clone()),
            Err(_) => Outcome::NotRead,
        })
    }

    fn tell(&self, outcome: Outcome, case: &Case<'_>) -> Verdict {
        let access = match outcome {
            Outcome::Judged(access) if access.is_allowed() => return Verdict::ok("allowed"),
            Outcome::Judged(access) => access,
            Outcome::Failed(error) => return Verdict::error("", &error),
            Outcome::NotRead => {
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

/// Which actions are missing, by their number and by as many names as fit.
fn missing(access: &Access) -> String {
    const NAMED: usize = 2;
    let (missing, total) = (access.missing.len(), access.capability.actions().len());
    let mut names = access.missing[..missing.min(NAMED)].join(" and ");
    if missing > NAMED {
        names = format!(
            "{} and {} more",
            names.replace(" and ", ", "),
            missing - NAMED
        );
    }
    format!("the identity's roles lack {missing} of the {total} actions that this takes: {names}")
}
