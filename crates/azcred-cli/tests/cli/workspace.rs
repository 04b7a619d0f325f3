//! `azcred workspace list`, `show` and `use`.

use crate::{
    azure::Azure,
    run::{Run, Said, assert_seen, azcred},
    subscription::{SEED, seeded},
};
use azcred_emulator::{Persona, Way};
use std::{fmt::Write, fs, path::Path};
use tempfile::TempDir;

/// A new folder for each test, without variables that name a workspace.
struct WorkspaceFolder {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl WorkspaceFolder {
    fn new(mut variables: Vec<(String, String)>) -> Self {
        variables.retain(|(name, _)| !name.starts_with("AZUREML_"));
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            variables,
        }
    }

    fn of(azure: &Azure) -> Self {
        Self::new(azure.environment(Persona::ServicePrincipal, Way::RealNames))
    }

    fn run(&self, arguments: &[&str]) -> Run {
        azcred(&["workspace"])
            .args(arguments)
            .envs(&self.variables)
            .directory(self.folder.path())
    }

    fn said(&self, arguments: &[&str]) -> Said {
        self.run(arguments).said()
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn config(&self) -> serde_json::Value {
        let bytes = fs::read(self.path().join("config.json")).expect("it is there");
        serde_json::from_slice(&bytes).expect("JSON")
    }
}

/// The lister's subscription with this many workspaces, and another one with a workspace of the
/// same name.
fn with_workspaces(count: usize) -> String {
    let mut seed = SEED.to_owned();
    for (number, name) in [(1, "West"), (2, "East")] {
        write!(
            seed,
            "[[subscriptions]]\nid = \"5ec0ffee-0000-4000-8000-00000000000{number}\"\nname = \"{name}\"\n\
             tenant = \"contoso.onmicrosoft.com\"\nmanagement_group = \"all\"\n\
             [[resource_groups]]\nsubscription = \"5ec0ffee-0000-4000-8000-00000000000{number}\"\nname = \"rg-{name}\"\n\
             location = \"westeurope\"\n"
        )
        .expect("a string takes it");
    }
    let mut add = |subscription: usize, group: &str, number: usize| {
        write!(
            seed,
            "[[workspaces]]\nsubscription = \"5ec0ffee-0000-4000-8000-00000000000{subscription}\"\n\
             resource_group = \"rg-{group}\"\nname = \"ws-{number:04}\"\nlocation = \"westeurope\"\n\
             workspace_id = \"5ec0ffee-000{subscription}-4000-8000-10000000{number:04}\"\n"
        )
        .expect("a string takes it");
    };
    for number in 0..count {
        add(1, "West", number);
    }
    add(2, "East", 0);
    seed
}

#[test]
fn the_workspaces_are_listed_and_the_folders_is_marked() {
    let azure = Azure::shared();
    let desk = WorkspaceFolder::of(&azure);
    assert_seen!("workspace-list", desk.said(&["list"]));
    assert_eq!(desk.said(&["use", "ws-contoso-ml"]).code, 0);
    assert_seen!("workspace-list-here", desk.said(&["list"]));
    let json = desk.said(&["list", "-o", "json"]);
    assert_seen!("workspace-list-json", json);
    let said = desk.said(&[
        "list",
        "--subscription",
        "contoso ml",
        "-g",
        "rg-contoso-ml",
    ]);
    assert!(said.stdout.contains("ws-contoso-ml"), "{said}");
    let said = desk.said(&["list", "-g", "rg-other"]);
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stdout.contains("no workspace"), "{said}");
    let said = desk.said(&["list", "--subscription", "Fabrikam"]);
    assert_eq!(said.code, 1, "{said}");
    assert_seen!("workspace-list-no-subscription", said);
}

#[test]
fn a_list_of_workspaces_is_read_to_its_last_page() {
    let azure = seeded(with_workspaces(1001));
    let desk = WorkspaceFolder::new(azure.application("lister"));
    let json = desk.said(&["list", "-o", "json"]).json();
    let listed = json["workspaces"].as_array().expect("a list");
    assert_eq!(listed.len(), 1002);
    assert_eq!(json["trouble"], serde_json::json!([]));
}

