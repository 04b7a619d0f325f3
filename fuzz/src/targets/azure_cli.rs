//! The files of Azure CLI and Visual Studio Code, and what Entra ID answers to what is in them.

use crate::{
    input,
    machine::{answered, machine, options},
    oracle::{self, SECRET},
};
use azcred::{
    AzureCliCredential, ClientOptions, Credential, Scope, TenantId, TokenRequest,
    VisualStudioCodeCredential,
};

const FILES: [&str; 6] = [
    "azureProfile.json",
    "msal_token_cache.json",
    "service_principal_entries.json",
    "config",
    "clouds.config",
    "ms-azuretools.vscode-azureresourcegroups/authRecord.json",
];

/// The files in the order of [`FILES`], then responses.
pub(super) fn run(data: &[u8]) {
    let parts = input::parts(data);
    let home = machine().with_var("HOME", "/home/ada");
    let machine = FILES
        .iter()
        .zip(&parts)
        .fold(home, |machine, (name, part)| {
            if part.is_empty() {
                return machine;
            }
            machine.with_file(format!("/home/ada/.azure/{name}"), with_secrets(part))
        });
    let responses = parts.iter().skip(FILES.len()).take(4);
    let responses: Vec<_> = responses.map(|part| input::response(part)).collect();
    let options = options(machine);
    answered(responses, async {
        ask(&options, &TokenRequest::new(Scope::ARM)).await;
        let other = TenantId::new("c0a70500-0000-4000-8000-000000000002").expect("an id");
        ask(&options, &TokenRequest::new(Scope::ARM).with_tenant(other)).await;
    });
}

async fn ask(options: &ClientOptions, request: &TokenRequest) {
    let plain = AzureCliCredential::new(options.clone());
    let named = AzureCliCredential::new(options.clone()).with_subscription("Contoso ML");
    let code = VisualStudioCodeCredential::new(options.clone());
    let mut all: Vec<Box<dyn Credential>> = vec![Box::new(plain), Box::new(code)];
    all.extend(named.map(|named| Box::new(named) as Box<dyn Credential>));
    for credential in all {
        oracle::debug(&credential.prepare());
        oracle::outcome(&credential.get_token(request).await);
    }
}

/// The file with [`SECRET`] as the value of each member that is a secret by its name.
fn with_secrets(file: &[u8]) -> Vec<u8> {
    const MEMBERS: [&[u8]; 3] = [b"\"secret\":\"", b"\"client_secret\":\"", b"\"secret\": \""];
    let mut whole = Vec::with_capacity(file.len());
    let mut rest = file;
    while let Some(first) = rest.first() {
        let member = MEMBERS.iter().find(|member| rest.starts_with(member));
        match member {
            // After a backslash, this is text within another value.
            Some(member) if whole.last() != Some(&b'\\') => {
                whole.extend_from_slice(member);
                whole.extend_from_slice(SECRET.as_bytes());
                rest = &rest[member.len()..];
            }
            _ => {
                whole.push(*first);
                rest = &rest[1..];
            }
        }
    }
    whole
}
