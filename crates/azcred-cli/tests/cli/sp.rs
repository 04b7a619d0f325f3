//! `azcred sp`: the life of a service principal.

use crate::{
    azure::Azure,
    run::{Run, Said, assert_seen, azcred},
    team::{SUBSCRIPTION, application, assigned, at_workspace, team},
};
use azcred_emulator::{
    Effect, Fault, Persona, Way,
    directory::{Application, Certificate},
};
use serde_json::Value;

/// An administrator of applications that may assign roles, a developer that may not, and an
/// application that azcred did not make.
pub(crate) fn contoso() -> Azure {
    contoso_with("")
}

/// With more lines in the seed.
pub(crate) fn contoso_with(more: &str) -> Azure {
    team(&[
        &application(
            1,
            "admin",
            &["Directory.Read.All", "Application.ReadWrite.All"],
        ),
        &application(2, "blind", &["Directory.Read.All"]),
        &application(3, "portal-made", &[]),
        &assigned("Owner", "admin", SUBSCRIPTION),
        &assigned("Reader", "blind", SUBSCRIPTION),
        more,
    ])
}

/// `azcred sp` as an application, at the workspace.
pub(crate) fn sp(azure: &Azure, who: &str, arguments: &[&str]) -> Run {
    at_workspace(azure, who, &[&["sp"], arguments].concat())
}

fn json(azure: &Azure, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["-o", "json"]].concat();
    sp(azure, "admin", &arguments).said().json()
}

/// The applications that azcred made: name, secrets, tags.
pub(crate) fn made(azure: &Azure) -> Vec<(String, usize, usize)> {
    let directory = azure.emulator().world().directory();
    let tags = |one: &Application| {
        one.properties
            .get("tags")
            .and_then(Value::as_array)
            .cloned()
    };
    let applications = directory.applications.values();
    let made = applications.filter_map(|one| {
        let tags = tags(one).filter(|tags| tags.contains(&"azcred".into()))?;
        Some((one.name.clone(), one.secrets.len(), tags.len()))
    });
    made.collect()
}

/// The output, without the ids that differ in each run.
pub(crate) fn shown(azure: &Azure, said: &Said) -> String {
    let directory = azure.emulator().world().directory();
    let mut text = said.to_string();
    for one in directory.applications.values() {
        let name = &one.name;
        for (id, word) in [(one.app_id, "client id"), (one.object_id, "application id")] {
            text = text.replace(&id.to_string(), &format!("[{word} of {name}]"));
        }
    }
    for one in directory.service_principals.values() {
        text = text.replace(&one.id.to_string(), "[object id]");
    }
    text
}

fn train(secrets: usize) -> Vec<(String, usize, usize)> {
    vec![("ci-train".to_owned(), secrets, 1)]
}

#[test]
fn an_identity_is_created_proved_and_completed_by_a_second_run() {
    let azure = contoso();
    let first = sp(&azure, "admin", &["create", "ci-train"]).said();
    assert_eq!(first.code, 0, "{first}");
    assert_seen!("sp-create", shown(&azure, &first));
    assert_eq!(made(&azure), train(0));
    let second = json(&azure, &["create", "ci-train"]);
    assert_eq!(second["isNew"], false);
    assert_eq!(second["roles"][0]["isNew"], false);
    assert_eq!(second["proof"]["report"]["healthy"], true);
    assert_eq!(made(&azure), train(0));
}

#[test]
fn a_new_secret_is_an_account_that_works_and_is_never_shown() {
    let azure = contoso();
    let home = tempfile::tempdir().unwrap();
    let at_home = |run: Run| run.env("AZCRED_HOME", home.path().to_str().unwrap());
    let create = [
        "create",
        "ci-train",
        "--secret",
        "--to",
        "encrypted-file",
        "-vvv",
    ];
    let said = at_home(sp(&azure, "admin", &create)).said();
    assert_eq!(said.code, 0, "{said}");
    let text = said.to_string();
    let is_shown = |secret: &str| text.contains(secret);
    let secrets: Vec<String> = {
        let directory = azure.emulator().world().directory();
        let mut applications = directory.applications.values();
        let one = applications.find(|one| one.name == "ci-train").unwrap();
        let texts = one.secrets.iter().map(|secret| secret.text.expose());
        texts.map(str::to_owned).collect()
    };
    assert!(
        secrets.len() == 1
            && !secrets
                .iter()
                .any(|one| is_shown(one) || is_shown(&one[4..]))
    );
    assert_eq!(made(&azure), train(1));
    let mut way = azure.environment(Persona::NoAccount, Way::RealNames);
    way.retain(|(name, _)| name != "AZCRED_HOME");
    let who = at_home(azcred(&["whoami", "--profile", "ci-train"]).envs(&way)).said();
    assert_eq!(who.code, 0, "{who}");
    // The secret can't be read again, so a second run makes no other one.
    let second = at_home(sp(&azure, "admin", &create[..5])).said();
    assert_eq!(second.code, 0, "{second}");
    assert_seen!("sp-create-again", shown(&azure, &second));
    assert_eq!(made(&azure), train(1));
}

