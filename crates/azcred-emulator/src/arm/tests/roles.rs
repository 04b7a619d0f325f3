//! Role definitions and role assignments.

use super::*;
use crate::resources::{Action, Decision, Principals};

#[tokio::test]
async fn a_role_is_assigned_used_and_removed() {
    let azure = azure();
    let name = Uuid::new_v4();
    let path =
        format!("{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/{name}?{RBAC}");
    let body = json!({"properties": {
        "roleDefinitionId": format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"),
        "principalId": WITHOUT_ROLE,
        "principalType": "ServicePrincipal",
    }});
    let workspace = format!("{WORKSPACE}?{ML}");
    azure
        .get(WITHOUT_ROLE, &workspace)
        .await
        .refused(403, "AuthorizationFailed");
    azure
        .call(DEMO, Method::PUT, &path, Some(body.clone()))
        .await
        .refused(403, "AuthorizationFailed");
    let made = azure
        .call(OWNER, Method::PUT, &path, Some(body.clone()))
        .await;
    assert_eq!(made.done(201)["properties"]["scope"], WORKSPACE);
    // The response of a PUT does not say who it was, a later GET does.
    assert_eq!(made.body["properties"]["createdBy"], Value::Null);
    let read = azure.get(OWNER, &path).await;
    assert_eq!(read.done(200)["properties"]["createdBy"], json!(OWNER));
    azure.get(WITHOUT_ROLE, &workspace).await.done(200);

    let other = path.replace(&name.to_string(), &Uuid::new_v4().to_string());
    let twice = azure.call(OWNER, Method::PUT, &other, Some(body)).await;
    assert!(
        twice
            .refused(409, "RoleAssignmentExists")
            .contains(&name.simple().to_string())
    );
    azure.get(OWNER, &path).await.done(200);
    azure
        .call(OWNER, Method::DELETE, &path, None)
        .await
        .done(200);
    azure
        .call(OWNER, Method::DELETE, &path, None)
        .await
        .done(204);
    azure
        .get(OWNER, &path)
        .await
        .refused(404, "RoleAssignmentNotFound");
    azure
        .get(WITHOUT_ROLE, &workspace)
        .await
        .refused(403, "AuthorizationFailed");
}

#[tokio::test]
async fn each_invalid_assignment_is_rejected_with_its_own_error() {
    let azure = azure();
    let reader =
        "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7";
    let nowhere = Uuid::from_u128(0xffff);
    for (name, body, status, code) in [
        ("x", json!({}), 400, "InvalidRoleAssignmentId"),
        ("", json!({}), 400, "BadRequestFormat"),
        (
            "",
            json!({"properties": {"roleDefinitionId": reader, "principalId": "bob"}}),
            400,
            "InvalidPrincipalId",
        ),
        (
            "",
            json!({"properties": {"roleDefinitionId": reader, "principalId": nowhere}}),
            400,
            "PrincipalNotFound",
        ),
        // Contoso does not have Fabrikam's principals.
        (
            "",
            json!({"properties": {"roleDefinitionId": reader, "principalId": STRANGER}}),
            400,
            "PrincipalNotFound",
        ),
        (
            "",
            json!({"properties": {"roleDefinitionId": reader, "principalId": ANNA, "principalType": "Group"}}),
            400,
            "UnmatchedPrincipalType",
        ),
        (
            "",
            json!({"properties": {"roleDefinitionId": format!("/x/{nowhere}"), "principalId": ANNA}}),
            404,
            "RoleDefinitionDoesNotExist",
        ),
    ] {
        let name = if name.is_empty() {
            Uuid::new_v4().to_string()
        } else {
            name.to_owned()
        };
        let path =
            format!("{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/{name}?{RBAC}");
        azure
            .call(OWNER, Method::PUT, &path, Some(body))
            .await
            .refused(status, code);
    }
    // A principal that is not replicated yet, according to the client.
    let path = format!(
        "{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/{}?{RBAC}",
        Uuid::new_v4()
    );
    let body = json!({"properties": {"roleDefinitionId": reader, "principalId": nowhere, "principalType": "ServicePrincipal"}});
    azure
        .call(OWNER, Method::PUT, &path, Some(body))
        .await
        .done(201);
}

