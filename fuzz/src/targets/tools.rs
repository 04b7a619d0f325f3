//! The output of Azure CLI, Azure Developer CLI and Azure PowerShell.

use crate::{
    input,
    machine::{answered, machine, options},
    oracle::{self, SECRET},
};
use azcred::{
    AzureCliCredential, AzureDeveloperCliCredential, AzurePowerShellCredential, Credential, Scope,
    TenantId, TokenRequest, system::Program,
};

/// The first line is the program and its exit code. Standard output and standard error follow, with
/// a token in them.
pub(super) fn run(data: &[u8]) {
    one(data);
    let token = format!(" eyJhbGciOiJSUzI1NiJ9.{SECRET} ");
    if let Some(planted) = input::with_text(data, &token) {
        one(&planted);
    }
}

fn one(data: &[u8]) {
    let (head, rest) = input::head(data);
    let head = input::text(head);
    let (name, code) = head.split_once(' ').unwrap_or((&head, "0"));
    let parts = input::parts(rest);
    let stderr = parts.get(1).copied().unwrap_or_default();
    let program = Program::prints(code.parse().unwrap_or(1), parts[0], stderr);
    let machine = machine()
        .with_var("HOME", "/home/ada")
        .with_program(name, &program);
    let options = options(machine);
    let credential: Box<dyn Credential> = match name {
        "az" => Box::new(AzureCliCredential::new(options)),
        "azd" => Box::new(AzureDeveloperCliCredential::new(options)),
        "pwsh" => Box::new(AzurePowerShellCredential::new(options)),
        _ => return,
    };
    answered(Vec::new(), async {
        oracle::debug(&credential.prepare());
        let request = TokenRequest::new(Scope::ARM);
        oracle::outcome(&credential.get_token(&request).await);
        let tenant = TenantId::new("contoso.com").expect("a tenant");
        oracle::outcome(&credential.get_token(&request.with_tenant(tenant)).await);
    });
}
