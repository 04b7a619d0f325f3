use super::*;
use crate::http::HeaderMap;
use secrecy::zeroize::Zeroizing;

const SECRET: &str = "s3cr3t-canary";

fn response(status: u16, body: &str) -> HttpResponse {
    HttpResponse {
        status,
        headers: HeaderMap::new(),
        body: Zeroizing::new(body.as_bytes().to_vec()),
        attempts: 1,
        clock_skew: None,
    }
}

fn answer(status: u16, body: &str) -> Result<AccessToken> {
    read_with(&response(status, body))
}

fn read_with(response: &HttpResponse) -> Result<AccessToken> {
    read(
        &SentRequest {
            what: "Asked",
            proof: SentProof::Secret,
            client_id: "c11e",
            tenant: "contoso.com",
            scope: "https://r",
            secrets: &[SECRET],
            now: SystemTime::UNIX_EPOCH,
        },
        response,
    )
    .map(|tokens| tokens.access)
}

#[test]
fn a_token_is_read_with_its_times_as_numbers_or_as_text() {
    for body in [
        r#"{"access_token":"t","token_type":"Bearer","expires_in":3599,"refresh_in":1800}"#,
        r#"{"access_token":"t","token_type":"bearer","expires_in":"3599","refresh_in":"1800"}"#,
    ] {
        let token = answer(200, body).unwrap();
        assert_eq!(token.secret(), "t");
        assert_eq!(token.expires_on().unix_timestamp(), 3599);
        assert_eq!(token.refresh_on().unix_timestamp(), 1800);
    }
    let endless = answer(
        200,
        r#"{"access_token":"t","expires_in":18446744073709551615}"#,
    )
    .unwrap();
    assert_eq!(endless.expires_on().unix_timestamp(), 366 * 86_400);
}

