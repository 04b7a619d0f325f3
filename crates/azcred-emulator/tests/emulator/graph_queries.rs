//! Microsoft Graph's options of the query, and batches.

use crate::common::{
    Lab, Reply,
    graph::{app_token, each, error, get, get_eventual, send},
};
use reqwest::Method;
use serde_json::{Value, json};

async fn lab() -> (Lab, String) {
    let lab = Lab::start().await;
    let token = app_token(&lab, "azcred-contributor").await;
    (lab, token)
}

const ADA: &str = "Ada Lovelace";
const GRACE: &str = "Grace Hopper";
const KATHERINE: &str = "Katherine Johnson";
const DOROTHY: &str = "Dorothy Vaughan";

#[tokio::test]
async fn a_filter_lets_the_same_objects_through_as_graphs() {
    let (lab, token) = lab().await;
    for (filter, expected) in [
        ("startswith(displayName,'a')", &[ADA][..]),
        ("startsWith(displayName, 'ADA L')", &[ADA]),
        ("displayName eq 'ada lovelace'", &[ADA]),
        ("userPrincipalName eq 'grace@contoso.com'", &[GRACE]),
        (
            "startswith(displayName,'a') or startswith(userPrincipalName,'g')",
            &[ADA, GRACE],
        ),
        (
            "accountEnabled eq true and startswith(mailNickname,'d')",
            &[DOROTHY],
        ),
        ("accountEnabled eq false", &[]),
        (
            "id in ('e0000001-0000-4000-8000-000000000001','e0000001-0000-4000-8000-000000000003')",
            &[ADA, KATHERINE],
        ),
        ("createdDateTime ge 2023-12-31 and displayName eq 'x'", &[]),
        ("createdDateTime le 2000-01-01T00:00:00Z", &[]),
        ("mail eq 'ada@contoso.com'", &[]),
        (
            "identities/any(i:i/issuerAssignedId eq 'ada@contoso.com')",
            &[ADA],
        ),
    ] {
        let found = get(&lab, &token, &format!("/v1.0/users?$filter={filter}")).await;
        assert_eq!(each(&found, "displayName"), expected, "{filter}");
    }
    for (path, expected) in [
        (
            "/v1.0/applications?$filter=startswith(displayName,'azcred-d')",
            &["azcred-demo", "azcred-disabled", "azcred-desktop"][..],
        ),
        (
            "/v1.0/applications?$filter=identifierUris/any(u:u eq 'api://azcred-api')",
            &["azcred-api"],
        ),
        (
            "/v1.0/servicePrincipals?$filter=displayName eq 'azcred-demo'",
            &["azcred-demo"],
        ),
        (
            "/v1.0/servicePrincipals?$filter=servicePrincipalNames/any(c: c eq 'https://graph.microsoft.com/')",
            &["Microsoft Graph"],
        ),
        (
            "/v1.0/groups?$filter=displayName eq 'ML engineers' and mailNickname eq 'MLengineers'",
            &["ML engineers"],
        ),
    ] {
        assert_eq!(
            each(&get(&lab, &token, path).await, "displayName"),
            expected
        );
    }
}

#[tokio::test]
async fn an_advanced_query_needs_its_header_and_its_count() {
    let (lab, token) = lab().await;
    for (filter, expected) in [
        ("endswith(userPrincipalName,'@contoso.com')", 4),
        ("not startswith(displayName,'a')", 3),
        ("displayName ne 'Ada Lovelace'", 3),
        ("mail eq null", 4),
        (
            "NOT(startswith(displayName,'a')) and displayName ne 'Grace Hopper'",
            2,
        ),
        ("businessPhones/$count eq 0", 4),
    ] {
        let path = format!("/v1.0/users?$filter={filter}");
        let unsupported = (400, "Request_UnsupportedQuery", "Unsupported Query.");
        assert_eq!(
            error(&get(&lab, &token, &path).await),
            unsupported,
            "{filter}"
        );
        let no_count = get_eventual(&lab, &token, &path).await;
        assert_eq!(error(&no_count), unsupported, "{filter}");
        let found = get_eventual(&lab, &token, &format!("{path}&$count=true")).await;
        assert_eq!(each(&found, "id").len(), expected, "{filter}");
        assert_eq!(found.body["@odata.count"], expected, "{filter}");
    }
    // Without the header, a count is left out and nothing is said.
    let silent = get(&lab, &token, "/v1.0/users?$count=true").await;
    assert_eq!(
        (silent.status, silent.body.get("@odata.count")),
        (200, None)
    );
    let count = get_eventual(&lab, &token, "/v1.0/users/$count").await;
    assert_eq!(count.body, 4);
    assert_eq!(count.headers["content-type"], "text/plain");
    let path = "/v1.0/users/$count?$filter=startswith(displayName,'a')";
    assert_eq!(get_eventual(&lab, &token, path).await.body, 1);
    assert_eq!(
        error(&get(&lab, &token, "/v1.0/users/$count").await),
        (
            400,
            "Request_BadRequest",
            "$count is not currently supported."
        )
    );
}

