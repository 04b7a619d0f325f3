//! Text from outside that would move a terminal's cursor, reorder a line or hide something: it is
//! planted in every place that azcred reads, and every command is run in every format.
#![cfg(unix)]

use crate::{
    authority::{Authority, response},
    azure::Azure,
    run::{Run, Said, azcred},
};
use azcred::is_unseen;
use azcred_emulator::{Options, Persona, Seed, Way};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// Clears the screen, links elsewhere, writes to the clipboard, reorders, hides. It begins with a
/// word, by which it is found.
const HOSTILE: &str = "Mallory\u{1b}[2J\u{1b}]8;;https://evil.example\u{1b}\\\u{1b}]52;c;eA==\u{7}\u{1b}[5m\u{9b}31m\u{9d}0;t\u{9c}\u{202e}\u{2066}\u{85}\u{2028}\u{200b}\u{e0041}\u{ad}\u{fe0f}\u{a0}\u{feff}\r\u{8}\u{7f}x";

/// The same as the content of a TOML or JSON string.
fn escaped() -> String {
    let units = HOSTILE.encode_utf16();
    units.map(|unit| format!("\\u{unit:04x}")).collect()
}

/// The same for TOML, whose escapes are characters.
fn in_toml() -> String {
    let escape = |c: char| format!("\\U{:08X}", u32::from(c));
    HOSTILE.chars().map(escape).collect()
}

const GUID: &str = "11111111-2222-3333-4444-555555555555";

/// Checks that nothing unseen was printed but azcred's own styles. Returns whether the planted word
/// was.
fn harmless(said: &Said, about: &str) -> bool {
    for (stream, text) in [("stdout", &said.stdout), ("stderr", &said.stderr)] {
        let mut seen = text.clone();
        for style in ["0", "1", "2", "3", "31", "32", "33", "34", "35", "36", ""] {
            seen = seen.replace(&format!("\u{1b}[{style}m"), "");
        }
        let found = seen.chars().find(|c| *c != '\n' && is_unseen(*c));
        assert_eq!(found, None, "{about}, {stream}: {said:?}");
    }
    said.stdout.contains("Mallory") || said.stderr.contains("Mallory")
}

/// Runs a command in each format, and at the loudest level. Returns whether the planted word was
/// shown at all.
fn walk(commands: &[&[&str]], run: impl Fn(&[&str]) -> Run) -> bool {
    let mut shown = false;
    for command in commands {
        for format in [&[][..], &["--output", "json"], &["-vvv"]] {
            let arguments = [*command, format].concat();
            // As on a terminal: escape sequences are not stripped.
            let said = run(&arguments).env("CLICOLOR_FORCE", "1").said();
            shown |= harmless(&said, &format!("{arguments:?}"));
            if format.contains(&"json") && !said.stdout.is_empty() {
                said.json();
            }
        }
    }
    shown
}

