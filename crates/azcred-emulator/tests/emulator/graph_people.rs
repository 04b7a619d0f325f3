//! Microsoft Graph for people, and who belongs to which group.

use crate::common::{
    self, Lab,
    graph::{SCOPE, app_token, each, error, get, get_eventual, send, token},
    people::{self, ADA, CONTOSO, FABRIKAM},
};
use reqwest::Method;
use serde_json::{Value, json};

const ML_ENGINEERS: &str = "f0000001-0000-4000-8000-000000000001";
const ENGINEERS: &str = "f0000001-0000-4000-8000-000000000002";

async fn post(lab: &Lab, token: &str, path: &str, body: Value) -> common::Reply {
    send(lab, token, Method::POST, path, Some(body)).await
}

#[tokio::test]
async fn a_member_reads_the_directory_with_azure_cli() {
    let lab = Lab::start().await;
    let ada = token(&lab, CONTOSO, "ada@contoso.com", SCOPE).await;
    for path in [
        "/v1.0/users",
        "/v1.0/groups",
        "/v1.0/applications",
        "/v1.0/servicePrincipals",
        "/v1.0/organization",
        "/v1.0/users/grace@contoso.com/memberOf",
        "/beta/me/ownedObjects",
    ] {
        let list = get(&lab, &ada, path).await;
        assert!(!each(&list, "id").is_empty(), "{path}");
    }
    let me = get(&lab, &ada, "/v1.0/me").await.body;
    assert_eq!(me["displayName"], "Ada Lovelace");
    assert_eq!(
        me["@odata.context"],
        "https://graph.microsoft.com/v1.0/$metadata#users/$entity"
    );
}

#[tokio::test]
async fn openid_connects_userinfo_is_about_the_person_of_the_id_token() {
    let lab = people::lab().await;
    let ada = people::sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    let more = [("scope", "User.Read openid profile email")];
    let ada = people::refresh(&lab, CONTOSO, people::text(&ada, "refresh_token"), &more).await;
    let id_token = common::claims_of(people::text(&ada, "id_token"));
    let token = people::text(&ada, "access_token");
    let configuration = lab
        .get(&format!("/{CONTOSO}/v2.0/.well-known/openid-configuration"))
        .await;
    let endpoint = people::text(&configuration, "userinfo_endpoint");
    for method in [Method::GET, Method::POST] {
        let request = lab.client.request(method, endpoint).bearer_auth(token);
        let info = common::read(request.send().await.unwrap()).await;
        assert_eq!(info.body["sub"], id_token["sub"]);
        assert_eq!(info.body["name"], "Ada Lovelace");
        assert_eq!(info.body["email"], "ada@contoso.com");
    }
    let none = get(&lab, "x", "/oidc/userinfo").await;
    assert_eq!(error(&none).0, 401);
}

#[tokio::test]
async fn an_application_has_no_userinfo() {
    let lab = Lab::start().await;
    let app = app_token(&lab, "azcred-demo").await;
    let info = get(&lab, &app, "/oidc/userinfo").await;
    assert_eq!(error(&info).0, 403);
}

