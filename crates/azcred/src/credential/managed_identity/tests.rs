//! Tests of which host a machine has, and which identity is requested there.

use super::*;
use crate::{credential::Credential, scope::Scope, system::Fixture};

const ENDPOINT: (&str, &str) = ("IDENTITY_ENDPOINT", "https://127.0.0.1:1/token");
const HEADER: (&str, &str) = ("IDENTITY_HEADER", "TopSecret");
const THUMBPRINT: (&str, &str) = (
    "IDENTITY_SERVER_THUMBPRINT",
    "0123456789abcdef0123456789abcdef01234567",
);
const ARC: (&str, &str) = ("IMDS_ENDPOINT", "http://127.0.0.1:1");
const MSI: (&str, &str) = ("MSI_ENDPOINT", "http://127.0.0.1:1/msi");
const MSI_SECRET: (&str, &str) = ("MSI_SECRET", "TopSecret");
const CLIENT: (&str, &str) = ("AZURE_CLIENT_ID", "c11e");
const DEFAULT: (&str, &str) = ("DEFAULT_IDENTITY_CLIENT_ID", "def0");

fn machine(variables: &[(&str, &str)]) -> ClientOptions {
    let machine = variables
        .iter()
        .fold(Fixture::new(), |machine, (name, value)| {
            machine.with_var(name, value)
        });
    ClientOptions::new(machine.shared())
}

fn in_chain(variables: &[(&str, &str)]) -> Result<ManagedIdentityCredential> {
    ManagedIdentityCredential::in_chain(AMONG_OTHERS, machine(variables))
}

const AMONG_OTHERS: InChain = InChain {
    pinned: false,
    finds_agent: true,
};

#[test]
fn an_installed_agent_of_azure_arc_is_found_without_its_variables() {
    let linux = Fixture::new().with_file("/opt/azcmagent/bin/himds", "");
    let windows = Fixture::new()
        .with_os("windows")
        .with_var("ProgramFiles", r"C:\Program Files")
        .with_file(r"C:\Program Files\AzureConnectedMachineAgent\himds.exe", "");
    let host = |machine: &Fixture, chain| {
        let options = ClientOptions::new(machine.clone().shared());
        let credential = ManagedIdentityCredential::in_chain(chain, options).unwrap();
        let look = format!("{:?}", credential.prepare());
        (credential.0.source().host.name(), look)
    };
    for machine in [&linux, &windows] {
        let (name, look) = host(machine, AMONG_OTHERS);
        assert_eq!(name, "Azure Arc's agent");
        assert!(
            look.starts_with("Possible") && look.contains("Azure Arc's agent"),
            "{look}"
        );
    }
    let imds = "the instance metadata service (IMDS)";
    let blind = InChain {
        finds_agent: false,
        ..AMONG_OTHERS
    };
    assert_eq!(host(&linux, blind).0, imds);
    for (variable, value) in [
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1"),
        ("AZCRED_IMDS", "always"),
    ] {
        let machine = linux.clone().with_var(variable, value);
        assert_eq!(host(&machine, AMONG_OTHERS).0, imds, "{variable}");
    }
    let mac = linux.clone().with_os("macos");
    assert_eq!(host(&mac, AMONG_OTHERS).0, imds);
}

#[test]
fn the_host_is_what_the_variables_describe_in_azure_identitys_order() {
    for (variables, host) in [
        (
            &[ENDPOINT, HEADER, THUMBPRINT, ARC, MSI, MSI_SECRET][..],
            "Service Fabric",
        ),
        (&[ENDPOINT, HEADER, ARC, MSI, MSI_SECRET], "App Service"),
        (
            &[ENDPOINT, ARC, THUMBPRINT, MSI, MSI_SECRET],
            "Azure Arc's agent",
        ),
        (
            &[MSI, MSI_SECRET, HEADER, ARC],
            "Azure Machine Learning's compute",
        ),
        (&[MSI, HEADER], "Cloud Shell"),
        (
            &[HEADER, MSI_SECRET, ARC],
            "the instance metadata service (IMDS)",
        ),
        (&[], "the instance metadata service (IMDS)"),
    ] {
        let credential = in_chain(variables).unwrap();
        assert_eq!(credential.0.source().host.name(), host, "{variables:?}");
        assert_eq!(credential.name(), "ManagedIdentityCredential");
        assert!(
            !format!("{credential:?}").contains("TopSecret"),
            "{credential:?}"
        );
    }
}

#[test]
fn an_endpoint_of_no_host_is_unavailable_and_says_what_is_missing() {
    for variables in [&[ENDPOINT][..], &[ENDPOINT, MSI, MSI_SECRET]] {
        let error = in_chain(variables).unwrap_err();
        assert!(error.is_unavailable(), "{error}");
        assert!(error.why().contains("neither IDENTITY_HEADER"), "{error}");
    }
}

