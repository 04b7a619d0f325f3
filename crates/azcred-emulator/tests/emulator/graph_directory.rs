//! Groups, users, owners, deleted objects and directory roles, changed through Microsoft Graph.

use crate::common::{
    Lab, Reply, TENANT,
    graph::{SCOPE, app_token, each, error, get, send, token},
    people,
};
use reqwest::Method;
use serde_json::{Value, json};

const GRACE: &str = "e0000001-0000-4000-8000-000000000002";
const KATHERINE: &str = "e0000001-0000-4000-8000-000000000003";
const ML_ENGINEERS: &str = "/v1.0/groups/f0000001-0000-4000-8000-000000000001";
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
const APPLICATION_DEVELOPER: &str = "cf1c38e5-3621-4004-a7cb-879624dced7c";

/// A lab with an administrator of the directory, and a member without a role.
struct Scene {
    lab: Lab,
    admin: String,
    member: String,
}

impl Scene {
    async fn start() -> Self {
        let lab = Lab::start().await;
        Self {
            admin: token(&lab, TENANT, "ada@contoso.com", SCOPE).await,
            member: token(&lab, TENANT, "grace@contoso.com", SCOPE).await,
            lab,
        }
    }

    async fn send(&self, by: &str, method: Method, path: &str, body: Value) -> Reply {
        let body = (!body.is_null()).then_some(body);
        send(&self.lab, by, method, path, body).await
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(&self.admin, Method::POST, path, body).await
    }

    async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(&self.admin, Method::PATCH, path, body).await
    }

    async fn delete(&self, path: &str) -> Reply {
        self.send(&self.admin, Method::DELETE, path, Value::Null)
            .await
    }

    async fn get(&self, path: &str) -> Reply {
        get(&self.lab, &self.admin, path).await
    }
}

fn reference(id: &str) -> Value {
    json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}") })
}

fn group() -> Value {
    json!({
        "displayName": "Reviewers", "mailNickname": "reviewers", "mailEnabled": false, "securityEnabled": true,
    })
}

fn user(name: &str) -> Value {
    json!({
        "userPrincipalName": name, "displayName": "Mary Shaw", "mailNickname": "mary", "accountEnabled": true,
        "passwordProfile": {"password": "Architecture-1968", "forceChangePasswordNextSignIn": false},
    })
}

