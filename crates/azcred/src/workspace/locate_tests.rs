//! Where a workspace's name is found, and the errors if it is not.

use super::*;
use crate::system::Fixture;

const SUB: &str = "5ec0ffee-0001-4000-8000-000000000001";

fn config(name: &str) -> String {
    format!(r#"{{"subscription_id": "{SUB}", "resource_group": "rg", "workspace_name": "{name}"}}"#)
}

fn find(system: &Fixture) -> Result<Located> {
    let folder = Path::new("/home/ada/project/src");
    locate(system, folder, &Named::default()).map(|located| located.expect("one is named"))
}

fn inside_a_job() -> Fixture {
    Fixture::new()
        .with_var("AZUREML_ARM_SUBSCRIPTION", SUB)
        .with_var("AZUREML_ARM_RESOURCEGROUP", "rg")
        .with_var("AZUREML_ARM_WORKSPACE_NAME", "ws-job")
}

#[test]
fn given_names_come_before_variables_before_files_before_hi_mls_variables() {
    let himl = Fixture::new()
        .with_var("HIML_SUBSCRIPTION_ID", SUB)
        .with_var("HIML_RESOURCE_GROUP", "rg")
        .with_var("HIML_WORKSPACE_NAME", "ws-himl");
    assert_eq!(find(&himl).unwrap().workspace.name(), "ws-himl");
    let file = himl.with_file("/home/ada/config.json", config("ws-file"));
    let found = find(&file).unwrap();
    assert_eq!(found.workspace.name(), "ws-file");
    assert_eq!(found.source, Source::File("/home/ada/config.json".into()));
    let job = inside_a_job().with_file("/home/ada/config.json", config("ws-file"));
    assert_eq!(find(&job).unwrap().workspace.name(), "ws-job");
    let named = Named {
        workspace: Some("ws-flag".into()),
        ..Named::default()
    };
    let found = locate(&job, Path::new("/"), &named).unwrap().unwrap();
    assert_eq!(
        (found.workspace.name(), found.workspace.resource_group()),
        ("ws-flag", "rg")
    );
    assert_eq!(found.source, Source::Named("the workspace's name"));
    assert_eq!(
        found.resource_group_source,
        Source::Variable("AZUREML_ARM_RESOURCEGROUP"),
        "each part knows where it came from"
    );
    assert_eq!(
        found.subscription_source,
        Source::Variable("AZUREML_ARM_SUBSCRIPTION")
    );
}

#[test]
fn a_resource_id_as_the_workspace_says_everything() {
    let id = format!(
        "/subscriptions/{SUB}/resourceGroups/other/providers/Microsoft.MachineLearningServices/workspaces/ws-id"
    );
    let named = Named {
        workspace: Some(id),
        ..Named::default()
    };
    let found = locate(&inside_a_job(), Path::new("/"), &named)
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.workspace.resource_group(), found.source),
        ("other", Source::Named("the workspace's name"))
    );
}

#[test]
fn files_are_found_in_the_order_of_ml_client() {
    // MLClient prefers a far .azureml/config.json to a near config.json.
    let both = Fixture::new()
        .with_file("/home/.azureml/config.json", config("ws-far"))
        .with_file("/home/ada/project/src/config.json", config("ws-near"));
    let found = find(&both).unwrap();
    assert_eq!(found.workspace.name(), "ws-far");
    let (path, other) = found
        .other
        .expect("hi-ml would go elsewhere, which must be said");
    assert_eq!(
        (path.as_path(), other.name()),
        (Path::new("/home/ada/project/src/config.json"), "ws-near")
    );
    let older = Fixture::new().with_file("/home/ada/aml_config/project.json", config("ws-old"));
    assert_eq!(find(&older).unwrap().workspace.name(), "ws-old");
    let same = Fixture::new()
        .with_file("/home/.azureml/config.json", config("ws-far"))
        .with_file("/home/config.json", config("ws-far"));
    assert_eq!(find(&same).unwrap().other, None);
}

