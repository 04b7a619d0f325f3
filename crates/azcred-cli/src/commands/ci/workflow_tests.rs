use super::*;

fn one(text: &str) -> Job {
    let mut found = jobs(text).expect(text);
    assert_eq!(found.len(), 1, "{text}");
    found.remove(0)
}

/// A workflow whose one job has these lines.
fn with(on: &str, job: &str) -> String {
    let job = job.replace('\n', "\n    ");
    format!("on: {on}\njobs:\n  train:\n    runs-on: ubuntu-latest\n    {job}\n")
}

const LOGIN: &str = "permissions: { id-token: write }\nsteps:\n- uses: azure/login@v2\n  with: { client-id: '${{ vars.ID }}', tenant-id: t }";

fn branch(name: &str) -> Runs {
    Runs::For(GitHubRun::Branch(name.to_owned()))
}

#[test]
fn what_starts_a_workflow_are_the_subjects_of_its_jobs() {
    let branches = |text: &str| Runs::Branches(text.to_owned());
    for (on, runs) in [
        ("push", vec![branches("every branch that is pushed")]),
        ("{ push: { branches: main } }", vec![branch("main")]),
        (
            "{ push: { branches: [main, 'release/*'] }, pull_request: {} }",
            vec![
                Runs::For(GitHubRun::PullRequest),
                branch("main"),
                branches("those like release/*"),
            ],
        ),
        (
            "{ push: { tags: [v1] } }",
            vec![Runs::For(GitHubRun::Tag("v1".to_owned()))],
        ),
        (
            "[workflow_dispatch, schedule, workflow_run]",
            vec![
                branches("the branch that a person chooses"),
                branches("the default branch"),
            ],
        ),
        (
            "{ release: { types: [published] } }",
            vec![Runs::Tags("the release's tag".to_owned())],
        ),
        (
            "workflow_call",
            vec![Runs::Unknown("it runs for workflow_call".to_owned())],
        ),
    ] {
        assert_eq!(one(&with(on, LOGIN)).runs, runs, "{on}");
    }
}

#[test]
fn an_environment_is_the_whole_subject() {
    for given in ["environment: live", "environment: { name: live, url: x }"] {
        let job = one(&with("[push, pull_request]", &format!("{given}\n{LOGIN}")));
        let live = GitHubRun::Environment("live".to_owned());
        assert_eq!(job.runs, [Runs::For(live)], "{given}");
    }
    let chosen = one(&with(
        "push",
        &format!("environment: '${{{{ inputs.where }}}}'\n{LOGIN}"),
    ));
    assert!(matches!(&chosen.runs[..], [Runs::Unknown(why)] if why.contains("inputs.where")));
}

#[test]
fn the_jobs_own_permissions_replace_the_workflows() {
    let of = |file: &str, job: &str| {
        let steps = LOGIN.split_once('\n').unwrap().1;
        let text = with("push", &format!("{job}\n{steps}"));
        one(&format!("{file}\n{text}")).may_request
    };
    for (file, job, may) in [
        ("permissions: { id-token: write }", "", true),
        ("permissions: write-all", "", true),
        ("permissions: read-all", "", false),
        ("", "", false),
        (
            "permissions: {}",
            "permissions: { id-token: write, contents: read }",
            true,
        ),
        (
            "permissions: { id-token: write }",
            "permissions: { contents: read }",
            false,
        ),
        ("permissions: { id-token: write }", "permissions: {}", false),
    ] {
        assert_eq!(of(file, job), may, "{file} {job}");
    }
}

#[test]
fn a_job_signs_in_by_an_action_or_by_variables_with_a_token_or_a_secret() {
    let of = |job: &str| {
        jobs(&with("push", job))
            .unwrap()
            .into_iter()
            .next()
            .map(|job| job.sign_in)
    };
    let token = |client_id: Setting, audience: Option<&str>| {
        Some(SignIn::Token {
            client_id,
            audience: audience.map(str::to_owned),
        })
    };
    let literal = || Setting::Literal("a1".to_owned());
    assert_eq!(
        of("env: { AZURE_CLIENT_ID: a1 }\nsteps: []"),
        token(literal(), None)
    );
    assert_eq!(
        of(
            "steps:\n- run: azcred doctor\n  env: { AZURE_CLIENT_ID: a1, AZCRED_FEDERATED_AUDIENCE: 'api://b' }"
        ),
        token(literal(), Some("api://b"))
    );
    assert_eq!(
        of("steps:\n- uses: azcred/azcred@v1\n  with: { client-id: a1, audience: 'api://b' }"),
        token(literal(), Some("api://b"))
    );
    assert_eq!(
        of("steps:\n- uses: Azure/login@a1b2\n  with: { client-id: '${{ secrets.ID }}' }"),
        token(Setting::Expression("${{ secrets.ID }}".to_owned()), None)
    );
    for secret in [
        "steps:\n- uses: azure/login@v2\n  with: { creds: '${{ secrets.AZURE }}' }",
        "env: { AZURE_CLIENT_ID: a, AZURE_CLIENT_SECRET: '${{ secrets.S }}' }\nsteps: []",
    ] {
        assert_eq!(of(secret), Some(SignIn::Secret), "{secret}");
    }
    assert_eq!(of("steps:\n- run: make"), None);
}

#[test]
fn what_is_no_workflow_is_said_and_no_anchors_cost_endless_work() {
    for (text, why) in [
        ("", "it has no `jobs`"),
        ("jobs: {}", "it has no `on`, so nothing starts it"),
        ("jobs: [", "line 1"),
    ] {
        let error = jobs(text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
    let mut bomb = "a: &a [1,1,1,1,1,1,1,1,1]\n".to_owned();
    for (name, of) in "bcdefghi".chars().zip("abcdefgh".chars()) {
        bomb.push_str(&format!(
            "{name}: &{name} [*{of},*{of},*{of},*{of},*{of},*{of},*{of},*{of},*{of}]\n"
        ));
    }
    assert!(jobs(&bomb).unwrap_err().contains("budget"));
    assert!(jobs(&"[".repeat(100_000)).is_err());
}
