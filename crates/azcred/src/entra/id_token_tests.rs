//! Tests of what an id token says about who signed in, and which are rejected.

use super::*;
use crate::{
    facts::WEB_TOKEN_LIMIT,
    hostile::{cases, spoilt},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

const TENANT: &str = "7a0c1e50-0000-4000-8000-000000000001";

fn token(claims: &Value) -> SecretString {
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    format!("eyJhbGciOiJSUzI1NiJ9.{payload}.c2ln").into()
}

fn claims() -> Value {
    json!({
        "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "aud": "c11e", "sub": "s", "tid": TENANT, "oid": "o",
        "exp": 4000, "iat": 100, "nonce": "n", "name": "Ada\u{1b}[31m Lovelace", "preferred_username": "ada@contoso.com",
    })
}

fn expected() -> Expected<'static> {
    Expected {
        client_id: "c11e",
        nonce: Some("n"),
        issuer: None,
        tenant: "organizations",
        now: SystemTime::UNIX_EPOCH + Duration::from_secs(3700),
    }
}

#[test]
fn the_person_is_read_and_printable() {
    let read = id_claims(&token(&claims()), &expected()).unwrap();
    assert_eq!(read.username.as_deref(), Some("ada@contoso.com"));
    assert_eq!(read.name.as_deref(), Some("Ada [31m Lovelace"));
    assert_eq!(read.object_id.as_deref(), Some("o"));
    assert_eq!(read.tenant.as_deref(), Some(TENANT));
    assert_eq!(read.shown(), "ada@contoso.com");
    let mut long = claims();
    long["name"] = json!("x".repeat(10_000));
    let read = id_claims(&token(&long), &expected()).unwrap();
    assert!(read.name.unwrap().chars().count() <= LONGEST_NAME + 1);
}

#[test]
fn an_id_token_of_another_sign_in_is_rejected() {
    let wrong = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        id_claims(&token(&claims), &expected()).unwrap_err().why
    };
    for (why, says) in [
        (wrong("nonce", json!("m")), "another sign-in"),
        (wrong("nonce", json!("")), "another sign-in"),
        (wrong("nonce", Value::Null), "another sign-in"),
        (wrong("aud", json!("other")), "another application"),
        (wrong("aud", json!([])), "another application"),
        (
            wrong("aud", json!(["c11e", "other"])),
            "another application",
        ),
        (wrong("exp", json!(3300)), "has expired"),
        (wrong("sub", json!("")), "does not name a user"),
        (wrong("sub", json!("s\u{202e}")), "does not name a user"),
        (wrong("sub", json!("x".repeat(256))), "does not name a user"),
        (
            wrong("iss", json!("https://login.microsoftonline.com/x/v2.0")),
            "is from",
        ),
        (
            wrong(
                "iss",
                json!(format!("http://login.microsoftonline.com/{TENANT}/v2.0")),
            ),
            "is from",
        ),
        (
            wrong("tid", json!("7a0c1e50-0000-4000-8000-000000000002")),
            "is from",
        ),
        (wrong("tid", Value::Null), "is from"),
        (wrong("sub", Value::Null), "does not name a user"),
        (wrong("iss", json!(7)), "does not name its issuer"),
        (wrong("aud", json!({"c11e": 1})), "another application"),
        (wrong("exp", json!("4000")), "does not say when it expires"),
    ] {
        assert!(why.contains(says), "{why} / {says}");
    }
    // Clocks that differ by two minutes count as equal.
    let mut late = claims();
    late["exp"] = json!(3580);
    assert!(id_claims(&token(&late), &expected()).is_ok());
    late["exp"] = json!(3000);
    late["iat"] = json!(2980);
    let unfit = id_claims(&token(&late), &expected()).unwrap_err();
    assert!(
        unfit.is_of_clock && unfit.why.contains("12 minutes ahead of the provider's"),
        "{unfit:?}"
    );
}

#[test]
fn a_tenant_requested_by_id_must_be_the_tokens() {
    let with = |tenant| {
        id_claims(
            &token(&claims()),
            &Expected {
                tenant,
                ..expected()
            },
        )
    };
    assert!(with(TENANT).is_ok());
    assert!(with("contoso.com").is_ok());
    assert!(with("7a0c1e50-0000-4000-8000-000000000002").is_err());
}

#[test]
fn an_issuer_is_compared_exactly() {
    let mut claims = claims();
    claims["iss"] = json!("https://id.example/");
    claims["aud"] = json!(["other", "c11e"]);
    claims["azp"] = json!("c11e");
    let with = |issuer| {
        id_claims(
            &token(&claims),
            &Expected {
                issuer: Some(issuer),
                ..expected()
            },
        )
    };
    assert!(with("https://id.example/").is_ok());
    assert!(with("https://id.example").is_err());
}

#[test]
fn a_text_that_is_not_a_jwt_is_rejected() {
    for bad in ["", "a", "a.b", "a.e30.c.d", "a.!.c", "a.W10.c"] {
        assert!(
            id_claims(&SecretString::from(bad), &expected()).is_err(),
            "{bad}"
        );
    }
    let huge = format!("a.{}.c", "A".repeat(WEB_TOKEN_LIMIT));
    assert!(id_claims(&huge.into(), &expected()).is_err());
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_claim_is_shown_unfiltered(claims in spoilt(claims().to_string())) {
        let shown = |text: &str| !text.chars().any(char::is_control) && text.chars().count() < 400;
        let token = format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims)).into();
        match id_claims(&token, &expected()) {
            Ok(claims) => prop_assert!(shown(claims.shown()) && claims.name.is_none_or(|name| shown(&name))),
            Err(unfit) => prop_assert!(shown(&unfit.why), "{}", unfit.why),
        }
    }
}
