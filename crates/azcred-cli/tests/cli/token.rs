//! `azcred token` and `azcred whoami`, signed in.

use crate::{
    azure::Azure,
    run::{assert_seen, azcred},
};
use azcred_emulator::{Persona, Way};

#[test]
fn token_prints_only_the_token_on_one_line() {
    let azure = Azure::shared();
    for way in [Way::Ports, Way::RealNames] {
        let said = azcred(&["token"])
            .envs(&azure.environment(Persona::ServicePrincipal, way))
            .said();
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
        let token = said.stdout.strip_suffix('\n').expect("a line");
        assert_eq!(token.split('.').count(), 3, "{said}");
        assert!(token.bytes().all(|byte| byte.is_ascii_graphic()), "{said}");
    }
}

#[test]
fn token_as_json_has_the_names_of_azs_and_times_in_utc() {
    let azure = Azure::shared();
    let said = azcred(&["token", "--output", "json"])
        .envs(&azure.environment(Persona::ServicePrincipal, Way::RealNames))
        .said();
    let json = said.json();
    let written = json["expiresOn"].as_str().expect("a time");
    let parsed =
        time::OffsetDateTime::parse(written, &time::format_description::well_known::Rfc3339);
    assert_eq!(
        parsed.expect("RFC 3339").unix_timestamp(),
        json["expires_on"].as_i64().expect("seconds")
    );
    assert!(written.ends_with('Z'), "{written}");
    assert_seen!("token-json", said);
}

#[test]
fn a_resource_and_its_scope_request_the_same_token() {
    let azure = Azure::shared();
    let ask = |arguments: &[&str]| {
        let said = azcred(&["whoami", "--output", "json"])
            .args(arguments)
            .envs(&azure.environment(Persona::ServicePrincipal, Way::RealNames))
            .said();
        (
            said.json()["audience"].clone(),
            said.json()["scope"].clone(),
        )
    };
    let by_resource = ask(&["--resource", "https://storage.azure.com"]);
    assert_eq!(by_resource.0, "https://storage.azure.com");
    assert_eq!(
        by_resource,
        ask(&["--scope", "https://storage.azure.com/.default"])
    );
}

#[test]
fn the_token_comes_from_the_named_tenant() {
    let azure = Azure::shared();
    let environment = azure.environment(Persona::ServicePrincipal, Way::RealNames);
    let by_domain = azcred(&["token", "--tenant", "contoso.com"])
        .envs(&environment)
        .said();
    assert_eq!(by_domain.code, 0, "{by_domain}");
    let nowhere = azcred(&["token", "--tenant", "fabrikam.com"])
        .envs(&environment)
        .said();
    assert_eq!(nowhere.code, 4, "{nowhere}");
    assert!(nowhere.stderr.contains("AADSTS90002"), "{nowhere}");
}

#[test]
fn whoami_shows_the_identity_and_its_proof() {
    let azure = Azure::shared();
    let who = |persona| {
        azcred(&["whoami"])
            .envs(&azure.environment(persona, Way::RealNames))
            .said()
    };
    assert_seen!("whoami", who(Persona::ServicePrincipal));
    assert_seen!("whoami-himl", who(Persona::Himl));
    assert_seen!("whoami-certificate", who(Persona::Certificate));
}

#[test]
fn whoami_as_json_has_the_tokens_claims() {
    let azure = Azure::shared();
    let said = azcred(&["whoami", "-o", "json"])
        .envs(&azure.environment(Persona::ServicePrincipal, Way::RealNames))
        .said();
    assert_seen!("whoami-json", said);
}

#[test]
fn with_both_sets_of_variables_whoami_names_the_unused_one() {
    let azure = Azure::shared();
    let said = azcred(&["whoami"])
        .envs(&azure.environment(Persona::ServicePrincipal, Way::RealNames))
        .envs(&azure.environment(Persona::Himl, Way::RealNames))
        .said();
    assert!(
        said.stdout
            .contains("HIML_SERVICE_PRINCIPAL_PASSWORD is set too but not used"),
        "{said}"
    );
}
