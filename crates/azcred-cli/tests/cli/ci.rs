//! `azcred ci`: workflows that are written, and workflows that are checked.

use crate::{
    azure::Azure,
    federate::{CI, contoso, federate, github, job},
    run::{Run, assert_seen, azcred},
};
use std::{fs, path::Path};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn ci(folder: &Path, arguments: &[&str]) -> Run {
    azcred(&["ci"]).args(arguments).directory(folder)
}

const FILE: &str = ".github/workflows/azure-ml.yml";

#[test]
fn a_workflow_is_written_once_and_never_over_another() {
    let place = folder();
    fs::write(place.path().join("requirements.txt"), "kedro\n").expect("a file");
    let make = ["github", "--for", "kedro", "--environment", "live"];
    let said = ci(place.path(), &make).said();
    assert_eq!(said.code, 0, "{said}");
    assert_seen!("ci-github", said);
    let text = fs::read_to_string(place.path().join(FILE)).expect("it is there");
    crate::run::settings().bind(|| insta::assert_snapshot!("ci-github-file", text));
    let again = ci(place.path(), &make).said();
    assert!(again.stdout.starts_with("Nothing to do"), "{again}");

    let other = ["github", "--", "python", "submit.py"];
    let refused = ci(place.path(), &other).said();
    assert_eq!(refused.code, 1, "{refused}");
    assert_seen!("ci-github-differs", refused);
    assert_eq!(fs::read_to_string(place.path().join(FILE)).ok(), Some(text));
    let forced = ci(
        place.path(),
        &["github", "--force", "--", "python", "submit.py"],
    )
    .said();
    assert_eq!(forced.code, 0, "{forced}");

    let printed = ci(
        place.path(),
        &[
            "github", "--file", "-", "--for", "himl", "--", "python", "train.py",
        ],
    )
    .said();
    assert!(
        printed
            .stdout
            .contains("azcred exec -- python train.py --azureml\n"),
        "{printed}"
    );
}

#[test]
fn a_pipeline_is_written_with_its_service_connection() {
    let place = folder();
    let make = [
        "azure-pipelines",
        "--connection",
        "azure ml",
        "--for",
        "kedro",
    ];
    let said = ci(place.path(), &make).said();
    assert_eq!(said.code, 0, "{said}");
    assert_seen!("ci-azure-pipelines", said);
    let text = fs::read_to_string(place.path().join("azure-pipelines.yml")).expect("it is there");
    crate::run::settings().bind(|| insta::assert_snapshot!("ci-azure-pipelines-file", text));
    let checked = ci(place.path(), &["azure-pipelines", "--check"]).said();
    assert_eq!(checked.code, 0, "{checked}");
    let without = text.replace("SYSTEM_ACCESSTOKEN", "OTHER");
    fs::write(place.path().join("azure-pipelines.yml"), without).expect("a file");
    let checked = ci(place.path(), &["azure-pipelines", "--check"]).said();
    assert_eq!(checked.code, 1, "{checked}");
    assert_seen!("ci-azure-pipelines-check", checked);
}

/// `azcred ci github --check` as the owner.
fn check(azure: &Azure, folder: &Path, arguments: &[&str]) -> Run {
    let arguments = [&["github", "--check", "--github", "contoso/ml"], arguments].concat();
    ci(folder, &arguments).envs(&azure.application("owner"))
}

#[test]
fn a_workflow_that_was_written_signs_in_after_the_command_that_it_suggests() {
    let azure = contoso();
    let api = github("repo:contoso@123456/ml@456789");
    let place = folder();
    let ids = [
        "--client-id",
        CI,
        "--tenant-id",
        "c0a70500-0000-4000-8000-000000000001",
    ];
    let make = [&["github"], &ids[..], &["--for", "kedro"]].concat();
    assert_eq!(ci(place.path(), &make).said().code, 0);
    let before = check(&azure, place.path(), &[])
        .env("GITHUB_API_URL", &api.url())
        .said();
    assert_eq!(before.code, 1, "{before}");
    assert_seen!("ci-check-before", before);
    let main = ["--github", "contoso/ml", "--branch", "main"];
    assert_eq!(federate(&azure, Some(&api), &main).said().code, 0);
    let after = check(&azure, place.path(), &[])
        .env("GITHUB_API_URL", &api.url())
        .said();
    assert_eq!(after.code, 0, "{after}");
    assert_seen!("ci-check-after", after);
    assert_eq!(
        job(&azure, "repo:contoso@123456/ml@456789:ref:refs/heads/main").code,
        0
    );
}

