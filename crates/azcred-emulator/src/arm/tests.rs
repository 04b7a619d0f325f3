//! ARM as a client sees it: requests through the router, against a small Contoso beside a Fabrikam.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use tower::ServiceExt;
use uuid::{Uuid, uuid};

use crate::directory::{Directory, Group, ServicePrincipal, ServicePrincipalKind, Tenant, User};
use crate::resources::{DEFAULT_SEED, DenyAssignment, EVERYONE, Permission, ResourcesSeed};
use crate::service::{Cloud, Entrance, Service, Urls};
use crate::tokens::Keys;
use crate::world::World;

const CONTOSO: Uuid = uuid!("aaaaaaaa-0000-4000-8000-000000000001");
const FABRIKAM: Uuid = uuid!("aaaaaaaa-0000-4000-8000-000000000002");
const SUBSCRIPTION: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001";
const GROUP: &str =
    "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml";
const WORKSPACE: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers/Microsoft.MachineLearningServices/workspaces/ws-contoso-ml";
const ML: &str = "api-version=2024-10-01";
const ARM: &str = "api-version=2022-12-01";
const RBAC: &str = "api-version=2022-04-01";

/// Who calls, by object id.
const DEMO: Uuid = Uuid::from_u128(0xde);
const OWNER: Uuid = Uuid::from_u128(0x0e);
const NOBODY: Uuid = Uuid::from_u128(0x0b);
const STRANGER: Uuid = Uuid::from_u128(0x57);
const ANNA: Uuid = Uuid::from_u128(0xa);
const TEAM: Uuid = Uuid::from_u128(0x7);

struct Azure {
    world: Arc<World>,
    router: axum::Router,
}

struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Got {
    fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }

    fn names(&self) -> Vec<&str> {
        let items = self.body["value"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        items
            .iter()
            .filter_map(|item| item["name"].as_str())
            .collect()
    }

    #[track_caller]
    fn refused(&self, status: u16, code: &str) -> &str {
        assert_eq!(
            (self.status.as_u16(), self.code()),
            (status, code),
            "{}",
            self.body
        );
        self.message()
    }

    #[track_caller]
    fn done(&self, status: u16) -> &Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        &self.body
    }
}

fn azure() -> Azure {
    let mut directory = Directory::default();
    for (id, name, domain) in [
        (CONTOSO, "Contoso", "contoso.onmicrosoft.com"),
        (FABRIKAM, "Fabrikam", "fabrikam.onmicrosoft.com"),
    ] {
        directory.tenants.insert(id, Tenant::new(id, name, domain));
    }
    for (id, tenant, name) in [
        (DEMO, CONTOSO, "azcred-demo"),
        (OWNER, CONTOSO, "owner"),
        (NOBODY, CONTOSO, "nobody"),
        (STRANGER, FABRIKAM, "stranger"),
    ] {
        let principal = ServicePrincipal {
            id,
            tenant,
            app_id: Uuid::from_u128(id.as_u128() + 0x1000),
            name: name.into(),
            kind: ServicePrincipalKind::Application,
            enabled: true,
            blocked_by_conditional_access: false,
            app_roles: Vec::new(),
        };
        directory.service_principals.insert(id, principal);
    }
    directory.users.insert(
        ANNA,
        User {
            id: ANNA,
            tenant: CONTOSO,
            user_principal_name: "anna@contoso.onmicrosoft.com".into(),
            name: "Anna".into(),
            enabled: true,
        },
    );
    directory.groups.insert(
        TEAM,
        Group {
            id: TEAM,
            tenant: CONTOSO,
            name: "Team".into(),
            members: [ANNA].into(),
        },
    );
    let more = format!(
        "{DEFAULT_SEED}
[[role_assignments]]
principal = 'owner'
role = 'Owner'
scope = '{SUBSCRIPTION}'
[[role_assignments]]
principal = 'Team'
role = 'Reader'
scope = '{GROUP}'
[[subscriptions]]
id = '5ec0ffee-0001-4000-8000-000000000009'
tenant = 'fabrikam.onmicrosoft.com'
name = 'Fabrikam'
state = 'Disabled'
[[role_assignments]]
principal = 'stranger'
role = 'Owner'
scope = '/subscriptions/5ec0ffee-0001-4000-8000-000000000009'
"
    );
    let seed: ResourcesSeed = toml::from_str(&more).expect("the seed");
    let resources = seed
        .build(&directory, OffsetDateTime::now_utc())
        .unwrap_or_else(|problem| panic!("{problem}"));
    let world = Arc::new(World::new(
        directory,
        resources,
        Keys::generate().expect("keys"),
    ));
    world.set_urls(Urls {
        login: "https://localhost:1001".into(),
        arm: "https://localhost:1002".into(),
        graph: "https://localhost:1003".into(),
    });
    Azure {
        router: super::router(Arc::clone(&world)),
        world,
    }
}

