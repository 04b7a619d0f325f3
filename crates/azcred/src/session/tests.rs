//! Tests of sessions on different machines, without requests.

use super::*;
use crate::{
    audience::FederatedAudience,
    chain::{Expect, Source},
    facts::ErrorKind,
    profile::Profile,
    system::{Fixture, SharedSystem},
};
use std::path::Path;

const PROJECT: &str = "/home/ada/project";

fn home() -> Fixture {
    Fixture::new().with_var("HOME", "/home/ada")
}

fn builder(machine: &Fixture) -> SessionBuilder {
    let machine: SharedSystem = machine.clone().shared();
    Session::builder().at(machine, PROJECT)
}

async fn open(machine: &Fixture) -> Result<Session> {
    builder(machine).open().await
}

fn names(session: &Session) -> Vec<String> {
    let name = |setting: &Setting| match &setting.value {
        Some(value) => format!("{:?} {}={value}", setting.kind, setting.name),
        None => format!("{:?} {}", setting.kind, setting.name),
    };
    session.decided_by().iter().map(name).collect()
}

#[tokio::test]
async fn the_program_is_stronger_than_a_variable_and_a_variable_than_a_file() {
    let machine = home().with_file(
        "/home/ada/azcred.toml",
        "[chain]\npreset = \"kedro\"\nexclude = [\"azure-powershell\"]\n",
    );
    let by_file = open(&machine).await.unwrap();
    assert_eq!(by_file.preset(), Preset::Kedro);
    assert_eq!(names(&by_file), ["File /home/ada/azcred.toml"]);

    let machine = machine
        .with_var(PRESET_VARIABLE, "hi-ml")
        .with_var(PROFILE_VARIABLE, "work");
    let by_variable = open(&machine).await.unwrap();
    assert_eq!(by_variable.preset(), Preset::HiMl);
    assert_eq!(by_variable.options().profile().name(), "work");
    assert_eq!(
        names(&by_variable),
        [
            "File /home/ada/azcred.toml",
            "Variable AZCRED_PRESET=hi-ml",
            "Variable AZCRED_PROFILE"
        ]
    );

    let by_program = builder(&machine)
        .preset(Preset::Azure)
        .profile(Profile::new("mine").unwrap())
        .only([Source::AzureCli])
        .open()
        .await
        .unwrap();
    assert_eq!(by_program.preset(), Preset::Azure);
    assert_eq!(by_program.options().profile().name(), "mine");
    assert_eq!(
        names(&by_program),
        [
            "Option preset=azure",
            "Option profile=mine",
            "Option only=azure-cli",
            "File /home/ada/azcred.toml"
        ]
    );
}

#[tokio::test]
async fn a_variable_that_decides_nothing_is_not_listed_and_an_unknown_value_is_not_shown() {
    let machine = home()
        .with_var("AZURE_TOKEN_CREDENTIALS", "prod")
        .with_var("AZCRED_IMDS", "a-secret-in-the-wrong-place");
    let session = open(&machine).await.unwrap();
    assert_eq!(
        names(&session),
        [
            "Variable AZURE_TOKEN_CREDENTIALS=prod",
            "Variable AZCRED_IMDS"
        ]
    );
    let himl = builder(&machine).preset(Preset::HiMl).open().await.unwrap();
    assert_eq!(
        names(&himl),
        ["Option preset=hi-ml", "Variable AZCRED_IMDS"]
    );
}