#[tokio::test]
async fn a_search_finds_beginnings_of_words() {
    let (lab, token) = lab().await;
    for (search, expected) in [
        ("\"displayName:ada\"", &[ADA][..]),
        ("\"displayName:love\"", &[ADA]),
        ("\"displayName:lovelace ad\"", &[ADA]),
        ("\"displayName:velace\"", &[]),
        ("\"mail:ada\" OR \"userPrincipalName:gra\"", &[GRACE]),
        (
            "\"displayName:hopper\" OR \"displayName:ada\"",
            &[ADA, GRACE],
        ),
        ("\"displayName:grace\" AND \"displayName:ada\"", &[]),
        (
            "(\"displayName:grace\" OR \"displayName:ada\") AND \"displayName:hop\"",
            &[GRACE],
        ),
    ] {
        let path = format!("/v1.0/users?$search={search}");
        let found = get_eventual(&lab, &token, &path).await;
        assert_eq!(each(&found, "displayName"), expected, "{search}");
    }
    let path = "/v1.0/groups?$count=true&$search=\"displayName:engineers\"&$filter=securityEnabled eq true";
    let found = get_eventual(&lab, &token, path).await;
    assert_eq!(found.body["@odata.count"], 2);
    assert_eq!(
        error(&get(&lab, &token, "/v1.0/users?$search=\"displayName:a\"").await),
        (
            400,
            "Request_UnsupportedQuery",
            "Request with $search query parameter only works through MSGraph with a special request header: \
             'ConsistencyLevel: eventual'"
        )
    );
    for search in [
        "displayName:ada",
        "\"displayName:a",
        "\"displayName:a\" XOR",
        "(",
        "\"nothing:a\"",
    ] {
        let path = format!("/v1.0/users?$search={search}");
        let refused = get_eventual(&lab, &token, &path).await;
        assert_eq!(
            (refused.status, error(&refused).1),
            (400, "BadRequest"),
            "{search}"
        );
    }
}

#[tokio::test]
async fn a_query_that_graph_rejects_is_rejected_in_its_words() {
    let (lab, token) = lab().await;
    let many = vec!["id eq 'x'"; 16].join(" or ");
    for (query, code, message) in [
        (
            "$filter=displayName eq",
            "BadRequest",
            "Invalid filter clause: Syntax error at position 14 in 'displayName eq'.",
        ),
        (
            "$filter=displayName eq 'a",
            "BadRequest",
            "Invalid filter clause: There is an unterminated string literal at position 15 in 'displayName eq 'a'.",
        ),
        (
            "$filter=dragon eq 'a'",
            "BadRequest",
            "Could not find a property named 'dragon' on type 'microsoft.graph.user'.",
        ),
        (
            "$filter=startswith(jobTitle,'a')",
            "Request_UnsupportedQuery",
            "Unsupported or invalid query filter clause specified for property 'jobTitle' of resource 'User'.",
        ),
        (
            "$filter=contains(displayName,'a')",
            "Request_UnsupportedQuery",
            "Unsupported Query.",
        ),
        (
            &format!("$filter={many}"),
            "Request_UnsupportedQuery",
            "Too many child clauses specified in search filter expression containing 'OR' operators: 16. Max allowed: \
             15.",
        ),
        (
            "$select=id,dragon",
            "BadRequest",
            "Parsing OData Select and Expand failed: Could not find a property named 'dragon' on type \
             'microsoft.graph.user'.",
        ),
        (
            "$top=1000",
            "Request_UnsupportedQuery",
            "Invalid page size specified: '1000'. Must be between 1 and 999 inclusive.",
        ),
        (
            "$top=0",
            "Request_UnsupportedQuery",
            "Invalid page size specified: '0'. Must be between 1 and 999 inclusive.",
        ),
        (
            "$skip=1",
            "Request_BadRequest",
            "'$skip' is not supported by the service.",
        ),
        (
            "$skiptoken=x",
            "Request_BadRequest",
            "The specified page token is not valid.",
        ),
        (
            "$dragon=1",
            "BadRequest",
            "The query parameter '$dragon' is not supported.",
        ),
        (
            "$orderby=displayName&$filter=accountEnabled eq true",
            "Request_UnsupportedQuery",
            "Sorting not supported for current query.",
        ),
    ] {
        let refused = get(&lab, &token, &format!("/v1.0/users?{query}")).await;
        assert_eq!(error(&refused), (400, code, message), "{query}");
    }
}

