//! What is there to read beside workspaces: identities, machines, locks, deployments, tags,
//! management groups, the activity log.

use super::*;
use crate::resources::ManagementGroup;

const IDENTITY: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";

#[tokio::test]
async fn a_user_assigned_identity_is_a_resource_and_a_service_principal() {
    let azure = azure();
    let version = "api-version=2023-01-31";
    let path = format!("{GROUP}/providers/{IDENTITY}/trainer?{version}");
    let body = json!({"location": "westeurope"});
    azure
        .call(DEMO, Method::PUT, &path, Some(body.clone()))
        .await
        .refused(403, "AuthorizationFailed");
    let made = azure
        .call(OWNER, Method::PUT, &path, Some(body.clone()))
        .await;
    let properties = made.done(201)["properties"].clone();
    let id =
        format!("{GROUP}/providers/{IDENTITY}/trainer").replace("resourceGroups", "resourcegroups");
    assert_eq!(made.body["id"], id);
    assert_eq!(made.headers["location"], id);
    assert_eq!(made.body["tags"], json!({}));
    let principal: Uuid = properties["principalId"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("a GUID");
    let client = azure.world.directory().service_principals[&principal].app_id;
    assert_eq!(properties["clientId"], json!(client));

    let again = azure.call(OWNER, Method::PUT, &path, Some(body)).await;
    assert_eq!(again.done(200)["properties"], properties);
    for scope in [SUBSCRIPTION, GROUP] {
        let all = azure
            .get(OWNER, &format!("{scope}/providers/{IDENTITY}?{version}"))
            .await;
        assert_eq!(
            all.done(200)["value"][0]["properties"],
            properties,
            "{scope}"
        );
    }
    let change = json!({"tags": {"a": "b"}, "properties": {"clientId": "x"}});
    let changed = azure.call(OWNER, Method::PATCH, &path, Some(change)).await;
    assert_eq!(changed.done(200)["properties"], properties);
    assert_eq!(changed.body["tags"], json!({"a": "b"}));
    let federated = path.replace('?', "/federatedIdentityCredentials?");
    assert_eq!(
        azure.get(OWNER, &federated).await.done(200)["value"],
        json!([])
    );

    let associated = path.replace('?', "/listAssociatedResources?");
    let associated = azure.call(OWNER, Method::POST, &associated, None).await;
    assert_eq!(associated.done(200)["totalCount"], 0);

    azure
        .call(OWNER, Method::DELETE, &path, None)
        .await
        .done(200);
    assert!(azure.world.directory().principal(principal).is_none());
    azure
        .get(OWNER, &path)
        .await
        .refused(404, "ResourceNotFound");
    azure
        .get(OWNER, &federated)
        .await
        .refused(404, "ParentResourceNotFound");
}

#[tokio::test]
async fn a_subscription_has_resources_of_the_providers_that_it_is_registered_for() {
    let azure = azure();
    let version = "api-version=2021-04-01";
    let provider = format!("{SUBSCRIPTION}/providers/Microsoft.ManagedIdentity");
    let state = async |verb: &str| {
        let path = format!("{provider}{verb}?{version}");
        let method = if verb.is_empty() {
            Method::GET
        } else {
            Method::POST
        };
        azure.call(OWNER, method, &path, None).await.done(200)["registrationState"].clone()
    };
    let path = format!("{GROUP}/providers/{IDENTITY}/new?api-version=2023-01-31");
    let create = async || {
        let body = json!({"location": "westeurope"});
        azure.call(OWNER, Method::PUT, &path, Some(body)).await
    };
    assert_eq!(state("").await, "Registered");
    let unregister = format!("{provider}/unregister?{version}");
    azure
        .call(DEMO, Method::POST, &unregister, None)
        .await
        .refused(403, "AuthorizationFailed");
    assert_eq!(state("/unregister").await, "NotRegistered");
    assert_eq!(state("").await, "NotRegistered");
    create()
        .await
        .refused(409, "MissingSubscriptionRegistration");
    assert_eq!(state("/register").await, "Registered");
    create().await.done(201);
}

#[tokio::test]
async fn what_the_emulator_has_none_of_is_an_empty_list() {
    let azure = azure();
    for path in [
        format!(
            "{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines?api-version=2024-11-01"
        ),
        format!("{GROUP}/providers/Microsoft.Compute/disks?api-version=2023-04-02"),
        format!("{SUBSCRIPTION}/providers/Microsoft.Compute/skus?api-version=2021-07-01"),
        format!(
            "{SUBSCRIPTION}/providers/Microsoft.Compute/locations/westeurope/usages?api-version=2024-07-01"
        ),
        format!(
            "{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices/locations/westeurope/quotas?{ML}"
        ),
        format!("{WORKSPACE}/codes?{ML}"),
        format!("{WORKSPACE}/serverlessEndpoints?{ML}"),
        format!("{GROUP}/providers/Microsoft.Authorization/locks?api-version=2016-09-01"),
        format!("{WORKSPACE}/providers/Microsoft.Authorization/locks?api-version=2020-05-01"),
        format!("{SUBSCRIPTION}/providers/Microsoft.Resources/deployments?api-version=2022-09-01"),
        format!("{GROUP}/providers/Microsoft.Resources/deployments?api-version=2025-04-01"),
        format!(
            "{SUBSCRIPTION}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01&$filter=x"
        ),
    ] {
        let got = azure.get(OWNER, &path).await;
        assert_eq!(got.done(200), &json!({"value": []}), "{path}");
        if path.starts_with(SUBSCRIPTION) {
            azure
                .get(STRANGER, &path)
                .await
                .refused(401, "InvalidAuthenticationTokenTenant");
            azure
                .get(WITHOUT_ROLE, &path)
                .await
                .refused(403, "AuthorizationFailed");
        }
    }
    for (path, code) in [
        (
            "Microsoft.Authorization/locks/x?api-version=2016-09-01",
            "LockNotFound",
        ),
        (
            "Microsoft.Resources/deployments/x?api-version=2022-09-01",
            "DeploymentNotFound",
        ),
    ] {
        let path = format!("{GROUP}/providers/{path}");
        azure.get(OWNER, &path).await.refused(404, code);
    }
}

#[tokio::test]
async fn tags_are_read_by_scope_and_counted_in_the_subscription() {
    let azure = azure();
    for (name, tags) in [
        ("rg1", json!({"cost": "a", "team": "x"})),
        ("rg2", json!({"cost": "a"})),
    ] {
        let path = format!("{SUBSCRIPTION}/resourceGroups/{name}?{ARM}");
        let body = json!({"location": "westeurope", "tags": tags});
        azure
            .call(OWNER, Method::PUT, &path, Some(body))
            .await
            .done(201);
        let path = format!(
            "{SUBSCRIPTION}/resourceGroups/{name}/providers/Microsoft.Resources/tags/default?{ARM}"
        );
        assert_eq!(
            azure.get(OWNER, &path).await.done(200)["properties"]["tags"],
            tags
        );
    }
    for scope in [SUBSCRIPTION, WORKSPACE] {
        let path = format!("{scope}/providers/Microsoft.Resources/tags/default?{ARM}");
        let got = azure.get(OWNER, &path).await;
        assert_eq!(got.done(200)["properties"]["tags"], json!({}), "{scope}");
    }
    let got = azure
        .get(OWNER, &format!("{SUBSCRIPTION}/tagNames?{ARM}"))
        .await;
    let names = got.done(200)["value"].as_array().expect("a list");
    let told: Vec<_> = names
        .iter()
        .map(|one| (&one["tagName"], &one["count"]["value"]))
        .collect();
    assert_eq!(
        told,
        [(&json!("cost"), &json!(2)), (&json!("team"), &json!(1))]
    );
    let id = format!("{SUBSCRIPTION}/tagNames/cost/tagValues/a");
    assert_eq!(names[0]["values"][0]["id"], id);
    // Groups without tags have no such member.
    let got = azure.get(OWNER, &format!("{GROUP}?{ARM}")).await;
    assert_eq!(got.done(200).get("tags"), None);
}

#[tokio::test]
async fn management_groups_are_read_by_those_who_may() {
    let azure = azure();
    for (name, parent) in [("top", None), ("below", Some("top"))] {
        azure
            .world
            .resources_mut()
            .put_management_group(ManagementGroup {
                name: name.to_owned(),
                display_name: format!("The group {name}"),
                parent: parent.map(str::to_owned),
                updated: None,
            });
    }
    let all = "/providers/Microsoft.Management/managementGroups";
    let version = "api-version=2021-04-01";
    let below = format!("{all}/BELOW?{version}");
    azure
        .get(OWNER, &below)
        .await
        .refused(403, "AuthorizationFailed");
    let reader = uuid!("acdd72a7-3385-48ef-bd42-f606fba81ae7");
    let assigned = azure.world.resources_mut().assign(RoleAssignment {
        id: Uuid::new_v4(),
        scope: format!("{all}/top").parse().expect("a scope"),
        role: reader,
        principal: OWNER,
        principal_type: PrincipalType::ServicePrincipal,
        description: None,
        condition: None,
        condition_version: None,
        created_by: None,
        created_on: OffsetDateTime::UNIX_EPOCH,
        updated: None,
    });
    assert_eq!(assigned, Ok(true));
    let got = azure.get(OWNER, &below).await;
    let parent = &got.done(200)["properties"]["details"]["parent"];
    assert_eq!(
        (&parent["name"], &parent["displayName"]),
        (&json!("top"), &json!("The group top"))
    );
    let listed = azure.get(OWNER, &format!("{all}?{version}")).await;
    assert_eq!(listed.names(), ["below", "top"]);
    assert!(
        azure
            .get(DEMO, &format!("{all}?{version}"))
            .await
            .names()
            .is_empty()
    );
}

#[tokio::test]
async fn a_management_group_is_created_by_a_long_operation_and_gets_subscriptions() {
    let azure = azure();
    let version = "api-version=2021-04-01";
    let root = "/providers/Microsoft.Management/managementGroups";
    let path = |name: &str| format!("{root}/{name}?{version}");
    let made = azure
        .call(WITHOUT_ROLE, Method::PUT, &path("mine"), Some(json!({})))
        .await;
    assert_eq!(made.done(202)["status"], "NotStarted");
    for (name, member) in [("azure-asyncoperation", "status"), ("location", "type")] {
        let address = made.headers[name].to_str().expect("text");
        let address = address
            .strip_prefix("https://localhost:1002")
            .expect("our own port");
        let result = azure.get(WITHOUT_ROLE, address).await;
        assert_eq!(
            result.done(200)["properties"]["displayName"],
            "mine",
            "{name}"
        );
        assert!(result.body[member].is_string(), "{name}");
    }
    // Its creator owns it, and others may do nothing with it.
    azure.get(WITHOUT_ROLE, &path("mine")).await.done(200);
    azure
        .get(DEMO, &path("mine"))
        .await
        .refused(403, "AuthorizationFailed");
    azure
        .call(DEMO, Method::PUT, &path("mine"), Some(json!({})))
        .await
        .refused(403, "AuthorizationFailed");
    let below = json!({"properties": {
        "displayName": "Below", "details": {"parent": {"id": format!("{root}/mine")}},
    }});
    azure
        .call(DEMO, Method::PUT, &path("below"), Some(below.clone()))
        .await
        .refused(403, "AuthorizationFailed");
    azure
        .call(WITHOUT_ROLE, Method::PUT, &path("below"), Some(below))
        .await
        .done(202);

    // To move a subscription needs the right to change its roles, or it would be a way to them.
    let subscription = SUBSCRIPTION.rsplit('/').next().expect("an id");
    let moving = path(&format!("below/subscriptions/{subscription}"));
    azure
        .call(WITHOUT_ROLE, Method::PUT, &moving, None)
        .await
        .refused(403, "AuthorizationFailed");
    azure
        .call(OWNER, Method::PUT, &moving, None)
        .await
        .refused(403, "AuthorizationFailed");
    let reader = Some(json!({"properties": {
        "roleDefinitionId": "/x/8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "principalId": OWNER,
    }}));
    let assignment = format!(
        "{root}/below/providers/Microsoft.Authorization/roleAssignments/{}?{RBAC}",
        Uuid::new_v4()
    );
    azure
        .call(WITHOUT_ROLE, Method::PUT, &assignment, reader)
        .await
        .done(201);
    let moved = azure.call(OWNER, Method::PUT, &moving, None).await;
    assert_eq!(
        moved.done(200)["properties"]["parent"]["id"],
        format!("{root}/below")
    );
    // The owner of the group above has its roles in the subscription now.
    azure
        .get(WITHOUT_ROLE, &format!("{WORKSPACE}?{ML}"))
        .await
        .done(200);
    let elsewhere = path("below/subscriptions/5ec0ffee-0001-4000-8000-000000000009");
    azure
        .call(OWNER, Method::PUT, &elsewhere, None)
        .await
        .refused(404, "SubscriptionNotFound");
}

#[tokio::test]
async fn a_tenants_own_management_group_is_above_all_and_can_not_be_made() {
    let azure = azure();
    let version = "api-version=2021-04-01";
    let root = format!("/providers/Microsoft.Management/managementGroups/{CONTOSO}");
    let path = format!("{root}?{version}");
    // Also where it is not stored, as in the state of an older emulator.
    azure
        .call(WITHOUT_ROLE, Method::PUT, &path, Some(json!({})))
        .await
        .refused(403, "AuthorizationFailed");
    azure
        .world
        .resources_mut()
        .add_root_management_group(CONTOSO);
    azure
        .call(WITHOUT_ROLE, Method::PUT, &path, Some(json!({})))
        .await
        .refused(403, "AuthorizationFailed");
    let workspace = format!("{WORKSPACE}?{ML}");
    azure
        .get(WITHOUT_ROLE, &workspace)
        .await
        .refused(403, "AuthorizationFailed");
    let assigned = azure.world.resources_mut().assign(RoleAssignment {
        id: Uuid::new_v4(),
        scope: root.parse().expect("a scope"),
        role: uuid!("acdd72a7-3385-48ef-bd42-f606fba81ae7"),
        principal: WITHOUT_ROLE,
        principal_type: PrincipalType::ServicePrincipal,
        description: None,
        condition: None,
        condition_version: None,
        created_by: None,
        created_on: OffsetDateTime::UNIX_EPOCH,
        updated: None,
    });
    assert_eq!(assigned, Ok(true));
    azure.get(WITHOUT_ROLE, &workspace).await.done(200);
    let got = azure.get(WITHOUT_ROLE, &path).await;
    let properties = &got.done(200)["properties"];
    assert_eq!(properties["displayName"], "Root Management Group");
    assert_eq!(properties["details"]["parent"], Value::Null);
    // It is not above the other tenant's subscriptions.
    azure
        .get(
            WITHOUT_ROLE,
            &format!("/subscriptions/5ec0ffee-0001-4000-8000-000000000009?{ARM}"),
        )
        .await
        .refused(401, "InvalidAuthenticationTokenTenant");
}

#[tokio::test]
async fn the_deletion_of_a_group_names_the_address_of_its_result() {
    let azure = azure();
    let path = format!("{SUBSCRIPTION}/resourceGroups/my-rg?{ARM}");
    let body = json!({"location": "westeurope"});
    azure
        .call(OWNER, Method::PUT, &path, Some(body))
        .await
        .done(201);
    let gone = azure.call(OWNER, Method::DELETE, &path, None).await;
    gone.done(202);
    assert_eq!(gone.headers["retry-after"], "1");
    let location = gone.headers["location"].to_str().expect("text");
    let job = location
        .strip_prefix("https://localhost:1002")
        .expect("our own port");
    // Base64url of {"jobId":"RESOURCEGROUPDELETIONJOB-MY:2DRG-WESTEUROPE",…
    assert!(job.contains("/operationresults/eyJqb2JJZCI6IlJFU09VUkNFR1JPVVBERUxFVElPTkpPQi1NWToyRFJHLVdFU1RFVVJPUEUi"), "{job}");
    assert_eq!(azure.get(OWNER, job).await.done(200), &Value::Null);
    azure
        .get_with(None, job)
        .await
        .refused(401, "AuthenticationFailed");
    let unknown = format!("{SUBSCRIPTION}/operationresults/x?{ARM}");
    azure.get(OWNER, &unknown).await.refused(404, "JobNotFound");
    azure
        .get(OWNER, &path)
        .await
        .refused(404, "ResourceGroupNotFound");
}

#[tokio::test]
async fn a_physical_region_says_where_it_is() {
    let azure = azure();
    let path = |version: &str| format!("{SUBSCRIPTION}/locations?api-version={version}");
    let got = azure.get(OWNER, &path("2022-12-01")).await;
    let region = &got.done(200)["value"][0];
    assert_eq!(region["metadata"]["longitude"], "4.9");
    assert_eq!(
        region["availabilityZoneMappings"][0]["physicalZone"],
        "westeurope-az1"
    );
    let got = azure.get(OWNER, &path("2019-11-01")).await;
    let region = &got.done(200)["value"][0];
    assert_eq!(region["metadata"]["latitude"], "52.3667");
    assert_eq!(
        (region.get("type"), region.get("availabilityZoneMappings")),
        (None, None)
    );
}