#[test]
fn a_secret_goes_to_a_program_that_reads_standard_output_and_nothing_else_does() {
    let azure = contoso();
    let said = sp(
        &azure,
        "admin",
        &["create", "ci-train", "--for", "himl", "--to", "stdout"],
    )
    .said();
    assert_eq!(said.code, 0, "{said}");
    let lines = said.stdout.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<&str> = lines.filter_map(|line| line.split('=').next()).collect();
    assert!(
        names.iter().all(|name| name.starts_with("HIML_")),
        "{names:?}"
    );
    assert_eq!(names.len(), 3);
}

#[test]
fn an_application_of_another_is_used_only_by_its_client_id() {
    let azure = contoso();
    let named = sp(&azure, "admin", &["create", "portal-made"]).said();
    assert_eq!(named.code, 1, "{named}");
    assert_seen!("sp-create-namesake", shown(&azure, &named));
    let id = "a0000001-0000-4000-8000-000000000003";
    let by_id = json(&azure, &["create", "portal-made", "--client-id", id]);
    assert_eq!(by_id["isNew"], false);
    assert_eq!(by_id["proof"]["signedIn"], true);
    assert_eq!(made(&azure), []);
    let other = sp(&azure, "admin", &["create", "ci-train", "--client-id", id]).said();
    assert_eq!(other.code, 1, "{other}");
}

#[test]
fn a_role_that_is_more_than_jobs_need_is_warned_about() {
    let azure = contoso();
    let group = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg";
    let create = [
        "create",
        "ci-train",
        "--role",
        "Contributor",
        "--scope",
        group,
    ];
    let said = sp(&azure, "admin", &create).said();
    assert_eq!(said.code, 0, "{said}");
    assert_seen!("sp-create-broad", shown(&azure, &said));
}

/// Runs with a folder for azcred's accounts that lasts.
fn at_home(run: Run, home: &tempfile::TempDir) -> Run {
    run.env("AZCRED_HOME", home.path().to_str().expect("it is text"))
}

#[test]
fn a_rotation_replaces_the_secret_at_once_or_later() {
    let azure = contoso();
    let home = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let said = at_home(sp(&azure, "admin", arguments), &home).said();
        assert_eq!(said.code, 0, "{said}");
        said
    };
    let store = ["--to", "encrypted-file"];
    run(&[&["create", "ci-train", "--secret"], &store[..]].concat());
    let at_once = run(&[&["rotate", "ci-train"], &store[..]].concat());
    assert_seen!("sp-rotate", shown(&azure, &at_once));
    assert_eq!(made(&azure), train(1));
    let later = [
        &["rotate", "ci-train", "--overlap", "1d", "-o", "json"],
        &store[..],
    ];
    let later = run(&later.concat()).json();
    assert_eq!(later["removed"], Value::Array(Vec::new()));
    assert_eq!(later["replaced"].as_array().map(Vec::len), Some(1));
    // Two secrets, and the mark of the one that goes.
    assert_eq!(made(&azure), [("ci-train".to_owned(), 2, 2)]);
    run(&["rotate", "ci-train", "--finish"]);
    assert_eq!(made(&azure), [("ci-train".to_owned(), 2, 2)]);
    let named = later["secret"]["keyId"].as_str().expect("an id");
    let other = later["replaced"][0]["keyId"].as_str().expect("an id");
    assert_ne!(named, other);
}

#[test]
fn the_only_secret_of_another_application_is_rotated_by_its_client_id() {
    let azure = contoso();
    let id = "a0000001-0000-4000-8000-000000000003";
    let run = [
        "rotate",
        "--client-id",
        id,
        "--for",
        "azure",
        "--to",
        "stdout",
    ];
    let said = sp(&azure, "admin", &run).said();
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stdout.contains("AZURE_CLIENT_SECRET="), "{said}");
    assert_seen!("sp-rotate-other", said.stderr);
    let directory = azure.emulator().world().directory();
    let mut all = directory.applications.values();
    let one = all.find(|one| one.name == "portal-made").unwrap();
    assert_eq!(one.secrets.len(), 1);
    let tags = one.properties.get("tags").and_then(Value::as_array);
    assert!(tags.is_none_or(Vec::is_empty), "{tags:?}");
}

