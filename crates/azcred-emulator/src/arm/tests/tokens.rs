//! Invalid tokens: each fault has its own code.

use super::*;

#[tokio::test]
async fn the_error_for_a_token_of_another_tenant_names_the_right_authority() {
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
async fn each_kind_of_invalid_token_has_its_own_code() {
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
