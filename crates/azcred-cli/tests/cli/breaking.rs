//! `azcred emulator break` and `repair`.

use crate::{
    azure::Azure,
    run::{AZCRED, Run, assert_seen, azcred},
};
use azcred_emulator::{Options, troubles};
use std::{collections::BTreeSet, path::Path, process::Command};

/// An emulator with its own state folder.
struct Scene {
    azure: Azure,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("azcred-emulator-")
            .tempdir();
        let folder = folder.expect("a folder");
        let azure = Azure::own(Options {
            state_dir: Some(folder.path().join("state")),
            ..Options::default()
        });
        Self { azure, folder }
    }

    fn state(&self) -> String {
        let state = self.folder.path().join("state");
        state.to_str().expect("text").to_owned()
    }

    fn run(&self, arguments: &str) -> Run {
        let mut all = vec!["emulator"];
        all.extend(arguments.split_whitespace());
        azcred(&all)
            .args(&["--state", &self.state()])
            .env("HOME", self.home().to_str().expect("text"))
            .env("SHELL", "/bin/sh")
    }

    fn home(&self) -> std::path::PathBuf {
        let home = self.folder.path().join("home");
        std::fs::create_dir_all(&home).expect("a folder");
        home
    }

    /// What a script of sh prints, with `azcred` on its path.
    fn script(&self, script: &str) -> String {
        let folder = Path::new(AZCRED).parent().expect("a folder");
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script);
        let said = Run::bare(command)
            .env(
                "PATH",
                &format!("{}:/usr/bin:/bin", folder.to_str().expect("text")),
            )
            .env("HOME", self.home().to_str().expect("text"))
            .env("SHELL", "/bin/sh")
            .env("STATE", &self.state())
            .said();
        said.to_string()
    }
}

#[test]
fn the_list_has_every_trouble_by_area_and_needs_no_emulator() {
    let said = azcred(&["emulator", "break", "--list"]).said();
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
    let words: Vec<&str> = said.stdout.split_whitespace().collect();
    let words = words.join(" ");
    let mut last = 0;
    for trouble in troubles::ALL {
        let line = format!("{} {}", trouble.name, trouble.sentence);
        let at = words
            .find(&line)
            .unwrap_or_else(|| panic!("{line}: {said}"));
        assert!(at > last, "{line}");
        last = at;
    }
    let list = azcred(&["emulator", "break", "--list", "--output", "json"])
        .said()
        .json();
    let list = list["troubles"].as_array().expect("a list");
    assert_eq!(list.len(), troubles::ALL.len());
    for (document, trouble) in list.iter().zip(troubles::ALL) {
        assert_eq!(document["name"], trouble.name);
        assert_eq!(document["area"], trouble.area.title());
        assert_eq!(document["sentence"], trouble.sentence);
        assert_eq!(document["fixedBy"], trouble.cure.by());
        assert!(!document["accounts"].as_array().expect("a list").is_empty());
    }
}

#[test]
fn an_unknown_trouble_suggests_the_nearest_one() {
    let said = azcred(&["emulator", "break", "expired-secrets"]).said();
    assert_eq!(said.code, 2);
    assert_seen!("emulator-break-unknown", said);
    let said = azcred(&["emulator", "break"]).said();
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("WHAT"), "{said}");
}

#[test]
fn without_an_emulator_neither_command_does_anything() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let state = state.to_str().expect("text");
    for arguments in [&["break", "no-role"][..], &["repair"]] {
        let said = azcred(&["emulator"])
            .args(arguments)
            .args(&["--state", state])
            .said();
        assert_eq!(said.code, 1, "{said}");
        assert!(said.stderr.contains("no emulator is running"), "{said}");
        assert!(said.stderr.contains("`azcred emulator start"), "{said}");
    }
    assert!(!folder.path().join("state").exists());
}

