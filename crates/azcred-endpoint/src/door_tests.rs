use super::*;
use hyper::Request;
use secrecy::ExposeSecret;

fn door(serves_azure_ml: bool) -> Door {
    Door {
        secret: Secret::random().unwrap(),
        hosts: Some(vec!["127.0.0.1:1".to_owned(), "localhost:1".to_owned()]),
        serves_azure_ml,
    }
}

/// A request of an SDK, with these headers too.
fn head(door: &Door, method: &str, target: &str, more: &[(&str, &str)]) -> Parts {
    let secret = door.secret.text();
    let mut request = Request::builder().method(method).uri(target);
    if !more.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "127.0.0.1:1");
    }
    if !more.iter().any(|(name, _)| *name == "x-identity-header") {
        request = request.header("x-identity-header", secret.expose_secret());
    }
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

const GOOD: &str = "/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fvault.azure.net";

#[test]
fn a_program_with_the_secret_is_let_in() {
    let door = door(false);
    let named = format!("{GOOD}&client_id=c");
    for (target, host, identity) in [
        (GOOD, "127.0.0.1:1", None),
        (
            &GOOD.replace("/msi/token", "/MSI/token/"),
            "LOCALHOST:1",
            None,
        ),
        (&named, "localhost:1", Some(("client_id", "c".to_owned()))),
        (&format!("{GOOD}&client_id="), "localhost:1", None),
        (&format!("{GOOD}&unknown=1&unknown=2"), "localhost:1", None),
    ] {
        let asked = door.check(&head(&door, "GET", target, &[("host", host)]));
        let asked = asked.unwrap();
        assert_eq!(asked.protocol, Protocol::AppService, "{target}");
        assert_eq!(asked.resource, "https://vault.azure.net");
        assert_eq!(asked.identity, identity);
    }
}

#[test]
fn everything_else_is_rejected_with_its_reason() {
    let door = door(false);
    let own = door.secret.text();
    let (start, last) = own.expose_secret().split_at(63);
    let almost = format!("{start}{}", if last == "0" { "1" } else { "0" });
    let whole = format!("http://127.0.0.1:1{GOOD}");
    let old = GOOD.replace("2019-08-01", "2017-09-01");
    let good = |more: &str| format!("{GOOD}&{more}");
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], u16, &'a str);
    let cases: &[Case<'_>] = &[
        ("POST", GOOD, &[], 405, "GET without a body"),
        (
            "GET",
            GOOD,
            &[("content-length", "1")],
            405,
            "GET without a body",
        ),
        (
            "GET",
            GOOD,
            &[("transfer-encoding", "chunked")],
            405,
            "GET without a body",
        ),
        ("GET", &whole, &[], 400, "NO_PROXY"),
        ("CONNECT", "127.0.0.1:1", &[], 400, "NO_PROXY"),
        (
            "GET",
            GOOD,
            &[("x-forwarded-for", "10.0.0.1")],
            400,
            "x-forwarded-for",
        ),
        ("GET", GOOD, &[("via", "1.1 squid")], 400, "via"),
        (
            "GET",
            GOOD,
            &[("host", "evil.example:1")],
            400,
            "another host",
        ),
        ("GET", GOOD, &[("host", "127.0.0.1")], 400, "another host"),
        ("GET", GOOD, &[("host", "")], 400, "another host"),
        (
            "GET",
            GOOD,
            &[("host", "127.0.0.1:1"), ("host", "127.0.0.1:1")],
            400,
            "another host",
        ),
        ("GET", GOOD, &[("origin", "null")], 403, "origin"),
        (
            "GET",
            GOOD,
            &[("sec-fetch-site", "same-origin")],
            403,
            "sec-fetch-site",
        ),
        ("GET", "/", &[], 404, "no such path"),
        ("GET", "/msi/token/../x", &[], 404, "no such path"),
        ("GET", "/x/../msi/token", &[], 404, "no such path"),
        ("GET", "/msi/%74oken", &[], 404, "no such path"),
        ("GET", "//msi/token", &[], 404, "no such path"),
        ("GET", "/msi/token?resource=x", &[], 400, "is missing"),
        // A secret in the place of a version is not shown.
        (
            "GET",
            &GOOD.replace("2019-08-01", "TopSecretValue"),
            &[],
            400,
            "is missing or wrong",
        ),
        (
            "GET",
            &good(&format!("client_id=x{}", own.expose_secret())),
            &[],
            400,
            "client_id has the endpoint's secret",
        ),
        ("GET", &old, &[], 400, "2017-09-01"),
        (
            "GET",
            &good("api-version=2019-08-01"),
            &[],
            400,
            "api-version is there more than once",
        ),
        (
            "GET",
            &good("resource=x"),
            &[],
            400,
            "resource is there more than once",
        ),
        (
            "GET",
            &good("client_id=x&object_id=y"),
            &[],
            400,
            "object_id is there more than once",
        ),
        (
            "GET",
            "/msi/token?api-version=2019-08-01&resource=",
            &[],
            400,
            "resource is missing",
        ),
        ("GET", GOOD, &[("x-identity-header", "")], 401, "wrong"),
        ("GET", GOOD, &[("x-identity-header", &almost)], 401, "wrong"),
        (
            "GET",
            GOOD,
            &[
                ("x-identity-header", own.expose_secret()),
                ("x-identity-header", "x"),
            ],
            401,
            "wrong",
        ),
    ];
    for (method, target, more, status, words) in cases {
        let reason = door.check(&head(&door, method, target, more)).unwrap_err();
        assert_eq!(
            reason.status(),
            *status,
            "{method} {target} {more:?}: {reason}"
        );
        let said = reason.to_string();
        assert!(said.contains(words), "{said}");
        assert!(!said.contains(own.expose_secret()), "{said}");
    }
    let mut without = head(&door, "GET", GOOD, &[]);
    without.headers.remove("x-identity-header");
    assert!(matches!(door.check(&without), Err(Reason::NoSecret(_))));
}

#[test]
fn azure_machine_learnings_protocol_has_a_header_and_a_parameter_of_its_own() {
    let door = door(true);
    let own = door.secret.text();
    let target = "/msi/token?api-version=2017-09-01&resource=r&clientid=c&client_id=ignored";
    let request = head(&door, "GET", target, &[("secret", own.expose_secret())]);
    let asked = door.check(&request).unwrap();
    assert_eq!(asked.protocol, Protocol::AzureMl);
    assert_eq!(asked.identity, Some(("clientid", "c".to_owned())));
    let other = head(&door, "GET", target, &[]);
    assert!(matches!(
        door.check(&other),
        Err(Reason::NoSecret("secret"))
    ));
}