#[tokio::test]
async fn a_guest_reads_single_users_and_lists_none() {
    let lab = people::lab().await;
    let guest = people::sign_in(&lab, FABRIKAM, "ada@contoso.com", "analytical").await;
    let more = [("scope", SCOPE)];
    let refresh_token = people::text(&guest, "refresh_token");
    let guest = people::refresh(&lab, FABRIKAM, refresh_token, &more).await;
    let guest = people::text(&guest, "access_token");
    let me = get(&lab, guest, "/v1.0/me").await.body;
    assert_eq!(me["mail"], "ada@contoso.com");
    let path = "/v1.0/users/ada_contoso.com%23EXT%23@fabrikam.com?$select=userType";
    assert_eq!(get(&lab, guest, path).await.body["userType"], "Guest");
    for path in ["/v1.0/users", "/v1.0/groups"] {
        assert_eq!(get(&lab, guest, path).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn groups_members_and_owners_say_of_which_type_they_are() {
    let lab = Lab::start().await;
    let ada = token(&lab, CONTOSO, "ada@contoso.com", SCOPE).await;
    let groups = get(&lab, &ada, "/v1.0/me/memberOf").await;
    assert_eq!(
        groups.body["@odata.context"],
        "https://graph.microsoft.com/v1.0/$metadata#directoryObjects"
    );
    let mut types = each(&groups, "@odata.type");
    types.sort_unstable();
    assert_eq!(
        types,
        ["#microsoft.graph.directoryRole", "#microsoft.graph.group"]
    );
    let path = "/v1.0/me/memberOf/microsoft.graph.group";
    assert_eq!(each(&get(&lab, &ada, path).await, "id"), [ML_ENGINEERS]);
    let path = "/v1.0/me/transitiveMemberOf/microsoft.graph.group";
    let all = get(&lab, &ada, path).await;
    assert_eq!(each(&all, "id"), [ML_ENGINEERS, ENGINEERS]);
    let members = get(&lab, &ada, &format!("/v1.0/groups/{ENGINEERS}/members")).await;
    let mut types = each(&members, "@odata.type");
    types.sort_unstable();
    assert_eq!(types, ["#microsoft.graph.group", "#microsoft.graph.user"]);
    let path = format!("/v1.0/groups/{ENGINEERS}/members/microsoft.graph.user?$select=displayName");
    let people = get(&lab, &ada, &path).await;
    // One type: it is not said.
    assert_eq!(
        people.body["value"],
        json!([{ "displayName": "Katherine Johnson" }])
    );
    let path = format!("/v1.0/groups/{ENGINEERS}/transitiveMembers/$count");
    assert_eq!(get_eventual(&lab, &ada, &path).await.body, 4);
    for path in [
        format!("/v1.0/groups/{ML_ENGINEERS}/owners"),
        "/v1.0/applications(appId='a0000001-0000-4000-8000-000000000001')/owners".to_owned(),
    ] {
        let owners = get(&lab, &ada, &path).await;
        assert_eq!(
            each(&owners, "userPrincipalName"),
            ["ada@contoso.com"],
            "{path}"
        );
        assert_eq!(
            each(&owners, "@odata.type"),
            ["#microsoft.graph.user"],
            "{path}"
        );
    }
    let owned = get(&lab, &ada, "/v1.0/me/ownedObjects").await;
    let mut names = each(&owned, "displayName");
    names.sort_unstable();
    assert_eq!(names, ["ML engineers", "azcred-demo"]);
}

#[tokio::test]
async fn group_ids_are_found_and_checked_through_other_groups() {
    let lab = Lab::start().await;
    let reader = app_token(&lab, "azcred-contributor").await;
    let all = json!([ML_ENGINEERS, ENGINEERS]);
    let wanted = json!({ "securityEnabledOnly": true });
    for path in [
        format!("/v1.0/users/{ADA}/getMemberGroups"),
        format!("/v1.0/users/{ADA}/microsoft.graph.getMemberObjects"),
        format!("/v1.0/directoryObjects/{ADA}/getMemberGroups"),
    ] {
        let found = post(&lab, &reader, &path, wanted.clone()).await;
        assert_eq!(found.body["value"], all, "{path}");
        assert_eq!(
            found.body["@odata.context"],
            "https://graph.microsoft.com/v1.0/$metadata#Collection(Edm.String)"
        );
        assert_eq!(found.headers["location"], "https://graph.microsoft.com");
    }
    let check = format!("/v1.0/directoryObjects/{ADA}/checkMemberGroups");
    let body = json!({ "groupIds": [ENGINEERS, CONTOSO] });
    let checked = post(&lab, &reader, &check, body).await;
    assert_eq!(checked.body["value"], json!([ENGINEERS]));
    let check = format!("/v1.0/users/{ADA}/checkMemberObjects");
    let checked = post(&lab, &reader, &check, json!({ "ids": [ML_ENGINEERS] })).await;
    assert_eq!(checked.body["value"], json!([ML_ENGINEERS]));
    for (body, message) in [
        (json!({ "ids": ["x"] }), "Invalid GUID:x"),
        (
            json!({ "groups": [] }),
            "Unable to read JSON request payload.",
        ),
    ] {
        let refused = post(&lab, &reader, &check, body).await;
        assert_eq!((refused.status, error(&refused).2), (400, message));
    }
    let ids = json!({ "ids": [ADA, ENGINEERS, CONTOSO], "types": ["user", "servicePrincipal"] });
    let found = post(&lab, &reader, "/v1.0/directoryObjects/getByIds", ids).await;
    assert_eq!(each(&found, "id"), [ADA]);
    assert_eq!(each(&found, "@odata.type"), ["#microsoft.graph.user"]);
}

#[tokio::test]
async fn related_objects_are_expanded_into_the_answer() {
    let lab = Lab::start().await;
    let reader = app_token(&lab, "azcred-contributor").await;
    let path = format!("/v1.0/groups/{ENGINEERS}?$select=id&$expand=members($select=displayName)");
    let group = get(&lab, &reader, &path).await.body;
    assert_eq!(
        group,
        json!({
            "@odata.context":
                "https://graph.microsoft.com/v1.0/$metadata#groups(id,members(displayName))/$entity",
            "id": ENGINEERS,
            "members": [
                { "@odata.type": "#microsoft.graph.user", "displayName": "Katherine Johnson" },
                { "@odata.type": "#microsoft.graph.group", "displayName": "ML engineers" },
            ],
        })
    );
    let path = "/v1.0/applications?$filter=displayName eq 'azcred-demo'&$expand=owners";
    let apps = get(&lab, &reader, path).await.body;
    assert_eq!(
        apps["@odata.context"],
        "https://graph.microsoft.com/v1.0/$metadata#applications(owners())"
    );
    let owner = &apps["value"][0]["owners"][0];
    assert_eq!(owner["userPrincipalName"], "ada@contoso.com");
    assert_eq!(owner["@odata.type"], "#microsoft.graph.user");
}