#[test]
fn the_older_form_and_a_byte_order_mark_are_read() {
    let scope = format!(
        "\u{feff}{{\"Scope\": \"/subscriptions/{SUB}/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws-1\"}}"
    );
    assert_eq!(
        find(&Fixture::new().with_file("/config.json", scope))
            .unwrap()
            .workspace
            .name(),
        "ws-1"
    );
}

#[test]
fn a_file_of_something_else_does_not_hide_the_workspaces() {
    let model = r#"{"architectures": ["BertModel"], "model_type": "bert"}"#;
    for other in [
        model,
        "[]",
        "{}",
        "{ // a comment\n \"a\": 1 }",
        "\u{feff}{\"a\": 1}",
    ] {
        let above = Fixture::new()
            .with_file("/home/ada/project/src/config.json", other)
            .with_file("/home/ada/project/project.json", other)
            .with_file("/home/config.json", config("ws-1"));
        assert_eq!(find(&above).unwrap().workspace.name(), "ws-1", "{other}");
        let alone = Fixture::new().with_file("/home/config.json", other);
        let found = locate(&alone, Path::new("/home"), &Named::default());
        assert_eq!(found.unwrap(), None, "{other}");
        let variables = alone
            .with_var("HIML_SUBSCRIPTION_ID", SUB)
            .with_var("HIML_RESOURCE_GROUP", "rg")
            .with_var("HIML_WORKSPACE_NAME", "ws-2");
        assert_eq!(
            find(&variables).unwrap().workspace.name(),
            "ws-2",
            "{other}"
        );
    }
    // This folder is Azure Machine Learning's alone.
    let own = Fixture::new().with_file("/home/.azureml/config.json", model);
    assert!(find(&own).unwrap_err().why().contains("are not there"));
}

#[test]
fn a_file_is_read_as_people_have_it_and_its_values_too() {
    let plain = config("ws-1");
    let utf16 = |text: &str| -> Vec<u8> {
        let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    };
    for content in [
        format!("\u{feff}{plain}").into_bytes(),
        utf16(&plain),
        plain.replace(SUB, &format!(" {{{SUB}}}\\n")).into_bytes(),
        plain.replace("ws-1", "'ws-1'\u{200b}").into_bytes(),
    ] {
        let machine = Fixture::new().with_file("/home/config.json", content);
        let found = find(&machine).unwrap();
        assert_eq!(found.workspace.name(), "ws-1");
        assert_eq!(found.workspace.subscription(), SUB);
    }
}

#[test]
fn values_of_other_fields_may_be_of_no_use_here() {
    for other in [
        r#""more": 1e999"#,
        r#""more": "\ud800""#,
        r#""more": {"deep": [1e999]}"#,
        r#""workspace_name": "ws-old""#,
    ] {
        let text = config("ws-file").replacen('{', &format!("{{{other}, "), 1);
        let system = Fixture::new().with_file("/home/ada/config.json", text);
        let found = find(&system).unwrap_or_else(|error| panic!("{other}: {error}"));
        assert_eq!(found.workspace.name(), "ws-file", "{other}");
    }
}