#[test]
fn a_lifetime_in_any_form_is_read_and_else_the_token_says_when_it_ends() {
    let ends = |token: &str, member: &str| {
        let body = format!(r#"{{"access_token":"{token}"{member}}}"#);
        answer(200, &body).map(|token| token.expires_on().unix_timestamp())
    };
    let claims = URL_SAFE_NO_PAD.encode(r#"{"exp":1200,"iss":"x"}"#);
    let jwt = format!("{}.{claims}.c2ln", URL_SAFE_NO_PAD.encode("{}"));
    for (member, wanted) in [
        (r#","expires_in":60.9"#, 60),
        (r#","expires_in":" 60 ""#, 60),
        (r#","expires_in":"60.0""#, 60),
        (r#","expires_in":-60"#, 0),
    ] {
        assert_eq!(ends(&jwt, member).unwrap(), wanted, "{member}");
        assert_eq!(ends("opaque", member).unwrap(), wanted, "{member}");
    }
    for member in [
        "",
        r#","expires_in":null"#,
        r#","expires_in":"""#,
        r#","expires_in":"soon""#,
        r#","expires_in":[60]"#,
        r#","expires_in":{},"refresh_in":"soon""#,
    ] {
        assert_eq!(ends(&jwt, member).unwrap(), 1200, "{member}");
        assert_eq!(ends("opaque", member).unwrap(), 3600, "{member}");
    }
}

#[test]
fn an_error_with_the_status_200_is_that_error() {
    let error = answer(
        200,
        r#"{"error":"invalid_client","error_description":"AADSTS7000222: The keys for app 'x' are expired. s3cr3t-canary Trace ID: t1","error_codes":[7000222]}"#,
    )
    .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Refused, Some(7_000_222))
    );
    assert_eq!(error.why(), "the client secret has expired");
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    for body in [r#"{"error":""}"#, r#"{"error":null}"#, r#"{"error":[]}"#] {
        let error = answer(200, body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{body}");
        assert!(error.why().contains("neither"), "{error}");
    }
    // A token is what was requested.
    assert!(answer(200, r#"{"access_token":"t","error":"none"}"#).is_ok());
}

#[test]
fn a_list_in_place_of_an_object_is_neither_a_token_nor_a_refusal() {
    for (status, body) in [
        (200, r#"["t","Bearer",3599,1800]"#),
        (400, r#"["invalid_client","AADSTS7000215: No."]"#),
    ] {
        let error = answer(status, body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
    }
}

#[test]
fn a_refusal_says_what_it_means_and_what_fixes_it() {
    let error = answer(
        401,
        r#"{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys for app 'x' are expired. Trace ID: t1 Correlation ID: c1 Timestamp: 2026","error_codes":[7000222],"timestamp":"2026-11-21 20:00:00Z","trace_id":"t1","correlation_id":"c1"}"#,
    )
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(error.code(), Some(7_000_222));
    assert_eq!(error.why(), "the client secret has expired");
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .contains("az ad app credential reset --id c11e")
    );
    let refusal = error.refusal().unwrap();
    assert_eq!(
        refusal.description,
        "AADSTS7000222: The provided client secret keys for app 'x' are expired."
    );
    assert_eq!(refusal.correlation_id.as_deref(), Some("c1"));
}

#[test]
fn a_claims_challenge_is_kept_whole_or_not_at_all() {
    let challenge = r#"{"access_token":{"capolids":{"essential":true,"values":["c1"]}}}"#;
    let long = format!(r#"{{"access_token":"{}"}}"#, "x".repeat(LOOKED_AT));
    let repeating = format!(r#"{{"access_token":"{SECRET}"}}"#);
    for (claims, kept) in [
        (challenge, Some(challenge)),
        (&long, None),
        (&repeating, None),
        ("not JSON", None),
    ] {
        let body = serde_json::json!({"error": "interaction_required", "error_codes": [50_076], "claims": claims});
        let error = answer(400, &body.to_string()).unwrap_err();
        assert_eq!(error.refusal().unwrap().claims.as_deref(), kept);
    }
}

#[test]
fn the_code_is_read_from_the_text_if_no_member_has_it() {
    let error = answer(
        400,
        r#"{"error":"invalid_request","error_description":"AADSTS90002: Tenant not found."}"#,
    )
    .unwrap_err();
    assert_eq!(error.code(), Some(90_002));
}

#[test]
fn a_refusal_with_nulls_is_a_refusal() {
    let body =
        r#"{"error":"invalid_client","error_description":null,"error_codes":null,"claims":null}"#;
    assert_eq!(answer(400, body).unwrap_err().kind(), ErrorKind::Refused);
}

#[test]
fn an_unknown_rejection_is_shown_in_the_providers_words() {
    let error = answer(
        400,
        r#"{"error":"server_says","error_description":"no luck today"}"#,
    )
    .unwrap_err();
    assert_eq!(
        error.why(),
        "the authority rejected the request: no luck today"
    );
    assert_eq!(error.kind(), ErrorKind::Refused);
}

#[test]
fn invalid_responses_are_described() {
    for (status, body, says) in [
        (200, "<html>sign in to the WiFi</html>", "web page"),
        (403, "\n <!doctype html>", "web page"),
        (200, "", "is empty"),
        (200, r#"{"access_token":"t","exp"#, "incomplete"),
        (200, r#"{"token":"t"}"#, "neither a token nor an error"),
        (
            200,
            r#"{"access_token":""}"#,
            "neither a token nor an error",
        ),
        (
            200,
            r#"{"access_token":"a b"}"#,
            "neither a token nor an error",
        ),
        (200, "garbage", "not JSON"),
        (404, "[]", "not JSON"),
        (
            200,
            r#"{"access_token":"t","token_type":"mac"}"#,
            "not a bearer token",
        ),
    ] {
        let error = answer(status, body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{body}");
        assert!(error.why().contains(says), "{body}: {error}");
        assert!(error.fix().is_some());
    }
}

#[test]
fn a_temporary_failure_is_not_a_rejection() {
    for (status, body) in [
        (429, "slow down"),
        (503, "<html>"),
        (
            503,
            r#"{"error":"temporarily_unavailable","error_description":"AADSTS90033: x"}"#,
        ),
        (400, r#"{"error":"temporarily_unavailable"}"#),
    ] {
        assert_eq!(
            answer(status, body).unwrap_err().kind(),
            ErrorKind::Unreachable,
            "{status} {body}"
        );
    }
    let mut slow = response(429, "");
    slow.headers.insert("retry-after", "90".parse().unwrap());
    assert!(
        read_with(&slow)
            .unwrap_err()
            .fix()
            .unwrap()
            .to_string()
            .contains("90 s")
    );
}

#[test]
fn a_wrong_clock_is_reported_with_its_difference_and_direction() {
    let mut late = response(
        401,
        r#"{"error":"invalid_client","error_description":"AADSTS700024: Client assertion is not within its valid time range."}"#,
    );
    late.clock_skew = Some(-3660);
    let error = read_with(&late).unwrap_err();
    assert!(
        error.why().contains("61 minutes ahead of the authority's"),
        "{error}"
    );
    assert!(error.fix().unwrap().to_string().contains("timedatectl"));
    late.clock_skew = Some(4);
    assert!(!read_with(&late).unwrap_err().why().contains("clock is 0"));
}

#[test]
fn a_hostile_response_shows_neither_a_secret_nor_a_terminal_escape() {
    let body = format!(
        r#"{{"error":"{SECRET}\u001b[31m","error_description":"you sent {SECRET}\u0007","correlation_id":"{SECRET}","timestamp":"{SECRET}","trace_id":"{SECRET}","claims":"{SECRET}"}}"#
    );
    let error = answer(400, &body).unwrap_err();
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains(SECRET), "{text}");
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{7}'),
            "{text}"
        );
    }
    let long = answer(
        400,
        &format!(
            r#"{{"error":"e","error_description":"{}"}}"#,
            "x".repeat(100_000)
        ),
    )
    .unwrap_err();
    assert!(long.to_string().len() < 2000);
}

proptest::proptest! {
    #![proptest_config(crate::hostile::cases())]

    #[test]
    fn no_damaged_response_causes_a_panic_or_shows_its_token(
        status in proptest::sample::select(vec![200, 400, 401, 429, 500]),
        body in proptest::prop_oneof![
            crate::hostile::spoilt(
                r#"{"token_type":"Bearer","expires_in":3599,"refresh_in":"1800","access_token":"eyJ.kX8Q~canary"}"#
            ),
            crate::hostile::spoilt(
                r#"{"error":"invalid_client","error_description":"AADSTS7000222: Expired. Trace ID: t","error_codes":[7000222],"claims":"{}"}"#
            ),
        ],
    ) {
        let response = HttpResponse { body: Zeroizing::new(body), ..response(status, "") };
        if let Err(error) = read_with(&response) {
            let shown = format!("{error}");
            proptest::prop_assert!(!shown.contains("kX8Q~"), "{shown}");
            proptest::prop_assert!(!shown.contains(['\u{1b}', '\u{202e}', '\n']), "{shown:?}");
        }
    }
}
