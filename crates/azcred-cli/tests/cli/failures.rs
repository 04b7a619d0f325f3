//! Every kind of failure: its text, its exit code, its JSON.

use crate::{
    authority::{Authority, response},
    azure::Azure,
    run::{Run, Said, assert_seen, azcred},
};
use azcred_emulator::{Persona, Way};

/// `azcred token` with a complete set of variables, for this authority.
fn token_at(authority: &str) -> Run {
    azcred(&["token"])
        .env("AZURE_TENANT_ID", "contoso.onmicrosoft.com")
        .env("AZURE_CLIENT_ID", "11111111-2222-3333-4444-555555555555")
        .env("AZURE_CLIENT_SECRET", "s3cret")
        .env("AZURE_AUTHORITY_HOST", authority)
}

fn expect(code: i32, said: &Said) {
    assert_eq!(said.code, code, "{said}");
    assert_eq!(said.stdout, "", "a failure has no result");
}

#[test]
fn without_variables_no_account_is_signed_in() {
    let said = azcred(&["token"]).said();
    expect(3, &said);
    assert_seen!("failure-not-signed-in", said);
    let json = azcred(&["token", "--output", "json"]).said();
    expect(3, &json);
    assert_seen!("failure-not-signed-in-json", json);
}

#[test]
fn a_half_set_environment_names_exactly_what_is_missing() {
    let only = |names: &[&str]| {
        let run = names
            .iter()
            .fold(azcred(&["token"]), |run, name| run.env(name, "x"));
        let said = run.said();
        expect(3, &said);
        said
    };
    assert_seen!(
        "failure-half-azure",
        only(&["AZURE_TENANT_ID", "AZURE_CLIENT_ID"])
    );
    assert_seen!(
        "failure-half-himl",
        only(&["HIML_TENANT_ID", "HIML_SERVICE_PRINCIPAL_PASSWORD"])
    );
    assert_seen!(
        "failure-half-both",
        only(&["AZURE_CLIENT_SECRET", "HIML_SERVICE_PRINCIPAL_ID"])
    );
    assert_seen!(
        "failure-half-certificate",
        only(&["AZURE_CLIENT_CERTIFICATE_PATH"])
    );
}

#[test]
fn an_empty_variable_counts_as_missing() {
    let said = token_at("https://login.microsoftonline.com")
        .env("AZURE_CLIENT_SECRET", " ")
        .said();
    expect(3, &said);
    assert!(said.stderr.contains("AZURE_CLIENT_SECRET"), "{said}");
}

#[test]
fn a_rejection_has_the_providers_code_and_a_fix() {
    let azure = Azure::shared();
    for (name, code) in [
        ("azcred-expired", "AADSTS7000222"),
        ("azcred-disabled", "AADSTS7000112"),
        ("azcred-blocked", "AADSTS53003"),
        ("azcred-noprincipal", "AADSTS7000229"),
    ] {
        let said = azcred(&["token"]).envs(&azure.application(name)).said();
        expect(4, &said);
        assert!(
            said.stderr.contains(code) && said.stderr.contains("  fix "),
            "{name}: {said}"
        );
    }
    let expired = azcred(&["token"]).envs(&azure.application("azcred-expired"));
    assert_seen!("failure-expired-secret", expired.said());
    let expired = azcred(&["token", "--output", "json"]).envs(&azure.application("azcred-expired"));
    assert_seen!("failure-expired-secret-json", expired.said());
}

#[test]
fn a_wrong_secret_in_himls_variables_is_final() {
    let azure = Azure::shared();
    let said = azcred(&["token"])
        .envs(&azure.environment(Persona::Himl, Way::RealNames))
        .env("HIML_SERVICE_PRINCIPAL_PASSWORD", "wrong")
        .said();
    expect(4, &said);
    assert_seen!("failure-wrong-secret", said);
}

#[test]
fn an_authority_without_a_server_is_unreachable() {
    let closed = Authority::answering(|_| Vec::new()).url();
    let said = token_at(&closed).said();
    expect(6, &said);
    assert_seen!("failure-unreachable", said);
}

#[test]
fn an_authority_with_server_errors_is_unreachable_after_the_retries() {
    let busy = Authority::answering(|_| response("503 Busy", "retry-after: 0\r\n", "{}"));
    let said = token_at(&busy.url()).said();
    expect(6, &said);
    assert_eq!(busy.received().len(), 4, "{said}");
    assert_seen!("failure-busy", said);
}

