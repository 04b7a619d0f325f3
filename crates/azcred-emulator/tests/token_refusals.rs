//! Every AADSTS code of an application's flows, each for the reason Entra ID gives it for.

mod common;

use common::{Answer, Assertion, DEMO, Lab, TENANT};

/// Checks code, OAuth error, status and the shape every refusal has.
#[track_caller]
fn refused(answer: &Answer, code: u64, error: &str, status: u16) {
    assert_eq!(answer.code(), code, "{answer:?}");
    assert_eq!(answer.body["error"], error, "{answer:?}");
    assert_eq!(answer.status, status, "{answer:?}");
    let text = |name: &str| answer.body[name].as_str().unwrap_or_default().to_owned();
    let description = text("error_description");
    assert!(
        description.starts_with(&format!("AADSTS{code}: ")),
        "{description}"
    );
    let tail = format!(
        " Trace ID: {} Correlation ID: {} Timestamp: {}",
        text("trace_id"),
        text("correlation_id"),
        text("timestamp")
    );
    assert!(description.ends_with(&tail), "{description}");
    assert!(text("timestamp").ends_with('Z') && text("timestamp").len() == 20);
    assert_eq!(
        text("error_uri"),
        format!("https://login.microsoftonline.com/error?code={code}")
    );
    assert_eq!(
        answer.headers["content-type"],
        "application/json; charset=utf-8"
    );
    assert!(answer.headers.contains_key("x-ms-request-id"));
}

#[tokio::test]
async fn secrets_are_refused_for_what_is_wrong_with_them() {
    let lab = Lab::start().await;
    let wrong = lab
        .ask(&[("client_id", DEMO), ("client_secret", "hunter2")])
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
        .ask(&[("client_id", DEMO), ("client_secret", &id_of_secret)])
        .await;
    refused(&pasted, 7_000_215, "invalid_client", 401);
    refused(
        &lab.ask_as("azcred-expired").await,
        7_000_222,
        "invalid_client",
        401,
    );
    let none = lab.ask(&[("client_id", DEMO)]).await;
    refused(&none, 7_000_216, "invalid_client", 401);
    let desktop = "a0000001-0000-4000-8000-00000000000a";
    let public = lab
        .ask(&[("client_id", desktop), ("client_secret", "x")])
        .await;
    refused(&public, 700_025, "invalid_client", 401);
}

#[tokio::test]
async fn applications_are_refused_for_what_they_are() {
    let lab = Lab::start().await;
    for unknown in ["11111111-1111-1111-1111-111111111111", "not-a-guid"] {
        let answer = lab
            .ask(&[("client_id", unknown), ("client_secret", "x")])
            .await;
        refused(&answer, 700_016, "unauthorized_client", 400);
    }
    refused(
        &lab.ask_as("azcred-disabled").await,
        7_000_112,
        "unauthorized_client",
        400,
    );
    refused(
        &lab.ask_as("azcred-noprincipal").await,
        7_000_229,
        "invalid_client",
        401,
    );
    let blocked = lab.ask_as("azcred-blocked").await;
    refused(&blocked, 53003, "invalid_grant", 400);
    assert!(
        blocked.body["claims"]
            .as_str()
            .unwrap()
            .contains("capolids")
    );
}

#[tokio::test]
async fn an_application_of_another_tenant_is_unknown_or_lacks_a_principal() {
    let lab = Lab::seeded(
        "[[tenants]]\nid = 'c0a70500-0000-4000-8000-000000000001'\nname = 'A'\ndomains = ['a.com']\n\
         [[tenants]]\nid = 'c0a70500-0000-4000-8000-000000000002'\nname = 'B'\ndomains = ['b.com']\n\
         [[applications]]\napp_id = 'a0000001-0000-4000-8000-000000000001'\ntenant = 'b.com'\nname = 'single'\n\
         secrets = [{ name = 's', value = 'x' }]\n\
         [[applications]]\napp_id = 'a0000001-0000-4000-8000-000000000002'\ntenant = 'b.com'\nname = 'multiple'\n\
         multiple_tenants = true\nsecrets = [{ name = 's', value = 'x' }]\n",
    )
    .await;
    let ask = async |id: &str| lab.ask(&[("client_id", id), ("client_secret", "x")]).await;
    let single = ask("a0000001-0000-4000-8000-000000000001").await;
    refused(&single, 700_016, "unauthorized_client", 400);
    let multiple = ask("a0000001-0000-4000-8000-000000000002").await;
    refused(&multiple, 7_000_229, "invalid_client", 401);
}

