//! The AADSTS codes of an application's flows, each for Entra ID's reason.

use crate::common::{self, DEMO, Lab, TENANT, refused};

#[tokio::test]
async fn each_invalid_secret_is_rejected_with_its_own_error() {
    let lab = Lab::start().await;
    let wrong = lab
        .request_token(&[("client_id", DEMO), ("client_secret", "hunter2")])
        .await;
    refused(&wrong, 7_000_215, "invalid_client", 401);
    assert!(!wrong.body.to_string().contains("hunter2"));
    let id_of_secret = {
        let directory = lab.emulator.world().directory();
        directory.applications[&DEMO.parse().unwrap()].secrets[0]
            .id
            .to_string()
    };
    let pasted = lab
        .request_token(&[("client_id", DEMO), ("client_secret", &id_of_secret)])
        .await;
    refused(&pasted, 7_000_215, "invalid_client", 401);
    refused(
        &lab.request_token_as("azcred-expired").await,
        7_000_222,
        "invalid_client",
        401,
    );
    let none = lab.request_token(&[("client_id", DEMO)]).await;
    refused(&none, 7_000_216, "invalid_client", 401);
    let desktop = "a0000001-0000-4000-8000-00000000000a";
    let public = lab
        .request_token(&[("client_id", desktop), ("client_secret", "x")])
        .await;
    refused(&public, 700_025, "invalid_client", 401);
}

#[tokio::test]
async fn wrong_kinds_of_applications_are_rejected() {
    let lab = Lab::start().await;
    for unknown in ["11111111-1111-1111-1111-111111111111", "not-a-guid"] {
        let answer = lab
            .request_token(&[("client_id", unknown), ("client_secret", "x")])
            .await;
        refused(&answer, 700_016, "unauthorized_client", 400);
    }
    refused(
        &lab.request_token_as("azcred-disabled").await,
        7_000_112,
        "unauthorized_client",
        400,
    );
    refused(
        &lab.request_token_as("azcred-noprincipal").await,
        7_000_229,
        "invalid_client",
        401,
    );
    let blocked = lab.request_token_as("azcred-blocked").await;
    refused(&blocked, 53003, "invalid_grant", 400);
    assert!(
        blocked.body["claims"]
            .as_str()
            .unwrap()
            .contains("capolids")
    );
}

#[tokio::test]
async fn an_application_of_another_tenant_is_unknown_or_has_no_principal() {
    let lab = Lab::seeded(
        "[[tenants]]\nid = 'c0a70500-0000-4000-8000-000000000001'\nname = 'A'\ndomains = ['a.com']\n\
         [[tenants]]\nid = 'c0a70500-0000-4000-8000-000000000002'\nname = 'B'\ndomains = ['b.com']\n\
         [[applications]]\napp_id = 'a0000001-0000-4000-8000-000000000001'\ntenant = 'b.com'\nname = 'single'\n\
         secrets = [{ name = 's', value = 'x' }]\n\
         [[applications]]\napp_id = 'a0000001-0000-4000-8000-000000000002'\ntenant = 'b.com'\nname = 'multiple'\n\
         multiple_tenants = true\nsecrets = [{ name = 's', value = 'x' }]\n",
    )
    .await;
    let request_token = async |id: &str| {
        lab.request_token(&[("client_id", id), ("client_secret", "x")])
            .await
    };
    let single = request_token("a0000001-0000-4000-8000-000000000001").await;
    refused(&single, 700_016, "unauthorized_client", 400);
    let multiple = request_token("a0000001-0000-4000-8000-000000000002").await;
    refused(&multiple, 7_000_229, "invalid_client", 401);
}

#[tokio::test]
async fn unknown_malformed_and_missing_tenants_are_rejected() {
    let lab = Lab::start().await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", DEMO),
        ("client_secret", "x"),
        ("scope", common::ARM_SCOPE),
    ];
    for (segment, code) in [
        ("11111111-1111-1111-1111-111111111111", 90002),
        ("fabrikam.com", 90002),
        ("contoso", 900_023),
        ("con%20toso.com", 900_023),
        ("00000000-0000-0000-0000-000000000000", 900_021),
        ("common", 50059),
        ("organizations", 50059),
    ] {
        let answer = lab
            .post(&format!("/{segment}/oauth2/v2.0/token"), &form)
            .await;
        refused(&answer, code, "invalid_request", 400);
        if code != 50059 {
            let path = format!("/{segment}/v2.0/.well-known/openid-configuration");
            // This document does not tell malformed names from unknown ones.
            let (known, error) = match code {
                900_021 => (900_021, "invalid_request"),
                _ => (90002, "invalid_tenant"),
            };
            refused(&lab.get(&path).await, known, error, 400);
            let path = format!("/{segment}/discovery/keys");
            refused(&lab.get(&path).await, code, "invalid_request", 400);
        }
    }
}

