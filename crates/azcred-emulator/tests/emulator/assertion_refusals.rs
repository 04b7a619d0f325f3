//! Rejected assertions and federated tokens, code by code.

use crate::common::{Assertion, DEMO, Lab, TENANT, refused};

#[tokio::test]
async fn each_invalid_assertion_is_rejected_with_its_own_error() {
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
        let answer = lab.request_by_assertion(&id, &assertion).await;
        assert_eq!(answer.code(), code, "{what}: {answer:?}");
        refused(&answer, code, error, status);
    }
    let untyped = lab
        .request_token(&[("client_id", &id), ("client_assertion", "x")])
        .await;
    refused(&untyped, 900_144, "invalid_request", 400);
    let mistyped = lab
        .request_token(&[
            ("client_id", &id),
            ("client_assertion", "x"),
            ("client_assertion_type", "y"),
        ])
        .await;
    refused(&mistyped, 90023, "invalid_request", 400);
}

#[tokio::test]
async fn an_assertion_with_an_expired_certificate_is_rejected() {
    let lab = Lab::start().await;
    let identity = lab.identity("azcred-certificate");
    let id = identity.client_id.to_string();
    let pem = identity.certificate_path.clone().unwrap();
    // The certificate is valid for five years. In six years, Entra ID says that it has expired.
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
        lab.request_by_assertion(&id, &make(now).sign())
            .await
            .status,
        200
    );
    // A certificate that becomes valid in two days is outside its validity too.
    lab.emulator.world().clock.set_skew(-3 * 24 * 3600);
    let now = lab.emulator.world().clock.unix();
    let answer = lab.request_by_assertion(&id, &make(now).sign()).await;
    refused(&answer, 700_027, "invalid_client", 401);
    assert!(
        answer.body["error_description"]
            .as_str()
            .unwrap()
            .contains("key used is expired")
    );
}

#[tokio::test]
async fn the_error_for_a_federated_token_names_the_part_without_a_match() {
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
    // A token that claims an issuer whose key the emulator does not have.
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
            "invalid_client",
            401,
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
            50166,
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
            700_226,
            "invalid_request",
            400,
        ),
    ] {
        let answer = lab.request_by_assertion(DEMO, &token).await;
        assert_eq!(answer.code(), code, "{what}: {answer:?}");
        refused(&answer, code, error, status);
    }
    let good = mint(one, "Repo:One", right, 600);
    assert_eq!(lab.request_by_assertion(DEMO, &good).await.status, 200);
    let none = lab
        .request_by_assertion("a0000001-0000-4000-8000-000000000002", &good)
        .await;
    refused(&none, 70025, "invalid_client", 401);
}
