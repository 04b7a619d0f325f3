//! Which role may do what, and which api-versions are served.

use super::*;
use crate::resources::Action;

#[tokio::test]
async fn a_deleted_workspace_takes_its_jobs_and_assets_with_it() {
    let azure = azure();
    put(&azure, "jobs/one", command()).await.done(201);
    put(&azure, "environments/e/versions/1", json!({"image": "x"}))
        .await
        .done(201);
    let path = format!("{WORKSPACE}?{ML}");
    azure
        .call(OWNER, Method::DELETE, &path, None)
        .await
        .done(200);
    assert!(azure.world.jobs().all().is_empty());
    azure
        .get(OWNER, &at("jobs"))
        .await
        .refused(404, "ParentResourceNotFound");
    azure
        .get(OWNER, &at("jobs/one"))
        .await
        .refused(404, "ResourceNotFound");
}

#[tokio::test]
async fn every_api_version_of_azure_ai_ml_is_served() {
    let azure = azure();
    for version in [
        "2022-05-01",
        "2022-06-01-preview",
        "2022-10-01",
        "2022-10-01-preview",
        "2023-04-01",
        "2023-04-01-preview",
        "2023-08-01-preview",
        "2024-01-01-preview",
        "2024-07-01-preview",
        "2024-10-01-preview",
        "2025-01-01-preview",
    ] {
        for path in [
            "computes/cpu-cluster",
            "datastores/workspaceblobstore",
            "jobs",
        ] {
            let path = format!("{WORKSPACE}/{path}?api-version={version}");
            azure.get(DEMO, &path).await.done(200);
        }
    }
}

/// Requests of the workspace's content, with the action that each one needs.
const ROUTES: &[(&str, &str, &str)] = &[
    ("GET", "jobs", "jobs/read"),
    ("GET", "jobs/j", "jobs/read"),
    ("PUT", "jobs/j", "jobs/write"),
    ("DELETE", "jobs/j", "jobs/delete"),
    ("POST", "jobs/j/cancel", "jobs/cancel/action"),
    ("GET", "computes", "computes/read"),
    ("GET", "computes/c", "computes/read"),
    ("GET", "datastores", "datastores/read"),
    ("GET", "datastores/d", "datastores/read"),
    ("PUT", "datastores/d", "datastores/write"),
    ("DELETE", "datastores/d", "datastores/delete"),
    (
        "POST",
        "datastores/d/listSecrets",
        "datastores/listSecrets/action",
    ),
    ("GET", "codes/c/versions", "codes/versions/read"),
    ("PUT", "codes/c/versions/1", "codes/versions/write"),
    (
        "POST",
        "codes/c/versions/1/startPendingUpload",
        "codes/versions/startPendingUpload/action",
    ),
    ("GET", "environments", "environments/read"),
    (
        "GET",
        "environments/e/versions/1",
        "environments/versions/read",
    ),
    (
        "PUT",
        "environments/e/versions/1",
        "environments/versions/write",
    ),
    ("PUT", "data/d/versions/1", "data/versions/write"),
    ("DELETE", "data/d/versions/1", "data/versions/delete"),
    (
        "PUT",
        "components/c/versions/1",
        "components/versions/write",
    ),
    ("GET", "models/m", "models/read"),
    ("PUT", "models/m/versions/1", "models/versions/write"),
];

#[tokio::test]
async fn each_built_in_role_may_do_what_its_actions_allow_and_no_more() {
    let azure = azure();
    let scope: crate::resources::Scope = WORKSPACE.parse().unwrap();
    let roles: Vec<_> = azure.world.resources().roles().cloned().collect();
    for role in &roles {
        {
            let mut resources = azure.world.resources_mut();
            let old: Vec<_> = resources
                .role_assignments()
                .filter(|one| one.principal == WITHOUT_ROLE)
                .map(|one| (one.scope.clone(), one.id))
                .collect();
            for (scope, id) in old {
                resources.unassign(&scope, id);
            }
            resources
                .assign(RoleAssignment {
                    id: role.id,
                    scope: scope.clone(),
                    role: role.id,
                    principal: WITHOUT_ROLE,
                    principal_type: PrincipalType::ServicePrincipal,
                    description: None,
                    condition: None,
                    condition_version: None,
                    created_by: None,
                    created_on: OffsetDateTime::UNIX_EPOCH,
                    updated: None,
                })
                .unwrap();
        }
        for (method, path, action) in ROUTES {
            let action = format!("Microsoft.MachineLearningServices/workspaces/{action}");
            let is_allowed = role.permissions[0].covers(Action::Control(&action));
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let body = json!({"properties": {}});
            let got = azure
                .call(WITHOUT_ROLE, method.clone(), &at(path), Some(body))
                .await;
            let is_refused = got.status == 403;
            assert_eq!(
                is_refused, !is_allowed,
                "{} {method} {path}: {}",
                role.name, got.body
            );
            if is_refused {
                let message = got.refused(403, "AuthorizationFailed");
                assert!(message.contains(&format!("'{action}'")), "{message}");
            }
        }
    }
}

#[tokio::test]
async fn the_roles_for_machine_learning_submit_or_do_not() {
    let azure = azure();
    let resources = azure.world.resources();
    let may = |role: &str, action: &str| {
        let role = resources.role_named(role).expect(role);
        role.permissions[0].covers(Action::Control(&format!(
            "Microsoft.MachineLearningServices/workspaces/{action}"
        )))
    };
    for (role, submits, reads, cancels, uploads) in [
        ("AzureML Data Scientist", true, true, true, true),
        ("Reader", false, true, false, false),
        ("AzureML Compute Operator", false, false, false, false),
        ("Contributor", true, true, true, true),
        (
            "AzureML Metrics Writer (preview)",
            false,
            false,
            false,
            false,
        ),
    ] {
        let seen = (
            may(role, "jobs/write"),
            may(role, "jobs/read"),
            may(role, "jobs/cancel/action"),
            may(role, "codes/versions/startPendingUpload/action"),
        );
        assert_eq!(seen, (submits, reads, cancels, uploads), "{role}");
    }
}