/// An unsigned token with the text in every claim.
fn token() -> String {
    let text = HOSTILE;
    let claims = json!({
        "aud": text, "iss": text, "tid": text, "oid": text, "appid": text, "name": text, "upn": text, "sub": text,
        "app_displayname": text, "xms_mirid": text, "unique_name": text, "scp": text, "exp": 4_102_444_800_u32,
    });
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!(
        "{}.{}.c2ln",
        part(r#"{"alg":"RS256"}"#),
        part(&claims.to_string())
    )
}

/// The commands that get a token and show what they used.
const SIGNED_IN: [&[&str]; 5] = [
    &["whoami"],
    &["chain"],
    &["token"],
    &["doctor"],
    &["workspace", "show"],
];

fn with_secret(run: Run, authority: &Authority) -> Run {
    run.env("AZURE_AUTHORITY_HOST", &authority.url())
        .env("AZURE_TENANT_ID", GUID)
        .env("AZURE_CLIENT_ID", GUID)
        .env("AZURE_CLIENT_SECRET", "kX8Q~0123456789-Secret-0123456789")
}

#[test]
fn the_claims_of_a_token_reach_no_terminal() {
    let authority = Authority::answering(|_| {
        let body = json!({"access_token": token(), "token_type": "Bearer", "expires_in": 3600});
        response(
            "200 OK",
            "content-type: application/json\r\n",
            &body.to_string(),
        )
    });
    let run = |arguments: &[&str]| with_secret(azcred(arguments), &authority);
    assert!(walk(&SIGNED_IN[..2], run));
    let said = run(&["whoami", "-o", "json"]).said();
    assert_eq!(said.json()["tenantId"], HOSTILE, "the value is whole");
}

#[test]
fn a_rejection_reaches_no_terminal() {
    let authority = Authority::answering(|_| {
        let body = json!({
            "error": HOSTILE, "error_description": format!("AADSTS7000215: {HOSTILE}"), "error_codes": [7_000_215],
            "timestamp": HOSTILE, "trace_id": HOSTILE, "correlation_id": HOSTILE, "claims": HOSTILE, "suberror": HOSTILE,
        });
        response(
            "401 Unauthorized",
            "content-type: application/json\r\n",
            &body.to_string(),
        )
    });
    assert!(walk(&SIGNED_IN, |arguments| with_secret(
        azcred(arguments),
        &authority
    )));
}

#[test]
fn the_names_of_a_directory_and_of_its_resources_reach_no_terminal() {
    let mut text = [
        include_str!("../../../azcred-emulator/src/seed/contoso.toml"),
        include_str!("../../../azcred-emulator/src/resources/contoso.toml"),
        include_str!("../../../azcred-emulator/src/seed/contoso_workloads.toml"),
    ]
    .join("\n");
    for name in ["Contoso", "Contoso ML", "Ada Lovelace"] {
        text = text.replace(
            &format!("name = \"{name}\""),
            &format!("name = \"{}\"", in_toml()),
        );
    }
    let azure = Azure::own(Options {
        seed: Seed::Text {
            name: HOSTILE.to_owned(),
            text,
        },
        ..Options::default()
    });
    let commands: [&[&str]; 10] = [
        &["whoami"],
        &["chain"],
        &["doctor"],
        &["tenant"],
        &["subscription", "list"],
        &["workspace", "list"],
        &["workspace", "show", "ws-contoso-ml"],
        &["account", "list"],
        &["cache", "list"],
        &["logout", "--all"],
    ];
    for persona in [
        Persona::Laptop,
        Persona::ServicePrincipal,
        Persona::AzureMlJob,
    ] {
        let environment = azure.environment(persona, Way::Ports);
        assert!(
            walk(&commands, |arguments| azcred(arguments)
                .directory("/")
                .envs(&environment)),
            "{persona:?}"
        );
    }
}

/// A home folder with these files, each private to its user.
fn home(files: &[(&str, String)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        let path = home.path().join(name);
        let folder = path.parent().expect("a folder");
        fs::create_dir_all(folder).expect("made");
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).expect("permitted");
        let mode = if *name == "bin/az" { 0o755 } else { 0o600 };
        azcred_scripts::write(path, content, mode).expect("written");
    }
    home
}

fn at(home: &Path, arguments: &[&str]) -> Run {
    let path = |name: &str| home.join(name).to_str().expect("text").to_owned();
    azcred(arguments)
        .env("HOME", &path(""))
        .env("PATH", &path("bin"))
        .directory(home)
}

#[test]
fn the_output_and_the_files_of_azure_cli_reach_no_terminal() {
    let text = escaped();
    let profile = format!(
        r#"{{"installationId": "{text}", "subscriptions": [{{"id": "{GUID}", "name": "{text}", "state": "{text}", "isDefault": true,
            "tenantId": "{GUID}", "tenantDisplayName": "{text}", "tenantDefaultDomain": "{text}", "homeTenantId": "{GUID}",
            "environmentName": "ENVIRONMENT", "user": {{"name": "{text}", "type": "user"}}, "managedByTenants": []}}]}}"#
    );
    // What the program prints: a token with such claims, an error, something else.
    let bytes: String = HOSTILE
        .bytes()
        .map(|byte| format!("\\{byte:03o}"))
        .collect();
    for script in [
        format!(
            r#"printf '{{"accessToken":"{}","expires_on":4102444800,"tokenType":"Bearer"}}'"#,
            token()
        ),
        format!("printf 'ERROR: AADSTS50076: {bytes}' >&2; exit 1"),
        format!("printf 'ERROR: {bytes}' >&2; exit 1"),
        format!("printf '{bytes}'"),
    ] {
        let tool = ("bin/az", format!("#!/bin/sh\n{script}\n"));
        // Only Entra ID's sentence and the claims of a token are repeated.
        let is_repeated = script.contains("accessToken") || script.contains("AADSTS");
        let alone = home(std::slice::from_ref(&tool));
        let shown = walk(&SIGNED_IN, |arguments| at(alone.path(), arguments));
        assert_eq!(shown, is_repeated, "{script}");
        for environment in [&*text, "AzureCloud"] {
            let profile = profile.replace("ENVIRONMENT", environment);
            let files = home(&[(".azure/azureProfile.json", profile), tool.clone()]);
            walk(&SIGNED_IN, |arguments| at(files.path(), arguments));
        }
    }
}