#[tokio::test]
async fn select_is_taken_in_any_case_and_written_as_graph_writes_it() {
    let (lab, token) = lab().await;
    let list = get(
        &lab,
        &token,
        "/v1.0/applications?$top=1&$select=Id,DISPLAYNAME",
    )
    .await;
    assert_eq!(
        list.body["@odata.context"],
        "https://graph.microsoft.com/v1.0/$metadata#applications(id,displayName)"
    );
    assert_eq!(
        list.body["value"],
        json!([{ "id": "b0000001-0000-4000-8000-000000000001", "displayName": "azcred-demo" }])
    );
    let one = get(
        &lab,
        &token,
        "/v1.0/users/ada@contoso.com?$select=userType,mailNickname",
    )
    .await;
    assert_eq!(
        one.body,
        json!({
            "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users(userType,mailNickname)/$entity",
            "mailNickname": "ada",
            "userType": "Member",
        })
    );
}

#[tokio::test]
async fn pages_lead_to_all_objects_once_in_order() {
    let (lab, token) = lab().await;
    let path = "/v1.0/users?$top=3&$orderby=displayName desc&$select=displayName";
    let first = get(&lab, &token, path).await;
    assert_eq!(each(&first, "displayName"), [KATHERINE, GRACE, DOROTHY]);
    let next = first.body["@odata.nextLink"].as_str().unwrap();
    let (base, rest) = next.split_at(lab.emulator.info().graph_url.len());
    assert_eq!(base, lab.emulator.info().graph_url);
    assert!(rest.starts_with("/v1.0/users?$top=3&"), "{rest}");
    assert!(rest.contains("$skiptoken="), "{rest}");
    let second = get(&lab, &token, rest).await;
    assert_eq!(each(&second, "displayName"), [ADA]);
    assert_eq!(second.body.get("@odata.nextLink"), None);
    // A program that reads line by line has the link before the objects.
    let url = format!("{}{path}", lab.emulator.info().graph_url);
    let text = lab
        .client
        .get(url)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    let text = text.text().await.unwrap();
    assert!(text.find("nextLink") < text.find("\"value\""), "{text}");
}

async fn batch(lab: &Lab, token: &str, requests: Value) -> Reply {
    let body = json!({ "requests": requests });
    send(lab, token, Method::POST, "/v1.0/$batch", Some(body)).await
}

#[tokio::test]
async fn a_batch_answers_each_request_as_if_it_came_alone() {
    let (lab, token) = lab().await;
    let requests = json!([
        { "id": "1", "method": "GET", "url": "/users/ada@contoso.com?$select=displayName" },
        { "id": "2", "method": "get", "url": "users?$filter=startswith(displayName,'g')" },
        { "id": "3", "method": "GET", "url": "/dragons" },
        { "id": "4", "method": "GET", "url": "/me", "dependsOn": ["1"] },
        { "id": "5", "method": "GET", "url": "/users", "dependsOn": ["4"] },
        { "id": "6", "method": "GET", "url": "/users/$count", "headers": { "ConsistencyLevel": "eventual" } },
        {
            "id": "7",
            "method": "POST",
            "url": "/users/ada@contoso.com/getMemberGroups",
            "headers": { "Content-Type": "application/json" },
            "body": { "securityEnabledOnly": false },
        },
        { "id": "8", "method": "POST", "url": "/$batch", "body": { "requests": [] } },
    ]);
    let answer = batch(&lab, &token, requests).await;
    let responses = answer.body["responses"].as_array().unwrap();
    let statuses: Vec<_> = responses
        .iter()
        .map(|one| (one["id"].as_str().unwrap(), one["status"].as_u64().unwrap()))
        .collect();
    assert_eq!(
        statuses,
        [
            ("1", 200),
            ("2", 200),
            ("3", 400),
            ("4", 400),
            ("5", 424),
            ("6", 200),
            ("7", 200),
            ("8", 400),
        ]
    );
    assert_eq!(responses[0]["body"]["displayName"], ADA);
    assert_eq!(responses[1]["body"]["value"][0]["displayName"], GRACE);
    assert_eq!(responses[2]["body"]["error"]["code"], "BadRequest");
    // What is not JSON is in base64.
    assert_eq!(responses[5]["body"], "NA==");
    assert_eq!(responses[6]["body"]["value"].as_array().unwrap().len(), 2);
    let long: Vec<Value> = (0..21)
        .map(|id| json!({ "id": id.to_string(), "method": "GET", "url": "/users" }))
        .collect();
    assert_eq!(
        error(&batch(&lab, &token, json!(long)).await),
        (
            400,
            "MaximumValueExceeded",
            "Number of batch request steps exceeds the maximum value of 20."
        )
    );
    let get = |id: &str| json!({ "id": id, "method": "GET", "url": "/users" });
    let mut early = get("1");
    early["dependsOn"] = json!(["2"]);
    for wrong in [
        json!("x"),
        json!([get("1"), get("1")]),
        json!([early, get("2")]),
    ] {
        let refused = batch(&lab, &token, wrong).await;
        assert_eq!(
            error(&refused),
            (400, "BadRequest", "Invalid batch payload format.")
        );
    }
}