#[test]
fn two_workspaces_with_one_name_differ_by_subscription_group_or_id() {
    let azure = seeded(with_workspaces(1));
    let desk = WorkspaceFolder::new(azure.application("lister"));
    let said = desk.said(&["show", "ws-0000"]);
    assert_eq!(said.code, 1, "{said}");
    assert_seen!("workspace-show-twice", said);
    let group = |arguments: &[&str]| {
        let said = desk.said(arguments);
        said.json()["resourceGroup"].as_str().map(str::to_owned)
    };
    let by = |option, value| group(&["show", "WS-0000", option, value, "-o", "json"]);
    assert_eq!(by("-g", "rg-east").as_deref(), Some("rg-East"));
    assert_eq!(by("--subscription", "west").as_deref(), Some("rg-West"));
    let id = "/subscriptions/5ec0ffee-0000-4000-8000-000000000002/resourceGroups/rg-East/providers/\
              Microsoft.MachineLearningServices/workspaces/ws-0000";
    assert_eq!(
        group(&["show", id, "-o", "json"]).as_deref(),
        Some("rg-East")
    );
}

#[test]
fn a_workspace_is_shown_by_name_and_for_the_folder() {
    let azure = Azure::shared();
    let desk = WorkspaceFolder::of(&azure);
    assert_seen!("workspace-show", desk.said(&["show", "ws-contoso-ml"]));
    let said = desk.said(&["show"]);
    assert_eq!(said.code, 1, "{said}");
    assert_seen!("workspace-show-none", said);
    assert_eq!(desk.said(&["use", "ws-contoso-ml"]).code, 0);
    let said = desk.said(&["show", "-o", "json"]).json();
    assert_eq!(
        (&said["isHere"], &said["name"]),
        (&true.into(), &"ws-contoso-ml".into())
    );
    assert!(
        said["source"]
            .as_str()
            .is_some_and(|file| file.ends_with("config.json"))
    );
    let said = desk.said(&["show", "nonesuch"]);
    assert_eq!(said.code, 1, "{said}");
    assert_seen!("workspace-show-nonesuch", said);
}

#[test]
fn an_identity_that_sees_nothing_gets_a_fix() {
    let azure = Azure::shared();
    let desk = WorkspaceFolder::new(azure.application("azcred-noroles"));
    let said = desk.said(&["list"]);
    assert_eq!(said.code, 0, "{said}");
    assert_seen!("workspace-list-nothing", said);
    let id = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers/\
              Microsoft.MachineLearningServices/workspaces/ws-contoso-ml";
    let said = desk.said(&["use", id]);
    assert_eq!(said.code, 5, "{said}");
    assert!(!desk.path().join("config.json").exists());
}

#[test]
fn use_writes_what_mlclient_reads_and_reports_an_unchanged_file() {
    let azure = Azure::shared();
    let desk = WorkspaceFolder::of(&azure);
    let said = desk.said(&["use", "WS-contoso-ml"]);
    assert_seen!("workspace-use", said);
    assert_eq!(
        desk.config(),
        serde_json::json!({
            "subscription_id": "5ec0ffee-0001-4000-8000-000000000001",
            "resource_group": "rg-contoso-ml",
            "workspace_name": "ws-contoso-ml",
        })
    );
    let again = desk.said(&["use", "ws-contoso-ml", "-o", "json"]);
    assert_eq!(again.json()["isChanged"], false);
    assert_eq!(again.json()["isHere"], true);
}

#[test]
fn a_models_config_json_is_not_changed() {
    let azure = Azure::shared();
    let desk = WorkspaceFolder::of(&azure);
    let file = desk.path().join("config.json");
    let model = r#"{"architectures": ["BertModel"]}"#;
    fs::write(&file, model).expect("written");
    let said = desk.said(&["use", "ws-contoso-ml"]);
    assert_eq!(said.code, 1, "{said}");
    assert!(said.stderr.contains("belongs to another program"), "{said}");
    assert_eq!(fs::read_to_string(&file).expect("it is there"), model);
    let said = desk.said(&["use", "ws-contoso-ml", "--file", ".azureml/config.json"]);
    assert_eq!(said.code, 0, "{said}");
    // MLClient reads that variable first.
    let said = desk.said(&["show", "-o", "json"]);
    assert!(
        said.json()["source"]
            .as_str()
            .is_some_and(|file| file.contains(".azureml")),
        "{said}"
    );
}