#[test]
fn an_error_names_the_file_or_the_variable_and_the_field() {
    let said = |content: &str| {
        find(&Fixture::new().with_file("/home/config.json", content))
            .unwrap_err()
            .to_string()
    };
    let text = said(r#"{"subscription_id": "x", "resource_group": ""}"#);
    assert!(
        text.contains("/home/config.json")
            && text.contains("resource_group and workspace_name are not there"),
        "{text}"
    );
    let text = said(&config("ws-1").replace(SUB, "Contoso ML"));
    assert!(
        text.contains("/home/config.json") && text.contains("subscription 'Contoso ML'"),
        "{text}"
    );
    assert!(said("<html>").contains("not a JSON object"));
    assert!(said("{ broken, \"workspace_name\": 1").contains("/home/config.json"));
    assert!(said("PK\u{3}\u{4}").contains("ZIP archive"));
    assert!(said(r#"{"subscription_id": 7}"#).contains("subscription_id is not text"));
    assert!(said(r#"{"Scope": "x"}"#).contains("Scope"));

    let half = Fixture::new().with_var("AZUREML_ARM_SUBSCRIPTION", SUB);
    let text = find(&half).unwrap_err().to_string();
    assert!(
        text.contains("AZUREML_ARM_RESOURCEGROUP and AZUREML_ARM_WORKSPACE_NAME are not there"),
        "{text}"
    );

    let named = Named {
        workspace: Some("ws-1".into()),
        ..Named::default()
    };
    let text = locate(&Fixture::new(), Path::new("/"), &named)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("the subscription and the resource group are not given"),
        "{text}"
    );

    let nothing = locate(&Fixture::new(), Path::new("/home"), &Named::default());
    assert_eq!(nothing.unwrap(), None);
}

#[test]
fn the_name_of_a_checkouts_folder_does_not_reach_the_terminal_as_it_is() {
    let folder = Path::new("/code/x\u{1b}[31mred\u{1b}]0;owned\u{7}\u{9b}1m\u{202e}y");
    let said = |system: &Fixture| match locate(system, folder, &Named::default()) {
        Ok(located) => located.expect("one is named").source.to_string(),
        Err(error) => error.to_string(),
    };
    let file = folder.join("config.json");
    for system in [
        Fixture::new().with_file(&file, "<html>"),
        Fixture::new().with_file(&file, vec![b' '; 2 << 20]),
        Fixture::new().with_file(&file, config("ws-1")),
    ] {
        let shown = said(&system);
        assert!(shown.contains("/code/x [31mred"), "{shown:?}");
        assert!(
            !shown.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']),
            "{shown:?}"
        );
    }
}

#[test]
fn a_file_that_is_too_large_is_an_error_and_not_a_miss() {
    let system = Fixture::new().with_file("/home/config.json", vec![b' '; (LIMIT + 1) as usize]);
    assert!(
        find(&system)
            .unwrap_err()
            .what()
            .contains("/home/config.json")
    );
}

#[test]
fn each_folder_and_name_has_its_place_in_the_order() {
    let here = "/home/ada/project/src";
    let places = [
        ".azureml/config.json",
        ".azureml/project.json",
        "aml_config/config.json",
        "aml_config/project.json",
        "config.json",
        "project.json",
    ];
    // The later places have a file in this folder; each earlier one is added far above.
    let mut system = Fixture::new();
    for (number, place) in places.iter().enumerate().rev() {
        let folder = if number == 5 { here } else { "/home" };
        let name = format!("ws-{number}");
        system = system.with_file(format!("{folder}/{place}"), config(&name));
        assert_eq!(find(&system).unwrap().workspace.name(), name, "{place}");
    }
}

#[test]
fn the_search_climbs_twenty_folders() {
    let folder = |depth: usize| format!("/{}", vec!["d"; depth].join("/"));
    let system = Fixture::new().with_file("/config.json", config("ws-top"));
    let found = |depth| locate(&system, Path::new(&folder(depth)), &Named::default()).unwrap();
    assert!(found(20).is_some());
    assert!(found(21).is_none());
}

#[test]
fn an_empty_scope_is_not_the_older_form() {
    let text = config("ws-1").replacen('{', r#"{"Scope": "", "#, 1);
    let found = find(&Fixture::new().with_file("/home/config.json", text)).unwrap();
    assert_eq!(found.workspace.name(), "ws-1");
}

#[test]
fn the_fix_of_missing_variables_is_to_set_them_and_that_of_a_bad_value_is_kept() {
    let half = Fixture::new().with_var("AZUREML_ARM_SUBSCRIPTION", SUB);
    let missing = ["AZUREML_ARM_RESOURCEGROUP", "AZUREML_ARM_WORKSPACE_NAME"];
    assert_eq!(find(&half).unwrap_err().fix(), Some(&Fix::set(missing)));
    let bad = inside_a_job().with_var("AZUREML_ARM_SUBSCRIPTION", "Contoso ML");
    assert_eq!(find(&bad).unwrap_err().fix(), Some(&Fix::CheckSubscription));
}
