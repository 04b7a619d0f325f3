use super::*;
use crate::{
    credential::{Availability, Credential},
    system::Fixture,
};

const ALL: [(&str, &str); 5] = [
    ("GITHUB_ACTIONS", "true"),
    (
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        "https://run-actions.githubusercontent.com/71/idtoken/0?api-version=2.0",
    ),
    ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "canary-request-token"),
    ("AZURE_CLIENT_ID", "c11e"),
    ("AZURE_TENANT_ID", "contoso.com"),
];

fn job(variables: &[(&str, &str)]) -> Result<GitHubActionsCredential> {
    let job = variables.iter().fold(Fixture::new(), |job, (name, value)| {
        job.with_var(name, value)
    });
    GitHubActionsCredential::from_environment(ClientOptions::new(job.shared()))
}

#[test]
fn a_job_with_the_permission_is_ready_and_shows_no_secret() {
    let credential = job(&ALL).unwrap();
    let look = credential.prepare();
    let Availability::Ready { using } = &look else {
        panic!("{look:?}");
    };
    let expected = Used::new(UsedKind::GitHubActions).of_application("c11e", "contoso.com");
    let names = [URL, TOKEN, "AZURE_CLIENT_ID", "AZURE_TENANT_ID"];
    assert_eq!(*using, expected.from_variables(names));
    assert!(!format!("{credential:?} {look:?}").contains("canary"));
}

#[test]
fn a_job_without_the_permission_is_told_so_and_a_laptop_is_not() {
    let error = job(&[ALL[0], ALL[3], ALL[4]]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(
        error.why(),
        "this GitHub Actions job may not request an identity token: ACTIONS_ID_TOKEN_REQUEST_URL and \
         ACTIONS_ID_TOKEN_REQUEST_TOKEN are not set, but AZURE_CLIENT_ID and AZURE_TENANT_ID are"
    );
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .contains("permissions: id-token: write"),
        "{error}"
    );
    assert!(
        !error.fix().unwrap().to_string().contains("set AZURE"),
        "{error}"
    );

    let laptop = job(&ALL[3..]).unwrap_err();
    assert_eq!(laptop.kind(), ErrorKind::Unavailable);
    assert!(
        laptop.why().starts_with("not in a GitHub Actions job"),
        "{laptop}"
    );
    assert!(!laptop.to_string().contains("permissions"), "{laptop}");
}

#[test]
fn a_missing_application_is_reported() {
    let error = job(&ALL[..4]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error.why().starts_with("AZURE_TENANT_ID is not set, but"),
        "{error}"
    );
    assert_eq!(
        error.fix().unwrap().to_string(),
        "set AZURE_TENANT_ID in the job's `env:`"
    );
}

#[test]
fn an_address_or_a_token_that_cannot_be_used_names_its_variable_without_a_secret() {
    for (place, value) in [
        (1, "no address"),
        (1, "http://other.example/idtoken"),
        (1, "https://user:canary@github.example/"),
        (1, "https://github.example/#canary"),
        (1, "https://github.example/?code=canary#"),
        (1, "file:///etc/passwd"),
        (2, "\"canary\""),
        (2, "canary\ncanary"),
    ] {
        let mut variables = ALL;
        variables[place].1 = value;
        let error = job(&variables).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{value}");
        assert!(error.what().starts_with(ALL[place].0), "{error}");
        assert!(error.what().ends_with("is not valid"), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    for (place, value) in [(3, "c 11e"), (4, "common"), (4, "not a tenant")] {
        let mut variables = ALL;
        variables[place].1 = value;
        assert_eq!(
            job(&variables).unwrap_err().kind(),
            ErrorKind::Invalid,
            "{value}"
        );
    }
}
