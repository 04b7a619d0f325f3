//! Responses of the token services of GitHub Actions and Azure Pipelines.

use crate::{
    input,
    machine::{answered, machine, options},
    oracle::{self, SECRET},
};
use azcred::{
    AzurePipelinesCredential, Credential, GitHubActionsCredential, Scope, TokenRequest,
    system::Fixture,
};

/// The first line is `github` or `pipelines`. Responses follow, with `@{…}` for an encoded token.
/// The first one may repeat the job's token, which is sent to the service only.
pub(super) fn run(data: &[u8]) {
    one(data);
    let first = input::parts(data)[0].len();
    if let Some(planted) = input::planted_within(data, first) {
        one(&planted);
    }
}

fn one(data: &[u8]) {
    let (service, rest) = input::head(data);
    let responses = input::responses(&input::with_tokens(rest));
    let credential: Option<Box<dyn Credential>> = match service {
        b"github" => {
            let made = GitHubActionsCredential::from_environment(options(github()));
            made.ok().map(|made| Box::new(made) as _)
        }
        b"pipelines" => {
            let made = AzurePipelinesCredential::from_environment(options(pipelines()));
            made.ok().map(|made| Box::new(made) as _)
        }
        _ => None,
    };
    let Some(credential) = credential else {
        return;
    };
    answered(responses, async {
        oracle::debug(&credential.prepare());
        oracle::outcome(&credential.get_token(&TokenRequest::new(Scope::ARM)).await);
    });
}

fn github() -> Fixture {
    machine()
        .with_var("AZURE_TENANT_ID", "c0a70500-0000-4000-8000-000000000001")
        .with_var("AZURE_CLIENT_ID", "a0000001-0000-4000-8000-000000000001")
        .with_var(
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "https://ci.contoso.com/?x=1",
        )
        .with_var("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SECRET)
}

fn pipelines() -> Fixture {
    machine()
        .with_var("SYSTEM_OIDCREQUESTURI", "https://ci.contoso.com/oidc")
        .with_var("SYSTEM_ACCESSTOKEN", SECRET)
        .with_var(
            "AZURESUBSCRIPTION_TENANT_ID",
            "c0a70500-0000-4000-8000-000000000001",
        )
        .with_var(
            "AZURESUBSCRIPTION_CLIENT_ID",
            "a0000001-0000-4000-8000-000000000001",
        )
        .with_var(
            "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
            "5c000000-0000-4000-8000-000000000001",
        )
}
