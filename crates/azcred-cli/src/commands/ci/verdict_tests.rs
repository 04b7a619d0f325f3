use super::*;
use crate::commands::ci::workflow::jobs;
use serde_json::json;

const ISSUER: &str = "https://token.actions.githubusercontent.com";

fn credential(name: &str, subject: &str) -> FederatedCredential {
    serde_json::from_value(json!({
        "id": uuid::Uuid::new_v4(), "name": name, "issuer": ISSUER, "subject": subject,
        "audiences": ["api://AzureADTokenExchange"],
    }))
    .expect("it is one")
}

fn judged(workflow: &str, registered: &[FederatedCredential]) -> serde_json::Value {
    let repository = GitHubRepository::new("contoso/ml", None).unwrap();
    let prefix = SubjectPrefix::of_ids(&repository, 1, 2);
    let audience = FederatedAudience::new("api://AzureADTokenExchange").unwrap();
    let side = Side {
        repository: &repository,
        prefix: &prefix,
        registered,
        audience: &audience,
    };
    let job = jobs(workflow).expect("a workflow").remove(0);
    serde_json::to_value(judge(&job, &side)).expect("JSON")
}

fn workflow(on: &str, more: &str) -> String {
    format!(
        "on: {on}\npermissions: {{ id-token: write }}\njobs:\n  train:\n    env: {{ AZURE_CLIENT_ID: a1 }}\n    steps: []\n{more}"
    )
}

#[test]
fn a_job_signs_in_for_the_branch_that_is_registered_in_the_right_form() {
    let main = workflow("{ push: { branches: [main] } }", "");
    let right = [credential(
        "main",
        "repo:contoso@1/ml@2:ref:refs/heads/main",
    )];
    let judged_right = judged(&main, &right);
    assert_eq!(judged_right["signsIn"], true);
    assert_eq!(judged_right["runs"][0]["credentials"], json!(["main"]));

    let wrong = [credential("old", "repo:contoso/ml:ref:refs/heads/main")];
    let judged_wrong = judged(&main, &wrong);
    assert_eq!(judged_wrong["signsIn"], false);
    let run = &judged_wrong["runs"][0];
    assert_eq!(run["subject"], "repo:contoso@1/ml@2:ref:refs/heads/main");
    assert_eq!(run["nearest"], "old");
    let difference = &run["differences"][0];
    assert_eq!(
        difference["registered"],
        "repo:contoso/ml:ref:refs/heads/main"
    );
    assert!(
        difference["reason"]
            .as_str()
            .is_some_and(|text| text.contains("with ids"))
    );
    assert_eq!(judged(&main, &[])["runs"][0]["verdict"], "no");
}

#[test]
fn each_trigger_is_judged_for_itself() {
    let both = workflow(
        "{ push: { branches: [main] }, pull_request: {}, workflow_dispatch: {} }",
        "",
    );
    let main = [credential(
        "main",
        "repo:contoso@1/ml@2:ref:refs/heads/main",
    )];
    let judged = judged(&both, &main);
    let mut verdicts: Vec<String> = judged["runs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|run| {
            format!(
                "{} {}",
                run["runsFor"].as_str().unwrap(),
                run["verdict"].as_str().unwrap()
            )
        })
        .collect();
    verdicts.sort();
    assert_eq!(
        verdicts,
        [
            "pull requests no",
            "the branch main signsIn",
            "the branch that a person chooses forSome"
        ]
    );
    assert_eq!(judged["signsIn"], false);
}

#[test]
fn another_audience_or_no_permission_keeps_a_job_from_signing_in() {
    let main = [credential(
        "main",
        "repo:contoso@1/ml@2:ref:refs/heads/main",
    )];
    let on = "{ push: { branches: [main] } }";
    let other = workflow(on, "").replace(
        "AZURE_CLIENT_ID: a1",
        "AZURE_CLIENT_ID: a1, AZCRED_FEDERATED_AUDIENCE: 'api://own'",
    );
    let judged_other = judged(&other, &main);
    assert_eq!(
        judged_other["runs"][0]["differences"][0]["part"],
        "audience"
    );
    let without = workflow(on, "").replace("id-token: write", "contents: read");
    let judged_without = judged(&without, &main);
    assert_eq!(judged_without["signsIn"], false);
    assert!(
        judged_without["obstacle"]
            .as_str()
            .is_some_and(|text| text.contains("id-token"))
    );
    let secret = workflow(on, "").replace("a1", "a1, AZURE_CLIENT_SECRET: s");
    assert!(
        judged(&secret, &main)["obstacle"]
            .as_str()
            .is_some_and(|text| text.contains("secret"))
    );
}