#[test]
fn a_file_with_precedence_is_named() {
    let azure = Azure::shared();
    let desk = WorkspaceFolder::of(&azure);
    let other = r#"{"subscription_id": "5ec0ffee-0001-4000-8000-000000000001", "resource_group": "rg", "workspace_name": "other"}"#;
    fs::create_dir(desk.path().join(".azureml")).expect("a folder");
    fs::write(desk.path().join(".azureml/config.json"), other).expect("written");
    let said = desk.said(&["use", "ws-contoso-ml"]);
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stderr.contains(".azureml/config.json first"), "{said}");
    let said = desk
        .run(&["use", "ws-contoso-ml"])
        .env(
            "AZUREML_ARM_SUBSCRIPTION",
            "5ec0ffee-0001-4000-8000-000000000001",
        )
        .env("AZUREML_ARM_RESOURCEGROUP", "rg")
        .env("AZUREML_ARM_WORKSPACE_NAME", "other")
        .said();
    let variables =
        "AZUREML_ARM_SUBSCRIPTION, AZUREML_ARM_RESOURCEGROUP and AZUREML_ARM_WORKSPACE_NAME";
    assert!(said.stderr.contains(variables), "{said}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_can_not_be_written_is_named_with_what_to_do() {
    use std::os::unix::fs::PermissionsExt;
    let azure = Azure::shared();
    let desk = WorkspaceFolder::of(&azure);
    let closed = desk.path().join("closed");
    fs::create_dir(&closed).expect("a folder");
    fs::set_permissions(&closed, PermissionsExt::from_mode(0o555)).expect("its mode");
    // Root can write to all other folders.
    let file = match rustix::process::geteuid().is_root() {
        true => "/proc/config.json",
        false => "closed/config.json",
    };
    let said = desk.said(&["use", "ws-contoso-ml", "--file", file]);
    assert_eq!(said.code, 1, "{said}");
    assert!(said.stderr.contains("can't be written"), "{said}");
    assert!(said.stderr.contains("--file"), "{said}");
}

#[test]
fn without_a_name_and_a_terminal_there_is_no_prompt() {
    let azure = Azure::shared();
    let desk = WorkspaceFolder::of(&azure);
    let said = desk.said(&["use"]);
    assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{said}");
    assert!(said.stderr.contains("azcred workspace use NAME"), "{said}");
    assert!(!desk.path().join("config.json").exists());
}

#[cfg(unix)]
#[test]
fn at_a_terminal_a_person_picks_from_the_list() {
    use crate::{run::end, terminal::Terminal};
    let azure = seeded(with_workspaces(1));
    let desk = WorkspaceFolder::new(azure.application("lister"));
    let mut terminal = Terminal::new(80, 24);
    let child = terminal.start(desk.run(&["use"]));
    let shown = terminal.until("Which workspace? [1-2]");
    assert!(
        shown.contains("2  ws-0000") && shown.contains("rg-East"),
        "{shown}"
    );
    terminal.types("3\n");
    terminal.until("Type a number from 1 to 2");
    terminal.types("ws-0000\n");
    terminal.until("Several have this name");
    terminal.types("2\n");
    let said = end(child);
    assert_eq!(said.code, 0, "{said}\n{}", terminal.rest());
    let config = desk.config();
    assert!(config["resource_group"] == "rg-East" || config["resource_group"] == "rg-West");
    let terminal = Terminal::new(80, 24);
    let said = end(terminal.start(desk.run(&["use", "--no-input"])));
    let written = terminal.rest();
    assert_eq!(said.code, 2, "{written}");
    assert!(written.contains("--no-input"), "{written}");
}