#[tokio::test]
async fn assignments_are_listed_by_filter() {
    let azure = azure();
    let list = |scope: &str, filter: &str| {
        let query: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        format!("{scope}/providers/Microsoft.Authorization/roleAssignments?{RBAC}&$filter={query}")
    };
    for (scope, filter, expected) in [
        (SUBSCRIPTION, "atScope()", 2),
        (WORKSPACE, "atScope()", 8),
        (GROUP, &format!("principalId eq '{DEMO}'") as &str, 2),
        (WORKSPACE, &format!("assignedTo('{ANNA}')"), 1),
        (WORKSPACE, &format!("assignedTo('{ADA}')"), 2),
        (WORKSPACE, &format!("principalId eq '{ANNA}'"), 0),
        (GROUP, &format!("atScope() and assignedTo('{DEMO}')"), 0),
    ] {
        let got = azure.get(OWNER, &list(scope, filter)).await;
        assert_eq!(
            got.done(200)["value"].as_array().map(Vec::len),
            Some(expected),
            "{scope} {filter}"
        );
    }
    azure
        .get(OWNER, &list(SUBSCRIPTION, "nonsense('x')"))
        .await
        .refused(400, "InvalidFilterInQueryString");
    let refused = azure.get(DEMO, &list(WORKSPACE, "atScope()")).await;
    assert!(
        refused
            .refused(403, "AuthorizationFailed")
            .contains(&format!(
                "over scope '{WORKSPACE}/providers/Microsoft.Authorization' or"
            ))
    );
}

#[tokio::test]
async fn role_definitions_are_found_by_name_and_kind_and_id() {
    let azure = azure();
    let list = format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions?{RBAC}");
    let got = azure
        .get(
            OWNER,
            &format!("{list}&$filter=roleName%20eq%20'AzureML%20Data%20Scientist'"),
        )
        .await;
    let role = &got.done(200)["value"][0];
    let id = "f6c7c914-8db3-469d-8ca1-694a8f32e121";
    assert_eq!(
        role["id"],
        format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{id}")
    );
    assert_eq!(role["properties"]["roleName"], "AzureML Data Scientist");
    let got = azure
        .get(OWNER, &format!("{list}&$filter=type%20eq%20'BuiltInRole'"))
        .await;
    assert_eq!(got.done(200)["value"].as_array().map(Vec::len), Some(51));
    let root = "/providers/Microsoft.Authorization/roleDefinitions";
    azure
        .get(WITHOUT_ROLE, &format!("{root}/{id}?{RBAC}"))
        .await
        .done(200);
    azure
        .get(WITHOUT_ROLE, &format!("{root}/{}?{RBAC}", Uuid::nil()))
        .await
        .refused(404, "RoleDefinitionDoesNotExist");
}

#[tokio::test]
async fn an_assignment_with_a_condition_allows_nothing_that_the_condition_can_restrict() {
    let azure = azure();
    let assign = async |who: Uuid, condition: Option<&str>| {
        let name = Uuid::new_v4();
        let path =
            format!("{GROUP}/providers/Microsoft.Authorization/roleAssignments/{name}?{RBAC}");
        let body = json!({"properties": {
            "roleDefinitionId": "/x/8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
            "principalId": ANNA,
            "condition": condition,
            "conditionVersion": condition.map(|_| "2.0"),
        }});
        (
            path.clone(),
            azure.call(who, Method::PUT, &path, Some(body)).await,
        )
    };
    let (path, made) = assign(OWNER, Some("@Resource[x]")).await;
    let made = &made.done(201)["properties"];
    assert_eq!(made["condition"], "@Resource[x]");
    assert_eq!(made["conditionVersion"], "2.0");
    let read = azure.get(OWNER, &path).await;
    assert_eq!(read.done(200)["properties"]["condition"], "@Resource[x]");
    // Anna is an owner of the group now, and can't make others owners of it.
    let tags = Some(json!({"tags": {"by": "anna"}}));
    let group = format!("{GROUP}?{ARM}");
    azure
        .call(ANNA, Method::PATCH, &group, tags)
        .await
        .done(200);
    let (_, refused) = assign(ANNA, None).await;
    refused.refused(403, "AuthorizationFailed");
    azure
        .call(ANNA, Method::DELETE, &path, None)
        .await
        .refused(403, "AuthorizationFailed");
    let scope = GROUP.parse().expect("a scope");
    let anna = Principals::alone(ANNA);
    let read_blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
    let decision = azure.world.resources();
    let decision = decision.decide(&anna, Action::Data(read_blobs), &scope);
    assert_eq!(decision, Decision::NotAllowed);
}

