//! Tests of the words for an address that does not respond.

use super::*;
use crate::doctor::report::{Status, Subject};
use azcred::system::Fixture;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

/// The sign-in service, without a response because of `why`.
pub(in crate::doctor) fn unreached(why: &str) -> Unreached {
    let error = Error::new(ErrorKind::Unreachable, "could not reach it", why.to_owned());
    Unreached {
        host: "login.microsoftonline.com".to_owned(),
        error: error.with_fix("check the network"),
        presented: None,
        trusting: None,
        variable: "NODE_EXTRA_CA_CERTS",
        is_microsofts: true,
    }
}

#[test]
fn an_address_that_does_not_respond_is_named_with_its_cause_and_its_fix() {
    let one = unreached("login.microsoftonline.com did not respond in time");
    let verdict = one.tell();
    assert_eq!(
        (verdict.status, verdict.subject),
        (Status::Failed, Some(Subject::Unreachable))
    );
    assert_eq!(verdict.detail, "login.microsoftonline.com not reached");
    assert_eq!(
        verdict.reason,
        "login.microsoftonline.com did not respond in time"
    );
    assert_eq!(verdict.fixes, ["check the network".into()]);
    let warning = one.tell_warning("jobs don't need it");
    assert_eq!(warning.status, Status::Warning);
    assert_eq!(
        warning.reason,
        "login.microsoftonline.com did not respond in time; jobs don't need it"
    );
}

#[test]
fn a_setting_that_can_not_be_used_is_no_missing_response() {
    let mut one = unreached("it has no `://`");
    one.error = Error::new(ErrorKind::Invalid, "could not use the proxy", "no scheme");
    let verdict = one.tell();
    assert_eq!(verdict.subject, Some(Subject::Other));
    assert_eq!(verdict.reason, "could not use the proxy: no scheme");
}

#[test]
fn the_host_of_an_address_has_its_port_if_it_is_not_the_usual_one() {
    let host = |text: &str| Address::new("a", text).unwrap().host();
    assert_eq!(host("https://localhost:8443/a"), "localhost:8443");
    assert_eq!(host("https://a.example:443/"), "a.example");
    assert!(Address::new("a", "a.example").is_none());
}

#[test]
fn only_microsofts_own_domains_are_intercepted_by_a_foreign_certificate() {
    for own in [
        "https://login.microsoftonline.com/",
        "https://store.blob.core.windows.net/",
        "https://management.usgovcloudapi.net/",
        "https://westeurope.api.azureml.ms/",
    ] {
        assert!(is_microsofts(&url(own)), "{own}");
    }
    for other in [
        "https://localhost:1/",
        "https://evilmicrosoft.com/",
        "https://azure.com.example/",
    ] {
        assert!(!is_microsofts(&url(other)), "{other}");
    }
}

#[test]
fn a_whole_bundle_may_replace_the_roots_and_another_file_adds_to_them() {
    let machine = Fixture::new();
    assert_eq!(variable(&machine, 140), "SSL_CERT_FILE");
    assert_eq!(variable(&machine, 1), "NODE_EXTRA_CA_CERTS");
    let set = machine.with_var("NODE_EXTRA_CA_CERTS", "/other.pem");
    assert_eq!(variable(&set, 1), "REQUESTS_CA_BUNDLE");
}
