//! What a caller may read and change.

use super::*;

#[tokio::test]
async fn a_data_scientist_reads_the_workspace_and_may_not_change_it() {
    let azure = azure();
    let got = azure.get(DEMO, &format!("{WORKSPACE}?{ML}")).await;
    let workspace = got.done(200);
    assert_eq!(workspace["id"], WORKSPACE);
    assert_eq!(
        workspace["type"],
        "Microsoft.MachineLearningServices/workspaces"
    );
    assert_eq!(
        workspace["properties"]["discoveryUrl"],
        "https://localhost:1004/discovery"
    );
    assert_eq!(
        workspace["properties"]["mlFlowTrackingUri"],
        format!("azureml://localhost:1004/mlflow/v1.0{WORKSPACE}")
    );

    let change = json!({"tags": {"a": "b"}});
    let got = azure
        .call(
            DEMO,
            Method::PATCH,
            &format!("{WORKSPACE}?{ML}"),
            Some(change),
        )
        .await;
    assert_eq!(
        got.refused(403, "AuthorizationFailed"),
        format!(
            "The client '{}' with object id '{DEMO}' does not have authorization to perform action \
             'Microsoft.MachineLearningServices/workspaces/write' over scope '{WORKSPACE}' or the scope is invalid. \
             If access was recently granted, please refresh your credentials.",
            Uuid::from_u128(0x10de)
        )
    );
}

#[tokio::test]
async fn a_caller_without_a_right_does_not_learn_what_exists() {
    let azure = azure();
    let here = azure.get(WITHOUT_ROLE, &format!("{WORKSPACE}?{ML}")).await;
    let missing = azure
        .get(WITHOUT_ROLE, &format!("{WORKSPACE}-x?{ML}"))
        .await;
    here.refused(403, "AuthorizationFailed");
    missing.refused(403, "AuthorizationFailed");
    azure
        .get(OWNER, &format!("{WORKSPACE}-x?{ML}"))
        .await
        .refused(404, "ResourceNotFound");
    azure
        .get(OWNER, &format!("{SUBSCRIPTION}/resourceGroups/none?{ARM}"))
        .await
        .refused(404, "ResourceGroupNotFound");
    let permissions = azure
        .get(
            WITHOUT_ROLE,
            &format!("{WORKSPACE}-x/providers/Microsoft.Authorization/permissions?{RBAC}"),
        )
        .await;
    assert_eq!(permissions.done(200)["value"], json!([]));
}

#[tokio::test]
async fn a_subscription_is_listed_for_callers_with_a_role_in_it() {
    let azure = azure();
    for (who, expected) in [
        (DEMO, 1),
        (OWNER, 1),
        (ANNA, 1),
        (STRANGER, 1),
        (WITHOUT_ROLE, 0),
    ] {
        let got = azure.get(who, &format!("/subscriptions?{ARM}")).await;
        assert_eq!(got.done(200)["count"]["value"], expected, "{who}");
    }
    let one = azure.get(DEMO, &format!("{SUBSCRIPTION}?{ARM}")).await;
    assert_eq!(one.done(200)["tenantId"], json!(CONTOSO));
    azure
        .get(WITHOUT_ROLE, &format!("{SUBSCRIPTION}?{ARM}"))
        .await
        .refused(403, "AuthorizationFailed");
    azure
        .get(
            DEMO,
            &format!("/subscriptions/00000000-0000-0000-0000-000000000001?{ARM}"),
        )
        .await
        .refused(404, "SubscriptionNotFound");
}

#[tokio::test]
async fn a_deny_assignment_is_named_in_the_refusal_and_listed() {
    let azure = azure();
    let deny = DenyAssignment {
        id: Uuid::from_u128(0xdead),
        name: "locked by the platform".into(),
        description: String::new(),
        scope: GROUP.parse().expect("a scope"),
        do_not_apply_to_child_scopes: false,
        permissions: vec![Permission {
            actions: vec!["*/delete".into()],
            ..Permission::default()
        }],
        principals: vec![EVERYONE],
        exclude_principals: Vec::new(),
        created: None,
        updated: None,
    };
    azure.world.resources_mut().deny(deny);
    let got = azure
        .call(OWNER, Method::DELETE, &format!("{WORKSPACE}?{ML}"), None)
        .await;
    let message = got.refused(403, "DenyAssignmentAuthorizationFailed");
    assert!(
        message.contains(
            "has permission to perform action 'Microsoft.MachineLearningServices/workspaces/delete'"
        ) && message.contains("deny assignment with name 'locked by the platform'"),
        "{message}"
    );
    let list = format!("{WORKSPACE}/providers/Microsoft.Authorization/denyAssignments?{RBAC}");
    let got = azure.get(OWNER, &list).await;
    assert_eq!(
        got.done(200)["value"][0]["properties"]["principals"][0]["type"],
        "SystemDefined"
    );
}