#[test]
fn a_check_shows_both_forms_and_what_other_triggers_lack() {
    let azure = contoso();
    let names = github("repo:contoso/ml");
    let main = ["--github", "contoso/ml", "--branch", "main"];
    assert_eq!(federate(&azure, Some(&names), &main).said().code, 0);
    let place = folder();
    let file = place.path().join("train.yml");
    let text = "\
on: { push: { branches: [main] }, pull_request: {} }
permissions: { id-token: write }
jobs:
  train:
    steps:
      - uses: azure/login@v2
        with: { client-id: '${{ vars.AZURE_CLIENT_ID }}', tenant-id: t }
  report:
    permissions: { contents: read }
    env: { AZURE_CLIENT_ID: '${{ vars.AZURE_CLIENT_ID }}' }
    steps: []
";
    fs::write(&file, text).expect("a file");
    let ids = github("repo:contoso@123456/ml@456789");
    let of = |arguments: &[&str]| {
        let arguments = [&["--file", "train.yml"], arguments].concat();
        check(&azure, place.path(), &arguments).env("GITHUB_API_URL", &ids.url())
    };
    let unnamed = of(&[]).said();
    assert_eq!(unnamed.code, 2, "{unnamed}");
    assert!(unnamed.stderr.contains("only GitHub knows"), "{unnamed}");
    let said = of(&["--client-id", CI]).said();
    assert_eq!(said.code, 1, "{said}");
    assert_seen!("ci-check-forms", said);
    let json = of(&["--client-id", CI, "-o", "json"]).said().json();
    assert_eq!(json["signsIn"], false);
    assert_eq!(json["jobs"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_can_not_be_checked_or_written_is_said() {
    let azure = contoso();
    let place = folder();
    let missing = check(&azure, place.path(), &[]).said();
    assert_eq!(missing.code, 1, "{missing}");
    assert_seen!("ci-check-missing", missing);
    fs::write(
        place.path().join("x.yml"),
        "on: push\njobs: { a: { steps: [ { run: make } ] } }\n",
    )
    .expect("a file");
    let none = check(&azure, place.path(), &["--file", "x.yml"]).said();
    assert_eq!(none.code, 1, "{none}");
    assert!(none.stderr.contains("none of its jobs signs in"), "{none}");
    for arguments in [
        &["github"][..],
        &["github", "--", "a\nb"],
        &["azure-pipelines", "--", "make"],
        &["github", "--check", "--for", "kedro"],
    ] {
        let said = ci(place.path(), arguments).said();
        assert_eq!(said.code, 2, "{said}");
    }
}

#[test]
fn the_workflow_of_a_new_identity_is_written_with_its_ids_and_checked_before() {
    let azure = crate::sp::contoso();
    let place = folder();
    let create = |name: &str, options: &[&str]| {
        let arguments = [&["create", name, "--for", "github"], options].concat();
        let run = crate::sp::sp(&azure, "admin", &arguments);
        run.directory(place.path()).said()
    };
    let jobs = |branch| {
        let ids = ["--owner-id", "1", "--repository-id", "2"];
        [&["--github", "contoso/ml", "--branch", branch][..], &ids].concat()
    };
    let unnamed = create("ci-train", &[]);
    assert_eq!(unnamed.code, 2, "{unnamed}");
    assert_seen!("sp-create-for-github-unnamed", unnamed);
    let tag = create("ci-train", &["--github", "contoso/ml", "--tag", "v1"]);
    assert_eq!(tag.code, 2, "{tag}");
    assert_eq!(crate::sp::made(&azure), []);

    let said = create("ci-train", &jobs("release/1"));
    assert_eq!(said.code, 0, "{said}");
    assert_seen!("sp-create-for-github", crate::sp::shown(&azure, &said));
    let text = fs::read_to_string(place.path().join(FILE)).expect("it is there");
    let file: serde_json::Value = serde_saphyr::from_str(&text).expect(&text);
    assert_eq!(file["on"]["push"]["branches"][0], "release/1");
    let variables = &file["jobs"]["submit"]["env"];
    assert!(
        said.stdout
            .contains(variables["AZURE_CLIENT_ID"].as_str().expect("an id"))
    );
    let again = create("ci-train", &jobs("release/1"));
    assert!(
        again.stdout.contains(&format!("{FILE}, as before")),
        "{again}"
    );

    // The file is another identity's, so nothing is made.
    let made = crate::sp::made(&azure);
    let other = create("ci-other", &jobs("release/1"));
    assert_eq!(other.code, 1, "{other}");
    assert_seen!("sp-create-for-github-taken", other);
    assert_eq!(crate::sp::made(&azure), made);
}
