//! Does the workspace exist, and can the identity see it?

use crate::{
    doctor::{
        case::{Case, Finding},
        check::Check,
        checks::CheckId,
        report::Verdict,
    },
    error::{Error, ErrorKind, Result},
    locate::Located,
    resource_manager::Workspace,
    role,
    service::Response,
    text::clean,
    workspace::WorkspaceRef,
};
use azcred::{Fix, Principal, printable_path};

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

/// The subscription's other workspaces that the identity can see, with their resource groups. They
/// are requested only if the workspace was not found.
struct OtherWorkspaces(Vec<String>);

impl Finding for OtherWorkspaces {
    async fn find(case: &Case<'_>) -> Self {
        const SHOWN: usize = 5;
        let look = async {
            let target = case.workspace_or_error()?;
            let identity = case.identity_or_error().await?;
            identity.manager.workspaces(target.subscription()).await
        };
        let seen = case.within("could not list the workspaces", look).await;
        // Names are only a help. The reported error is the one of the workspace.
        let seen = seen.map(|seen| seen.value).unwrap_or_default();
        let named = seen.iter().filter_map(|workspace| {
            let workspace = WorkspaceRef::from_resource_id(&workspace.id).ok()?;
            let (name, group) = (workspace.name(), workspace.resource_group());
            Some(format!("'{name}' in {group}"))
        });
        Self(named.take(SHOWN).collect())
    }
}

pub(super) struct WorkspaceCheck;

pub(super) enum WorkspaceOutcome {
    /// The identity can see the workspace.
    Seen(Box<Workspace>),
    /// Options, variables and files name no workspace, or an invalid one.
    Unnamed(Error),
    /// The workspace does not exist, or the identity may not read it: Resource Manager does not say
    /// which.
    NotFoundOrNotPermitted {
        error: Error,
        /// The workspaces that the identity can see.
        others: Vec<String>,
    },
    /// The resource group has no workspace with this name.
    NotFound {
        error: Error,
        /// The workspaces that the identity can see.
        others: Vec<String>,
    },
    /// The request failed.
    Failed(Error),
}

impl Check for WorkspaceCheck {
    type Outcome = WorkspaceOutcome;

    fn title(&self) -> &'static str {
        "workspace"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[CheckId::SignIn, CheckId::Subscription]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<WorkspaceOutcome> {
        if let Err(unnamed) = &case.doctor.workspace {
            return Some(WorkspaceOutcome::Unnamed(unnamed.clone()));
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
            Err(unnamed) => return Verdict::error("", unnamed),
        };
        let target = &located.workspace;
        let named = named(located);
        let error = match outcome {
            WorkspaceOutcome::Seen(workspace) => return seen(case, &workspace),
            WorkspaceOutcome::NotFoundOrNotPermitted { error, others } => {
                let mut verdict = Verdict::error(named, &error);
                verdict.reason =
                    "it does not exist, or this identity may not read it (Azure does not say which)"
                        .to_owned();
                // The name is the first fix: a wrong name needs no role.
                let name = Fix::CheckWorkspaceName { seen: others }.when("the name is wrong");
                let role = usual_role(case.principal().as_ref(), target).when("the name is right");
                return verdict.only(name).fix(role).fix(ROLE_IS_NEW);
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
            WorkspaceOutcome::Unnamed(error) | WorkspaceOutcome::Failed(error) => error,
        };
        Verdict::error(named, &error)
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
    role::grant(principal, USUAL_ROLE, target.resource_id())
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
    with_id(accessible(located, workspace, detail))
}

fn accessible(located: &Located, workspace: &Workspace, detail: String) -> Verdict {
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
    if workspace.properties.public_network_access.as_deref() == Some("Disabled") {
        return Verdict::warning(
            detail,
            "its public network access is disabled: jobs and data may be out of reach from here",
        )
        .fix("work from inside its virtual network, or through a VPN or a jump host there");
    }
    Verdict::ok(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        Doctor,
        case::tests::{case, doctor, doctor_for},
        report::{Status, Subject},
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
        let others = vec!["'ws-1' in rg".to_owned()];
        let outcome = WorkspaceOutcome::NotFoundOrNotPermitted { error, others };
        let verdict = tell(&doctor(), outcome);
        assert_eq!(verdict.subject, Some(Subject::NotPermitted));
        assert_eq!(
            verdict.detail,
            "'ws-job' (from AZUREML_ARM_WORKSPACE_NAME) in the resource group rg (from AZUREML_ARM_RESOURCEGROUP)"
        );
        let name = Fix::CheckWorkspaceName {
            seen: vec!["'ws-1' in rg".to_owned()],
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
    fn a_workspace_behind_its_own_network_and_two_files_that_disagree_are_warnings() {
        let private = workspace(r#", "publicNetworkAccess": "Disabled""#);
        let verdict = tell(&doctor(), WorkspaceOutcome::Seen(private));
        assert_eq!(verdict.status, Status::Warning);
        assert!(verdict.reason.contains("network"), "{verdict:?}");

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
        let doctor = doctor_for(Err(unnamed.clone()));
        let verdict = tell(&doctor, WorkspaceOutcome::Unnamed(unnamed));
        assert_eq!(verdict.reason, "could not read config.json: it is not JSON");
        assert_eq!(verdict.detail, "");
    }
}