#[test]
fn invalid_settings_are_named() {
    let plain = token_at("http://login.example").said();
    expect(1, &plain);
    assert_seen!("failure-plain-http", plain);
    let tenant = token_at("https://localhost")
        .env("AZURE_TENANT_ID", "no tenant")
        .said();
    expect(1, &tenant);
    assert_seen!("failure-bad-tenant", tenant);
    let log = azcred(&["token"]).env("AZCRED_LOG", "azcred=loud").said();
    expect(1, &log);
    assert_seen!("failure-bad-log", log);
    let certificate = token_at("https://localhost")
        .env("AZURE_CLIENT_SECRET", "")
        .env(
            "AZURE_CLIENT_CERTIFICATE_PATH",
            "/nonexistent/certificate.pem",
        )
        .said();
    expect(1, &certificate);
    assert!(
        certificate.stderr.contains("AZURE_CLIENT_CERTIFICATE_PATH"),
        "{certificate}"
    );
    let bundle = token_at("https://localhost")
        .env("SSL_CERT_FILE", "/nonexistent/roots.pem")
        .said();
    expect(1, &bundle);
    assert!(bundle.stderr.contains("SSL_CERT_FILE"), "{bundle}");
}

#[test]
fn the_error_for_an_invalid_response_describes_it() {
    let cases: [(&str, &str, &str, &str); 5] = [
        (
            "200 OK",
            "content-type: text/html\r\n",
            "<html>",
            "web page",
        ),
        ("200 OK", "", "{\"access_token\": \"x", "incomplete"),
        (
            "302 Found",
            "location: https://portal.example/\r\n",
            "",
            "portal.example",
        ),
        ("200 OK", "", "", "is empty"),
        (
            "200 OK",
            "",
            "{\"access_token\":\"t\",\"token_type\":\"mac\"}",
            "mac",
        ),
    ];
    for (status, headers, body, expected) in cases {
        let authority = Authority::answering(move |_| response(status, headers, body));
        let said = token_at(&authority.url()).said();
        expect(1, &said);
        assert!(said.stderr.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn an_endless_response_is_not_read_to_its_end() {
    let authority = Authority::answering(|_| response("200 OK", "", &"a".repeat(10_000_000)));
    let said = token_at(&authority.url()).said();
    expect(1, &said);
    assert!(said.stderr.contains("8 MiB"), "{said}");
}

#[test]
fn wrong_usage_is_explained_in_the_requested_format() {
    let scope = azcred(&["token", "--scope", "https://a/.default https://b/.default"]).said();
    expect(2, &scope);
    assert_seen!("usage-scope-with-a-space", scope);
    let both = azcred(&["token", "--scope", "a", "--resource", "b"]).said();
    expect(2, &both);
    let tenant = azcred(&["token", "--tenant", "contoso"]).said();
    expect(2, &tenant);
    let json = azcred(&["tokne", "--output", "json"]).said();
    expect(2, &json);
    assert_eq!(json.error()["error"]["kind"], "usage");
    assert_seen!("usage-json", json);
}

/// Each variable with a list of values, and some of them.
const LISTS: [(&str, &[&str]); 7] = [
    ("AZCRED_PRESET", &["azcred", "azure", "kedro", "hi-ml"]),
    ("AZCRED_PROFILE", &["work"]),
    ("AZCRED_CACHE", &["never"]),
    ("AZCRED_KEYRING", &["never"]),
    ("AZCRED_IMDS", &["always", "never"]),
    ("AZCRED_LOG", &["info", "debug", "trace"]),
    (
        "AZURE_TOKEN_CREDENTIALS",
        &["dev", "prod", "AzureCliCredential"],
    ),
];

#[test]
fn a_variable_with_a_list_of_values_shows_the_wrong_one_and_the_right_ones() {
    for (name, possible) in LISTS {
        let said = azcred(&["token"]).env(name, "a=b=/").said();
        expect(1, &said);
        let (problem, fix) = said.stderr.split_once("fix ").expect("a fix");
        assert!(
            problem.contains(name) && problem.contains("'a=b=/'"),
            "{said}"
        );
        for value in possible {
            assert!(fix.contains(value), "{value}: {said}");
        }
        assert!(fix.contains("unset"), "{said}");
        let secret = "kX8Q~cAnArYzzTopSecretValue0123456789";
        let said = azcred(&["token"]).env(name, secret).said();
        assert!(!said.stderr.contains("TopSecret"), "{said}");
    }
}
