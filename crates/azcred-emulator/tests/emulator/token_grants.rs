//! Successful requests: with a secret, a certificate or a federated token, at both endpoints.

use crate::common::{self, ARM_SCOPE, Assertion, DEMO, Lab, TENANT};
use serde_json::json;

#[tokio::test]
async fn a_secret_gets_a_v1_token_for_arm_with_entra_ids_claims() {
    let lab = Lab::start().await;
    let before = time::OffsetDateTime::now_utc().unix_timestamp();
    let answer = lab.request_token_as("azcred-demo").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["token_type"], "Bearer");
    let lifetime = answer.body["expires_in"].as_i64().unwrap();
    assert!((3599..=5399).contains(&lifetime), "{lifetime}");
    assert_eq!(answer.body["ext_expires_in"], lifetime);
    assert!(answer.body.get("refresh_in").is_none() && answer.body.get("client_info").is_none());
    assert!(
        answer.headers["cache-control"]
            .to_str()
            .unwrap()
            .contains("no-store")
    );
    let claims = answer.claims();
    let sts = format!("https://sts.windows.net/{TENANT}/");
    for (name, value) in [
        ("aud", json!("https://management.azure.com")),
        ("iss", json!(sts)),
        ("idp", json!(sts)),
        ("appid", json!(DEMO)),
        ("appidacr", json!("1")),
        ("idtyp", json!("app")),
        ("oid", json!("d0000001-0000-4000-8000-000000000001")),
        ("sub", json!("d0000001-0000-4000-8000-000000000001")),
        ("tid", json!(TENANT)),
        ("ver", json!("1.0")),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    let issued = claims["iat"].as_i64().unwrap();
    assert_eq!(claims["nbf"], claims["iat"]);
    assert!(issued >= before - 301, "{issued}");
    assert_eq!(claims["exp"].as_i64().unwrap() - issued, lifetime + 300);
}

#[tokio::test]
async fn every_client_authentication_by_secret_works() {
    let lab = Lab::start().await;
    let secret = lab.identity("azcred-demo").secret.clone().unwrap();
    let response = lab
        .client
        .post(lab.login("/contoso.com/oauth2/v2.0/token"))
        .basic_auth(DEMO, Some(&secret))
        .form(&[("grant_type", "client_credentials"), ("scope", ARM_SCOPE)])
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(lab.request_token_as("azcred-demo").await.status, 200);
}

#[tokio::test]
async fn the_v1_endpoint_writes_numbers_as_strings_and_names_the_resource() {
    let lab = Lab::start().await;
    let secret = lab.identity("azcred-demo").secret.clone().unwrap();
    let resource = "https://management.core.windows.net/";
    let answer = lab
        .post(
            &format!("/{TENANT}/oauth2/token"),
            &[
                ("grant_type", "client_credentials"),
                ("client_id", DEMO),
                ("client_secret", &secret),
                ("resource", resource),
            ],
        )
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let number = |name: &str| answer.body[name].as_str().unwrap().parse::<i64>().unwrap();
    let lifetime = number("expires_in");
    assert_eq!(number("expires_on") - number("not_before"), lifetime + 300);
    assert_eq!(number("ext_expires_in"), lifetime);
    assert_eq!(answer.body["resource"], resource);
    assert_eq!(answer.claims()["aud"], resource);
}

#[tokio::test]
async fn aud_is_the_requested_resource() {
    let lab = Lab::start().await;
    let secret = lab.identity("azcred-demo").secret.clone().unwrap();
    let arm = lab.emulator.info().arm_url.clone();
    for resource in [
        "https://management.azure.com/",
        "https://management.core.windows.net/",
        "https://ml.azure.com",
        "https://storage.azure.com",
        "https://stcontosoml.blob.core.windows.net",
        "https://graph.microsoft.com",
        "https://vault.azure.net",
        "797f4846-ba00-4fd7-ba43-dac1f8f63013",
        &arm,
    ] {
        let scope = format!("{resource}/.default");
        let answer = lab
            .request_token(&[
                ("client_id", DEMO),
                ("client_secret", &secret),
                ("scope", &scope),
            ])
            .await;
        assert_eq!(answer.status, 200, "{resource}: {answer:?}");
        assert_eq!(answer.claims()["aud"], resource);
    }
}

