use super::*;
use crate::{
    sieve::tests::{dresses, misplaced},
    system::Fixture,
};

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

fn environment(variables: &[(&str, &str)]) -> Fixture {
    variables
        .iter()
        .fold(Fixture::new(), |system, (name, value)| {
            system.with_var(name, value)
        })
}

fn of(order: EnvironmentOrder, variables: &[(&str, &str)]) -> Result<EnvironmentCredential> {
    EnvironmentCredential::new(order, ClientOptions::new(environment(variables).shared()))
}

const AZURE: [(&str, &str); 3] = [
    ("AZURE_TENANT_ID", TENANT),
    ("AZURE_CLIENT_ID", "azure-app"),
    ("AZURE_CLIENT_SECRET", "s3cret-a"),
];
const HIML: [(&str, &str); 3] = [
    ("HIML_TENANT_ID", TENANT),
    ("HIML_SERVICE_PRINCIPAL_ID", "himl-app"),
    ("HIML_SERVICE_PRINCIPAL_PASSWORD", "s3cret-h"),
];

#[test]
fn an_id_is_read_without_what_surrounds_it_and_another_value_is_shown() {
    const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
    let with = |client: &str, tenant: &str| {
        let mut variables = AZURE;
        variables[0].1 = tenant;
        variables[1].1 = client;
        of(EnvironmentOrder::AzureFirst, &variables)
    };
    for client in dresses(CLIENT).iter().chain([&format!("{{{CLIENT}}}")]) {
        for tenant in dresses(TENANT).iter().chain([&format!("{{{TENANT}}}")]) {
            let read = with(client, tenant).unwrap();
            assert_eq!(
                read.using().client_id.as_deref(),
                Some(CLIENT),
                "{client:?}"
            );
            assert_eq!(read.using().tenant.as_deref(), Some(TENANT), "{tenant:?}");
        }
    }
    let error = with("1111\u{200b}1111-2222", TENANT).unwrap_err();
    assert_eq!(
        error.what(),
        "AZURE_CLIENT_ID ('1111<U+200B>1111-2222') is not valid"
    );
    assert!(
        error.why().contains("U+200B, which can't be seen"),
        "{error}"
    );
    let error = with("$(clientId)", TENANT).unwrap_err();
    assert_eq!(error.what(), "AZURE_CLIENT_ID ('$(clientId)') is not valid");
    assert!(error.why().contains("placeholder"), "{error}");
    let error = with(CLIENT, "contoso").unwrap_err();
    assert_eq!(error.what(), "AZURE_TENANT_ID ('contoso') is not valid");
}

#[test]
fn a_secret_in_place_of_an_id_is_refused_and_not_shown() {
    for (value, _) in misplaced() {
        for place in [0, 1] {
            let mut variables = AZURE;
            variables[place].1 = value;
            let error = of(EnvironmentOrder::AzureFirst, &variables).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{value}");
            assert!(
                !format!("{error} {error:?}").contains("TopSecret"),
                "{error}"
            );
        }
    }
}

#[test]
fn the_path_of_a_file_in_place_of_its_secret_is_refused_before_a_request() {
    for [tenant, client, secret] in [
        EnvironmentKind::AzureSecret.variables(),
        EnvironmentKind::Himl.variables(),
    ] {
        for value in ["/run/secrets/x", "~/x", " \"/run/secrets/x\""] {
            let machine = environment(&[
                (tenant, TENANT),
                (client, "app"),
                (secret, value),
                ("HOME", "/run/secrets"),
            ])
            .with_file("/run/secrets/x", "s3cret");
            let made = EnvironmentCredential::new(
                EnvironmentOrder::AzureFirst,
                ClientOptions::new(machine.shared()),
            );
            let error = made.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{value}");
            assert_eq!(error.what(), format!("{secret} is not valid"));
            assert!(
                error.why().contains("path of a file (/run/secrets/x)"),
                "{error}"
            );
            let fix = error.fix().unwrap().to_string();
            assert!(
                fix.contains(&format!("export {secret}=\"$(cat FILE)\"")),
                "{fix}"
            );
        }
        // Without such a file, the value may be a secret.
        let other = environment(&[
            (tenant, TENANT),
            (client, "app"),
            (secret, "/run/secrets/x"),
        ]);
        let options = ClientOptions::new(other.shared());
        assert!(EnvironmentCredential::new(EnvironmentOrder::AzureFirst, options).is_ok());
    }
}

#[test]
fn each_complete_set_is_used() {
    assert_eq!(
        of(EnvironmentOrder::AzureFirst, &AZURE).unwrap().kind(),
        EnvironmentKind::AzureSecret
    );
    assert_eq!(
        of(EnvironmentOrder::AzureFirst, &HIML).unwrap().kind(),
        EnvironmentKind::Himl
    );
}