#[tokio::test]
async fn tenants_are_refused_when_unknown_malformed_or_not_one() {
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
            refused(&lab.get(&path).await, code, "invalid_request", 400);
            let path = format!("/{segment}/discovery/keys");
            refused(&lab.get(&path).await, code, "invalid_request", 400);
        }
    }
}

#[tokio::test]
async fn requests_are_refused_for_what_they_lack() {
    let lab = Lab::start().await;
    for missing in ["grant_type", "client_id", "scope"] {
        let mut form = vec![("client_id", DEMO), ("client_secret", "x")];
        form.push((missing, ""));
        let form: Vec<_> = form
            .into_iter()
            .filter(|(name, value)| *name != missing || value.is_empty())
            .collect();
        let answer = lab.ask(&form).await;
        refused(&answer, 900_144, "invalid_request", 400);
        assert!(
            answer.body["error_description"]
                .as_str()
                .unwrap()
                .contains(missing)
        );
    }
    let unsupported = lab
        .ask(&[("client_id", DEMO), ("grant_type", "magic")])
        .await;
    refused(&unsupported, 70003, "unsupported_grant_type", 400);
    let twice = lab.ask(&[("client_id", DEMO), ("client_id", DEMO)]).await;
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
        .ask(&[
            ("client_id", DEMO),
            ("client_secret", "x"),
            ("resource", "https://a.b"),
        ])
        .await;
    refused(&both, 901_002, "invalid_request", 400);
}

#[tokio::test]
async fn scopes_are_refused_when_malformed_not_default_or_unknown() {
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
            .ask(&[
                ("client_id", DEMO),
                ("client_secret", &secret),
                ("scope", scope),
            ])
            .await;
        refused(&answer, code, error, 400);
    }
}

#[tokio::test]
async fn assertions_are_refused_for_what_is_wrong_with_them() {
    let lab = Lab::start().await;
    let identity = lab.identity("azcred-certificate");
    let id = identity.client_id.to_string();
    let pem = identity.certificate_path.clone().unwrap();
    let make = || Assertion::new(&pem, &id);
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let tampered = {
        let signed = make().sign();
        let (head, signature) = signed.rsplit_once('.').unwrap();
        let flipped = if signature.starts_with('A') { "B" } else { "A" };
        format!("{head}.{flipped}{}", &signature[1..])
    };
    for (what, assertion, code, error, status) in [
        (
            "another application's",
            make().claim("sub", DEMO).sign(),
            700_021,
            "invalid_client",
            401,
        ),
        (
            "another audience",
            make().claim("aud", "https://example.com/").sign(),
            700_023,
            "invalid_client",
            401,
        ),
        (
            "another tenant's audience",
            make()
                .claim(
                    "aud",
                    "https://login.microsoftonline.com/common/oauth2/v2.0/token",
                )
                .sign(),
            700_023,
            "invalid_client",
            401,
        ),
        (
            "expired",
            make()
                .claim("nbf", now - 7200)
                .claim("exp", now - 3600)
                .sign(),
            700_024,
            "invalid_client",
            401,
        ),
        (
            "early",
            make()
                .claim("nbf", now + 3600)
                .claim("exp", now + 7200)
                .sign(),
            700_024,
            "invalid_client",
            401,
        ),
        (
            "turned around",
            make().claim("exp", now - 1).sign(),
            700_024,
            "invalid_client",
            401,
        ),
        ("tampered with", tampered, 700_027, "invalid_client", 401),
        (
            "an unknown key",
            make().header("x5t#S256", "AAAA").sign(),
            700_027,
            "invalid_client",
            401,
        ),
        (
            "another certificate in x5c",
            make().header("x5c", vec!["AAAA"]).sign(),
            700_027,
            "invalid_client",
            401,
        ),
        (
            "signed by RS256 and called PS256",
            {
                let signed = make().sign();
                let signature = signed.rsplit_once('.').unwrap().1.to_owned();
                let renamed = make().header("alg", "PS256").sign();
                format!("{}.{signature}", renamed.rsplit_once('.').unwrap().0)
            },
            700_027,
            "invalid_client",
            401,
        ),
        (
            "no algorithm",
            make().header("alg", "none").sign(),
            5_002_738,
            "invalid_client",
            401,
        ),
        (
            "a symmetric one",
            make().header("alg", "HS256").sign(),
            5_002_738,
            "invalid_client",
            401,
        ),
        (
            "no key named",
            make().header("x5t", ()).header("x5t#S256", ()).sign(),
            50027,
            "invalid_request",
            400,
        ),
        (
            "no jti",
            make().claim("jti", ()).sign(),
            50027,
            "invalid_request",
            400,
        ),
        (
            "no exp",
            make().claim("exp", ()).sign(),
            50027,
            "invalid_request",
            400,
        ),
        (
            "garbage",
            "garbage".to_owned(),
            50027,
            "invalid_request",
            400,
        ),
        (
            "four parts",
            "e30.e30.e30.e30".to_owned(),
            50027,
            "invalid_request",
            400,
        ),
        (
            "not JSON",
            "AAAA.AAAA.AAAA".to_owned(),
            50027,
            "invalid_request",
            400,
        ),
    ] {
        let answer = lab.ask_by_assertion(&id, &assertion).await;
        assert_eq!(answer.code(), code, "{what}: {answer:?}");
        refused(&answer, code, error, status);
    }
    let untyped = lab
        .ask(&[("client_id", &id), ("client_assertion", "x")])
        .await;
    refused(&untyped, 900_144, "invalid_request", 400);
    let mistyped = lab
        .ask(&[
            ("client_id", &id),
            ("client_assertion", "x"),
            ("client_assertion_type", "y"),
        ])
        .await;
    refused(&mistyped, 90023, "invalid_request", 400);
}