#[tokio::test]
async fn requests_with_missing_parameters_are_rejected() {
    let lab = Lab::start().await;
    for missing in ["grant_type", "client_id", "scope"] {
        let mut form = vec![("client_id", DEMO), ("client_secret", "x")];
        form.push((missing, ""));
        let form: Vec<_> = form
            .into_iter()
            .filter(|(name, value)| *name != missing || value.is_empty())
            .collect();
        let answer = lab.request_token(&form).await;
        refused(&answer, 900_144, "invalid_request", 400);
        assert!(
            answer.body["error_description"]
                .as_str()
                .unwrap()
                .contains(missing)
        );
    }
    let unsupported = lab
        .request_token(&[("client_id", DEMO), ("grant_type", "magic")])
        .await;
    refused(&unsupported, 70003, "unsupported_grant_type", 400);
    let twice = lab
        .request_token(&[("client_id", DEMO), ("client_id", DEMO)])
        .await;
    refused(&twice, 9_000_411, "invalid_request", 400);
    let url = lab.login(&format!("/{TENANT}/oauth2/v2.0/token"));
    let got = common::read(lab.client.get(&url).send().await.unwrap()).await;
    refused(&got, 900_561, "invalid_request", 400);
    let json = lab
        .client
        .post(&url)
        .header("content-type", "application/json")
        .body("{}");
    refused(
        &common::read(json.send().await.unwrap()).await,
        900_144,
        "invalid_request",
        400,
    );
    let v1 = lab
        .post(
            &format!("/{TENANT}/oauth2/token"),
            &[
                ("grant_type", "client_credentials"),
                ("client_id", DEMO),
                ("client_secret", "x"),
            ],
        )
        .await;
    refused(&v1, 900_144, "invalid_request", 400);
    let both = lab
        .request_token(&[
            ("client_id", DEMO),
            ("client_secret", "x"),
            ("resource", "https://a.b"),
        ])
        .await;
    refused(&both, 901_002, "invalid_request", 400);
}

#[tokio::test]
async fn malformed_and_unknown_scopes_are_rejected() {
    let lab = Lab::start().await;
    let secret = lab.identity("azcred-demo").secret.clone().unwrap();
    for (scope, code, error) in [
        (
            "https://management.azure.com/user_impersonation",
            1_002_012,
            "invalid_scope",
        ),
        ("https://management.azure.com", 1_002_012, "invalid_scope"),
        (
            "https://management.azure.com/.default https://ml.azure.com/.default",
            28000,
            "invalid_scope",
        ),
        (
            "https://management\\azure.com/.default",
            70011,
            "invalid_scope",
        ),
        (
            "https://nowhere.example/.default",
            500_011,
            "invalid_resource",
        ),
        ("api://nobody/.default", 500_011, "invalid_resource"),
        // Registered, but without a service principal in this tenant.
        (
            "a0000001-0000-4000-8000-000000000008/.default",
            500_011,
            "invalid_resource",
        ),
    ] {
        let answer = lab
            .request_token(&[
                ("client_id", DEMO),
                ("client_secret", &secret),
                ("scope", scope),
            ])
            .await;
        refused(&answer, code, error, 400);
    }
}

#[tokio::test]
async fn too_many_identical_requests_are_a_loop_in_a_tenant_with_a_limit() {
    let lab = Lab::seeded(
        "[[tenants]]\nid = 'c0a70500-0000-4000-8000-000000000001'\nname = 'A'\ndomains = ['a.com']\n\
         loop_limit = { requests = 2, seconds = 3600 }\n\
         [[applications]]\napp_id = 'a0000001-0000-4000-8000-000000000001'\nname = 'looping'\n\
         service_principal = { id = 'd0000001-0000-4000-8000-000000000001' }\n\
         secrets = [{ name = 's', value = 'x' }]\n",
    )
    .await;
    assert_eq!(lab.request_token_as("looping").await.status, 200);
    assert_eq!(lab.request_token_as("looping").await.status, 200);
    refused(
        &lab.request_token_as("looping").await,
        50196,
        "invalid_grant",
        400,
    );
}

#[tokio::test]
async fn user_grants_are_rejected_without_a_signed_in_user() {
    let lab = Lab::start().await;
    let desktop = "a0000001-0000-4000-8000-00000000000a";
    for (grant, parameter, value, code, error) in [
        (
            "refresh_token",
            "refresh_token",
            "x",
            9_002_313,
            "invalid_grant",
        ),
        ("authorization_code", "code", "x", 70000, "invalid_grant"),
        (
            "password",
            "username",
            "nobody@contoso.com",
            50034,
            "invalid_grant",
        ),
        (
            "password",
            "username",
            "Ada@contoso.com",
            50126,
            "invalid_grant",
        ),
        (
            "urn:ietf:params:oauth:grant-type:device_code",
            "device_code",
            "x",
            70018,
            "bad_verification_code",
        ),
    ] {
        let form = [
            ("grant_type", grant),
            ("client_id", desktop),
            (parameter, value),
            ("password", "x"),
        ];
        refused(&lab.request_token(&form).await, code, error, 400);
        let confidential = [
            ("grant_type", grant),
            ("client_id", DEMO),
            (parameter, value),
        ];
        refused(
            &lab.request_token(&confidential).await,
            7_000_218,
            "invalid_client",
            401,
        );
    }
    let no_password = lab
        .request_token(&[
            ("grant_type", "password"),
            ("client_id", desktop),
            ("username", "x"),
        ])
        .await;
    refused(&no_password, 90014, "invalid_request", 400);
}