#[test]
fn a_deletion_shows_what_goes_and_removes_it_all() {
    let azure = contoso();
    let home = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| at_home(sp(&azure, "admin", arguments), &home).said();
    let create = ["create", "ci-train", "--secret", "--to", "encrypted-file"];
    assert_eq!(run(&create).code, 0);
    let not_asked = run(&["delete", "ci-train"]);
    assert_eq!(not_asked.code, 2, "{not_asked}");
    assert_seen!("sp-delete-not-asked", shown(&azure, &not_asked));
    assert_eq!(made(&azure), train(1));
    let namesake = run(&["delete", "portal-made", "--yes"]);
    assert_eq!(namesake.code, 1, "{namesake}");
    let deleted = run(&["delete", "ci-train", "--yes", "--purge", "-o", "json"]).json();
    assert_eq!(deleted["profiles"], serde_json::json!(["ci-train"]));
    assert_eq!(deleted["roleAssignments"].as_array().map(Vec::len), Some(1));
    assert_eq!(made(&azure), []);
    let world = azure.emulator().world();
    assert_eq!(world.resources().role_assignments().count(), 2);
    assert_eq!(run(&["delete", "ci-train", "--yes"]).code, 1);
}

#[test]
fn what_azure_does_not_know_yet_is_waited_for_and_told() {
    let azure = contoso();
    let delay = Effect::ReplicationDelay {
        reads: 3,
        milliseconds: 0,
    };
    let faults = azure.emulator().faults();
    faults.arm(Fault::new(delay)).expect("it is valid");
    let said = sp(&azure, "admin", &["create", "ci-train"]).said();
    assert_eq!(said.code, 0, "{said}");
    assert!(
        said.stderr
            .contains("everywhere yet; azcred waits, 5 minutes at most"),
        "{said}"
    );
    assert!(!said.stderr.contains("error"), "{said}");
    assert_eq!(made(&azure), train(0));
}

#[test]
fn a_certificate_is_made_proved_handed_over_and_rotated() {
    let azure = contoso();
    let home = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let run = sp(&azure, "admin", arguments).directory(folder.path());
        let said = at_home(run, &home).said();
        assert_eq!(said.code, 0, "{said}");
        said
    };
    let certificates = || {
        let directory = azure.emulator().world().directory();
        let mut all = directory.applications.values();
        let one = all.find(|one| one.name == "ci-train").unwrap();
        let thumbprints = one.certificates.iter().map(Certificate::thumbprint_sha1);
        thumbprints.collect::<Vec<_>>()
    };
    let file = ["--to", "ci-train.pem", "-vvv"];
    let said = run(&[&["create", "ci-train", "--certificate"], &file[..]].concat());
    assert!(!said.to_string().contains("PRIVATE KEY"), "{said}");
    let first = std::fs::read_to_string(folder.path().join("ci-train.pem")).unwrap();
    assert!(first.contains("PRIVATE KEY") && first.contains("BEGIN CERTIFICATE"));
    let before = certificates();
    assert_eq!((before.len(), made(&azure)), (1, train(0)));
    // The old file stays as it is.
    run(&["rotate", "ci-train", "--to", "next.pem"]);
    assert!(folder.path().join("next.pem").exists());
    let after = certificates();
    assert_eq!((after.len(), made(&azure)), (1, train(0)));
    assert_ne!(before, after);
}

#[test]
fn a_secret_that_was_made_before_is_not_missed_in_a_pipe() {
    let azure = contoso();
    let create = ["create", "ci-train", "--for", "json", "--to", "stdout"];
    let first = sp(&azure, "admin", &create).said();
    assert_eq!(first.code, 0, "{first}");
    let password = first.json()["password"].clone();
    assert!(
        password
            .as_str()
            .is_some_and(|password| password.len() > 30)
    );
    let again = sp(&azure, "admin", &create).said();
    assert_eq!((again.code, &*again.stdout), (1, ""), "{again}");
    assert_seen!("sp-create-secret-again", again);
    assert_eq!(made(&azure), train(1));
}
