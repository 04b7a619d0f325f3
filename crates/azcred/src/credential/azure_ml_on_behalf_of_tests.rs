use super::*;
use crate::{
    credential::Credential,
    http::{HeaderMap, HttpResponse},
    system::Fixture,
};
use zeroize::Zeroizing;

fn job(variables: &[(&str, &str)]) -> Result<AzureMlOnBehalfOfCredential> {
    let job = variables.iter().fold(Fixture::new(), |job, (name, value)| {
        job.with_var(name, value)
    });
    AzureMlOnBehalfOfCredential::from_environment(ClientOptions::new(job.shared()))
}

const HERE: (&str, &str) = ("OBO_ENDPOINT", "http://127.0.0.1:46808/OBO/token");

#[test]
fn a_job_that_runs_as_its_user_is_ready_and_any_other_only_possible() {
    for (enabled, ready) in [
        ("True", true),
        ("1", true),
        ("", false),
        ("false", false),
        ("0", false),
    ] {
        let credential = job(&[HERE, ("AZUREML_OBO_ENABLED", enabled)]).unwrap();
        let look = credential.prepare();
        assert_eq!(
            matches!(look, Availability::Ready { .. }),
            ready,
            "{enabled:?}"
        );
        assert_eq!(
            matches!(look, Availability::Possible { .. }),
            !ready,
            "{enabled:?}"
        );
    }
}

#[test]
fn without_an_endpoint_the_error_names_the_real_cause() {
    for (variables, why) in [
        (&[][..], "OBO_ENDPOINT is not set"),
        (
            &[("AZUREML_OBO_ENABLED", "True")],
            "OBO_ENDPOINT is missing, although AZUREML_OBO_ENABLED says that the job runs as its user",
        ),
        (
            &[("AZUREML_DATAPREP_TOKEN_PROVIDER", "sparkobo")],
            "this job runs on serverless Spark, where only a PySpark session can get the user's tokens",
        ),
    ] {
        let error = job(variables).unwrap_err();
        assert_eq!((error.kind(), error.why()), (ErrorKind::Unavailable, why));
        assert!(error.fix().is_some());
    }
}

#[test]
fn an_endpoint_is_on_this_machine_or_beside_it_or_uses_https() {
    for good in [
        "http://127.0.0.1:46808/OBO/token",
        "http://localhost:1/x?y=z",
        "http://172.17.0.1/OBO",
        "http://169.254.1.1/OBO",
        "http://[fd00::1]/",
        // Names are judged when they are resolved.
        "http://obo.example/token",
        "https://obo.example/token",
    ] {
        assert!(job(&[("OBO_ENDPOINT", good)]).is_ok(), "{good}");
    }
    for bad in [
        "no address",
        "http://8.8.8.8/",
        "http://user:canary@127.0.0.1/",
        "https://user:canary@obo.example/",
        "file:///etc/passwd",
        "http://127.0.0.1/#x",
    ] {
        let error = job(&[("OBO_ENDPOINT", bad)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{bad}");
        assert!(error.what().starts_with("OBO_ENDPOINT"), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

const NOW: Duration = Duration::from_secs(1_795_305_600); // 2026-11-22 00:00:00 UTC

fn given(body: &str) -> Result<AccessToken> {
    let response = HttpResponse {
        status: 200,
        headers: HeaderMap::new(),
        body: Zeroizing::new(body.as_bytes().to_vec()),
        attempts: 1,
        clock_skew: None,
    };
    read("Asked", &response, SystemTime::UNIX_EPOCH + NOW)
}

#[test]
fn a_token_is_read_in_every_form_that_azure_ai_ml_takes() {
    for body in [
        r#"{"access_token":"t","expires_on":1795309200}"#,
        r#"{"access_token":"t","expires_on":"1795309200","expires_in":"1"}"#,
        r#"{"access_token":"t","expires_in":3600,"resource":"r"}"#,
        r#"{"access_token":"t","expires_in":"3600"}"#,
        r#"{"token":"t","expiresOn":"2026-11-22T01:00:00Z"}"#,
        r#"{"token":"t","expiresOn":"2026-11-22T03:00:00.0000000+02:00"}"#,
        r#"{"token":"t","expiresOn":"2026-11-22T01:00:00"}"#,
        r#"{"token":"t","expiresOn":"20261122T010000Z"}"#,
    ] {
        let token = given(body).unwrap_or_else(|error| panic!("{body}: {error}"));
        assert_eq!(token.secret(), "t");
        assert_eq!(token.expires_on().unix_timestamp(), 1_795_309_200, "{body}");
    }
    for body in [
        r#"{"token":"t","expires_in":18446744073709551615}"#,
        r#"{"token":"t","expires_on":18446744073709551615}"#,
    ] {
        let end = given(body).unwrap().expires_on().unix_timestamp();
        assert_eq!(end, 1_795_305_600 + 366 * 86_400, "{body}");
    }
}

#[test]
fn an_error_beside_the_status_200_is_the_error() {
    let error = given(r#"{"error":{"code":"x","message":"The user is not known."}}"#).unwrap_err();
    assert!(error.is_refused(), "{error}");
    assert!(error.why().contains("The user is not known"), "{error}");
}

#[test]
fn a_response_without_a_usable_token_is_described() {
    for (body, why) in [
        ("", "is empty"),
        ("<html>canary", "web page"),
        ("canary", "not a JSON object"),
        (r#""canary""#, "not a JSON object"),
        (r#"{"token":"canary","expir"#, "incomplete"),
        (r#"{"odd":"canary"}"#, "has no token"),
        (r#"{"access_token":7,"expires_in":5}"#, "has no token"),
        (
            r#"{"access_token":"","expires_in":5}"#,
            "not return a bearer token",
        ),
        (
            r#"{"access_token":"canary x","expires_in":5}"#,
            "not return a bearer token",
        ),
        (
            r#"{"access_token":"canary"}"#,
            "a token without an expiry time",
        ),
        (
            r#"{"access_token":"canary","expiresOn":"soon"}"#,
            "a token without an expiry time",
        ),
        (
            r#"{"access_token":"canary","expires_in":-5}"#,
            "an expired token",
        ),
        (
            r#"{"access_token":"canary","expires_on":1795305600}"#,
            "an expired token",
        ),
        (
            r#"{"access_token":"canary","expiresOn":"1969-01-01T00:00:00Z"}"#,
            "an expired token",
        ),
    ] {
        let error = given(body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{body}");
        assert!(error.why().contains(why), "{body}: {error}");
        assert!(
            error.fix().unwrap().to_string().contains("OBO_ENDPOINT"),
            "{error}"
        );
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}