#[test]
fn what_variables_describe_is_ready() {
    for variables in [
        &[ENDPOINT, HEADER][..],
        &[ENDPOINT, ARC],
        &[MSI, MSI_SECRET],
        &[MSI],
    ] {
        let look = in_chain(variables).unwrap().prepare();
        assert!(
            matches!(look, Availability::Ready { .. }),
            "{variables:?}: {look:?}"
        );
    }
}

#[test]
fn a_chain_takes_the_identity_that_the_environment_names() {
    let chosen = |variables: &[(&str, &str)]| {
        let credential = in_chain(variables).unwrap();
        credential.0.source().id.by_client().map(str::to_owned)
    };
    let is = |id: &str| Some(id.to_owned());
    let Availability::Ready { using } = in_chain(&[MSI, MSI_SECRET, DEFAULT]).unwrap().prepare()
    else {
        panic!("it is there");
    };
    assert_eq!(using.client_id, is("def0"));
    assert_eq!(using.variables, ["DEFAULT_IDENTITY_CLIENT_ID"]);
    assert_eq!(chosen(&[ENDPOINT, HEADER, CLIENT, DEFAULT]), is("c11e"));
    assert_eq!(chosen(&[ENDPOINT, HEADER, DEFAULT]), None);
    assert_eq!(chosen(&[MSI, MSI_SECRET, CLIENT, DEFAULT]), is("c11e"));
    assert_eq!(chosen(&[MSI, MSI_SECRET, DEFAULT]), is("def0"));
    assert_eq!(chosen(&[CLIENT]), is("c11e"));
    assert_eq!(chosen(&[MSI, CLIENT]), None, "Cloud Shell has one identity");
    for variable in ["AZURE_CLIENT_ID", "DEFAULT_IDENTITY_CLIENT_ID"] {
        let error = in_chain(&[MSI, MSI_SECRET, (variable, "not an id")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.what().contains(variable), "{error}");
    }
}

#[test]
fn a_selection_that_a_host_can_not_make_is_rejected_before_a_request() {
    let client = ManagedIdentityId::client(ClientId::new("c11e").unwrap());
    let object = ManagedIdentityId::object("72f988bf-86f1-41af-91ab-2d7cd011db47").unwrap();
    let new = |id: &ManagedIdentityId, variables| {
        ManagedIdentityCredential::new(id.clone(), machine(variables))
    };
    for (id, variables, why) in [
        (
            &client,
            &[ENDPOINT, HEADER, THUMBPRINT][..],
            "manifest chooses",
        ),
        (&client, &[MSI], "the identity of its user"),
        (&object, &[MSI, MSI_SECRET], "ignores object ids"),
    ] {
        let error = new(id, variables).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.why().contains(why), "{error}");
    }
    assert!(new(&client, &[MSI, MSI_SECRET]).is_ok());
    assert!(new(&object, &[ENDPOINT, HEADER]).is_ok());
    let error = in_chain(&[ENDPOINT, HEADER, THUMBPRINT, CLIENT]).unwrap_err();
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .contains("unset AZURE_CLIENT_ID"),
        "{error}"
    );
}

#[test]
fn a_variable_that_cant_be_used_is_named_and_its_secret_is_not() {
    let plain = ("IDENTITY_ENDPOINT", "http://127.0.0.1:1/");
    for (variables, name) in [
        (
            &[("IDENTITY_ENDPOINT", "nowhere"), HEADER][..],
            "IDENTITY_ENDPOINT",
        ),
        (
            &[("IDENTITY_ENDPOINT", "nowhere"), ARC],
            "IDENTITY_ENDPOINT",
        ),
        (&[("MSI_ENDPOINT", "nowhere"), MSI_SECRET], "MSI_ENDPOINT"),
        (&[("MSI_ENDPOINT", "nowhere")], "MSI_ENDPOINT"),
        (&[plain, HEADER, THUMBPRINT], "IDENTITY_ENDPOINT"),
        (
            &[
                ENDPOINT,
                HEADER,
                ("IDENTITY_SERVER_THUMBPRINT", "TopSecret"),
            ],
            "IDENTITY_SERVER_THUMBPRINT",
        ),
        (
            &[ENDPOINT, ("IDENTITY_HEADER", "TopSecret\r\nX-Evil: 1")],
            "IDENTITY_HEADER",
        ),
        (&[MSI, ("MSI_SECRET", "TopSecret\u{7f}")], "MSI_SECRET"),
        (&[MSI, ("MSI_SECRET", "'TopSecret'")], "MSI_SECRET"),
    ] {
        let error = in_chain(variables).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{variables:?}: {error}");
        assert!(error.what().contains(name), "{error}");
        assert!(error.fix().is_some(), "{error}");
        assert!(!format!("{error:?}").contains("TopSecret"), "{error:?}");
    }
}

#[tokio::test]
async fn several_scopes_are_rejected() {
    let request = TokenRequest::new(Scope::ARM).and_scope(Scope::ML);
    let error = in_chain(&[MSI])
        .unwrap()
        .get_token(&request)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.why().contains("several scopes"), "{error}");
}