#[tokio::test]
async fn lists_have_only_what_the_caller_may_read() {
    let azure = azure();
    let workspaces =
        format!("{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices/workspaces?{ML}");
    assert_eq!(
        azure.get(DEMO, &workspaces).await.names(),
        ["ws-contoso-ml"]
    );
    azure
        .get(WITHOUT_ROLE, &workspaces)
        .await
        .refused(403, "AuthorizationFailed");
    let groups = format!("{SUBSCRIPTION}/resourceGroups?{ARM}");
    assert_eq!(azure.get(DEMO, &groups).await.names(), ["rg-contoso-ml"]);
    let all = format!("{GROUP}/resources?{ARM}");
    assert_eq!(azure.get(DEMO, &all).await.names(), ["ws-contoso-ml"]);
    assert_eq!(azure.get(ANNA, &all).await.names().len(), 2);
    let storage = format!("{all}&$filter=resourceType%20eq%20'Microsoft.Storage/storageAccounts'");
    assert_eq!(azure.get(ANNA, &storage).await.names(), ["stcontosoml"]);
}

#[tokio::test]
async fn a_disabled_subscription_is_read_only() {
    let azure = azure();
    let path =
        format!("/subscriptions/5ec0ffee-0001-4000-8000-000000000009/resourceGroups/rg?{ARM}");
    let body = Some(json!({"location": "westeurope"}));
    azure
        .call(STRANGER, Method::PUT, &path, body.clone())
        .await
        .refused(409, "ReadOnlyDisabledSubscription");
    let path = format!("{SUBSCRIPTION}/resourceGroups/rg2?{ARM}");
    azure
        .call(OWNER, Method::PUT, &path, body.clone())
        .await
        .done(201);
    azure.call(OWNER, Method::PUT, &path, body).await.done(200);
    azure.call(OWNER, Method::HEAD, &path, None).await.done(204);
    azure
        .call(OWNER, Method::DELETE, &path, None)
        .await
        .done(202);
    azure.call(OWNER, Method::HEAD, &path, None).await.done(404);
}

#[tokio::test]
async fn permissions_are_those_of_all_roles_at_the_scope() {
    let azure = azure();
    let at = |scope: &str| format!("{scope}/providers/Microsoft.Authorization/permissions?{RBAC}");
    let got = azure.get(DEMO, &at(WORKSPACE)).await;
    let held = got.done(200)["value"].as_array().expect("a list");
    assert_eq!(held.len(), 1);
    assert_eq!(
        held[0]["actions"][0],
        "Microsoft.MachineLearningServices/workspaces/*/read"
    );
    assert_eq!(held[0]["notActions"].as_array().map(Vec::len), Some(10));
    // Anna gets the role by her group, at the resource group.
    let got = azure.get(ANNA, &at(WORKSPACE)).await;
    assert_eq!(got.done(200)["value"][0]["actions"], json!(["*/read"]));
    let got = azure.get(ANNA, &at(SUBSCRIPTION)).await;
    assert_eq!(got.done(200)["value"], json!([]));
    // The same by the oldest version that is still in use.
    let old =
        format!("{WORKSPACE}/providers/Microsoft.Authorization/permissions?api-version=2015-07-01");
    assert_eq!(azure.get(DEMO, &old).await.done(200)["value"], json!(held));
}

#[tokio::test]
async fn a_list_of_one_type_leaves_out_what_the_caller_may_not_read() {
    let azure = azure();
    let path =
        format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/theirs?{ML}");
    let body = json!({"location": "westeurope"});
    azure
        .call(OWNER, Method::PUT, &path, Some(body))
        .await
        .done(201);
    let all = format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces?{ML}");
    assert_eq!(
        azure.get(OWNER, &all).await.names(),
        ["theirs", "ws-contoso-ml"]
    );
    assert_eq!(azure.get(DEMO, &all).await.names(), ["ws-contoso-ml"]);
}

