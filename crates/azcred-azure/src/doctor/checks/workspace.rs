//! Does the workspace exist, and can the identity see it?

use crate::{
    doctor::{
        case::{Case, Finding},
        check::Check,
        checks::CheckId,
        report::{Area, Subject, Verdict},
    },
    error::{Error, ErrorKind, Result},
    locate::Located,
    resource_manager::Workspace,
    role,
    service::Response,
    text::clean,
    workspace::WorkspaceRef,
};
use azcred::{Fix, Principal, SeenWorkspace, printable_path};

/// The usual role of people who run jobs in a workspace.
const USUAL_ROLE: &str = "AzureML Data Scientist";

/// The workspace, as Resource Manager returned it.
pub(super) struct WorkspaceSeen(pub(super) Result<Response<Workspace>>);

impl Finding for WorkspaceSeen {
    async fn find(case: &Case<'_>) -> Self {
        let look = async {
            let target = case.workspace_or_error()?;
            let identity = case.identity_or_error().await?;
            identity.manager.workspace(target).await
        };
        Self(case.within("could not read the workspace", look).await)
    }
}

/// The workspaces that the identity can see. They are requested only if the one that is meant is
/// not known, or was not found.
pub(super) struct OtherWorkspaces(pub(super) Vec<SeenWorkspace>);

impl Finding for OtherWorkspaces {
    async fn find(case: &Case<'_>) -> Self {
        const SHOWN: usize = 5;
        let look = async {
            let identity = case.identity_or_error().await?;
            let subscriptions = identity.manager.subscriptions().await?.value;
            Ok(identity.manager.workspaces_of_all(&subscriptions).await)
        };
        let seen = case.within("could not list the workspaces", look).await;
        // Names are only a help. The reported error is the one of the workspace.
        let seen = seen.map(|seen| seen.found).unwrap_or_default();
        let named = seen.iter().filter_map(|workspace| {
            let workspace = WorkspaceRef::from_resource_id(&workspace.id).ok()?;
            let (name, group) = (workspace.name(), workspace.resource_group());
            Some(SeenWorkspace::new(name, group))
        });
        Self(named.take(SHOWN).collect())
    }
}

pub(super) struct WorkspaceCheck;

pub(super) enum WorkspaceOutcome {
    /// The identity can see the workspace.
    Seen(Box<Workspace>),
    /// Options, variables and files name no workspace, or an invalid one.
    Unnamed {
        error: Error,
        /// The workspaces that the identity can see.
        others: Vec<SeenWorkspace>,
    },
    /// The workspace does not exist, or the identity may not read it: Resource Manager does not say
    /// which.
    NotFoundOrNotPermitted {
        error: Error,
        /// The workspaces that the identity can see.
        others: Vec<SeenWorkspace>,
    },
    /// The resource group has no workspace with this name.
    NotFound {
        error: Error,
        /// The workspaces that the identity can see.
        others: Vec<SeenWorkspace>,
    },
    /// The request failed.
    Failed(Error),
}

impl Check for WorkspaceCheck {
    type Outcome = WorkspaceOutcome;

    fn area(&self) -> Area {
        Area::Workspace
    }

    fn title(&self) -> &'static str {
        "workspace"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[CheckId::SignIn, CheckId::Subscription, CheckId::Provider]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<WorkspaceOutcome> {
        if let Err(unnamed) = &case.doctor.workspace {
            return Some(WorkspaceOutcome::Unnamed {
                error: unnamed.clone(),
                others: case.find::<OtherWorkspaces>().await.0.clone(),
            });
        }
        case.identity().await?;
        Some(match &case.find::<WorkspaceSeen>().await.0 {
            Ok(seen) => WorkspaceOutcome::Seen(Box::new(seen.value.clone())),
            Err(error) => {
                let error = error.clone();
                let others = async || case.find::<OtherWorkspaces>().await.0.clone();
                match (error.kind(), error.code()) {
                    (ErrorKind::NotPermitted, Some("AuthorizationFailed")) => {
                        let others = others().await;
                        WorkspaceOutcome::NotFoundOrNotPermitted { error, others }
                    }
                    (ErrorKind::NotFound, Some("ResourceNotFound")) => {
                        let others = others().await;
                        WorkspaceOutcome::NotFound { error, others }
                    }
                    _ => WorkspaceOutcome::Failed(error),
                }
            }
        })
    }

