//! Resource Manager's client against the emulator and against malicious servers.

mod contoso;

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use azcred::{
    AccessToken, Authority, Availability, ClientOptions, Cloud, Credential, TokenFuture,
    TokenRequest, system::Fixture,
};
use azcred_azure::{ErrorKind, Flags, ResourceManager, Subscription, api_version};
use azcred_emulator::Way;
use contoso::{Contoso, SUBSCRIPTION, TENANT, examine, sign_in, workspace};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

/// Returns one token and remembers the requests.
#[derive(Debug, Default)]
struct Given {
    asked: Mutex<Vec<TokenRequest>>,
}

impl Credential for Given {
    fn name(&self) -> &'static str {
        "Given"
    }
    fn prepare(&self) -> Availability {
        Availability::Ready {
            using: "a token".into(),
        }
    }
    fn get_token<'a>(&'a self, request: &'a TokenRequest) -> TokenFuture<'a> {
        self.asked.lock().unwrap().push(request.clone());
        let text = if request.claims().is_some() {
            "canary-with-claims"
        } else {
            "canary-token"
        };
        TokenFuture::ready(Ok(AccessToken::new(
            text,
            SystemTime::now(),
            Duration::from_secs(3600),
            None,
        )))
    }
}

/// A Resource Manager that responds to every request with `answer`.
async fn arm<R, F>(answer: F) -> (ResourceManager, Arc<Given>, String)
where
    R: IntoResponse,
    F: Fn(Request) -> R + Clone + Send + Sync + 'static,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(move |request: Request| {
        let response: Response = answer(request).into_response();
        async { response }
    });
    // The server ends with the test's runtime.
    tokio::spawn(async move { axum::serve(listener, router).await });
    let cloud = Cloud::with_authority(Authority::new(&address).unwrap())
        .with_resource_manager(&address, "https://management.azure.com")
        .unwrap();
    let options = ClientOptions::new(
        Fixture::new()
            .with_var("SSL_CERT_FILE", "/roots")
            .with_file("/roots", roots())
            .shared(),
    )
    .with_cloud(cloud)
    .with_deadline(Duration::from_secs(5));
    let given = Arc::new(Given::default());
    (
        ResourceManager::new(&options, given.clone()).unwrap(),
        given,
        address,
    )
}

/// Any certificate works: no request is HTTPS, but a machine without root certificates is an error.
fn roots() -> Vec<u8> {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    key.cert.pem().into_bytes()
}

fn refusal(status: u16, code: &str, message: &str) -> impl IntoResponse + use<> {
    let body = serde_json::json!({"error": {"code": code, "message": message}}).to_string();
    let headers = [
        ("x-ms-correlation-request-id", "c0ffee"),
        ("content-type", "application/json"),
    ];
    (StatusCode::from_u16(status).unwrap(), headers, body)
}