#[tokio::test]
async fn a_list_at_the_root_has_no_other_tenants_assignments() {
    let azure = azure();
    let owner = uuid!("8e3af657-a8ff-443c-a75c-2fe8c4bcb635");
    for principal in [OWNER, STRANGER] {
        let assigned = azure.world.resources_mut().assign(RoleAssignment {
            id: Uuid::new_v4(),
            scope: crate::resources::Scope::root(),
            role: owner,
            principal,
            principal_type: PrincipalType::ServicePrincipal,
            description: None,
            created_by: None,
            created_on: OffsetDateTime::UNIX_EPOCH,
            condition: None,
            condition_version: None,
            updated: None,
        });
        assert_eq!(assigned, Ok(true));
    }
    let path = format!("/providers/Microsoft.Authorization/roleAssignments?{RBAC}");
    for (who, other) in [(OWNER, STRANGER), (STRANGER, OWNER)] {
        let got = azure.get(who, &path).await;
        let all = got.done(200).to_string();
        assert!(
            all.contains(&who.to_string()) && !all.contains(&other.to_string()),
            "{all}"
        );
    }
}

#[tokio::test]
async fn roles_can_not_be_assigned_or_listed_at_missing_scopes() {
    let azure = azure();
    let at =
        |scope: &str| format!("{scope}/providers/Microsoft.Authorization/roleAssignments?{RBAC}");
    let missing = format!("{WORKSPACE}-x");
    azure
        .get(OWNER, &at(&missing))
        .await
        .refused(404, "ResourceNotFound");
    azure
        .get(OWNER, &at(&format!("{SUBSCRIPTION}/resourceGroups/none")))
        .await
        .refused(404, "ResourceGroupNotFound");
    azure
        .get(OWNER, &at(&format!("{WORKSPACE}/computes/none")))
        .await
        .refused(404, "ResourceNotFound");
}

#[tokio::test]
async fn a_deny_assignment_is_made_and_deleted_and_azures_own_stay() {
    let azure = azure();
    let deny = "providers/Microsoft.Authorization/denyAssignments";
    let version = "api-version=2024-07-01-preview";
    let id = Uuid::new_v4();
    let path = format!("{SUBSCRIPTION}/{deny}/{id}?{version}");
    let body = |actions: &[&str]| {
        Some(json!({"properties": {
            "denyAssignmentName": "No groups",
            "permissions": [{"actions": actions}],
            "principals": [{"id": Uuid::nil(), "type": "SystemDefined"}],
            "excludePrincipals": [{"id": ANNA, "type": "User"}],
        }}))
    };
    let groups = ["Microsoft.Resources/subscriptions/resourceGroups/*"];
    azure
        .call(DEMO, Method::PUT, &path, body(&groups))
        .await
        .refused(403, "AuthorizationFailed");
    azure
        .call(OWNER, Method::PUT, &path, body(&[]))
        .await
        .refused(400, "InvalidCreateDenyAssignmentRequest");
    let made = azure.call(OWNER, Method::PUT, &path, body(&groups)).await;
    assert_eq!(made.done(201)["properties"]["isSystemProtected"], false);
    let group = format!("{GROUP}?{ARM}");
    azure
        .get(OWNER, &group)
        .await
        .refused(403, "DenyAssignmentAuthorizationFailed");
    azure.get(ANNA, &group).await.done(200);
    assert_eq!(
        azure.get(OWNER, &path).await.done(200)["properties"]["createdBy"],
        json!(OWNER)
    );
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
        .refused(404, "DenyAssignmentNotFound");
    azure.get(OWNER, &group).await.done(200);

    let own = Uuid::from_u128(0xdd);
    azure.world.resources_mut().deny(DenyAssignment {
        id: own,
        name: "Azure's".into(),
        description: String::new(),
        scope: SUBSCRIPTION.parse().expect("a scope"),
        do_not_apply_to_child_scopes: false,
        permissions: Vec::new(),
        principals: Vec::new(),
        exclude_principals: Vec::new(),
        created: None,
        updated: None,
    });
    let path = format!("{SUBSCRIPTION}/{deny}/{own}?{version}");
    for method in [Method::PUT, Method::DELETE] {
        let refused = azure.call(OWNER, method, &path, body(&groups)).await;
        refused.refused(501, "NotServedByEmulator");
    }
    assert_eq!(
        azure.get(OWNER, &path).await.done(200)["properties"]["isSystemProtected"],
        true
    );
}
