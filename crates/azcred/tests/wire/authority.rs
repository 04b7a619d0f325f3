//! Misbehaving authorities and networks: each call ends within its deadline with one clear error,
//! which names the cause and the fix and shows no secret.

use crate::support::{Answer, Server, http, tls, token};
use azcred::{
    ClientId, ClientOptions, ClientSecretCredential, Cloud, Credential, Error, ErrorKind, Scope,
    TenantId, TokenRequest,
    system::{Fixture, System},
};
use std::time::{Duration, SystemTime};

pub(crate) const SECRET: &str = "canary~s3cr3t/+value";

fn credential(at: &str, system: Fixture, deadline: Duration) -> ClientSecretCredential {
    let cloud = Cloud::with_authority(azcred::Authority::new(at).unwrap());
    ClientSecretCredential::new(
        TenantId::new("contoso.onmicrosoft.com").unwrap(),
        ClientId::new("c11e").unwrap(),
        SECRET,
        ClientOptions::new(system.shared())
            .with_cloud(cloud)
            .with_deadline(deadline),
    )
    .unwrap()
}

/// Far longer than any response here takes, so that a slow machine does not change the result.
pub(crate) const AMPLE: Duration = Duration::from_secs(60);

async fn ask(server: &Server, deadline: Duration) -> Result<String, Error> {
    ask_at(
        &format!("http://{}", server.address),
        Fixture::new(),
        deadline,
    )
    .await
}

pub(crate) async fn ask_at(at: &str, system: Fixture, deadline: Duration) -> Result<String, Error> {
    let answer = credential(at, system, deadline)
        .get_token(&TokenRequest::new(Scope::ARM))
        .await
        .map(|token| token.secret().to_owned());
    if let Err(error) = &answer {
        let shown = format!("{error} {error:?}");
        for secret in [SECRET, "canary%7Es3cr3t%2F%2Bvalue", "s3cr3t"] {
            assert!(!shown.contains(secret), "a secret is in {shown}");
        }
        assert!(error.fix().is_some(), "nothing fixes {error}");
        assert!(
            error.kind() == ErrorKind::Invalid
                || error
                    .what()
                    .contains("ClientSecretCredential could not get a token"),
            "{error}"
        );
    }
    answer
}

#[tokio::test]
async fn a_token_request_follows_the_protocol() {
    let server = Server::start([token()]).await;
    assert_eq!(ask(&server, AMPLE).await.unwrap(), "the-token");
    let request = &server.seen()[0];
    assert!(
        request.starts_with("POST /contoso.onmicrosoft.com/oauth2/v2.0/token HTTP/1.1\r\n"),
        "{request}"
    );
    for field in [
        "client_id=c11e",
        "grant_type=client_credentials",
        "scope=https%3A%2F%2Fmanagement.azure.com%2F.default",
        "client_secret=canary%7Es3cr3t%2F%2Bvalue",
    ] {
        assert!(request.contains(field), "{field} is not in {request}");
    }
    assert!(request.contains("client-request-id: "));
}

#[tokio::test]
async fn invalid_responses_end_at_once_and_are_described() {
    let endless = "x".repeat(10 << 20);
    for (answer, kind, says) in [
        (
            http(
                "200 OK",
                &["Content-Type: text/html"],
                "<html>hotel wifi</html>",
            ),
            ErrorKind::Unexpected,
            "web page",
        ),
        (
            http("200 OK", &[], r#"{"access_token":"abc","#),
            ErrorKind::Unexpected,
            "incomplete",
        ),
        (http("200 OK", &[], ""), ErrorKind::Unexpected, "is empty"),
        (
            http("200 OK", &[], &endless),
            ErrorKind::Unexpected,
            "more than 8 MiB",
        ),
        (
            Answer::Bytes(
                format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{endless}").into_bytes(),
            ),
            ErrorKind::Unexpected,
            "more than 8 MiB",
        ),
        (
            http(
                "302 Found",
                &["Location: https://evil.example/steal?x=1"],
                "",
            ),
            ErrorKind::Unexpected,
            "to evil.example",
        ),
        (
            http("307 Temporary Redirect", &[], ""),
            ErrorKind::Unexpected,
            "to nowhere",
        ),
        (
            http("404 Not Found", &[], "nothing here"),
            ErrorKind::Unexpected,
            "not JSON",
        ),
        (
            http(
                "400 Bad Request",
                &[],
                r#"{"error":"invalid_client","error_description":"AADSTS7000215: no"}"#,
            ),
            ErrorKind::Refused,
            "the client secret is wrong",
        ),
    ] {
        let server = Server::start([answer]).await;
        let error = ask(&server, AMPLE).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.why().contains(says), "{error}");
        assert_eq!(server.requests(), 1, "asking again helps nobody: {error}");
    }
}