impl Azure {
    fn claims(&self, who: Uuid) -> Map<String, Value> {
        let directory = self.world.directory();
        let principal = directory.principal(who).expect("a principal");
        let tenant = principal.tenant();
        let now = self.world.clock.unix();
        let mut claims = json!({
            "aud": "https://management.azure.com",
            "iss": format!("https://sts.windows.net/{tenant}/"),
            "iat": now, "nbf": now, "exp": now + 3600,
            "oid": who, "tid": tenant,
        });
        if let Some(app) = directory.service_principals.get(&who) {
            claims["appid"] = json!(app.app_id);
            claims["idtyp"] = json!("app");
        }
        if let Some(user) = directory.users.get(&who) {
            claims["upn"] = json!(user.user_principal_name);
        }
        claims.as_object().expect("an object").clone()
    }

    fn token(&self, who: Uuid) -> String {
        self.sign(&self.claims(who))
    }

    fn sign(&self, claims: &Map<String, Value>) -> String {
        self.world.keys.entra.sign(claims).expect("signed")
    }

    async fn send(&self, request: Request<Body>) -> Got {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 16 << 20).await.expect("a body");
        Got {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }

    async fn call(&self, who: Uuid, method: Method, path: &str, body: Option<Value>) -> Got {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token(who)))
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .expect("a request");
        self.send(request).await
    }

    async fn get(&self, who: Uuid, path: &str) -> Got {
        self.call(who, Method::GET, path, None).await
    }

    async fn get_with(&self, authorization: Option<&str>, path: &str) -> Got {
        let mut request = Request::get(path);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        self.send(request.body(Body::empty()).expect("a request"))
            .await
    }
}

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
        "https://westeurope.api.azureml.ms/discovery"
    );
    assert_eq!(
        workspace["properties"]["mlFlowTrackingUri"],
        format!("azureml://westeurope.api.azureml.ms/mlflow/v1.0{WORKSPACE}")
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
async fn who_has_no_right_does_not_learn_what_exists() {
    let azure = azure();
    let here = azure.get(NOBODY, &format!("{WORKSPACE}?{ML}")).await;
    let missing = azure.get(NOBODY, &format!("{WORKSPACE}-x?{ML}")).await;
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
            NOBODY,
            &format!("{WORKSPACE}-x/providers/Microsoft.Authorization/permissions?{RBAC}"),
        )
        .await;
    assert_eq!(permissions.done(200)["value"], json!([]));
}

