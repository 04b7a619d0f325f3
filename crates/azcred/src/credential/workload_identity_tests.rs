use super::*;
use crate::{
    credential::{Availability, Credential},
    sieve::tests::misplaced,
    system::{FileFacts, FileKind, Fixture, System, Writers},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::ExposeSecret;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const PATH: &str = "/var/run/secrets/azure/tokens/azure-identity-token";

fn pod(variables: &[(&str, &str)]) -> Fixture {
    variables.iter().fold(Fixture::new(), |pod, (name, value)| {
        pod.with_var(name, value)
    })
}

fn token(pod: Fixture) -> Result<SecretString> {
    let file = TokenFile {
        path: Path::new(PATH).into(),
        client_id: ClientId::new("c11e")?,
        system: pod.shared(),
    };
    file.token()
}

fn web_token(audience: &str) -> String {
    let claims = format!(
        r#"{{"iss":"https://oidc","sub":"system:serviceaccount:ml:train","aud":["{audience}"]}}"#
    );
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
}

fn of(variables: &[(&str, &str)]) -> Result<WorkloadIdentityCredential> {
    WorkloadIdentityCredential::from_environment(ClientOptions::new(pod(variables).shared()))
}

const ALL: [(&str, &str); 3] = [
    ("AZURE_TENANT_ID", TENANT),
    ("AZURE_CLIENT_ID", "c11e"),
    ("AZURE_FEDERATED_TOKEN_FILE", PATH),
];

#[test]
fn a_pod_with_all_variables_is_ready_and_says_what_it_uses() {
    let credential = of(&ALL).unwrap();
    let Availability::Ready { using } = credential.prepare() else {
        panic!("{credential:?}");
    };
    let kind = UsedKind::FederatedToken {
        path: PATH.to_owned(),
    };
    let expected = Used::new(kind).of_application("c11e", TENANT);
    assert_eq!(using, expected.from_variables(NAMES));
    assert_eq!(credential.name(), "WorkloadIdentityCredential");
}

#[test]
fn variables_that_are_missing_are_named_exactly() {
    for (variables, why) in [
        (
            &[][..],
            "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE are not set",
        ),
        (
            &ALL[..2],
            "AZURE_FEDERATED_TOKEN_FILE is not set, but AZURE_TENANT_ID and AZURE_CLIENT_ID are",
        ),
        (
            &ALL[2..],
            "AZURE_TENANT_ID and AZURE_CLIENT_ID are not set, but AZURE_FEDERATED_TOKEN_FILE is",
        ),
        (
            &[ALL[0], ALL[2], ("AZURE_CLIENT_ID", "  ")],
            "AZURE_CLIENT_ID is not set, but AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE are",
        ),
    ] {
        let error = of(variables).unwrap_err();
        assert_eq!((error.kind(), error.why()), (ErrorKind::Unavailable, why));
        assert!(
            error
                .fix()
                .unwrap()
                .to_string()
                .contains("azure.workload.identity/use"),
            "{error}"
        );
    }
}

#[test]
fn a_value_that_cannot_be_used_names_its_variable() {
    for (place, value, name) in [
        (0, "not a tenant", "AZURE_TENANT_ID"),
        (1, "a b", "AZURE_CLIENT_ID"),
    ] {
        let mut variables = ALL;
        variables[place].1 = value;
        let error = of(&variables).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(error.what(), format!("{name} ('{value}') is not valid"));
    }
}

#[test]
fn a_token_in_place_of_its_file_is_refused_and_not_shown() {
    for (value, _) in misplaced() {
        let mut variables = ALL;
        variables[2].1 = value;
        let error = of(&variables).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(error.what(), "AZURE_FEDERATED_TOKEN_FILE is not valid");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("TopSecret"), "{text}");
        assert!(error.fix().unwrap().to_string().contains(FILE), "{error}");
    }
}

#[test]
fn a_token_is_read_without_the_space_around_it() {
    let content = format!("\n{}\n", web_token("api://AzureADTokenExchange"));
    let pod = Fixture::new().with_file(PATH, content.clone());
    let read = token(pod).unwrap();
    assert_eq!(read.expose_secret(), content.trim());
}

#[test]
fn a_file_without_a_token_has_a_reason_and_a_fix() {
    let standing = |kind, len| FileFacts {
        kind,
        len,
        owner: None,
        writers: Writers::Owner,
        is_readable_by_others: false,
        modified: None,
    };
    let folder = Fixture::new().with_facts(PATH, standing(FileKind::Folder, 0), "");
    let pipe = Fixture::new().with_facts(PATH, standing(FileKind::Other, 0), "");
    let endless = Fixture::new().with_facts(PATH, standing(FileKind::File, 1 << 30), "");
    for (pod, why, fix) in [
        (
            Fixture::new().with_var(IN_POD, "10.0.0.1"),
            "does not exist in this pod",
            "add the label `azure.workload.identity/use",
        ),
        (
            Fixture::new().with_var(FILE, PATH),
            "does not run in a pod",
            "unset AZURE_FEDERATED_TOKEN_FILE",
        ),
        (folder, "it is not a file", FILE),
        (pipe, "it is not a file", FILE),
        (endless, "larger than 64 KiB", FILE),
        (
            Fixture::new().with_file(PATH, " \n"),
            "the file is empty",
            "azure.workload.identity/client-id=c11e",
        ),
        (
            Fixture::new().with_file(PATH, "root:canary:0:0"),
            "not contain a JSON web token",
            FILE,
        ),
        (
            Fixture::new().with_file(PATH, [0xff, 0xfe]),
            "the file is empty",
            "azure.workload.identity/client-id=c11e",
        ),
        (
            Fixture::new().with_file(PATH, [0xff, 0xfe, b'x']),
            "UTF-16 text that is damaged",
            FILE,
        ),
        (
            Fixture::new().with_file(PATH, "{\"value\": \"canary\"}"),
            "the file is JSON",
            FILE,
        ),
        (
            Fixture::new().with_file(PATH, web_token(BINDING)),
            "the cluster's own token proxy",
            "use-identity-binding",
        ),
    ] {
        let is_named = pod.var(FILE).is_some();
        let error = token(pod).unwrap_err();
        assert!(error.what().contains(PATH), "{error}");
        assert_eq!(error.what().contains(FILE), is_named, "{error}");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.why().contains(why), "{error}");
        assert!(error.fix().unwrap().to_string().contains(fix), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}
