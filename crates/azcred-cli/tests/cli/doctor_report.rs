//! The file of `azcred doctor --report`: whatever has a secret, a name or an address in it, the
//! file has none.

use crate::{
    authority::{Authority, response},
    azure::Azure,
    run::{Run, azcred},
};
use serde_json::Value;
use std::{fs, path::Path};

/// Planted in every place that others fill. Each is a secret, a name or an address.
const PLANTED: [&str; 4] = ["hunter2", "Zoe", "Quartz", "@example.com"];

/// All of them, in a form that fits anywhere.
const TEXT: &str = "hunter2-Zoe-Quartz-zoe.quartz@example.com";

/// Runs the doctor in a folder, and returns the file.
fn report(run: Run, folder: &Path) -> String {
    let path = folder.join("doctor.json");
    let said = run
        .args(&["--report", path.to_str().expect("text")])
        .directory(folder)
        .said();
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert!(said.stderr.contains("Nothing was sent"), "{said}");
    text
}

fn assert_clean(text: &str) {
    let lower = text.to_lowercase();
    for planted in PLANTED {
        let planted = planted.to_lowercase();
        assert!(!lower.contains(&planted), "'{planted}' is in it:\n{text}");
    }
}

/// A folder whose name and files are a person's.
fn home() -> tempfile::TempDir {
    let folder = tempfile::Builder::new()
        .prefix("Zoe Quartz ")
        .tempdir()
        .expect("a folder");
    let config = format!(
        r#"{{"subscription_id": "5ec0ffee-0001-4000-8000-000000000001", "resource_group": "{TEXT}", "workspace_name": "zoe-quartz"}}"#
    )
    .replace('@', "-");
    fs::write(folder.path().join("config.json"), config).expect("written");
    folder
}

#[test]
fn a_report_has_no_value_of_any_variable() {
    let folder = home();
    let known: Vec<&str> = azcred_guest::known(|_| true).collect();
    let set = |skipped: &[&str]| {
        let names = known.iter().filter(|name| !skipped.contains(name));
        let mut variables: Vec<(String, String)> = names
            .map(|name| ((*name).to_owned(), TEXT.to_owned()))
            .collect();
        for (name, value) in [
            ("HTTPS_PROXY", "http://Zoe:hunter2@quartz.example:1"),
            ("NO_PROXY", "zoe.quartz.example"),
            ("USER", "Zoe Quartz"),
        ] {
            variables.push((name.to_owned(), value.to_owned()));
        }
        variables
    };
    // Whatever stops the doctor first, the rest of the values is there too.
    for skipped in [
        &[][..],
        &["AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID"],
        &[
            "AZURE_AUTHORITY_HOST",
            "AZURE_CLIENT_ID",
            "AZURE_CLIENT_SECRET",
        ],
    ] {
        let run = azcred(&["doctor"]).envs(&set(skipped));
        let text = report(run, folder.path());
        assert_clean(&text);
        let report: Value = serde_json::from_str(&text).expect("JSON");
        let variables = report["variables"].as_object().expect("an object");
        assert!(variables.contains_key("HTTPS_PROXY"), "{text}");
        assert!(variables.len() > 20, "{text}");
        fs::remove_file(folder.path().join("doctor.json")).expect("removed");
    }
}

#[test]
fn a_report_has_nothing_that_the_other_side_wrote() {
    let folder = home();
    let answers = [
        format!(
            r#"{{"error": "{TEXT}", "error_description": "AADSTS7000222: {TEXT}", "error_codes": [7000222], "correlation_id": "{TEXT}", "trace_id": "{TEXT}"}}"#
        ),
        format!(
            r#"{{"error": "invalid_client", "error_description": "{TEXT}: AADSTSZoe", "error_codes": [], "correlation_id": "6f60f49c-91cd-41a8-95d3-b51ccefa8fc3"}}"#
        ),
        format!("<html>{TEXT}</html>"),
    ];
    for answer in answers {
        let authority = Authority::answering(move |_| response("401 Unauthorized", "", &answer));
        let run = azcred(&["doctor"])
            .env("AZURE_AUTHORITY_HOST", &authority.url())
            .env("AZURE_TENANT_ID", "zoe.quartz.example")
            .env("AZURE_CLIENT_ID", "c11e0000-0000-4000-8000-000000000001")
            .env("AZURE_CLIENT_SECRET", "hunter2");
        let text = report(run, folder.path());
        assert_clean(&text);
        fs::remove_file(folder.path().join("doctor.json")).expect("removed");
    }
}

#[test]
fn a_report_has_the_code_and_the_correlation_id_and_no_other_id() {
    let azure = Azure::shared();
    let folder = tempfile::tempdir().expect("a folder");
    let variables = azure.application("azcred-expired");
    let text = report(azcred(&["doctor"]).envs(&variables), folder.path());
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let checks = report["checks"].as_array().expect("checks");
    let failed = checks.iter().find(|check| check["status"] == "failed");
    let failed = failed.expect("the sign-in failed");
    assert_eq!(failed["code"], "AADSTS7000222", "{text}");
    assert!(failed["correlationId"].is_string(), "{text}");
    for (_, value) in &variables {
        let is_id = uuid::Uuid::try_parse(value).is_ok();
        assert!(!is_id || !text.contains(value.as_str()), "{value}: {text}");
    }
    // A file that is there is never replaced.
    let path = folder.path().join("doctor.json");
    let again = azcred(&["doctor", "--report", path.to_str().expect("text")])
        .envs(&variables)
        .said();
    assert!(again.stderr.contains("exists already"), "{again}");
    assert_eq!(fs::read_to_string(&path).expect("it is there"), text);
}
