//! Rules for every request: versions, pages, ids, cloud metadata, hostile input.

use super::*;

#[tokio::test]
async fn long_lists_have_pages_with_links_to_the_next() {
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
    assert_eq!(names.len(), 51);
    names.dedup();
    assert_eq!(names.len(), 51);
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
async fn unknown_versions_and_types_are_named() {
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
    got.refused(501, "NotServedByEmulator");
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
async fn every_response_has_the_ids_for_microsofts_support() {
    let azure = azure();
    let correlation = Uuid::new_v4().simple().to_string();
    let request = |path: &str, correlation: &str| {
        Request::get(path)
            .header("authorization", format!("Bearer {}", azure.token(OWNER)))
            .header("x-ms-correlation-request-id", correlation)
            .header("x-ms-client-request-id", "mine")
            .header("x-ms-return-client-request-id", "true")
            .body(Body::empty())
            .expect("a request")
    };
    let own = azure
        .send(request(&format!("{GROUP}?{ARM}"), &correlation))
        .await;
    let of_provider = azure
        .send(request(&format!("{WORKSPACE}?{ML}"), &correlation))
        .await;
    for got in [&own, &of_provider] {
        got.done(200);
        let header = |name: &str| got.headers[name].to_str().expect("text").to_owned();
        // As it was sent, without dashes.
        assert_eq!(header("x-ms-correlation-request-id"), correlation);
        assert_eq!(header("x-ms-client-request-id"), "mine");
        let routing = header("x-ms-routing-request-id");
        let is_own = routing.ends_with(&header("x-ms-request-id"));
        let operation = got.headers.get("x-ms-operation-identifier");
        assert_eq!(
            (is_own, operation.is_none()),
            (got.body == own.body, got.body == own.body)
        );
        assert_eq!(header("x-ms-ratelimit-remaining-subscription-reads"), "249");
        assert_eq!(
            header("x-ms-ratelimit-remaining-subscription-global-reads"),
            "3749"
        );
    }
    let forged = azure
        .send(request(&format!("/tenants?{ARM}"), "not an id"))
        .await;
    assert_ne!(forged.headers["x-ms-correlation-request-id"], "not an id");
}

#[tokio::test]
async fn an_error_says_whether_a_resource_provider_or_resource_manager_refused() {
    let azure = azure();
    let none = Uuid::new_v4();
    let role = "Microsoft.Authorization/roleDefinitions";
    for (method, path, status, by_provider, limit) in [
        (
            Method::GET,
            format!("/subscriptions/{none}?{ARM}"),
            404,
            false,
            "",
        ),
        (
            Method::GET,
            format!("{GROUP}-x/providers/{role}?{RBAC}"),
            404,
            false,
            "",
        ),
        (
            Method::HEAD,
            format!("{GROUP}-x?{ARM}"),
            404,
            false,
            "subscription-reads",
        ),
        (
            Method::GET,
            format!("{SUBSCRIPTION}/providers/{role}/{none}?{RBAC}"),
            404,
            true,
            "subscription-reads",
        ),
        (
            Method::DELETE,
            format!("{SUBSCRIPTION}/providers/{role}/{none}?{RBAC}"),
            204,
            true,
            "subscription-global-deletes",
        ),
    ] {
        let got = azure.call(OWNER, method, &path, None).await;
        got.done(status);
        let has = |name: &str| got.headers.contains_key(name);
        assert_eq!(has("x-ms-failure-cause"), !by_provider, "{path}");
        assert_eq!(has("x-ms-operation-identifier"), by_provider, "{path}");
        let limits = got
            .headers
            .keys()
            .filter(|name| name.as_str().contains("ratelimit"));
        assert_eq!(
            limits.count(),
            if limit.is_empty() { 0 } else { 2 },
            "{path}"
        );
        if !limit.is_empty() {
            assert!(has(&format!("x-ms-ratelimit-remaining-{limit}")), "{path}");
        }
    }
}

#[tokio::test]
async fn hostile_requests_get_an_error_response() {
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
        .body(Body::from(vec![b' '; crate::arm::call::MAX_BODY + 1]))
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
