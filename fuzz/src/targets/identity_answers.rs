//! Responses of the hosts that issue tokens to a machine: the instance metadata service, App
//! Service, Service Fabric, Azure Arc with its challenge, Cloud Shell, Azure Machine Learning.

use crate::{
    input,
    machine::{answered_by, machine, options},
    oracle::{self, SECRET},
};
use azcred::{
    AzureMlOnBehalfOfCredential, ClientId, ClientOptions, Credential, ManagedIdentityCredential,
    ManagedIdentityId, Scope, TokenRequest,
    system::{FileFacts, FileKind, Fixture, Writers},
};
use std::time::SystemTime;

/// The hosts that are sent a secret. No other can repeat it.
const SENT_SECRET: [&[u8]; 4] = [b"app-service", b"service-fabric", b"arc", b"azure-ml"];

/// The first line names the host. Responses follow.
pub(super) fn run(data: &[u8]) {
    one(data);
    let (host, _) = input::head(data);
    if !SENT_SECRET.contains(&host) {
        return;
    }
    if let Some(planted) = input::planted(data) {
        // The agent's first response precedes the secret.
        let first = input::parts(&planted)[0];
        if !(planted.starts_with(b"arc\n") && oracle::has_piece_of_secret(first)) {
            one(&planted);
        }
    }
}

fn one(data: &[u8]) {
    let (host, rest) = input::head(data);
    let Some(machine) = machine_of(host) else {
        return;
    };
    let options = options(machine);
    let request = TokenRequest::new(Scope::ARM);
    answered_by(rest, async {
        for credential in credentials(host, &options) {
            oracle::debug(&credential.prepare());
            oracle::outcome(&credential.get_token(&request).await);
        }
    });
}

fn credentials(host: &[u8], options: &ClientOptions) -> Vec<Box<dyn Credential>> {
    if host == b"azure-ml-user" {
        let made = AzureMlOnBehalfOfCredential::from_environment(options.clone());
        return made.into_iter().map(|made| Box::new(made) as _).collect();
    }
    let chosen = ClientId::new("c11e0000-0000-4000-8000-000000000001").expect("an id");
    [ManagedIdentityId::SYSTEM, ManagedIdentityId::client(chosen)]
        .into_iter()
        .filter_map(|id| ManagedIdentityCredential::new(id, options.clone()).ok())
        .map(|made| Box::new(made) as _)
        .collect()
}

fn machine_of(host: &[u8]) -> Option<Fixture> {
    let endpoint = ("IDENTITY_ENDPOINT", "http://127.0.0.1:1/token");
    let header = ("IDENTITY_HEADER", SECRET);
    let variables: &[(&str, &str)] = match host {
        b"imds" => &[],
        b"app-service" => &[endpoint, header],
        b"service-fabric" => &[
            ("IDENTITY_ENDPOINT", "https://127.0.0.1:1/token"),
            header,
            (
                "IDENTITY_SERVER_THUMBPRINT",
                "0123456789abcdef0123456789abcdef01234567",
            ),
        ],
        b"arc" => &[endpoint, ("IMDS_ENDPOINT", "http://127.0.0.1:1")],
        b"azure-ml" => &[
            ("MSI_ENDPOINT", "http://127.0.0.1:1/msi"),
            ("MSI_SECRET", SECRET),
        ],
        b"cloud-shell" => &[("MSI_ENDPOINT", "http://127.0.0.1:1/msi")],
        b"azure-ml-user" => &[
            ("OBO_ENDPOINT", "http://127.0.0.1:1/obo"),
            ("AZUREML_OBO_ENABLED", "True"),
            ("AZUREML_RUN_ID", "run-1"),
        ],
        _ => return None,
    };
    let folder = FileFacts {
        kind: FileKind::Folder,
        len: 0,
        owner: Some(0),
        writers: Writers::Owner,
        is_readable_by_others: false,
        modified: Some(SystemTime::UNIX_EPOCH),
    };
    let key = FileFacts {
        kind: FileKind::File,
        len: SECRET.len() as u64,
        ..folder
    };
    let machine = machine()
        .with_facts("/var/opt/azcmagent/tokens", folder, "")
        .with_facts("/var/opt/azcmagent/tokens/1.key", key, SECRET);
    Some(variables.iter().fold(machine, |machine, (name, value)| {
        machine.with_var(name, value)
    }))
}