#[tokio::test]
async fn a_custom_role_is_created_assigned_changed_and_deleted() {
    let azure = azure();
    let id = Uuid::new_v4();
    let path =
        format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{id}?{RBAC}");
    let body = |name: &str, action: &str| {
        Some(json!({"properties": {
            "roleName": name,
            "permissions": [{"actions": [action]}],
            "assignableScopes": [SUBSCRIPTION],
        }}))
    };
    let reads = body(
        "Training",
        "Microsoft.MachineLearningServices/workspaces/read",
    );
    azure
        .call(DEMO, Method::PUT, &path, reads.clone())
        .await
        .refused(403, "AuthorizationFailed");
    let made = azure.call(OWNER, Method::PUT, &path, reads).await;
    let made = &made.done(201)["properties"];
    assert_eq!(
        (&made["type"], &made["createdBy"]),
        (&json!("CustomRole"), &Value::Null)
    );
    assert_eq!(made["permissions"][0]["notActions"], json!([]));

    let assignment = Uuid::new_v4();
    let assignment = format!(
        "{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/{assignment}?{RBAC}"
    );
    let given = json!({"properties": {
        "roleDefinitionId": path.split('?').next(), "principalId": WITHOUT_ROLE,
    }});
    azure
        .call(OWNER, Method::PUT, &assignment, Some(given))
        .await
        .done(201);
    let workspace = format!("{WORKSPACE}?{ML}");
    azure.get(WITHOUT_ROLE, &workspace).await.done(200);
    azure
        .call(OWNER, Method::DELETE, &path, None)
        .await
        .refused(400, "RoleDefinitionHasAssignments");
    let nothing = body("Training", "Microsoft.Compute/disks/read");
    azure
        .call(OWNER, Method::PUT, &path, nothing)
        .await
        .done(201);
    azure
        .get(WITHOUT_ROLE, &workspace)
        .await
        .refused(403, "AuthorizationFailed");

    azure
        .call(OWNER, Method::DELETE, &assignment, None)
        .await
        .done(200);
    let gone = azure.call(OWNER, Method::DELETE, &path, None).await;
    assert_eq!(gone.done(200)["properties"]["roleName"], "Training");
    azure
        .call(OWNER, Method::DELETE, &path, None)
        .await
        .done(204);
    azure
        .get(OWNER, &path)
        .await
        .refused(404, "RoleDefinitionDoesNotExist");
}

#[tokio::test]
async fn each_invalid_role_is_rejected_with_its_own_error() {
    let azure = azure();
    let reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
    let other = "/subscriptions/5ec0ffee-0001-4000-8000-000000000009";
    let role = |name: &str, scopes: &[&str]| json!({"properties": {"roleName": name, "permissions": [], "assignableScopes": scopes}});
    for (id, body, status, code) in [
        (
            "x",
            role("a", &[SUBSCRIPTION]),
            400,
            "InvalidRoleDefinitionId",
        ),
        ("", json!({"properties": {}}), 400, "InvalidRequestContent"),
        ("", role("a", &[]), 400, "InvalidRoleDefinition"),
        (
            "",
            role("a", &[SUBSCRIPTION, other]),
            403,
            "AuthorizationFailed",
        ),
        (
            "",
            role("Reader", &[SUBSCRIPTION]),
            409,
            "RoleDefinitionWithSameNameExists",
        ),
        (
            reader,
            role("a", &[SUBSCRIPTION]),
            501,
            "NotServedByEmulator",
        ),
    ] {
        let id = if id.is_empty() {
            Uuid::new_v4().to_string()
        } else {
            id.to_owned()
        };
        let path =
            format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{id}?{RBAC}");
        azure
            .call(OWNER, Method::PUT, &path, Some(body))
            .await
            .refused(status, code);
    }
}