#[tokio::test]
async fn an_assertion_by_an_expired_certificate_is_refused() {
    let lab = Lab::start().await;
    let identity = lab.identity("azcred-certificate");
    let id = identity.client_id.to_string();
    let pem = identity.certificate_path.clone().unwrap();
    // The certificate lives five years; in six, Entra ID says that it has expired.
    let later = 366 * 24 * 3600;
    lab.emulator.world().clock.set_skew(later);
    let now = lab.emulator.world().clock.unix();
    let make = |at: i64| {
        Assertion::new(&pem, &id)
            .claim("nbf", at)
            .claim("iat", at)
            .claim("exp", at + 600)
    };
    assert_eq!(
        lab.ask_by_assertion(&id, &make(now).sign()).await.status,
        200
    );
    // A certificate that begins in two days stands for one outside its time at the other end.
    lab.emulator.world().clock.set_skew(-3 * 24 * 3600);
    let now = lab.emulator.world().clock.unix();
    let answer = lab.ask_by_assertion(&id, &make(now).sign()).await;
    refused(&answer, 700_027, "invalid_client", 401);
    assert!(
        answer.body["error_description"]
            .as_str()
            .unwrap()
            .contains("key used is expired")
    );
}

#[tokio::test]
async fn federated_tokens_are_refused_by_the_part_that_matches_nothing() {
    let lab = Lab::seeded(
        "[[tenants]]\nid = 'c0a70500-0000-4000-8000-000000000001'\nname = 'A'\ndomains = ['a.com']\n\
         [[applications]]\napp_id = 'a0000001-0000-4000-8000-000000000001'\nname = 'federated'\n\
         service_principal = { id = 'd0000001-0000-4000-8000-000000000001' }\n\
         federated_credentials = [\n\
           { name = 'one', issuer = 'https://one.example', subject = 'Repo:One' },\n\
           { name = 'two', issuer = 'https://two.example', subject = 'repo:two' },\n\
           { name = 'foreign', issuer = 'https://foreign.example', subject = 's' },\n\
           { name = 'gone', issuer = 'https://gone.example', subject = 's' },\n\
         ]\n\
         [[applications]]\napp_id = 'a0000001-0000-4000-8000-000000000002'\nname = 'none'\n\
         [[issuers]]\nurl = 'https://one.example'\n[[issuers]]\nurl = 'https://two.example'\n\
         [[issuers]]\nurl = 'https://stranger.example'\n\
         [[issuers]]\nurl = 'https://gone.example'\nunreachable = true\n\
         [[issuers]]\nurl = 'https://foreign.example'\n\
         jwks = { keys = [{ kty = 'RSA', kid = 'k', n = 'AQAB', e = 'AQAB', use = 'sig' }] }\n",
    )
    .await;
    let world = lab.emulator.world();
    let mint = |issuer: &str, subject: &str, audience: &str, lifetime: i64| {
        azcred_emulator::issuer::mint(world, issuer, subject, audience, lifetime).unwrap()
    };
    let right = "api://AzureADTokenExchange";
    // A token that says it is of an issuer whose key the emulator does not hold.
    let signed_for = |issuer: &str, kid: Option<&str>| {
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let claims = serde_json::json!({
            "iss": issuer, "sub": "s", "aud": right, "nbf": now, "exp": now + 600, "jti": "j",
        });
        let token = world.keys.issuer.sign(claims.as_object().unwrap()).unwrap();
        match kid {
            None => token,
            Some(kid) => {
                use base64::Engine as _;
                let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
                let header = engine.encode(format!(r#"{{"alg":"RS256","kid":"{kid}"}}"#));
                format!("{header}.{}", token.split_once('.').unwrap().1)
            }
        }
    };
    let tampered = {
        let token = mint("https://one.example", "Repo:One", right, 600);
        format!("{}AAAA", &token[..token.len() - 4])
    };
    let one = "https://one.example";
    for (what, token, code, error, status) in [
        (
            "issuer",
            mint("https://stranger.example", "Repo:One", right, 600),
            700_211,
            "invalid_client",
            401,
        ),
        (
            "subject",
            mint(one, "repo:other", right, 600),
            700_213,
            "invalid_client",
            401,
        ),
        (
            "case of the subject",
            mint(one, "repo:one", right, 600),
            7_002_138,
            "invalid_client",
            401,
        ),
        (
            "audience",
            mint(one, "Repo:One", "api://other", 600),
            700_212,
            "invalid_client",
            401,
        ),
        (
            "issuer and subject of two credentials",
            mint(one, "repo:two", right, 600),
            70021,
            "invalid_request",
            400,
        ),
        (
            "expired",
            mint(one, "Repo:One", right, -900),
            700_024,
            "invalid_client",
            401,
        ),
        ("tampered with", tampered, 700_027, "invalid_client", 401),
        (
            "issuer that can't be reached",
            signed_for("https://gone.example", None),
            90061,
            "invalid_request",
            400,
        ),
        (
            "unpublished key",
            signed_for("https://foreign.example", None),
            7_000_272,
            "invalid_client",
            401,
        ),
        (
            "foreign signature",
            signed_for("https://foreign.example", Some("k")),
            700_027,
            "invalid_client",
            401,
        ),
        (
            "Entra ID's own token",
            signed_for(&format!("https://sts.windows.net/{TENANT}/"), None),
            700_222,
            "invalid_request",
            400,
        ),
    ] {
        let answer = lab.ask_by_assertion(DEMO, &token).await;
        assert_eq!(answer.code(), code, "{what}: {answer:?}");
        refused(&answer, code, error, status);
    }
    let good = mint(one, "Repo:One", right, 600);
    assert_eq!(lab.ask_by_assertion(DEMO, &good).await.status, 200);
    let none = lab
        .ask_by_assertion("a0000001-0000-4000-8000-000000000002", &good)
        .await;
    refused(&none, 70025, "invalid_client", 401);
}

#[tokio::test]
async fn a_client_that_asks_too_often_is_a_loop_where_the_tenant_has_a_limit() {
    let lab = Lab::seeded(
        "[[tenants]]\nid = 'c0a70500-0000-4000-8000-000000000001'\nname = 'A'\ndomains = ['a.com']\n\
         loop_limit = { requests = 2, seconds = 3600 }\n\
         [[applications]]\napp_id = 'a0000001-0000-4000-8000-000000000001'\nname = 'looping'\n\
         service_principal = { id = 'd0000001-0000-4000-8000-000000000001' }\n\
         secrets = [{ name = 's', value = 'x' }]\n",
    )
    .await;
    assert_eq!(lab.ask_as("looping").await.status, 200);
    assert_eq!(lab.ask_as("looping").await.status, 200);
    refused(&lab.ask_as("looping").await, 50196, "invalid_grant", 400);
}

#[tokio::test]
async fn grants_of_people_are_refused_because_nobody_has_signed_in() {
    let lab = Lab::start().await;
    let desktop = "a0000001-0000-4000-8000-00000000000a";
    for (grant, parameter, value, code, error) in [
        (
            "refresh_token",
            "refresh_token",
            "x",
            70000,
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
        refused(&lab.ask(&form).await, code, error, 400);
        let confidential = [
            ("grant_type", grant),
            ("client_id", DEMO),
            (parameter, value),
        ];
        refused(
            &lab.ask(&confidential).await,
            7_000_218,
            "invalid_client",
            401,
        );
    }
    let no_password = lab
        .ask(&[
            ("grant_type", "password"),
            ("client_id", desktop),
            ("username", "x"),
        ])
        .await;
    refused(&no_password, 90014, "invalid_request", 400);
}