#[tokio::test]
async fn a_hostile_authority_that_repeats_the_request_does_not_get_the_secret_into_the_error() {
    for body in [
        format!(
            r#"{{"error":"{SECRET}","error_description":"AADSTS7000215: {SECRET}","claims":"{SECRET}"}}"#
        ),
        format!("<html>{SECRET}"),
        SECRET.to_owned(),
        format!(r#"{{"access_token":"{SECRET}","token_type":"{SECRET}"}}"#),
    ] {
        for status in ["400 Bad Request", "200 OK", "418 Teapot"] {
            let server = Server::start([http(
                status,
                &[&format!("Location: https://{SECRET}/")],
                &body,
            )])
            .await;
            ask(&server, AMPLE).await.unwrap_err();
        }
    }
}

#[tokio::test]
async fn a_temporary_failure_is_retried() {
    let busy = http("429 Too Many Requests", &["Retry-After: 0"], "");
    let broken = http(
        "503 Service Unavailable",
        &["x-ms-retry-after-ms: 1"],
        "<html>",
    );
    let server = Server::start([busy, broken, Answer::Close, token()]).await;
    assert_eq!(ask(&server, AMPLE).await.unwrap(), "the-token");
    assert_eq!(server.requests(), 4);
}

#[tokio::test]
async fn a_lasting_failure_ends_in_an_error_with_the_number_of_attempts() {
    let server = Server::start([http("503 Service Unavailable", &["Retry-After: 0"], "")]).await;
    let error = ask(&server, AMPLE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.why().contains("HTTP 503; tried 4 times"), "{error}");
    assert_eq!(server.requests(), 4);

    let server = Server::start([Answer::Close]).await;
    let error = ask(&server, AMPLE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.why().contains("4 attempts"), "{error}");
}

#[tokio::test]
async fn a_pause_longer_than_the_deadline_is_reported_and_not_waited_for() {
    let server = Server::start([http("429 Too Many Requests", &["Retry-After: 3600"], "")]).await;
    let error = ask(&server, AMPLE).await.unwrap_err();
    assert!(
        error.fix().unwrap().to_string().contains("3600 s"),
        "{error}"
    );
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_pause_beyond_the_clocks_range_is_reported() {
    for header in [
        format!("Retry-After: {}", u64::MAX),
        format!("x-ms-retry-after-ms: {}", u64::MAX),
        "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT".to_owned(),
    ] {
        let server = Server::start([http("429 Too Many Requests", &[&header], "")]).await;
        let error = ask(&server, Duration::MAX).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{header}: {error}");
        assert_eq!(server.requests(), 1, "{header}");
    }
}

#[tokio::test]
async fn a_connection_that_hangs_ends_with_the_deadline() {
    let server = Server::start([Answer::Hang]).await;
    let at = format!("http://{}", server.address);
    // One root certificate, as the deadline also covers reading them.
    let (root, _) = tls(|_| ());
    let system = Fixture::new()
        .with_var("SSL_CERT_FILE", "/ca.pem")
        .with_file("/ca.pem", root);
    let deadline = Duration::from_secs(2);
    let error = ask_at(&at, system, deadline).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.why().contains("did not respond in time"), "{error}");
}

#[tokio::test]
async fn a_response_that_stops_half_way_ends_with_the_deadline() {
    let half = Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"access".to_vec());
    let server = Server::start([half]).await;
    let error = ask(&server, AMPLE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.why().contains("127.0.0.1"), "{error}");
}

#[tokio::test]
async fn an_unreachable_host_is_reported_in_plain_words() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = ask_at(&format!("http://{address}"), Fixture::new(), AMPLE)
        .await
        .unwrap_err();
    assert!(error.why().contains("refused the connection"), "{error}");

    // A variable that sends requests there is the likely cause.
    let named = Fixture::new().with_var("AZURE_AUTHORITY_HOST", &format!("http://{address}"));
    let error = ask_at(&format!("http://{address}"), named, AMPLE)
        .await
        .unwrap_err();
    assert!(
        error
            .why()
            .ends_with("AZURE_AUTHORITY_HOST is set to this address"),
        "{error}"
    );
    let fix = error.fix().unwrap().to_string();
    assert!(fix.starts_with("unset AZURE_AUTHORITY_HOST"), "{error}");
    let elsewhere = Fixture::new().with_var("AZURE_AUTHORITY_HOST", "login.microsoftonline.us");
    let error = ask_at(&format!("http://{address}"), elsewhere, AMPLE)
        .await
        .unwrap_err();
    assert!(
        !error.to_string().contains("AZURE_AUTHORITY_HOST"),
        "{error}"
    );

    let unknown = "https://no-such-host.invalid";
    let error = ask_at(unknown, Fixture::new(), AMPLE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.why().contains("can't be resolved"), "{error}");
}

