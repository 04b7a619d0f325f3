use super::*;
use crate::{
    credential::{Availability, Credential},
    system::Fixture,
};

const ID: &str = "0b1ec700-0000-4000-8000-0000000000c1";
const ALL: [(&str, &str); 6] = [
    ("TF_BUILD", "True"),
    (
        "SYSTEM_OIDCREQUESTURI",
        "https://dev.azure.com/contoso/p/_apis/distributedtask/hubs/build/plans/1/jobs/2/oidctoken",
    ),
    ("SYSTEM_ACCESSTOKEN", "canary-access-token"),
    ("AZURESUBSCRIPTION_CLIENT_ID", "c11e"),
    ("AZURESUBSCRIPTION_TENANT_ID", "contoso.com"),
    ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", ID),
];

fn job(variables: &[(&str, &str)]) -> Result<AzurePipelinesCredential> {
    let job = variables.iter().fold(Fixture::new(), |job, (name, value)| {
        job.with_var(name, value)
    });
    AzurePipelinesCredential::from_environment(ClientOptions::new(job.shared()))
}

fn without(names: &[&str]) -> Vec<(&'static str, &'static str)> {
    let mut variables = ALL.to_vec();
    variables.retain(|(name, _)| !names.contains(name));
    variables
}

#[test]
fn a_task_with_a_service_connection_is_ready_and_shows_no_secret() {
    let credential = job(&ALL).unwrap();
    let look = credential.prepare();
    let Availability::Ready { using } = &look else {
        panic!("{look:?}");
    };
    let kind = UsedKind::ServiceConnection { id: ID.to_owned() };
    assert_eq!(using.kind, kind);
    assert!(using.client_id.as_ref().unwrap().contains("c11e"));
    assert_eq!(using.variables, [URI, TOKEN, CLIENT, TENANT, CONNECTION]);
    assert!(!format!("{credential:?} {look:?}").contains("canary"));
}

#[test]
fn what_a_job_lacks_is_named_with_its_fix() {
    for (absent, says) in [
        (
            &["SYSTEM_ACCESSTOKEN"][..],
            "SYSTEM_ACCESSTOKEN: $(System.AccessToken)",
        ),
        (&["SYSTEM_OIDCREQUESTURI"], "update the agent"),
        (&["AZURESUBSCRIPTION_TENANT_ID"], "AzureCLI@2"),
        (
            &[
                "AZURESUBSCRIPTION_CLIENT_ID",
                "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
            ],
            "which sets AZURESUBSCRIPTION_CLIENT_ID and AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
        ),
    ] {
        let error = job(&without(absent)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let (not, _) = error.why().split_once(" not set, but ").unwrap();
        for (name, _) in &ALL[1..] {
            assert_eq!(not.contains(name), absent.contains(name), "{error}");
        }
        assert!(error.fix().unwrap().to_string().contains(says), "{error}");
    }
    let laptop = job(&ALL[3..]).unwrap_err();
    assert!(
        laptop.why().starts_with("not in an Azure Pipelines job"),
        "{laptop}"
    );
    let fix = laptop.fix().unwrap().to_string();
    assert!(fix.contains("in an Azure Pipelines job"), "{fix}");
}

#[test]
fn a_value_that_cannot_be_used_names_its_variable_and_shows_it_unless_it_is_a_secret() {
    for (place, value) in [
        (1, "http://canary.example/oidctoken"),
        (2, "$(System.AccessToken)"),
        (2, "canary canary"),
        (3, "canary canary"),
        (4, "organizations"),
        (5, "my-connection-canary"),
    ] {
        let mut variables = ALL;
        variables[place].1 = value;
        let error = job(&variables).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{value}");
        if place != 4 {
            let name = ALL[place].0;
            let shown = match place {
                2 => String::new(),
                _ => format!(" ('{value}')"),
            };
            assert_eq!(error.what(), format!("{name}{shown} is not valid"));
        }
        if place == 2 {
            assert!(!error.to_string().contains("canary"), "{error}");
        }
        assert!(error.fix().is_some(), "{error}");
    }
}