    fn tell(&self, outcome: WorkspaceOutcome, case: &Case<'_>) -> Verdict {
        let located = match &case.doctor.workspace {
            Ok(located) => located,
            Err(unnamed) => {
                let mut verdict = Verdict::error("", unnamed);
                if let WorkspaceOutcome::Unnamed { others, .. } = outcome {
                    let fixes = std::mem::take(&mut verdict.fixes).into_iter();
                    verdict.fixes = fixes.map(|fix| with_seen(fix, &others)).collect();
                }
                return verdict;
            }
        };
        let target = &located.workspace;
        let named = named(located);
        let error = match outcome {
            WorkspaceOutcome::Seen(workspace) => return seen(case, &workspace),
            WorkspaceOutcome::NotFoundOrNotPermitted { error, others } => {
                let mut verdict = Verdict::error(named, &error);
                verdict.reason = format!(
                    "the workspace '{}' in {} does not exist, or this identity may not read it (Azure does not say which)",
                    target.name(),
                    target.resource_group()
                );
                let sees_others = !others.is_empty();
                let name = Fix::CheckWorkspaceName { seen: others }.when("the name is wrong");
                let role = usual_role(case.principal().as_ref(), target).when("the name is right");
                // A wrong name needs no role. Who sees no workspace at all needs one.
                let verdict = match sees_others {
                    true => verdict.only(name).fix(role),
                    false => verdict.only(role).fix(name),
                };
                return verdict.fix(ROLE_IS_NEW);
            }
            WorkspaceOutcome::NotFound { error, others } => {
                let mut verdict = Verdict::error(named, &error);
                verdict.reason = format!(
                    "the resource group '{}' has no workspace '{}'",
                    target.resource_group(),
                    target.name()
                );
                verdict.fixes = vec![Fix::CheckWorkspaceName { seen: others }];
                return verdict;
            }
            WorkspaceOutcome::Unnamed { error, .. } | WorkspaceOutcome::Failed(error) => error,
        };
        Verdict::error(named, &error)
    }
}

/// A fix with the workspaces to choose from.
fn with_seen(fix: Fix, others: &[SeenWorkspace]) -> Fix {
    let each = |fixes: Vec<Fix>| {
        let fixes = fixes.into_iter();
        fixes.map(|fix| with_seen(fix, others)).collect()
    };
    match fix {
        Fix::ChooseWorkspace { seen, instead_of } if seen.is_empty() => Fix::ChooseWorkspace {
            seen: others.to_vec(),
            instead_of,
        },
        Fix::AnyOf(fixes) => Fix::AnyOf(each(fixes)),
        Fix::AllOf(fixes) => Fix::AllOf(each(fixes)),
        Fix::If(condition, fix) => Fix::If(condition, Box::new(with_seen(*fix, others))),
        other => other,
    }
}

/// The workspace and its resource group with the places where their names were found. If both
/// places are the same, it is shown once.
fn named(located: &Located) -> String {
    let (target, source) = (&located.workspace, &located.source);
    let group = target.resource_group();
    let group_source = &located.resource_group_source;
    if group_source == source {
        format!(
            "'{}' in the resource group {group} (from {source})",
            target.name()
        )
    } else {
        format!(
            "'{}' (from {source}) in the resource group {group} (from {group_source})",
            target.name()
        )
    }
}

/// Adds the fix for a missing role.
pub(super) fn grant(
    verdict: Verdict,
    principal: Option<&Principal>,
    target: &WorkspaceRef,
) -> Verdict {
    verdict.fix(usual_role(principal, target)).fix(ROLE_IS_NEW)
}

const ROLE_IS_NEW: &str = "if the role was assigned just now, wait a few minutes and try again";

fn usual_role(principal: Option<&Principal>, target: &WorkspaceRef) -> Fix {
    role::grant(principal, USUAL_ROLE, target.resource_id()).into()
}

fn seen(case: &Case<'_>, workspace: &Workspace) -> Verdict {
    let Ok(located) = &case.doctor.workspace else {
        return Verdict::ok("");
    };
    let detail = format!(
        "{} in {} (from {})",
        located.workspace.name(),
        clean(&workspace.location, 40),
        located.source
    );
    let with_id = |verdict: Verdict| match &workspace.properties.workspace_id {
        Some(id) => verdict.evidence("id", clean(id, 36)),
        None => verdict,
    };
    with_id(unusable(located, workspace).unwrap_or_else(|| accessible(located, detail)))
}