#[tokio::test]
async fn a_subscription_is_shown_to_whoever_has_some_role_in_it() {
    let azure = azure();
    for (who, expected) in [(DEMO, 1), (OWNER, 1), (ANNA, 1), (STRANGER, 1), (NOBODY, 0)] {
        let got = azure.get(who, &format!("/subscriptions?{ARM}")).await;
        assert_eq!(got.done(200)["count"]["value"], expected, "{who}");
    }
    let one = azure.get(DEMO, &format!("{SUBSCRIPTION}?{ARM}")).await;
    assert_eq!(one.done(200)["tenantId"], json!(CONTOSO));
    azure
        .get(NOBODY, &format!("{SUBSCRIPTION}?{ARM}"))
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
async fn a_token_of_another_tenant_is_told_where_to_go() {
    let azure = azure();
    let got = azure.get(STRANGER, &format!("{WORKSPACE}?{ML}")).await;
    let message = got.refused(401, "InvalidAuthenticationTokenTenant");
    assert!(message.contains(&format!("'https://sts.windows.net/{FABRIKAM}/'")));
    assert!(message.contains(&format!(
        "must match the tenant 'https://sts.windows.net/{CONTOSO}/'"
    )));
    let challenge = got.headers["www-authenticate"].to_str().expect("text");
    assert!(
        challenge.starts_with(&format!(
            "Bearer authorization_uri=\"https://localhost:1001/{CONTOSO}\", error=\"invalid_token\""
        )),
        "{challenge}"
    );
}

#[tokio::test]
async fn each_fault_of_a_token_has_its_own_code() {
    let azure = azure();
    let path = format!("{WORKSPACE}?{ML}");
    let now = azure.world.clock.unix();
    let with = |name: &str, value: Value| {
        let mut claims = azure.claims(DEMO);
        claims.insert(name.into(), value);
        format!("Bearer {}", azure.sign(&claims))
    };
    let good = azure.token(DEMO);
    let mut forged: Vec<&str> = good.split('.').collect();
    let other = azure.token(OWNER);
    forged[1] = other.split('.').nth(1).expect("a payload");
    for (header, code, words) in [
        (None, "AuthenticationFailed", "header is missing"),
        (
            Some("Basic eA==".to_owned()),
            "AuthenticationFailed",
            "invalid format",
        ),
        (
            Some("Bearer x".to_owned()),
            "InvalidAuthenticationToken",
            "invalid",
        ),
        (
            Some(format!("Bearer {}", forged.join("."))),
            "InvalidAuthenticationToken",
            "invalid",
        ),
        (
            Some(with("aud", json!("https://graph.microsoft.com"))),
            "InvalidAuthenticationTokenAudience",
            "'https://graph.microsoft.com'",
        ),
        (
            Some(with("exp", json!(now - 4000))),
            "ExpiredAuthenticationToken",
            "earlier than current UTC time",
        ),
        (
            Some(with("nbf", json!(now + 4000))),
            "InvalidAuthenticationToken",
            "not yet valid",
        ),
        (
            Some(with(
                "iss",
                json!("https://sts.windows.net/00000000-0000-0000-0000-00000000000f/"),
            )),
            "InvalidAuthenticationToken",
            "invalid",
        ),
    ] {
        let got = azure.get_with(header.as_deref(), &path).await;
        let message = got.refused(401, code);
        assert!(message.contains(words), "{message}");
        let challenge = got.headers["www-authenticate"].to_str().expect("text");
        assert!(
            challenge.contains(&format!(
                "authorization_uri=\"https://localhost:1001/{CONTOSO}\""
            )),
            "{challenge}"
        );
    }
    for audience in [
        "https://management.core.windows.net/",
        "https://localhost:1002",
        "https://management.azure.com/",
    ] {
        azure
            .get_with(Some(&with("aud", json!(audience))), &path)
            .await
            .done(200);
    }
}

#[tokio::test]
async fn permissions_are_those_of_every_role_that_holds_there() {
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
    // In Anna's case the role comes by her group, from the resource group.
    let got = azure.get(ANNA, &at(WORKSPACE)).await;
    assert_eq!(got.done(200)["value"][0]["actions"], json!(["*/read"]));
    let got = azure.get(ANNA, &at(SUBSCRIPTION)).await;
    assert_eq!(got.done(200)["value"], json!([]));
    // And by the oldest version that is still used.
    let old =
        format!("{WORKSPACE}/providers/Microsoft.Authorization/permissions?api-version=2015-07-01");
    assert_eq!(azure.get(DEMO, &old).await.done(200)["value"], json!(held));
}

#[tokio::test]
async fn a_role_is_given_used_and_taken_away() {
    let azure = azure();
    let name = Uuid::new_v4();
    let path =
        format!("{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/{name}?{RBAC}");
    let body = json!({"properties": {
        "roleDefinitionId": format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"),
        "principalId": NOBODY,
        "principalType": "ServicePrincipal",
    }});
    let workspace = format!("{WORKSPACE}?{ML}");
    azure
        .get(NOBODY, &workspace)
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
    assert_eq!(made.body["properties"]["createdBy"], json!(OWNER));
    azure.get(NOBODY, &workspace).await.done(200);

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
        .get(NOBODY, &workspace)
        .await
        .refused(403, "AuthorizationFailed");
}

#[tokio::test]
async fn an_assignment_that_makes_no_sense_is_refused_for_its_own_reason() {
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
        // Fabrikam's principals are none of Contoso's.
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
        (
            "",
            json!({"properties": {"roleDefinitionId": reader, "principalId": ANNA, "condition": "@Resource[x]"}}),
            400,
            "InvalidRoleAssignmentCondition",
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
    // One that is not replicated yet, as the client says.
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
async fn assignments_are_listed_as_the_filter_says() {
    let azure = azure();
    let list = |scope: &str, filter: &str| {
        let query: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        format!("{scope}/providers/Microsoft.Authorization/roleAssignments?{RBAC}&$filter={query}")
    };
    for (scope, filter, expected) in [
        (SUBSCRIPTION, "atScope()", 1),
        (WORKSPACE, "atScope()", 3),
        (GROUP, &format!("principalId eq '{DEMO}'") as &str, 2),
        (WORKSPACE, &format!("assignedTo('{ANNA}')"), 1),
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
    assert_eq!(got.done(200)["value"].as_array().map(Vec::len), Some(13));
    let root = "/providers/Microsoft.Authorization/roleDefinitions";
    azure
        .get(NOBODY, &format!("{root}/{id}?{RBAC}"))
        .await
        .done(200);
    azure
        .get(NOBODY, &format!("{root}/{}?{RBAC}", Uuid::nil()))
        .await
        .refused(404, "RoleDefinitionDoesNotExist");
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
async fn a_workspace_is_made_changed_and_deleted() {
    let azure = azure();
    let path =
        format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/new-ws?{ML}");
    let account = format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/stcontosoml");
    let body = json!({
        "location": "West Europe",
        "identity": {"type": "systemAssigned"},
        "properties": {"storageAccount": account, "workspaceId": "mine"},
    });
    let made = azure
        .call(OWNER, Method::PUT, &path, Some(body.clone()))
        .await;
    let made = made.done(201);
    assert_eq!(made["location"], "westeurope");
    assert_ne!(made["properties"]["workspaceId"], "mine");
    assert_eq!(made["properties"]["provisioningState"], "Succeeded");
    let principal: Uuid =
        serde_json::from_value(made["identity"]["principalId"].clone()).expect("an id");
    assert!(azure.world.directory().principal(principal).is_some());

    let again = azure.call(OWNER, Method::PUT, &path, Some(body)).await;
    assert_eq!(
        again.done(200)["properties"]["workspaceId"],
        made["properties"]["workspaceId"]
    );
    assert_eq!(again.body["identity"]["principalId"], json!(principal));
    let moved = json!({"location": "eastus"});
    azure
        .call(OWNER, Method::PUT, &path, Some(moved))
        .await
        .refused(409, "InvalidResourceLocation");
    let change = json!({"tags": {"team": "ml"}, "properties": {"description": "changed", "workspaceId": "mine"}});
    let changed = azure.call(OWNER, Method::PATCH, &path, Some(change)).await;
    assert_eq!(changed.done(200)["tags"], json!({"team": "ml"}));
    assert_eq!(changed.body["properties"]["description"], "changed");
    assert_eq!(
        changed.body["properties"]["workspaceId"],
        made["properties"]["workspaceId"]
    );
    let stores = azure.get(OWNER, &path.replace('?', "/datastores?")).await;
    assert_eq!(
        stores.names(),
        ["workspaceartifactstore", "workspaceblobstore"]
    );
    assert_eq!(
        azure
            .get(OWNER, &path.replace('?', "/computes?"))
            .await
            .done(200)["value"],
        json!([])
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
        .get(OWNER, &path.replace('?', "/computes?"))
        .await
        .refused(404, "ParentResourceNotFound");
    for (name, body, code) in [
        ("x", json!({"location": "westeurope"}), "ValidationError"),
        ("good", json!({}), "LocationRequired"),
        (
            "good",
            json!({"location": "the moon"}),
            "LocationNotAvailableForResourceGroup",
        ),
        (
            "good",
            json!({"location": "westeurope", "tags": 1}),
            "InvalidRequestContent",
        ),
        ("good", json!([]), "InvalidRequestContent"),
    ] {
        let path =
            format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/{name}?{ML}");
        azure
            .call(OWNER, Method::PUT, &path, Some(body))
            .await
            .refused(400, code);
    }
}

#[tokio::test]
async fn lists_hold_what_the_caller_may_read_and_no_more() {
    let azure = azure();
    let workspaces =
        format!("{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices/workspaces?{ML}");
    assert_eq!(
        azure.get(DEMO, &workspaces).await.names(),
        ["ws-contoso-ml"]
    );
    azure
        .get(NOBODY, &workspaces)
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
async fn long_lists_come_in_pages_whose_links_lead_on() {
    let azure = azure();
    let mut path = format!("/providers/Microsoft.Authorization/roleDefinitions?{RBAC}&$top=5");
    let mut names = Vec::new();
    loop {
        let got = azure.get(OWNER, &path).await;
        names.extend(got.names().into_iter().map(str::to_owned));
        let Some(next) = got.done(200)["nextLink"].as_str() else {
            break;
        };
        path = next
            .strip_prefix("https://localhost:1002")
            .expect("our own port")
            .to_owned();
        assert!(names.len() < 100, "the pages go round");
    }
    assert_eq!(names.len(), 13);
    names.dedup();
    assert_eq!(names.len(), 13);
    for bad in [
        "$top=0",
        "$top=x",
        "$skiptoken=%%",
        "$skiptoken=bm90IG91cnM",
    ] {
        let got = azure.get(OWNER, &format!("/tenants?{ARM}&{bad}")).await;
        assert_eq!(got.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn versions_and_types_that_do_not_exist_are_named() {
    let azure = azure();
    for (path, status, code) in [
        (
            format!("{SUBSCRIPTION}?"),
            400,
            "MissingApiVersionParameter",
        ),
        (
            format!("{SUBSCRIPTION}?api-version=1999-01-01"),
            400,
            "InvalidApiVersionParameter",
        ),
        (
            format!("{WORKSPACE}?api-version=1999-01-01"),
            400,
            "NoRegisteredProviderFound",
        ),
        (
            format!("{GROUP}/providers/Microsoft.MachineLearningServices/nests/x?{ML}"),
            404,
            "InvalidResourceType",
        ),
        (
            format!("{GROUP}/providers/Microsoft.Nonsense/nests/x?{ML}"),
            404,
            "InvalidResourceNamespace",
        ),
        (format!("/nonsense?{ARM}"), 404, "MissingSubscription"),
        (
            format!("/subscriptions/nonsense?{ARM}"),
            400,
            "InvalidSubscriptionId",
        ),
    ] {
        azure.get(OWNER, &path).await.refused(status, code);
    }
    let got = azure
        .call(
            OWNER,
            Method::POST,
            &format!("{WORKSPACE}/listKeys?{ML}"),
            None,
        )
        .await;
    got.refused(405, "HttpMethodNotSupported");
    let got = azure
        .call(
            DEMO,
            Method::POST,
            &format!("{WORKSPACE}/listKeys?{ML}"),
            None,
        )
        .await;
    got.refused(403, "AuthorizationFailed");
}

#[tokio::test]
async fn nothing_is_written_in_a_subscription_that_is_switched_off() {
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
        .done(200);
    azure.call(OWNER, Method::HEAD, &path, None).await.done(404);
}

#[tokio::test]
async fn cloud_metadata_names_the_ports_by_ports_and_azure_by_real_names() {
    let azure = azure();
    let ask = async |version: &str, real_name: Option<&str>, cloud: Cloud| {
        let request = Request::get(format!("/metadata/endpoints?api-version={version}"))
            .extension(Entrance {
                service: Service::Arm,
                cloud,
                real_name: real_name.map(str::to_owned),
            })
            .body(Body::empty())
            .expect("a request");
        azure.send(request).await
    };
    let own = ask("2022-09-01", None, Cloud::Public).await;
    assert_eq!(own.done(200)["resourceManager"], "https://localhost:1002/");
    assert_eq!(
        own.body["authentication"]["loginEndpoint"],
        "https://localhost:1001"
    );
    assert_eq!(
        own.body["microsoftGraphResourceId"],
        "https://localhost:1003/"
    );
    let list = ask("2019-05-01", None, Cloud::Public).await;
    assert_eq!(list.done(200).as_array().map(Vec::len), Some(1));
    let list = ask("2020-06-01", Some("management.azure.com"), Cloud::Public).await;
    let names: Vec<_> = list
        .done(200)
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(
        names,
        ["AzureCloud", "AzureChinaCloud", "AzureUSGovernment"]
    );
    assert_eq!(
        list.body[2]["resourceManager"],
        "https://management.usgovcloudapi.net/"
    );
    let government = ask(
        "2022-09-01",
        Some("management.usgovcloudapi.net"),
        Cloud::UsGovernment,
    )
    .await;
    assert_eq!(government.done(200)["name"], "AzureUSGovernment");
    let first = ask("2015-01-01", Some("management.azure.com"), Cloud::Public).await;
    assert_eq!(
        first.done(200)["galleryEndpoint"],
        "https://gallery.azure.com/"
    );
    ask("2001-01-01", None, Cloud::Public)
        .await
        .refused(400, "InvalidApiVersionParameter");
}

#[tokio::test]
async fn every_answer_carries_the_ids_to_ask_support_with() {
    let azure = azure();
    let correlation = Uuid::new_v4().to_string();
    let request = Request::get(format!("{WORKSPACE}?{ML}"))
        .header("x-ms-correlation-request-id", &correlation)
        .header("x-ms-client-request-id", "mine")
        .header("x-ms-return-client-request-id", "true")
        .body(Body::empty())
        .expect("a request");
    let got = azure.send(request).await;
    assert_eq!(
        got.headers["x-ms-correlation-request-id"],
        correlation.as_str()
    );
    assert_eq!(got.headers["x-ms-client-request-id"], "mine");
    for name in [
        "x-ms-request-id",
        "x-ms-routing-request-id",
        "x-ms-ratelimit-remaining-subscription-reads",
    ] {
        assert!(got.headers.contains_key(name), "{name}");
    }
    let forged = Request::get(format!("/tenants?{ARM}"))
        .header("x-ms-correlation-request-id", "not an id")
        .body(Body::empty())
        .expect("a request");
    assert_ne!(
        azure.send(forged).await.headers["x-ms-correlation-request-id"],
        "not an id"
    );
}

#[tokio::test]
async fn hostile_requests_end_in_an_error_of_ours() {
    let azure = azure();
    let deep = format!("/{}", vec!["x"; 200].join("/"));
    let long = format!(
        "{GROUP}/providers/Microsoft.Storage/storageAccounts/{}",
        "a".repeat(5000)
    );
    for path in [
        "/subscriptions/..%2f..%2fetc".to_owned(),
        "/subscriptions/%ff%fe".to_owned(),
        format!("{SUBSCRIPTION}/resourceGroups/%00"),
        format!("{GROUP}%5c..%5c"),
        format!("{GROUP}/providers/providers/providers/providers"),
        deep,
        long,
    ] {
        let got = azure.get(OWNER, &format!("{path}?{ML}")).await;
        assert!(got.status.is_client_error(), "{path}: {}", got.status);
        assert!(!got.code().is_empty(), "{path}");
    }
    let huge = Request::put(format!("{WORKSPACE}?{ML}"))
        .header("authorization", format!("Bearer {}", azure.token(OWNER)))
        .body(Body::from(vec![b' '; super::call::MAX_BODY + 1]))
        .expect("a request");
    azure
        .send(huge)
        .await
        .refused(413, "RequestContentTooLarge");
    let nested = "[".repeat(100_000);
    let request = Request::put(format!("{WORKSPACE}?{ML}"))
        .header("authorization", format!("Bearer {}", azure.token(OWNER)))
        .body(Body::from(nested))
        .expect("a request");
    azure
        .send(request)
        .await
        .refused(400, "InvalidRequestContent");
}