#[test]
fn if_both_sets_are_complete_the_order_decides_and_the_other_is_named() {
    let both = [AZURE, HIML].concat();
    let azure = of(EnvironmentOrder::AzureFirst, &both).unwrap();
    assert_eq!(
        (azure.kind(), azure.passed_over()),
        (EnvironmentKind::AzureSecret, &[EnvironmentKind::Himl][..])
    );
    assert_eq!(
        azure.using().to_string(),
        "AZURE_CLIENT_SECRET of the application azure-app; HIML_SERVICE_PRINCIPAL_PASSWORD is set too but not used"
    );
    let himl = of(EnvironmentOrder::HimlFirst, &both).unwrap();
    assert_eq!(
        (himl.kind(), himl.passed_over()),
        (EnvironmentKind::Himl, &[EnvironmentKind::AzureSecret][..])
    );
}

#[test]
fn a_complete_set_comes_before_an_incomplete_one() {
    let half = [&AZURE[..2], &HIML[..]].concat();
    let credential = of(EnvironmentOrder::AzureFirst, &half).unwrap();
    assert_eq!(credential.kind(), EnvironmentKind::Himl);
    assert!(credential.passed_over().is_empty());
}

#[test]
fn incomplete_sets_are_unavailable_and_exactly_what_is_missing_is_named() {
    for (variables, why) in [
        (&[][..], "none of its environment variables is set"),
        (
            &AZURE[..2],
            "AZURE_CLIENT_SECRET is not set, but AZURE_TENANT_ID and AZURE_CLIENT_ID are",
        ),
        (
            &AZURE[2..],
            "AZURE_TENANT_ID and AZURE_CLIENT_ID are not set, but AZURE_CLIENT_SECRET is",
        ),
        (
            &HIML[1..],
            "HIML_TENANT_ID is not set, but HIML_SERVICE_PRINCIPAL_ID and HIML_SERVICE_PRINCIPAL_PASSWORD are",
        ),
        (
            &[
                ("AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem"),
                ("AZURE_TENANT_ID", TENANT),
            ],
            "AZURE_CLIENT_ID is not set, but AZURE_TENANT_ID and AZURE_CLIENT_CERTIFICATE_PATH are",
        ),
        (
            &[
                ("AZURE_CLIENT_ID", "a"),
                ("AZURE_TENANT_ID", TENANT),
                ("AZURE_CLIENT_SECRET", " "),
            ],
            "AZURE_CLIENT_SECRET is not set, but AZURE_TENANT_ID and AZURE_CLIENT_ID are",
        ),
    ] {
        let error = of(EnvironmentOrder::AzureFirst, variables).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.why(), why);
    }
    let both = [&AZURE[..1], &HIML[..1]].concat();
    let error = of(EnvironmentOrder::AzureFirst, &both).unwrap_err();
    assert!(
        error.why().contains("AZURE_CLIENT_ID")
            && error.why().contains("HIML_SERVICE_PRINCIPAL_ID"),
        "{error}"
    );
}

#[test]
fn a_value_that_cannot_be_used_names_its_variable() {
    let mut bad = AZURE;
    bad[0].1 = "not a tenant";
    let error = of(EnvironmentOrder::AzureFirst, &bad).unwrap_err();
    assert_eq!(
        (error.kind(), error.what()),
        (
            ErrorKind::Invalid,
            "AZURE_TENANT_ID ('not a tenant') is not valid"
        )
    );
    bad[0].1 = "common";
    assert!(
        of(EnvironmentOrder::AzureFirst, &bad)
            .unwrap_err()
            .why()
            .contains("any tenant")
    );
}

#[cfg(feature = "certificates")]
#[test]
fn a_certificate_that_cannot_be_read_names_its_variable_and_path() {
    let mut variables = AZURE.to_vec();
    variables[2] = ("AZURE_CLIENT_CERTIFICATE_PATH", "/nowhere/c.pem");
    let error = of(EnvironmentOrder::AzureFirst, &variables).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error.what().contains("AZURE_CLIENT_CERTIFICATE_PATH")
            && error.what().contains("/nowhere/c.pem")
    );
}

#[cfg(not(feature = "certificates"))]
#[test]
fn a_certificate_in_a_program_without_certificates_is_an_error_and_not_skipped() {
    let mut variables = AZURE.to_vec();
    variables[2] = ("AZURE_CLIENT_CERTIFICATE_PATH", "/nowhere/c.pem");
    let error = of(EnvironmentOrder::AzureFirst, &variables).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.why().contains("`certificates`"), "{error}");
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!(
        "{:?}",
        of(EnvironmentOrder::AzureFirst, &[AZURE, HIML].concat()).unwrap()
    );
    assert!(!shown.contains("s3cret"), "{shown}");
}