#[tokio::test]
async fn an_application_that_expects_v2_tokens_gets_them() {
    let lab = Lab::start().await;
    let secret = lab.identity("azcred-demo").secret.clone().unwrap();
    let answer = lab
        .request_token(&[
            ("client_id", DEMO),
            ("client_secret", &secret),
            ("scope", "api://azcred-api/.default"),
        ])
        .await;
    let claims = answer.claims();
    assert_eq!(claims["ver"], "2.0");
    assert_eq!(claims["aud"], "a0000001-0000-4000-8000-00000000000b");
    assert_eq!(
        claims["iss"],
        format!("https://login.microsoftonline.com/{TENANT}/v2.0")
    );
    assert_eq!(claims["azp"], DEMO);
    assert_eq!(claims["azpacr"], "1");
    assert!(claims.get("appid").is_none() && claims.get("appidacr").is_none());
}

#[tokio::test]
async fn a_certificate_gets_a_token_with_both_algorithms_and_both_thumbprints() {
    let lab = Lab::start().await;
    let identity = lab.identity("azcred-certificate");
    let id = identity.client_id.to_string();
    let pem = identity.certificate_path.clone().unwrap();
    let make = || Assertion::new(&pem, &id);
    let v1 = format!("https://login.microsoftonline.com/{TENANT}/oauth2/token");
    let by_port = lab.login(&format!("/{TENANT}/oauth2/v2.0/token"));
    let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    let x5c = make().header["x5c"][0].as_str().unwrap().to_owned();
    let lines = vec![format!("{}\n{}", &x5c[..64], &x5c[64..])];
    for (what, assertion) in [
        ("RS256, both", make()),
        (
            "RS256, x5t alone",
            make().header("x5t#S256", ()).header("x5c", ()),
        ),
        (
            "PS256, x5t#S256 alone",
            make().header("alg", "PS256").header("x5t", ()),
        ),
        ("for the v1.0 endpoint", make().claim("aud", v1)),
        ("for the port", make().claim("aud", by_port)),
        ("for the issuer", make().claim("aud", issuer)),
        ("without nbf, as MSAL for Python", make().claim("nbf", ())),
        (
            "x5c in lines, as MSAL for Python",
            make().header("x5c", lines),
        ),
    ] {
        let answer = lab.request_by_assertion(&id, &assertion.sign()).await;
        assert_eq!(answer.status, 200, "{what}: {answer:?}");
        assert_eq!(answer.claims()["appidacr"], "2");
    }
}

#[tokio::test]
async fn a_federated_token_gets_a_token() {
    let lab = Lab::start().await;
    let identity = lab.identity("azcred-federated");
    let trusted = &identity.federated[0];
    let token = azcred_emulator::issuer::mint(
        lab.emulator.world(),
        &trusted.issuer,
        &trusted.subject,
        &trusted.audience,
        600,
    )
    .unwrap();
    let answer = lab
        .request_by_assertion(&identity.client_id.to_string(), &token)
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.claims()["appidacr"], "2");
}

#[tokio::test]
async fn the_clients_request_id_is_returned_on_request() {
    let lab = Lab::start().await;
    let sent = uuid::Uuid::new_v4().to_string();
    let request_token = |echo: &'static str| {
        lab.client
            .post(lab.login(&format!("/{TENANT}/oauth2/v2.0/token")))
            .header("client-request-id", &sent)
            .header("return-client-request-id", echo)
            .form(&[("grant_type", "client_credentials")])
            .send()
    };
    let echoed = request_token("true").await.unwrap();
    assert_eq!(echoed.headers()["client-request-id"], sent.as_str());
    let trace = echoed.headers()["x-ms-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let answer = common::read(echoed).await;
    assert_eq!(answer.body["correlation_id"], sent);
    assert_eq!(answer.body["trace_id"], trace);
    assert!(
        request_token("false")
            .await
            .unwrap()
            .headers()
            .get("client-request-id")
            .is_none()
    );
}
