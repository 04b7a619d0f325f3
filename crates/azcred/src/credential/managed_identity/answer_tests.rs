//! Valid and invalid responses of hosts.

use super::*;
use crate::http::HeaderMap;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// 2026-11-21T12:00:00Z
const NOW: i64 = 1_795_262_400;
const SECRET: &str = "kX8Q~canary.0123456789abc";

fn response(status: u16, body: &str) -> HttpResponse {
    HttpResponse {
        status,
        headers: HeaderMap::new(),
        body: Zeroizing::new(body.as_bytes().to_vec()),
        attempts: 1,
        clock_skew: None,
    }
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + length(NOW)
}

fn asked() -> HostRequest<'static> {
    HostRequest {
        what: "Asked",
        resource: "https://r",
        id: &ManagedIdentityId::SYSTEM,
        variable: None,
        host: "App Service",
        assign: "assign it",
        secrets: &[SECRET],
        now: now(),
    }
}

fn answer(status: u16, body: &str) -> Result<HostToken> {
    read(&asked(), &response(status, body))
}

/// The lifetime in seconds of a token with these members.
fn lasts(more: &str) -> Result<i64> {
    let body = format!(r#"{{"access_token":"the-token","token_type":"Bearer",{more}}}"#);
    let answer = answer(200, &body)?;
    assert_eq!(answer.token.secret(), "the-token");
    Ok(answer.token.expires_on().unix_timestamp() - NOW)
}

#[test]
fn the_end_of_a_token_is_read_in_every_form_that_hosts_write() {
    for (more, seconds) in [
        (format!(r#""expires_on":{}"#, NOW + 60), 60),
        (format!(r#""expires_on":"{}""#, NOW + 60), 60),
        (format!(r#""expires_on":{}.5"#, NOW + 60), 60),
        // azure-identity's two forms; Windows writes the second.
        (
            r#""expires_on":"11/21/2026 12:01:00 +00:00""#.to_owned(),
            60,
        ),
        (
            r#""expires_on":"11/22/2026 1:00:12 AM +00:00""#.to_owned(),
            13 * 3600 + 12,
        ),
        (
            r#""expires_on":"11/22/2026 12:0:12 AM +00:00""#.to_owned(),
            12 * 3600 + 12,
        ),
        (
            r#""expires_on":"12/1/2026 12:0:12 PM +00:00""#.to_owned(),
            10 * 86_400 + 12,
        ),
        (r#""expires_in":60"#.to_owned(), 60),
        (r#""expires_in":"60","expires_on":null"#.to_owned(), 60),
        (r#""expires_in":"60","expires_on":"""#.to_owned(), 60),
        (r#""expires_in":"60","expires_on":"soon""#.to_owned(), 60),
        (
            r#""expires_in":"","expires_on":"2026-11-21T12:01:00Z""#.to_owned(),
            60,
        ),
        (
            r#""expires_on":"2026-11-21T14:01:00.1234567+02:00""#.to_owned(),
            60,
        ),
        (
            r#""expires_on":"11/21/2026 00:01:00 PM +00:00""#.to_owned(),
            60,
        ),
        (
            r#""expires_on":"11/21/2026 1:01:00 PM +01:00""#.to_owned(),
            60,
        ),
        (
            r#""expires_in":60,"client_id":5,"object_id":null"#.to_owned(),
            60,
        ),
        // The earlier end counts, unless it has passed: then the clock is wrong.
        (
            format!(r#""expires_in":"86400","expires_on":"{}""#, NOW + 60),
            60,
        ),
        (
            format!(r#""expires_in":"60","expires_on":"{}""#, NOW + 86_400),
            60,
        ),
        (
            format!(r#""expires_in":"60","expires_on":"{}""#, NOW - 60),
            60,
        ),
    ] {
        assert_eq!(lasts(&more).unwrap(), seconds, "{more}");
    }
}

#[test]
fn an_invalid_end_of_a_token_is_an_error() {
    for (more, why) in [
        (r#""resource":"x""#.to_owned(), "without an expiry time"),
        (
            r#""expires_on":"tomorrow""#.to_owned(),
            "expires_on is \"tomorrow\"",
        ),
        (
            r#""expires_on":"21/11/2026 12:01:00 +00:00""#.to_owned(),
            "has an unknown form",
        ),
        (
            r#""expires_on":"11/21/2026 12:01:00 +01:00""#.to_owned(),
            "expired 3540 s ago",
        ),
        (r#""expires_on":[1]"#.to_owned(), "has an unknown form"),
        (r#""expires_on":"""#.to_owned(), "without an expiry time"),
        (format!(r#""expires_on":{}"#, NOW - 5), "expired 5 s ago"),
        (
            r#""expires_in":-9223372036854775808"#.to_owned(),
            "expired 9223372036854775808 s ago",
        ),
        (r#""expires_in":0"#.to_owned(), "expired 0 s ago"),
        // Milliseconds instead of seconds.
        (
            format!(r#""expires_on":{}"#, NOW * 1000),
            "days, which is too long",
        ),
        (
            r#""expires_in":1e300"#.to_owned(),
            "days, which is too long",
        ),
        (
            r#""expires_on":9223372036854775807"#.to_owned(),
            "days, which is too long",
        ),
    ] {
        let error = lasts(&more).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{more}");
        assert!(error.why().contains(why), "{more}: {error}");
        assert!(error.fix().is_some(), "{error}");
    }
}

#[test]
fn the_tokens_own_end_counts_if_the_host_names_no_possible_one() {
    let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"exp":{}}}"#, NOW + 60));
    for more in [
        r#""resource":"x""#.to_owned(),
        r#""expires_on":"tomorrow","expires_in":"""#.to_owned(),
        format!(r#""expires_on":{}"#, NOW - 5),
        format!(r#""expires_on":{}"#, NOW * 1000),
        r#""expires_on":"11/21/2026 1:01:00 +02:00""#.to_owned(),
    ] {
        let body = format!(r#"{{"access_token":"e30.{claims}.c2ln",{more}}}"#);
        let token = answer(200, &body).unwrap_or_else(|error| panic!("{more}: {error}"));
        let ends = token.token.expires_on().unix_timestamp();
        assert_eq!(ends, NOW + 60, "{more}");
    }
    // If neither is possible, the host's is shown.
    let past = URL_SAFE_NO_PAD.encode(format!(r#"{{"exp":{}}}"#, NOW - 10));
    let body = format!(
        r#"{{"access_token":"e30.{past}.c2ln","expires_on":{}}}"#,
        NOW - 5
    );
    let error = answer(200, &body).unwrap_err();
    assert!(error.why().contains("expired 5 s ago"), "{error}");
    // The host's word counts where it is possible.
    let body = format!(r#"{{"access_token":"e30.{claims}.c2ln","expires_in":30}}"#);
    let token = answer(200, &body).unwrap();
    assert_eq!(token.token.expires_on().unix_timestamp(), NOW + 30);
}

#[test]
fn an_error_beside_the_status_200_is_the_error() {
    for body in [
        r#"{"error":"invalid_request","error_description":"Identity not found"}"#,
        r#"{"access_token":"","error":{"code":"ManagedIdentityNotFound","message":"No"}}"#,
        r#"{"access_token":null,"statusCode":400,"message":"No MSI found for x."}"#,
    ] {
        let error = answer(200, body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    let error = answer(200, r#"{"error":"bad_thing"}"#).unwrap_err();
    assert!(error.is_refused(), "{error}");
    assert!(
        error.why().ends_with("rejected the request: bad_thing"),
        "{error}"
    );
    let both = r#"{"access_token":"t","expires_in":60,"error":null}"#;
    assert!(answer(200, both).is_ok());
}

#[test]
fn an_unknown_identity_is_named_with_its_variable_and_a_way_out() {
    const BODY: &str = r#"{"error":"invalid_request","error_description":"Identity not found"}"#;
    let id = ManagedIdentityId::client(crate::ClientId::new("c11e-meant-for-ci").unwrap());
    let of = |variable| {
        let asked = HostRequest {
            id: &id,
            variable,
            ..asked()
        };
        read(&asked, &response(400, BODY)).unwrap_err()
    };
    let error = of(Some("AZURE_CLIENT_ID"));
    assert_eq!(
        error.why(),
        "App Service does not have the managed identity with the client id c11e-meant-for-ci, which AZURE_CLIENT_ID names (Identity not found)"
    );
    assert_eq!(
        error.fix().unwrap().to_string(),
        "if it is not meant for this machine, unset AZURE_CLIENT_ID; or set AZURE_CLIENT_ID to the client id of one of its identities: `az identity list --query '[].{name:name, id:clientId}'`; or assign it"
    );
    let fix = of(None).fix().unwrap().to_string();
    assert!(
        !fix.contains("AZURE_CLIENT_ID") && fix.contains("az identity list"),
        "{fix}"
    );
}

#[test]
fn a_code_of_entra_id_in_a_hosts_error_is_explained() {
    let body = r#"{"error":"invalid_resource","error_description":"AADSTS500014: The service principal for resource 'https://r' is disabled. Trace ID: x"}"#;
    let error = answer(400, body).unwrap_err();
    assert_eq!(error.code(), Some(500_014));
    assert!(
        error
            .why()
            .contains("'https://r' is disabled in the account's tenant"),
        "{error}"
    );
    let body = r#"{"error":"unauthorized_client","error_description":"AADSTS50105: x"}"#;
    let error = answer(400, body).unwrap_err();
    assert!(
        error.why().contains("is not assigned to the application"),
        "{error}"
    );
}

#[test]
fn a_wrong_clock_that_makes_a_token_look_expired_is_named() {
    let mut response = response(
        200,
        &format!(r#"{{"access_token":"t","expires_on":{}}}"#, NOW - 5),
    );
    response.clock_skew = Some(-86_400);
    let error = read(&asked(), &response).unwrap_err();
    assert!(
        error.why().contains("24 hours ahead of the host's"),
        "{error}"
    );
    assert!(
        error.fix().unwrap().to_string().contains("timedatectl"),
        "{error}"
    );
}

#[test]
fn invalid_responses_are_distinguished_and_never_repeated() {
    for (body, why) in [
        ("", "is empty"),
        ("<html>Sign in</html>", "web page"),
        ("tok-canary", "is not JSON"),
        (r#"{"access_token":"tok-canary""#, "cut off or damaged"),
        (r#"["tok-canary"]"#, "JSON, but not an object"),
        (r#"{"token":"tok-canary"}"#, "neither a token nor an error"),
        (
            r#"{"access_token":"","expires_in":1}"#,
            "an access_token or another field in an unknown form",
        ),
        (
            "{\"access_token\":\"tok-canary\\n\",\"expires_in\":1}",
            "an access_token or another field in an unknown form",
        ),
        (
            r#"{"access_token":{"tok-canary":1},"expires_in":1}"#,
            "an access_token or another field in an unknown form",
        ),
        (
            r#"{"access_token":"tok-canary","token_type":"pop","expires_in":1}"#,
            "of the type 'pop'",
        ),
        // The token is in a wrong member too.
        (
            r#"{"access_token":"tok-canary","token_type":"tok-canary","expires_in":1}"#,
            "of the type '****'",
        ),
        (
            r#"{"access_token":"tok-canary","expires_on":"tok-canary"}"#,
            "expires_on is \"****\"",
        ),
    ] {
        let error = answer(200, body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{body}");
        assert!(error.why().contains(why), "{body}: {error}");
        assert!(
            !format!("{error} {error:?}").contains("tok-canary"),
            "{error:?}"
        );
    }
    for status in [201, 302, 400, 401, 403, 404] {
        let error = answer(status, "<html>").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{status}");
    }
}

#[test]
fn each_hosts_error_for_a_missing_identity_is_known() {
    for body in [
        r#"{"error":"invalid_request","error_description":"Identity not found"}"#,
        r#"{"statusCode":400,"message":"No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.","correlationId":"c0"}"#,
        r#"{"StatusCode":400,"Message":"No MSI found for specified ClientId/ResourceId.","CorrelationId":"c0"}"#,
        r#"{"error":{"code":"ManagedIdentityNotFound","message":"Managed identity not there","correlationId":"c0"}}"#,
    ] {
        let error = answer(400, body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert_eq!(error.fix().unwrap().to_string(), "assign it");
        assert_eq!(error.refusal().unwrap().status, 400);
    }
}

#[test]
fn a_rejection_is_shown_in_the_hosts_words_without_the_secret() {
    let body = format!(
        r#"{{"error":{{"code":"SecretHeaderNotFound","message":"no: {SECRET}.\u001b[2J\nsecond line","correlationId":"c0"}}}}"#
    );
    for status in [400, 401, 403] {
        let error = answer(status, &body).unwrap_err();
        assert!(error.is_refused(), "{error}");
        assert!(
            error
                .why()
                .contains("App Service rejected the request: no: ****"),
            "{error}"
        );
        let refusal = error.refusal().unwrap();
        assert_eq!(
            (refusal.error.as_str(), refusal.status),
            ("SecretHeaderNotFound", status)
        );
        assert_eq!(refusal.correlation_id.as_deref(), Some("c0"));
        let all = format!("{error} {error:?}");
        assert!(
            !all.contains(SECRET) && !all.contains("second line") && !all.contains('\u{1b}'),
            "{all}"
        );
    }
}

#[test]
fn several_identities_without_a_selection_are_a_rejection_that_says_how_to_select() {
    let body = r#"{"error":"invalid_request","error_description":"Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request"}"#;
    let error = answer(400, body).unwrap_err();
    assert!(error.is_refused(), "{error}");
    assert!(
        error.fix().unwrap().to_string().contains("AZURE_CLIENT_ID"),
        "{error}"
    );
}

#[test]
fn a_temporary_failure_is_not_a_rejection() {
    for (status, body, why) in [
        (429, "", "too many requests (HTTP 429; tried once)"),
        (410, "gone", "is being updated"),
        (
            404,
            r#"{"error":"not_found","error_description":"Resource not found"}"#,
            "is being updated",
        ),
        (
            500,
            r#"{"statusCode":500,"message":"oh"}"#,
            "failed (HTTP 500; tried once): oh",
        ),
        (503, "<html>", "failed"),
    ] {
        let error = answer(status, body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{status}");
        assert!(error.why().contains(why), "{error}");
    }
}

proptest::proptest! {
    #![proptest_config(crate::hostile::cases())]

    #[test]
    fn no_damaged_response_causes_a_panic_shows_its_token_or_lasts_forever(
        status in proptest::sample::select(vec![200, 400, 404, 410, 500]),
        body in proptest::prop_oneof![
            crate::hostile::spoilt(
                r#"{"access_token":"eyJ.kX8Q~canary","token_type":"Bearer","expires_in":"3599","refresh_in":43200}"#
            ),
            crate::hostile::spoilt(
                r#"{"access_token":"eyJ.kX8Q~canary","expires_on":"1/16/2026 12:0:12 AM +00:00","client_id":"c","msi_res_id":"r"}"#
            ),
            crate::hostile::spoilt(
                r#"{"error":{"code":"ManagedIdentityNotFound","message":"No identity","correlationId":"c0"},"statusCode":400}"#
            ),
        ],
    ) {
        let response = HttpResponse { body: Zeroizing::new(body), ..response(status, "") };
        match read(&asked(), &response) {
            Ok(answer) => {
                let left = answer.token.expires_on().unix_timestamp() - NOW;
                proptest::prop_assert!((1..=366 * 86_400).contains(&left), "{left}");
            }
            Err(error) => {
                let shown = format!("{error}");
                proptest::prop_assert!(!shown.contains("kX8Q~"), "{shown}");
                proptest::prop_assert!(!shown.contains(['\u{1b}', '\u{202e}', '\n']), "{shown:?}");
            }
        }
    }
}

#[test]
fn azure_machine_learnings_errors_are_read() {
    let unknown = "InternalError - :{\nInfo: Request failure status code: 404\n\n}";
    let error = answer(404, unknown).unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert!(error.to_string().contains("status code: 404"), "{error}");
    let failed = "InternalError - :{\nInfo: Request failure status code: 500\n\n}";
    let error = answer(500, failed).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    let sso = "SSO failure: unable to retrieve a token. Error Token service x. Token not found";
    let error = answer(400, sso).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(
        error.to_string().contains("unable to retrieve a token"),
        "{error}"
    );
    let other = answer(404, "page not found").unwrap_err();
    assert!(other.to_string().contains("is not JSON"), "{other}");
}