#[test]
fn a_trouble_without_variables_prints_no_line_for_the_shell() {
    let scene = Scene::new();
    let said = scene.run("break no-role").said();
    assert_eq!((said.code, said.stdout.as_str()), (0, ""), "{said}");
    assert_seen!("emulator-break", said);
    let said = scene.run("repair").said();
    assert_eq!((said.code, said.stdout.as_str()), (0, ""), "{said}");
    assert_seen!("emulator-repair", said);
    let said = scene.run("repair").said();
    assert!(said.stderr.contains("in no trouble"), "{said}");
    let said = scene.run("repair no-role").said();
    assert_eq!(said.code, 1, "{said}");
    assert!(said.stderr.contains("is not in this trouble"), "{said}");
}

#[test]
fn as_json_a_trouble_has_its_variables_files_and_fix() {
    let scene = Scene::new();
    let said = scene.run("break config-malformed --output json").said();
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
    let document = said.json();
    let keys: BTreeSet<&str> = document
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    let expected = "accounts area directory files fix fixedBy name sentence unset variables";
    let expected: BTreeSet<&str> = expected.split(' ').collect();
    assert_eq!(keys, expected);
    assert_eq!(document["name"], "config-malformed");
    assert_eq!(document["unset"].as_array().expect("a list").len(), 3);
    let file = document["files"][0].as_str().expect("a file");
    assert!(
        std::fs::read_to_string(file)
            .expect("text")
            .contains(",\n}")
    );
    let directory = document["directory"].as_str().expect("a folder");
    assert_eq!(Path::new(file).parent(), Some(Path::new(directory)));

    let document = scene.run("repair --output json").said().json();
    assert_eq!(
        document["repaired"],
        serde_json::json!(["config-malformed"])
    );
    assert_eq!(
        document["variables"]["AZUREML_ARM_WORKSPACE_NAME"],
        "ws-contoso-ml"
    );
    assert!(!Path::new(file).exists());
}

#[test]
#[cfg(unix)]
fn the_lines_put_a_shell_into_the_trouble_and_out_of_it() {
    let scene = Scene::new();
    let said = scene.script(
        "eval \"$(azcred emulator break half-set-variables --as service-principal --state $STATE)\"\n\
         azcred whoami && echo healthy before\n\
         eval \"$(azcred emulator repair --state $STATE)\"\n\
         azcred whoami && echo healthy after\n",
    );
    assert!(!said.contains("healthy before"), "{said}");
    assert!(said.contains("healthy after"), "{said}");
    let secret = scene.azure.info().service_principal().expect("one").1;
    assert!(!said.contains(secret), "{said}");
}

#[test]
#[cfg(unix)]
fn two_troubles_are_combined_in_one_shell() {
    let scene = Scene::new();
    let said = scene.script(
        "eval \"$(azcred emulator env --state $STATE)\"\n\
         eval \"$(azcred emulator break secret-in-quotes --state $STATE)\"\n\
         eval \"$(azcred emulator break config-missing --state $STATE)\"\n\
         echo \"$AZURE_CLIENT_SECRET\" | cut -c 1\n\
         echo \"workspace: $AZUREML_ARM_WORKSPACE_NAME.\"; pwd\n",
    );
    assert!(said.contains("\n\"\n"), "{said}");
    assert!(said.contains("workspace: ."), "{said}");
    assert!(said.contains("troubles/config-missing"), "{said}");
}

#[test]
fn a_trouble_is_rejected_for_another_account() {
    let scene = Scene::new();
    let said = scene.run("break revoked-sign-in --as vm").said();
    assert_eq!(said.code, 1, "{said}");
    assert_seen!("emulator-break-account", said);
}

#[test]
fn no_trouble_touches_the_users_files() {
    let scene = Scene::new();
    let home = scene.home();
    let names = [
        "config-malformed",
        "wrong-account",
        "expired-assertion",
        "az-profile-damaged",
        "bundle-incomplete",
    ];
    for name in names {
        let line = format!("break {name} --output json");
        let said = scene.run(&line).directory(&home).said();
        assert_eq!(said.code, 0, "{said}");
        assert_ne!(said.json()["files"], serde_json::json!([]));
    }
    let said = scene.run("repair --output json").directory(&home).said();
    assert_eq!(said.json()["repaired"], serde_json::json!(names));
    let left: Vec<_> = std::fs::read_dir(&home).expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
}
