//! The personas of CI jobs.

use crate::{
    ci::github_actions::{ACTOR, RUN_ID, SHA, WORKFLOW},
    environment::pairs::Pairs,
    info::Info,
};

/// A job in GitHub Actions with the permission `id-token: write` (GitHub's pages 'Variables
/// reference' and 'OpenID Connect reference'), and the usual inputs of `azure/login`.
pub(super) fn github(info: &Info) -> Option<Pairs> {
    let run = info.github_actions.as_ref()?;
    let (owner, _) = run.repository.split_once('/')?;
    let name = run.git_ref.splitn(3, '/').nth(2).unwrap_or(&run.git_ref);
    let kind = match run.git_ref.starts_with("refs/tags/") {
        true => "tag",
        false => "branch",
    };
    Some(vec![
        ("CI", "true".to_owned()),
        ("GITHUB_ACTIONS", "true".to_owned()),
        ("GITHUB_ACTOR", ACTOR.to_owned()),
        ("GITHUB_EVENT_NAME", run.event.clone()),
        ("GITHUB_JOB", "fit".to_owned()),
        ("GITHUB_REF", run.git_ref.clone()),
        ("GITHUB_REF_NAME", name.to_owned()),
        ("GITHUB_REF_TYPE", kind.to_owned()),
        ("GITHUB_REPOSITORY", run.repository.clone()),
        ("GITHUB_REPOSITORY_OWNER", owner.to_owned()),
        ("GITHUB_RUN_ATTEMPT", "1".to_owned()),
        ("GITHUB_RUN_ID", RUN_ID.to_owned()),
        ("GITHUB_RUN_NUMBER", "17".to_owned()),
        ("GITHUB_SERVER_URL", "https://github.com".to_owned()),
        ("GITHUB_SHA", SHA.to_owned()),
        ("GITHUB_WORKFLOW", WORKFLOW.to_owned()),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", run.request_url.clone()),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", run.request_token.clone()),
        ("AZURE_CLIENT_ID", run.client_id.to_string()),
        ("AZURE_TENANT_ID", run.tenant_id.to_string()),
    ])
}

/// A job in Azure Pipelines whose step `AzureCLI@2` or `AzurePowerShell@5` has a service connection
/// ('Use predefined variables'; 'AzurePipelinesCredential').
pub(super) fn azure_pipelines(info: &Info) -> Option<Pairs> {
    let job = info.azure_pipelines.as_ref()?;
    Some(vec![
        ("TF_BUILD", "True".to_owned()),
        ("BUILD_BUILDID", "1815".to_owned()),
        (
            "SYSTEM_COLLECTIONURI",
            format!("https://dev.azure.com/{}/", job.organization),
        ),
        ("SYSTEM_TEAMPROJECT", job.project.clone()),
        ("SYSTEM_OIDCREQUESTURI", job.request_uri.clone()),
        ("SYSTEM_ACCESSTOKEN", job.access_token.clone()),
        ("AZURESUBSCRIPTION_CLIENT_ID", job.client_id.to_string()),
        ("AZURESUBSCRIPTION_TENANT_ID", job.tenant_id.to_string()),
        (
            "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
            job.service_connection_id.to_string(),
        ),
    ])
}