#[tokio::test]
async fn a_variable_that_can_not_be_used_is_named() {
    for (name, value) in [
        (PRESET_VARIABLE, "fast"),
        (PROFILE_VARIABLE, "a/b"),
        ("AZCRED_CACHE", "always"),
        ("AZCRED_HOME", "relative"),
        ("AZURE_AUTHORITY_HOST", "http://evil.example"),
        ("ARM_CLOUD_METADATA_URL", "http://evil.example"),
    ] {
        let error = open(&home().with_var(name, value)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    for (name, value, possible) in [
        (
            PRESET_VARIABLE,
            "fast",
            &["azcred", "azure", "kedro", "hi-ml"][..],
        ),
        (PROFILE_VARIABLE, "a/b", &["work"]),
        ("AZCRED_CACHE", "always", &["never"]),
    ] {
        let error = open(&home().with_var(name, value)).await.unwrap_err();
        let fix = error.fix().unwrap().to_string();
        assert!(
            error
                .what()
                .ends_with(&format!("{name} ('{value}') is not valid")),
            "{error}"
        );
        for value in possible {
            assert!(fix.contains(value), "{error}");
        }
        assert!(fix.contains("unset"), "{error}");
        let secret = "kX8Q~TopSecretValue0123456789";
        let error = open(&home().with_var(name, secret)).await.unwrap_err();
        assert!(!error.to_string().contains(&secret[13..]), "{error}");
    }
    #[cfg(unix)]
    {
        let latin: std::ffi::OsString =
            std::os::unix::ffi::OsStringExt::from_vec(b"s\xe9cret".to_vec());
        let machine = home().with_var_os("AZURE_CLIENT_SECRET", latin);
        let error = open(&machine).await.unwrap_err();
        assert!(error.what().contains("AZURE_CLIENT_SECRET"), "{error}");
    }
    let misspelt = home().with_file(Path::new(PROJECT).join("azcred.toml"), "[chian]\n");
    let error = open(&misspelt).await.unwrap_err();
    assert!(error.to_string().contains("azcred.toml"), "{error}");
}

#[tokio::test]
async fn tokens_are_for_resource_manager_of_the_cloud_unless_told_otherwise() {
    let china = home().with_var("AZUREML_CURRENT_CLOUD", "AzureChinaCloud");
    let session = open(&china).await.unwrap();
    assert_eq!(
        session.scope().as_str(),
        "https://management.chinacloudapi.cn/.default"
    );
    let tenant = TenantId::new("contoso.com").unwrap();
    let storage = builder(&china)
        .scope(Scope::STORAGE)
        .tenant(tenant.clone())
        .claims("{}")
        .open()
        .await
        .unwrap();
    let request = storage.request();
    assert_eq!(request.scopes(), [Scope::STORAGE]);
    assert_eq!(
        (request.tenant(), request.claims()),
        (Some(&tenant), Some("{}"))
    );
}

#[cfg(feature = "developer-tools")]
#[tokio::test]
async fn the_limit_of_a_tool_is_the_programs_or_else_the_files() {
    let seconds = std::time::Duration::from_secs;
    let text = "[chain]\nprocess_timeout = 20\n";
    let machine = home().with_file(Path::new(PROJECT).join("azcred.toml"), text);
    let by_file = open(&machine).await.unwrap();
    assert_eq!(by_file.options().process_timeout(), Some(seconds(20)));
    let by_program = builder(&machine).process_timeout(seconds(30));
    let by_program = by_program.open().await.unwrap();
    assert_eq!(by_program.options().process_timeout(), Some(seconds(30)));
    let neither = open(&home()).await.unwrap();
    assert_eq!(neither.options().process_timeout(), None);
}

#[tokio::test]
async fn the_audience_of_a_jobs_token_is_the_one_that_the_program_gives() {
    let own = FederatedAudience::new("api://own").unwrap();
    let session = builder(&home()).federated_audience(own.clone());
    let session = session.open().await.unwrap();
    assert_eq!(session.options().federated_audience(), Some(&own));
    // The token is valid for everyone with its audience, so no file can choose it.
    for table in ["", "[chain]\n", "[expect]\n"] {
        let text = format!("{table}federated_audience = \"api://own\"\n");
        let machine = home().with_file(Path::new(PROJECT).join("azcred.toml"), text);
        let error = open(&machine).await.unwrap_err();
        assert!(error.why().contains("federated_audience"), "{error}");
    }
}

#[tokio::test]
async fn the_workspace_is_the_one_of_the_folder_unless_one_is_named() {
    let config = r#"{"subscription_id": "5ec0ffee-0001-4000-8000-000000000001",
        "resource_group": "rg", "workspace_name": "ws-file"}"#;
    let machine = home().with_file("/home/ada/config.json", config);
    let workspace = |session: Session| {
        let located = session.workspace().unwrap();
        located.map(|located| located.workspace.name().to_owned())
    };
    assert_eq!(workspace(open(&home()).await.unwrap()), None);
    assert_eq!(
        workspace(open(&machine).await.unwrap()).as_deref(),
        Some("ws-file")
    );
    let named = Named {
        workspace: Some("ws-mine".to_owned()),
        ..Named::default()
    };
    let session = builder(&machine).workspace(named).open().await.unwrap();
    assert_eq!(workspace(session).as_deref(), Some("ws-mine"));
}

#[tokio::test]
async fn in_a_program_with_one_account_nothing_chooses_another() {
    const ADDRESS: &str = "http://127.0.0.1:8400/msi/token";
    let machine = home()
        .with_var("IDENTITY_ENDPOINT", ADDRESS)
        .with_var("IDENTITY_HEADER", "its-secret")
        .with_var(PRESET_VARIABLE, "hi-ml")
        .with_file(
            "/home/ada/azcred.toml",
            "[chain]
             exclude = [\"managed-identity\"]
             [expect]
             sources = [\"azure-cli\"]
             principal = \"ada@contoso.com\"",
        );
    let inside = machine.clone().with_var(EXEC_VARIABLE, ADDRESS);
    let tried = |session: &Session| session.0.chain.tried();
    let session = open(&inside).await.unwrap();
    assert_eq!(tried(&session), [Source::ManagedIdentity]);
    assert_eq!(
        names(&session),
        [
            "File /home/ada/azcred.toml",
            &format!("Variable {EXEC_VARIABLE}")
        ]
    );
    // The account itself is still checked.
    let expected = Expect::new("/home/ada/azcred.toml").principal("ada@contoso.com");
    assert_eq!(session.files().expect, [expected.unwrap()]);

    let also = [Source::ManagedIdentity, Source::AzureCli];
    let builder = builder(&inside).preset(Preset::Kedro).only(also);
    assert_eq!(
        tried(&builder.clone().open().await.unwrap()),
        [Source::ManagedIdentity]
    );
    for wrong in [
        builder.clone().only([Source::AzureCli]),
        builder.exclude([Source::ManagedIdentity]),
    ] {
        let error = wrong.open().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.why().contains(EXEC_VARIABLE), "{error}");
    }

    // Another managed identity is not that account.
    for other in [
        machine.clone(),
        machine.with_var(EXEC_VARIABLE, "http://127.0.0.1:1/"),
    ] {
        let session = open(&other).await.unwrap();
        assert_eq!(session.preset(), Preset::HiMl);
        assert!(!tried(&session).contains(&Source::ManagedIdentity));
    }
}

#[tokio::test]
async fn if_no_source_has_a_token_the_error_has_every_reason() {
    let session = open(&home().with_var("AZCRED_IMDS", "never"))
        .await
        .unwrap();
    assert!(
        session.report().is_none(),
        "nothing is tried before a token is needed"
    );
    let error = session.token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(
        error
            .report()
            .is_some_and(|report| !report.attempts.is_empty())
    );
    let (answer, report) = session.explain().await;
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(report.chosen().is_none());
}

#[cfg(feature = "developer-tools")]
#[tokio::test]
async fn the_name_of_a_tenant_is_in_azure_clis_files() {
    let profile = |names: &str| {
        format!(
            "\u{feff}{{\"subscriptions\": [{{\"id\": \"s\", \"name\": \"n\", \"tenantId\": \"C0A70500\", {names}
             \"environmentName\": \"AzureCloud\", \"user\": {{\"name\": \"ada\", \"type\": \"user\"}}}}]}}"
        )
    };
    for (content, name) in [
        (
            profile(r#""tenantDisplayName": "Contoso", "tenantDefaultDomain": "contoso.com","#),
            Some("Contoso"),
        ),
        (
            profile(r#""tenantDisplayName": "", "tenantDefaultDomain": "contoso.com","#),
            Some("contoso.com"),
        ),
        (profile(""), None),
        ("no JSON".to_owned(), None),
    ] {
        let machine = home().with_file("/home/ada/.azure/azureProfile.json", content.as_str());
        let session = open(&machine).await.unwrap();
        assert_eq!(
            session.tenant_name("c0a70500").await.as_deref(),
            name,
            "{content}"
        );
        assert_eq!(session.tenant_name("other").await, None);
    }
}