#[tokio::test]
async fn a_clock_that_is_an_hour_off_is_named_in_the_rejection() {
    let body = r#"{"error":"invalid_client","error_description":"AADSTS700024: Client assertion is not within its valid time range."}"#;
    let now = SystemTime::now();
    let date = format!("Date: {}", httpdate::fmt_http_date(now));
    let server = Server::start([http("401 Unauthorized", &[&date], body)]).await;
    let late = Fixture::new().at(now - Duration::from_secs(3600));
    let error = ask_at(&format!("http://{}", server.address), late, AMPLE)
        .await
        .unwrap_err();
    assert!(
        error.why().contains("clock is 60 minutes behind"),
        "{error}"
    );
    assert!(
        error.fix().unwrap().to_string().contains("clock"),
        "{error}"
    );
}

#[tokio::test]
async fn a_tokens_lifetime_does_not_depend_on_the_authoritys_clock() {
    let server = Server::start([token()]).await;
    let system = Fixture::new().at(SystemTime::now() - Duration::from_secs(3600));
    let credential = credential(&format!("http://{}", server.address), system.clone(), AMPLE);
    let token = credential
        .get_token(&TokenRequest::new(Scope::ARM))
        .await
        .unwrap();
    let lifetime = SystemTime::from(token.expires_on())
        .duration_since(system.now())
        .unwrap();
    assert_eq!(lifetime.as_secs(), 3600);
}

#[tokio::test]
async fn tls_is_trusted_by_the_variables_of_this_field() {
    let (root, config) = tls(|_| ());
    let server = Server::start_tls([token()], config).await;
    let at = format!("https://localhost:{}", server.address.port());
    for variable in [
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
    ] {
        let system = Fixture::new()
            .with_var(variable, "/ca.pem")
            .with_file("/ca.pem", root.clone());
        assert_eq!(
            ask_at(&at, system, AMPLE).await.unwrap(),
            "the-token",
            "{variable}"
        );
    }
    let error = ask_at(&at, Fixture::new(), AMPLE).await.unwrap_err();
    assert!(
        error.why().contains("does not trust its certificate"),
        "{error}"
    );
    assert!(
        error.fix().unwrap().to_string().contains("SSL_CERT_FILE"),
        "{error}"
    );
}

#[tokio::test]
async fn ssl_cert_file_replaces_the_systems_root_certificates() {
    let (root, config) = tls(|_| ());
    let (stranger, _) = tls(|_| ());
    let server = Server::start_tls([token()], config).await;
    let at = format!("https://localhost:{}", server.address.port());
    let system = Fixture::new()
        .with_var("SSL_CERT_FILE", "/other.pem")
        .with_file("/other.pem", stranger);
    ask_at(&at, system.clone(), AMPLE).await.unwrap_err();
    let besides = system
        .with_var("NODE_EXTRA_CA_CERTS", "/ca.pem")
        .with_file("/ca.pem", root);
    ask_at(&at, besides, AMPLE).await.unwrap();
}

#[tokio::test]
async fn roots_that_cannot_be_read_are_an_error_that_names_the_variable() {
    for (content, says) in [
        (None, "not found"),
        (Some(""), "it is empty"),
        (Some("some words"), "no certificate"),
        (
            Some("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"),
            "line 1 (it is not base64 throughout)",
        ),
    ] {
        let mut system = Fixture::new().with_var("REQUESTS_CA_BUNDLE", "/ca.pem");
        if let Some(content) = content {
            system = system.with_file("/ca.pem", content);
        }
        let error = ask_at("https://localhost:1", system, AMPLE)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(
            error.what().contains("REQUESTS_CA_BUNDLE") && error.what().contains("/ca.pem"),
            "{error}"
        );
        assert!(error.why().contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_tenant_that_is_not_allowed_gets_no_request() {
    let server = Server::start([token()]).await;
    let credential = credential(&format!("http://{}", server.address), Fixture::new(), AMPLE);
    let request = TokenRequest::new(Scope::ARM).with_tenant(TenantId::new("fabrikam.com").unwrap());
    let error = credential.get_token(&request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(server.requests(), 0);
}

#[test]
fn an_authority_that_is_not_https_is_refused_before_anything_is_sent() {
    let system = Fixture::new().with_var("AZURE_AUTHORITY_HOST", "http://login.example.com");
    let error = ClientSecretCredential::new(
        TenantId::new("contoso.com").unwrap(),
        ClientId::new("c").unwrap(),
        SECRET,
        ClientOptions::new(system.shared()),
    )
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error.to_string().contains("AZURE_AUTHORITY_HOST") && error.why().contains("plain HTTP"),
        "{error}"
    );
}