#[tokio::test]
async fn a_response_that_is_not_resource_managers_is_reported_as_such() {
    for (status, kind, body, words) in [
        (
            200,
            "text/html",
            "<html>Sign in to the guest network</html>",
            "web page (HTTP 200)",
        ),
        (
            403,
            "text/html",
            "<html>Blocked</html>",
            "web page (HTTP 403)",
        ),
        (
            200,
            "application/json",
            "{\"subscriptionId\": \"",
            "cut off",
        ),
        (
            200,
            "application/json",
            "{\"hello\": 1}",
            "not what Azure Resource Manager sends",
        ),
        (
            404,
            "application/json",
            "{}",
            "not what Azure Resource Manager sends",
        ),
        (200, "application/json", "", "empty"),
    ] {
        let (arm, ..) = arm(move |_| {
            (
                StatusCode::from_u16(status).unwrap(),
                [(header::CONTENT_TYPE, kind)],
                body,
            )
        })
        .await;
        let error = arm.subscription(SUBSCRIPTION).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
        assert!(error.why().contains(words), "{error}");
        assert!(
            error.fix().is_some() && !error.to_string().contains("canary"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn ten_megabytes_and_a_redirect_are_refused() {
    let (huge, ..) = arm(|_| "x".repeat(10 << 20)).await;
    let error = huge.subscriptions().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
    let (moved, ..) = arm(|_| {
        (
            StatusCode::FOUND,
            [(header::LOCATION, "https://evil.example/")],
        )
    })
    .await;
    let error = moved.subscriptions().await.unwrap_err();
    assert!(
        error.kind() == ErrorKind::Unexpected && error.why().contains("evil.example"),
        "{error}"
    );
}

#[tokio::test]
async fn a_next_page_is_followed_on_the_same_host_only() {
    let page = |n: u32, link: &str| {
        format!(r#"{{"value": [{{"subscriptionId": "{n}"}}], "nextLink": "{link}"}}"#)
    };
    let (arm_here, ..) = arm(move |request: Request| {
        let host = request.headers()[header::HOST].to_str().unwrap().to_owned();
        match request.uri().query().unwrap_or_default() {
            query if query.contains("skip=2") => page(2, ""),
            query if query.contains("skip=1") => {
                page(1, &format!("http://{host}/subscriptions?skip=2"))
            }
            _ => page(0, &format!("http://{host}/subscriptions?skip=1")),
        }
    })
    .await;
    let seen = arm_here.subscriptions().await.unwrap().value;
    assert_eq!(
        seen.iter()
            .map(|one| one.subscription_id.as_str())
            .collect::<Vec<_>>(),
        ["0", "1", "2"]
    );

    for link in [
        "https://evil.example/subscriptions",
        "http://127.0.0.1:1/subscriptions",
        "//evil.example/x",
        "file:///etc/passwd",
        "x",
    ] {
        let (arm, given, _) = arm(move |_| page(0, link)).await;
        let error = arm.subscriptions().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{link}: {error}");
        assert_eq!(
            given.asked.lock().unwrap().len(),
            1,
            "the token went nowhere else"
        );
    }
}

#[tokio::test]
async fn an_endless_list_is_an_error() {
    let (arm, given, _) = arm(|request: Request| {
        let host = request.headers()[header::HOST].to_str().unwrap().to_owned();
        format!(r#"{{"value": [], "nextLink": "http://{host}/subscriptions"}}"#)
    })
    .await;
    let error = arm
        .list::<Subscription>("Listed", "/subscriptions", api_version::RESOURCES)
        .await
        .unwrap_err();
    assert!(error.why().contains("pages"), "{error}");
    assert!(given.asked.lock().unwrap().len() <= 51);
}

#[tokio::test]
async fn a_claims_challenge_is_answered_once() {
    let challenge =
        |headers: &HeaderMap| headers[header::AUTHORIZATION] != "Bearer canary-with-claims";
    // {"access_token":{"nbf":{"essential":true}}}
    let claims = "Bearer realm=\"\", error=\"insufficient_claims\", claims=\"eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ==\"";
    let (arm_once, given, _) = arm(move |request: Request| {
        if challenge(request.headers()) {
            (
                StatusCode::UNAUTHORIZED,
                [(header::WWW_AUTHENTICATE, claims)],
                "{}".to_owned(),
            )
        } else {
            (
                StatusCode::OK,
                [(header::WWW_AUTHENTICATE, "")],
                format!(r#"{{"subscriptionId": "{SUBSCRIPTION}"}}"#),
            )
        }
    })
    .await;
    arm_once.subscription(SUBSCRIPTION).await.unwrap();
    let asked = given
        .asked
        .lock()
        .unwrap()
        .iter()
        .map(|request| request.claims().map(str::to_owned))
        .collect::<Vec<_>>();
    assert_eq!(
        asked,
        [
            None,
            Some(r#"{"access_token":{"nbf":{"essential":true}}}"#.to_owned())
        ]
    );

    let (never, given, _) = arm(move |_| {
        (
            StatusCode::UNAUTHORIZED,
            [(header::WWW_AUTHENTICATE, claims)],
            "",
        )
    })
    .await;
    never.subscription(SUBSCRIPTION).await.unwrap_err();
    assert_eq!(
        given.asked.lock().unwrap().len(),
        2,
        "an API that is never content is not asked for ever"
    );
}

#[tokio::test]
async fn a_rejection_names_the_identity_the_action_the_resource_and_the_least_role() {
    let object = "d0000001-0000-4000-8000-000000000006";
    let scope = workspace().resource_id();
    for (code, message, role) in [
        (
            "AuthorizationFailed",
            format!(
                "The client 'app' with object id '{object}' does not have authorization to perform action 'Microsoft.MachineLearningServices/workspaces/jobs/write' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials."
            ),
            "AzureML Data Scientist",
        ),
        (
            "LinkedAuthorizationFailed",
            format!(
                "The client 'app' with object id '{object}' has permission to perform action 'Microsoft.X/y/write' on scope '/subscriptions/1'; however, it does not have permission to perform action(s) 'Microsoft.Authorization/roleAssignments/write' on the linked scope(s) '{scope}' (respectively) or the linked scope(s) are invalid."
            ),
            "Role Based Access Control Administrator",
        ),
    ] {
        let (arm, ..) = arm(move |_| refusal(403, code, &message)).await;
        let error = arm.workspace(&workspace()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code(), error.status()),
            (ErrorKind::NotPermitted, Some(code), Some(403))
        );
        assert_eq!(error.correlation_id(), Some("c0ffee"));
        assert_eq!(
            error.fix().unwrap().to_string(),
            format!(
                "ask an owner of the workspace to run `az role assignment create --assignee-object-id {object} --role \"{role}\" --scope \"{scope}\"`"
            )
        );
        assert!(
            error.why().contains("app") && error.why().contains(object),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_hostile_refusal_neither_reaches_the_shell_nor_the_terminal() {
    let message = "The client '\u{1b}[2J' with object id '$(reboot)' does not have authorization to perform action 'A/b/write' over scope '\"; reboot; \"' or";
    let (arm, ..) = arm(move |_| refusal(403, "AuthorizationFailed", message)).await;
    let error = arm.workspace(&workspace()).await.unwrap_err();
    assert!(
        !error.fix().unwrap().to_string().contains("reboot"),
        "{error}"
    );
    assert!(
        !error.why().contains("$(reboot)"),
        "what is no object id is not called one: {error}"
    );
    assert!(!error.to_string().contains('\u{1b}'), "{error}");
}

#[tokio::test]
async fn the_right_tenant_is_taken_from_the_message_or_from_the_challenge() {
    let right = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    let message = format!(
        "The access token is from the wrong issuer 'https://sts.windows.net/x/'. It must match the tenant 'https://sts.windows.net/{right}/' associated with this subscription."
    );
    let (by_message, ..) =
        arm(move |_| refusal(401, "InvalidAuthenticationTokenTenant", &message)).await;
    let (by_challenge, ..) = arm(move |_| {
        let challenge = format!("Bearer authorization_uri=\"https://login.windows.net/{right}\", error=\"invalid_token\"");
        (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)], r#"{"error": {"code": "InvalidAuthenticationTokenTenant", "message": ""}}"#)
    })
    .await;
    for arm in [by_message, by_challenge] {
        let error = arm.subscription(SUBSCRIPTION).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        assert!(
            error.why().contains(right)
                && error
                    .fix()
                    .unwrap()
                    .to_string()
                    .contains(&format!("AZURE_TENANT_ID={right}")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_unknown_code_is_shown_with_azures_own_text() {
    let (arm, ..) = arm(|_| refusal(409, "SomethingNew", "The moon is in the wrong house.")).await;
    let error = arm.workspace(&workspace()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Invalid, Some("SomethingNew"))
    );
    assert!(
        error.why().contains("The moon is in the wrong house"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_of_another_tenant_names_the_tenant_to_sign_in_to() {
    let contoso = Contoso::start().await;
    let (elsewhere, fabrikam) = (
        "5ec0ffee-0009-4000-8000-000000000009",
        "fab00000-0000-4000-8000-000000000001",
    );
    let subscription = serde_json::json!({"id": elsewhere, "tenant": fabrikam, "name": "Fabrikam", "state": "Enabled"});
    contoso
        .emulator
        .world()
        .resources_mut()
        .put_subscription(serde_json::from_value(subscription).unwrap());
    let (options, credential) = sign_in(contoso.laptop("azcred-demo", Way::RealNames)).await;
    let arm = ResourceManager::new(&options, credential.unwrap()).unwrap();
    let error = arm.subscription(elsewhere).await.unwrap_err();
    assert_eq!(
        error.code(),
        Some("InvalidAuthenticationTokenTenant"),
        "{error}"
    );
    assert!(
        error.why().contains(fabrikam) && error.why().contains(TENANT),
        "{error}"
    );
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .contains(&format!("az login --tenant {fabrikam}")),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_does_not_exist_is_rejected_before_a_request() {
    let contoso = Contoso::start().await;
    let machine = contoso
        .laptop("azcred-demo", Way::RealNames)
        .with_var("AZURE_TENANT_ID", "fab00000-0000-4000-8000-000000000001");
    let report = examine(machine, &Flags::default()).await;
    assert_eq!(
        report.first_failure().unwrap().code.as_deref(),
        Some("AADSTS90002"),
        "{report:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_that_describes_itself_is_taken_from_its_metadata() {
    let contoso = Contoso::start().await;
    let machine = contoso.laptop("azcred-demo", Way::Ports);
    let info = contoso.emulator.info();
    for version in ["2015-01-01", "2019-05-01", "2020-06-01", "2022-09-01"] {
        let url = format!("{}/metadata/endpoints?api-version={version}", info.arm_url);
        let (options, credential) =
            sign_in(machine.clone().with_var("ARM_CLOUD_METADATA_URL", &url)).await;
        let cloud = options.cloud().unwrap();
        assert_eq!(cloud.resource_manager(), info.arm_url, "{version}");
        assert_eq!(cloud.authority().as_str(), info.login_url, "{version}");
        let arm = ResourceManager::new(&options, credential.unwrap()).unwrap();
        assert_eq!(
            arm.workspace(&workspace()).await.unwrap().value.location,
            "westeurope",
            "{version}"
        );
    }
}
