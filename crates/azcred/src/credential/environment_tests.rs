use super::*;
use crate::system::Fixture;

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
        (ErrorKind::Invalid, "could not read AZURE_TENANT_ID")
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
