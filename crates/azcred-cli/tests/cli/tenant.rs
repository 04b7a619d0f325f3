//! `azcred tenant`: the identity's tenants, and the tenant of a domain.

use crate::{
    azure::Azure,
    run::{assert_seen, azcred},
};
use azcred_emulator::{Persona, Way};

const CONTOSO: &str = "c0a70500-0000-4000-8000-000000000001";

#[test]
fn a_domains_tenant_is_found_without_a_sign_in() {
    let azure = Azure::shared();
    for way in [Way::Ports, Way::RealNames] {
        let find = |arguments: &[&str]| {
            let said = azcred(&["tenant"])
                .args(arguments)
                .envs(&azure.environment(Persona::NoAccount, way))
                .said();
            assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
            said
        };
        assert_eq!(find(&["contoso.com"]).stdout, format!("{CONTOSO}\n"));
        assert_eq!(
            find(&["Contoso.onmicrosoft.com", "--env", "azure"]).stdout,
            format!("AZURE_TENANT_ID={CONTOSO}\n")
        );
        assert_eq!(
            find(&["contoso.com", "--env", "hi-ml"]).stdout,
            format!("HIML_TENANT_ID={CONTOSO}\n")
        );
        assert_seen!(
            "tenant-of-domain-json",
            find(&["contoso.com", "-o", "json"])
        );
    }
}

#[test]
fn a_domain_of_no_tenant_is_not_found() {
    let azure = Azure::shared();
    let said = azcred(&["tenant", "nobody.example"])
        .envs(&azure.environment(Persona::NoAccount, Way::RealNames))
        .said();
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said}");
    assert_seen!("tenant-of-domain-nobody", said);
}

#[test]
fn a_malformed_domain_is_wrong_usage_and_common_is_not_a_tenant() {
    let azure = Azure::shared();
    let find = |arguments: &[&str]| {
        azcred(arguments)
            .envs(&azure.environment(Persona::NoAccount, Way::RealNames))
            .said()
    };
    assert_eq!(find(&["tenant", "contoso"]).code, 2);
    assert_eq!(find(&["tenant", "--env", "azure"]).code, 2);
    assert_eq!(
        find(&["tenant", "contoso.com", "--only", "azure-cli"]).code,
        2
    );
    let common = find(&["tenant", "common"]);
    assert_eq!(common.code, 1, "{common}");
    assert!(
        common.stderr.contains("contoso.onmicrosoft.com"),
        "{common}"
    );
}

#[test]
fn the_identitys_tenants_are_listed_with_their_names() {
    let azure = Azure::shared();
    let list = |arguments: &[&str]| {
        let said = azcred(&["tenant"])
            .args(arguments)
            .envs(&azure.environment(Persona::ServicePrincipal, Way::RealNames))
            .said();
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
        said
    };
    assert_seen!("tenant", list(&[]));
    assert_seen!("tenant-json", list(&["-o", "json"]));
}

#[test]
fn an_unreachable_authority_is_reported_as_unreachable() {
    let said = azcred(&["tenant", "contoso.com"])
        .env("AZURE_AUTHORITY_HOST", "https://127.0.0.1:1")
        .said();
    assert_eq!(said.code, 6, "{said}");
}