#[tokio::test]
async fn a_group_is_made_and_its_members_come_and_go() {
    let scene = Scene::start().await;
    let made = scene.post("/v1.0/groups", group()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("/v1.0/groups/{}", made.body["id"].as_str().unwrap());
    // Of an administrator's groups, none has an owner yet.
    assert!(each(&scene.get(&format!("{path}/owners")).await, "id").is_empty());
    let add = format!("{path}/members/$ref");
    assert_eq!(scene.post(&add, reference(GRACE)).await.status, 204);
    let twice = scene.post(&add, reference(GRACE)).await;
    assert_eq!(error(&twice).0, 400, "{twice:?}");
    assert_eq!(error(&scene.post(&add, reference(TENANT)).await).0, 404);
    assert_eq!(
        each(&scene.get(&format!("{path}/members")).await, "id"),
        [GRACE]
    );
    let more = json!({"members@odata.bind": [format!("https://graph.microsoft.com/v1.0/users('{KATHERINE}')")]});
    assert_eq!(scene.patch(&path, more).await.status, 204);
    let remove = format!("{path}/members/{GRACE}/$ref");
    assert_eq!(scene.delete(&remove).await.status, 204);
    assert_eq!(error(&scene.delete(&remove).await).0, 404);
    assert_eq!(
        each(&scene.get(&format!("{path}/members")).await, "id"),
        [KATHERINE]
    );
    let renamed = json!({"displayName": "Readers", "description": "of papers"});
    assert_eq!(scene.patch(&path, renamed).await.status, 204);
    assert_eq!(scene.get(&path).await.body["description"], "of papers");

    // A member's own group is theirs, and others are not.
    let own = scene
        .send(&scene.member, Method::POST, "/v1.0/groups", group())
        .await;
    assert_eq!(own.status, 201, "{own:?}");
    let own = format!("/v1.0/groups/{}", own.body["id"].as_str().unwrap());
    assert_eq!(
        each(&scene.get(&format!("{own}/owners")).await, "id"),
        [GRACE]
    );
    for (group, status) in [
        (own.as_str(), 204),
        (path.as_str(), 403),
        (ML_ENGINEERS, 403),
    ] {
        let add = format!("{group}/owners/$ref");
        let added = scene
            .send(&scene.member, Method::POST, &add, reference(KATHERINE))
            .await;
        assert_eq!(added.status, status, "{group}: {added:?}");
    }
    for (name, value) in [
        ("mailEnabled", json!(true)),
        ("displayName", Value::Null),
        ("securityEnabled", Value::Null),
    ] {
        let mut wrong = group();
        wrong[name] = value;
        assert!(
            scene.post("/v1.0/groups", wrong).await.status >= 400,
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_new_user_signs_in_until_the_user_is_disabled_or_deleted() {
    let scene = Scene::start().await;
    let name = "mary@contoso.com";
    let refused = scene
        .send(&scene.member, Method::POST, "/v1.0/users", user(name))
        .await;
    assert_eq!(error(&refused).1, "Authorization_RequestDenied");
    let made = scene.post("/v1.0/users", user(name)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let sign_in = async |password: &str| people::sign_in(&scene.lab, TENANT, name, password).await;
    assert_eq!(sign_in("Architecture-1968").await.status, 200);
    let path = "/v1.0/users/mary@contoso.com";
    let change = json!({"passwordProfile": {"password": "Software-1989", "forceChangePasswordNextSignIn": true}, "jobTitle": "Professor"});
    assert_eq!(scene.patch(path, change).await.status, 204);
    assert_eq!(sign_in("Architecture-1968").await.code(), 50126);
    assert_eq!(sign_in("Software-1989").await.code(), 50055);
    assert_eq!(scene.get(path).await.body["jobTitle"], "Professor");
    let off = json!({"accountEnabled": false});
    assert_eq!(scene.patch(path, off).await.status, 204);
    assert_eq!(sign_in("Software-1989").await.code(), 50057);
    assert_eq!(scene.delete(path).await.status, 204);
    assert_eq!(sign_in("Software-1989").await.code(), 50034);

    for (name, value, part) in [
        (
            "userPrincipalName",
            json!("mary@elsewhere.com"),
            "verified domain",
        ),
        (
            "userPrincipalName",
            json!("ada@contoso.com"),
            "already exists",
        ),
        (
            "passwordProfile",
            json!({"password": "short"}),
            "complexity",
        ),
        ("passwordProfile", Value::Null, "passwordProfile"),
        ("accountEnabled", Value::Null, "accountEnabled"),
    ] {
        let mut wrong = user("other@contoso.com");
        wrong[name] = value;
        let refused = scene.post("/v1.0/users", wrong).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(error(&refused).2.contains(part), "{refused:?}");
    }
}

#[tokio::test]
async fn an_owner_is_added_and_may_then_change_the_application() {
    let scene = Scene::start().await;
    let app = "/v1.0/applications(appId='a0000001-0000-4000-8000-000000000001')";
    let note = || json!({"notes": "x"});
    let by_member = async || {
        scene
            .send(&scene.member, Method::PATCH, app, note())
            .await
            .status
    };
    assert_eq!(by_member().await, 403);
    let add = format!("{app}/owners/$ref");
    assert_eq!(scene.post(&add, reference(GRACE)).await.status, 204);
    assert_eq!(by_member().await, 204);
    let principal = "/v1.0/servicePrincipals/d0000001-0000-4000-8000-000000000001";
    let of_principal = format!("{principal}/owners/$ref");
    assert_eq!(
        scene.post(&of_principal, reference(GRACE)).await.status,
        204
    );
    let owners = scene.get(&format!("{principal}/owners")).await;
    assert_eq!(each(&owners, "id"), [GRACE]);
    let owned = format!("/v1.0/users/{GRACE}/ownedObjects");
    assert_eq!(
        each(&scene.get(&owned).await, "displayName"),
        ["azcred-demo", "azcred-demo"]
    );
    let group = "f0000001-0000-4000-8000-000000000001";
    assert_eq!(error(&scene.post(&add, reference(group)).await).0, 400);
    assert_eq!(
        scene
            .delete(&format!("{app}/owners/{GRACE}/$ref"))
            .await
            .status,
        204
    );
    assert_eq!(by_member().await, 403);
}

#[tokio::test]
async fn what_was_deleted_comes_back_or_is_gone_for_good() {
    let scene = Scene::start().await;
    let app = "/v1.0/applications/b0000001-0000-4000-8000-000000000001";
    let principal = "d0000001-0000-4000-8000-000000000001";
    assert_eq!(scene.delete(app).await.status, 204);
    assert_eq!(
        scene.lab.request_token_as("azcred-demo").await.code(),
        700_016
    );
    let list = "/v1.0/directory/deletedItems/microsoft.graph.application";
    let deleted = scene.get(list).await;
    assert_eq!(each(&deleted, "displayName"), ["azcred-demo"]);
    assert!(deleted.body["value"][0]["deletedDateTime"].is_string());
    let item = "/v1.0/directory/deletedItems/b0000001-0000-4000-8000-000000000001";
    assert_eq!(
        scene.get(item).await.body["@odata.type"],
        "#microsoft.graph.application"
    );
    let by_member = scene
        .send(
            &scene.member,
            Method::POST,
            &format!("{item}/restore"),
            json!({}),
        )
        .await;
    assert_eq!(by_member.status, 403);
    assert_eq!(
        scene
            .post(&format!("{item}/restore"), json!({}))
            .await
            .status,
        200
    );
    // Its principal is an object of its own.
    assert_eq!(
        scene.lab.request_token_as("azcred-demo").await.code(),
        7_000_229
    );
    let item = format!("/v1.0/directory/deletedItems/{principal}");
    assert_eq!(
        scene
            .post(&format!("{item}/restore"), json!({}))
            .await
            .status,
        200
    );
    assert_eq!(scene.lab.request_token_as("azcred-demo").await.status, 200);
    assert_eq!(error(&scene.get(&item).await).0, 404);

    assert_eq!(scene.delete(app).await.status, 204);
    let item = "/v1.0/directory/deletedItems/b0000001-0000-4000-8000-000000000001";
    assert_eq!(scene.delete(item).await.status, 204);
    assert_eq!(
        error(&scene.post(&format!("{item}/restore"), json!({})).await).0,
        404
    );
}

#[tokio::test]
async fn who_may_create_applications_is_read_before_one_is_created() {
    let scene = Scene::start().await;
    let create = async |by: &str| {
        let body = json!({"displayName": "x"});
        scene
            .send(by, Method::POST, "/v1.0/applications", body)
            .await
            .status
    };
    let policy = "/v1.0/policies/authorizationPolicy";
    let shown = get(&scene.lab, &scene.member, policy).await;
    assert_eq!(
        shown.body["defaultUserRolePermissions"]["allowedToCreateApps"],
        true
    );
    assert_eq!(shown.body["id"], "authorizationPolicy");
    assert_eq!(create(&scene.member).await, 201);
    let off = json!({"defaultUserRolePermissions": {"allowedToCreateApps": false}});
    let refused = scene
        .send(&scene.member, Method::PATCH, policy, off.clone())
        .await;
    assert_eq!(refused.status, 403);
    assert_eq!(scene.patch(policy, off).await.status, 204);
    let shown = get(&scene.lab, &scene.member, policy).await;
    assert_eq!(
        shown.body["defaultUserRolePermissions"]["allowedToCreateApps"],
        false
    );
    assert_eq!(create(&scene.member).await, 403);
    let other = json!({"allowedToUseSSPR": false});
    assert_eq!(scene.patch(policy, other).await.status, 501);

    let roles = "/v1.0/me/transitiveMemberOf/microsoft.graph.directoryRole?$select=roleTemplateId";
    let own = get(&scene.lab, &scene.admin, roles).await;
    assert_eq!(each(&own, "roleTemplateId"), [GLOBAL_ADMINISTRATOR]);
    assert!(
        each(
            &get(&scene.lab, &scene.member, roles).await,
            "roleTemplateId"
        )
        .is_empty()
    );
    let assignments = "/v1.0/roleManagement/directory/roleAssignments";
    let wanted = json!({"principalId": GRACE, "roleDefinitionId": APPLICATION_DEVELOPER, "directoryScopeId": "/"});
    let refused = scene
        .send(&scene.member, Method::POST, assignments, wanted.clone())
        .await;
    assert_eq!(refused.status, 403);
    let assigned = scene.post(assignments, wanted.clone()).await;
    assert_eq!(assigned.status, 201, "{assigned:?}");
    assert_eq!(error(&scene.post(assignments, wanted).await).0, 400);
    let path = format!("{assignments}?$filter=principalId eq '{GRACE}'");
    let found = get(&scene.lab, &scene.member, &path).await;
    assert_eq!(each(&found, "roleDefinitionId"), [APPLICATION_DEVELOPER]);
    assert_eq!(create(&scene.member).await, 201);
    let one = format!("{assignments}/{}", assigned.body["id"].as_str().unwrap());
    assert_eq!(scene.delete(&one).await.status, 204);
    assert_eq!(create(&scene.member).await, 403);
    let definitions = "/v1.0/roleManagement/directory/roleDefinitions?$filter=displayName eq 'User Administrator'";
    assert_eq!(each(&scene.get(definitions).await, "isBuiltIn").len(), 1);
    let reader = app_token(&scene.lab, "azcred-contributor").await;
    let members = format!("/v1.0/directoryRoles(roleTemplateId='{GLOBAL_ADMINISTRATOR}')/members");
    assert_eq!(
        each(&get(&scene.lab, &reader, &members).await, "displayName"),
        ["Ada Lovelace"]
    );
}
