//! Responses of Azure Resource Manager, with lists, refusals and claims challenges; the doctor's
//! report of them; the document that names a domain's tenant.

use crate::{
    input,
    machine::{answered, machine, options},
    oracle::{self, SECRET},
};
use azcred::{
    ClientId, ClientOptions, ClientSecretCredential, Credential, TenantId, fuzz::CannedResponse,
    session::Session,
};
use azcred_azure::{Doctor, Flags, ResourceManager, WorkspaceRef, locate, tenant_of_domain};
use std::{path::Path, sync::Arc};

const SUBSCRIPTION: &str = "5ec0ffee-0000-4000-8000-000000000001";
const WORKSPACE: &str = "/subscriptions/5ec0ffee-0000-4000-8000-000000000001/resourceGroups/rg-ml/\
    providers/Microsoft.MachineLearningServices/workspaces/ws-ml";

/// The first line names the call. Responses follow, with the access token in them.
pub(super) fn run(data: &[u8]) {
    one(data);
    // The document of a domain is public: no secret is sent.
    let planted = input::planted(data).filter(|planted| input::head(planted).0 != b"domain");
    if let Some(planted) = planted {
        one(&planted);
    }
}

fn one(data: &[u8]) {
    let (call, rest) = input::head(data);
    let mut responses = input::responses(rest);
    // The bearer token is the secret that a response may repeat.
    let token = format!(r#"{{"token_type":"Bearer","expires_in":3600,"access_token":"{SECRET}"}}"#);
    let token = CannedResponse {
        status: 200,
        headers: Vec::new(),
        body: token.into_bytes(),
    };
    if call != b"domain" {
        responses.insert(0, token);
    }
    answered(responses, ask(call));
}

async fn ask(call: &[u8]) {
    if call == b"doctor" {
        return diagnose().await;
    }
    let options = options(machine());
    let Some(manager) = manager(&options) else {
        return;
    };
    match call {
        b"subscription" => oracle::outcome(&manager.subscription(SUBSCRIPTION).await),
        b"subscriptions" => oracle::outcome(&manager.subscriptions().await),
        b"tenants" => oracle::outcome(&manager.tenants().await),
        b"workspaces" => oracle::outcome(&manager.workspaces(SUBSCRIPTION).await),
        b"workspace" => {
            let workspace = WorkspaceRef::from_resource_id(WORKSPACE).expect("an id");
            oracle::outcome(&manager.workspace(&workspace).await);
        }
        b"permissions" => oracle::outcome(&manager.permissions(WORKSPACE).await),
        b"domain" => {
            let domain = TenantId::new("contoso.com").expect("a domain");
            oracle::outcome(&tenant_of_domain(&options, &domain).await);
        }
        _ => {}
    }
}

fn manager(options: &ClientOptions) -> Option<ResourceManager> {
    let credential = ClientSecretCredential::new(
        TenantId::new("contoso.com").ok()?,
        ClientId::new("a0000001-0000-4000-8000-000000000001").ok()?,
        SECRET,
        options.clone(),
    );
    let credential: Arc<dyn Credential> = Arc::new(credential.ok()?);
    ResourceManager::new(options, credential).ok()
}

async fn diagnose() {
    let machine = machine()
        .with_var("AZURE_TENANT_ID", "contoso.com")
        .with_var("AZURE_CLIENT_ID", "a0000001-0000-4000-8000-000000000001")
        .with_var("AZURE_CLIENT_SECRET", SECRET);
    let flags = Flags {
        workspace: Some(WORKSPACE.to_owned()),
        ..Flags::default()
    };
    let place = locate(&machine, Path::new("/project"), &flags);
    let session = Session::builder().at(machine.shared(), "/project");
    let report = Doctor::new(session, place)
        .run(|event| oracle::debug(&event))
        .await;
    for check in &report.checks {
        oracle::debug(check);
    }
    let json = serde_json::to_string(&report).expect("a report is JSON");
    oracle::keeps_secret(&json);
}