fn accessible(located: &Located, detail: String) -> Verdict {
    if let Some((path, other)) = &located.other {
        let path = printable_path(path);
        return Verdict::warning(
            detail,
            format!(
                "MLClient uses this workspace, and hi-ml '{}' from {path}",
                other.name()
            ),
        )
        .fix(format!(
            "name the same workspace in {} and {path}, or remove one of them",
            located.source
        ));
    }
    Verdict::ok(detail)
}

/// The failure of a workspace whose state does not let it be used; `None` if it can be.
fn unusable(located: &Located, workspace: &Workspace) -> Option<Verdict> {
    let state = workspace.properties.provisioning_state.as_deref()?;
    let target = &located.workspace;
    let name = target.name();
    let is = |one: &str| state.eq_ignore_ascii_case(one);
    let (means, fix) = if is("SoftDeleted") || is("Deleting") {
        (
            "was deleted",
            "recover it within 14 days of its deletion: Azure portal, Azure Machine Learning, Recently deleted"
                .to_owned(),
        )
    } else if is("Creating") {
        (
            "is still being created",
            "wait some minutes, and try again".to_owned(),
        )
    } else if is("Failed") || is("Canceled") {
        (
            "could not be created or changed",
            format!(
                "see the cause: `az ml workspace diagnose --name {name} --resource-group \"{}\" --subscription {}`",
                target.resource_group(),
                target.subscription()
            ),
        )
    } else {
        // `Succeeded`, `Updating`, and what later versions may add.
        return None;
    };
    let reason = format!(
        "the workspace '{name}' {means} (state {})",
        clean(state, 40)
    );
    Some(Verdict::failed(Subject::Other, named(located), reason).fix(fix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        Doctor,
        case::tests::{case, doctor, doctor_for},
        report::Status,
    };
    use azcred::{
        system::Fixture,
        workspace::{Labels, Named, locate},
    };
    use std::path::Path;

    fn tell(doctor: &Doctor, outcome: WorkspaceOutcome) -> Verdict {
        WorkspaceCheck.tell(outcome, &case(doctor))
    }

    fn workspace(more: &str) -> Box<Workspace> {
        let json = format!(
            r#"{{"id": "i", "name": "ws-job", "location": "westeurope", "properties": {{"workspaceId": "w-1"{more}}}}}"#
        );
        serde_json::from_str(&json).expect("it is one")
    }

    fn error(kind: ErrorKind) -> Error {
        Error::new(kind, "could not read the workspace", "because").with_answer(404, None, None)
    }

    #[test]
    fn a_visible_workspace_is_shown_with_its_region_and_the_source_of_its_name() {
        let seen = tell(&doctor(), WorkspaceOutcome::Seen(workspace("")));
        assert_eq!(seen.status, Status::Ok);
        assert_eq!(
            seen.detail,
            "ws-job in westeurope (from AZUREML_ARM_WORKSPACE_NAME)"
        );
        assert_eq!(seen.evidence[0].value, "w-1");
    }

    #[test]
    fn a_workspace_that_was_not_found_has_its_name_as_the_first_fix() {
        let error = error(ErrorKind::NotPermitted);
        let others = vec![SeenWorkspace::new("ws-1", "rg")];
        let outcome = WorkspaceOutcome::NotFoundOrNotPermitted { error, others };
        let verdict = tell(&doctor(), outcome);
        assert_eq!(verdict.subject, Some(Subject::NotPermitted));
        assert_eq!(
            verdict.detail,
            "'ws-job' (from AZUREML_ARM_WORKSPACE_NAME) in the resource group rg (from AZUREML_ARM_RESOURCEGROUP)"
        );
        let name = Fix::CheckWorkspaceName {
            seen: vec![SeenWorkspace::new("ws-1", "rg")],
        };
        assert_eq!(verdict.fixes[0], name.when("the name is wrong"));
        let Fix::If(_, role) = &verdict.fixes[1] else {
            panic!("{verdict:?}");
        };
        assert!(
            matches!(&**role, Fix::GrantRole(grant) if grant.role == USUAL_ROLE),
            "{verdict:?}"
        );
        assert!(verdict.fixes[2].to_string().contains("wait"), "{verdict:?}");
    }

    #[test]
    fn one_place_is_named_once() {
        let config = r#"{"subscription_id": "5ec0ffee-0001-4000-8000-000000000001", "resource_group": "rg", "workspace_name": "ws-1"}"#;
        let system = Fixture::new().with_file("/p/config.json", config);
        let located = locate(&system, Path::new("/p"), &Named::default());
        let doctor = doctor_for(Ok(located.unwrap().unwrap()));
        let missing = tell(
            &doctor,
            WorkspaceOutcome::NotFound {
                error: error(ErrorKind::NotFound),
                others: Vec::new(),
            },
        );
        assert_eq!(
            missing.detail,
            "'ws-1' in the resource group rg (from /p/config.json)"
        );
        assert_eq!(
            missing.reason,
            "the resource group 'rg' has no workspace 'ws-1'"
        );

        let mut named = Named::default();
        named.workspace = Some("ws-2".to_owned());
        named.labels = Labels(["--subscription", "--resource-group", "--workspace"]);
        let located = locate(&system, Path::new("/p"), &named);
        let doctor = doctor_for(Ok(located.unwrap().unwrap()));
        let missing = tell(
            &doctor,
            WorkspaceOutcome::NotFound {
                error: error(ErrorKind::NotFound),
                others: Vec::new(),
            },
        );
        assert_eq!(
            missing.detail,
            "'ws-2' (from --workspace) in the resource group rg (from /p/config.json)"
        );
    }

    #[test]
    fn a_workspace_that_can_not_be_used_is_a_failure_with_its_state() {
        for (state, words) in [
            ("SoftDeleted", "was deleted (state SoftDeleted)"),
            ("Creating", "still being created"),
            ("failed", "could not be created or changed"),
        ] {
            let found = workspace(&format!(r#", "provisioningState": "{state}""#));
            let verdict = tell(&doctor(), WorkspaceOutcome::Seen(found));
            assert_eq!(verdict.status, Status::Failed, "{state}");
            assert!(verdict.reason.contains(words), "{verdict:?}");
            assert_eq!(verdict.evidence[0].value, "w-1");
        }
        for state in ["Succeeded", "Updating"] {
            let found = workspace(&format!(r#", "provisioningState": "{state}""#));
            let verdict = tell(&doctor(), WorkspaceOutcome::Seen(found));
            assert_eq!(verdict.status, Status::Ok, "{state}");
        }
    }

    #[test]
    fn two_files_that_disagree_are_a_warning() {
        let config = |name: &str| {
            format!(
                r#"{{"subscription_id": "5ec0ffee-0001-4000-8000-000000000001", "resource_group": "rg", "workspace_name": "{name}"}}"#
            )
        };
        let system = Fixture::new()
            .with_file("/p/.azureml/config.json", config("ws-1"))
            .with_file("/p/config.json", config("ws-2"));
        let located = locate(&system, Path::new("/p"), &Named::default());
        let doctor = doctor_for(Ok(located.unwrap().unwrap()));
        let verdict = tell(&doctor, WorkspaceOutcome::Seen(workspace("")));
        assert_eq!(verdict.status, Status::Warning);
        assert_eq!(
            verdict.reason,
            "MLClient uses this workspace, and hi-ml 'ws-2' from /p/config.json"
        );
    }

    #[test]
    fn a_missing_name_is_reported_with_its_own_error() {
        let unnamed = Error::new(
            ErrorKind::Invalid,
            "could not read config.json",
            "it is not JSON",
        );
        let unnamed = unnamed.with_fix(Fix::from("look").or(Fix::choose_workspace()));
        let doctor = doctor_for(Err(unnamed.clone()));
        let others = vec![SeenWorkspace::new("ws-1", "rg")];
        let outcome = WorkspaceOutcome::Unnamed {
            error: unnamed,
            others: others.clone(),
        };
        let verdict = tell(&doctor, outcome);
        let choose = Fix::ChooseWorkspace {
            seen: others,
            instead_of: None,
        };
        assert_eq!(verdict.fixes, [Fix::from("look").or(choose)]);
        assert_eq!(verdict.reason, "could not read config.json: it is not JSON");
        assert_eq!(verdict.detail, "");
    }
}