#[test]
fn files_and_folders_reach_no_terminal() {
    let folder_name = HOSTILE.replace('/', "") + "/";
    let text = escaped();
    let toml = in_toml();
    for (files, at_folder) in [
        (vec![("azcred.toml", format!("preset = \"{toml}\"\n"))], ""),
        (vec![("azcred.toml", format!("\"{toml}\" = 1\n"))], ""),
        (vec![("azcred.toml", format!("profile = \"{toml}\"\n"))], ""),
        (
            vec![("azcred.toml", format!("[expect]\nprincipal = \"{toml}\"\n"))],
            "",
        ),
        (vec![("azcred.toml", HOSTILE.to_owned())], ""),
        (
            vec![(
                "config.json",
                format!(
                    r#"{{"subscription_id": "{text}", "resource_group": "{text}", "workspace_name": "{text}"}}"#
                ),
            )],
            "",
        ),
        (vec![("config.json", format!("{{\"{text}"))], ""),
        (vec![("azcred.toml", "preset = 1".to_owned())], "named"),
        (vec![("config.json", "{}".to_owned())], "named"),
    ] {
        let folder = match at_folder {
            "" => "",
            _ => &*folder_name,
        };
        let files: Vec<(String, String)> = files
            .into_iter()
            .map(|(name, content)| (format!("{folder}{name}"), content))
            .collect();
        let files: Vec<(&str, String)> = files
            .iter()
            .map(|(name, content)| (name.as_str(), content.clone()))
            .collect();
        let home = home(&files);
        let directory = home.path().join(folder);
        let commands = [
            SIGNED_IN[0],
            SIGNED_IN[1],
            SIGNED_IN[3],
            SIGNED_IN[4],
            &["workspace", "use", "ws"],
        ];
        walk(&commands, |arguments| {
            at(home.path(), arguments).directory(&directory)
        });
    }
}

#[test]
fn variables_reach_no_terminal() {
    for name in [
        "AZCRED_PRESET",
        "AZCRED_PROFILE",
        "AZCRED_IMDS",
        "AZCRED_LOG",
        "AZCRED_KEYRING",
        "AZCRED_HOME",
        "AZURE_TOKEN_CREDENTIALS",
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_AUTHORITY_HOST",
        "AZURE_CLIENT_CERTIFICATE_PATH",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_CONFIG_DIR",
        "AZURE_POD_IDENTITY_AUTHORITY_HOST",
        "ARM_CLOUD_METADATA_URL",
        "IDENTITY_ENDPOINT",
        "IDENTITY_HEADER",
        "MSI_ENDPOINT",
        "HIML_TENANT_ID",
        "HIML_SERVICE_PRINCIPAL_ID",
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        "SYSTEM_OIDCREQUESTURI",
        "AZUREML_ARM_SUBSCRIPTION",
        "AZUREML_ARM_WORKSPACE_NAME",
        "AZUREML_ARM_RESOURCEGROUP",
        "HTTPS_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "BROWSER",
    ] {
        let values = [HOSTILE.to_owned(), format!("https://{HOSTILE}/")];
        let values =
            match name.contains("URL") || name.contains("ENDPOINT") || name.contains("HOST") {
                true => &values[..],
                false => &values[..1],
            };
        for value in values {
            for command in [&SIGNED_IN[1], &SIGNED_IN[4]] {
                for format in [&[][..], &["--output", "json", "-vvv"]] {
                    let mut run = azcred(&[*command, format].concat()).env("CLICOLOR_FORCE", "1");
                    for other in ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"] {
                        run = run.env(other, GUID);
                    }
                    // With a certificate's path or a token's, these complete the group.
                    run = run
                        .env("AZURE_AUTHORITY_HOST", "http://127.0.0.1:9")
                        .env(name, value);
                    harmless(&run.said(), &format!("{name} {command:?} {format:?}"));
                }
            }
        }
    }
}

#[test]
fn arguments_reach_no_terminal() {
    let commands: [&[&str]; 14] = [
        &[HOSTILE],
        &["whoami", HOSTILE],
        &["token", "--resource", HOSTILE],
        &["token", "--scope", HOSTILE],
        &["token", "--tenant", HOSTILE],
        &["token", "--only", HOSTILE],
        &["token", "--preset", HOSTILE],
        &["token", "--profile", HOSTILE],
        &["token", "--expect-principal", HOSTILE],
        &["account", "use", HOSTILE],
        &["logout", HOSTILE],
        &["workspace", "show", HOSTILE],
        &["tenant", HOSTILE],
        &[
            "login",
            "--service-principal",
            "--client-id",
            "x",
            "--tenant",
            "contoso.com",
            "--certificate",
            HOSTILE,
        ],
    ];
    assert!(walk(&commands, azcred));
}
