//! No secret is ever printed, not even with the most verbose output: each secret is a canary.

use crate::{
    azure::Azure,
    run::{Said, azcred},
};
use azcred_emulator::{Persona, Way};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use std::collections::BTreeSet;

/// A part of a secret with this length is a leak.
const STRETCH: usize = 10;

/// Every part of `secret` in all encodings: as it is, form-encoded, in base64 at any offset, in
/// hexadecimal.
pub(crate) fn stretches(secret: &str) -> BTreeSet<String> {
    let mut forms = vec![secret.to_owned()];
    forms.push(url::form_urlencoded::byte_serialize(secret.as_bytes()).collect());
    forms.push(secret.bytes().map(|byte| format!("{byte:02x}")).collect());
    for offset in 0..3 {
        let shifted = [&b"\0\0"[..offset], secret.as_bytes()].concat();
        for text in [
            STANDARD_NO_PAD.encode(&shifted),
            URL_SAFE_NO_PAD.encode(&shifted),
        ] {
            // The first and the last characters may also encode what is next to the secret.
            let inner = text
                .get(4..text.len().saturating_sub(2))
                .unwrap_or_default();
            forms.push(inner.to_owned());
        }
    }
    forms
        .iter()
        .flat_map(|form| {
            let letters: Vec<char> = form.to_lowercase().chars().collect();
            letters
                .windows(STRETCH)
                .map(|stretch| stretch.iter().collect::<String>())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The first part of a secret that was printed.
pub(crate) fn printed_secret(text: &str, secrets: &[&str]) -> Option<String> {
    let text = text.to_lowercase();
    secrets
        .iter()
        .flat_map(|secret| stretches(secret))
        .find(|stretch| text.contains(stretch))
}

/// Checks that a run printed no secret, and that it printed traces.
pub(crate) fn assert_silent(said: &Said, secrets: &[&str], case: &str) {
    for text in [&said.stdout, &said.stderr] {
        if let Some(stretch) = printed_secret(text, secrets) {
            panic!("{case}: '{stretch}' of a secret was printed in\n{said}");
        }
        // A token or an assertion: the first letters of a JSON web token.
        assert!(
            !text.contains("eyJ"),
            "{case}: a token was printed in\n{said}"
        );
    }
    assert!(
        !said.stderr.is_empty(),
        "{case}: it printed no traces\n{said}"
    );
}

#[test]
fn a_printed_secret_is_found_in_every_encoding() {
    let secret = "cAnArY~7Q+/=&é\"'zzTopSecretValue0123456789";
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    for text in [
        format!("the secret {secret} is wrong"),
        format!("…{}…", &secret[20..32]),
        secret.to_uppercase(),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        encode(secret),
        encode(&format!("id:{secret}")),
        encode(&format!("i:{secret}:x")),
        STANDARD_NO_PAD.encode(format!("x{secret}")),
    ] {
        assert!(printed_secret(&text, &[secret]).is_some(), "{text}");
    }
    assert_eq!(
        printed_secret("nothing of the kind; TopSecret", &[secret]),
        None
    );
}

/// Variables with the path of a file or a folder.
const PATHS: [&str; 15] = [
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_FEDERATED_TOKEN_FILE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "AZURE_CONFIG_DIR",
    "AZCRED_HOME",
    "AZD_CONFIG_DIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "BROWSER",
];

/// Variables whose value is not a secret.
const TEXTS: [&str; 19] = [
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "HIML_TENANT_ID",
    "HIML_SERVICE_PRINCIPAL_ID",
    "AZURE_AUTHORITY_HOST",
    "ARM_CLOUD_METADATA_URL",
    "AZUREML_CURRENT_CLOUD",
    "AZCRED_PRESET",
    "AZCRED_PROFILE",
    "AZCRED_CACHE",
    "AZCRED_KEYRING",
    "AZCRED_IMDS",
    "AZURE_TOKEN_CREDENTIALS",
    "AZUREML_ARM_SUBSCRIPTION",
    "AZUREML_ARM_WORKSPACE_NAME",
    "IDENTITY_ENDPOINT",
    "MSI_ENDPOINT",
    "OBO_ENDPOINT",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
];

#[test]
fn a_secret_in_a_variable_for_something_else_is_never_printed() {
    const SECRETS: [&str; 4] = [
        "eyJhbGciOiJSUzI1NiJ9.Y2FuYXJ5VG9wU2VjcmV0.c2ln",
        "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5VG9wU2VjcmV0\n-----END PRIVATE KEY-----",
        "MIIJqQIBAzCCCW8GY2FuYXJ5VG9wU2VjcmV0",
        "abc8Q~Y2FuYXJ5VG9wU2VjcmV0.0123456789-ab",
    ];
    for name in PATHS.into_iter().chain(TEXTS) {
        for (number, secret) in SECRETS.into_iter().enumerate() {
            // One command for each secret; together they print everything.
            let command: &[&str] = match number {
                0 => &["chain", "-vvv"],
                1 => &["token", "-vvv", "--output", "json"],
                2 => &["doctor", "-vvv", "--output", "json"],
                _ => &["whoami", "-vvv"],
            };
            let said = azcred(command)
                .env("HTTPS_PROXY", "http://127.0.0.1:9")
                .env("AZURE_TENANT_ID", "contoso.com")
                .env("AZURE_CLIENT_ID", "11111111-2222-3333-4444-555555555555")
                .env(name, secret)
                .said();
            for text in [&said.stdout, &said.stderr] {
                assert!(!text.contains("Y2FuYXJ5VG9w"), "{name}={secret}\n{said}");
            }
        }
    }
}

/// Commands whose result has no secret.
const COMMANDS: [&[&str]; 4] = [
    &["whoami"],
    &["whoami", "--output", "json"],
    &["doctor"],
    &["doctor", "--output", "json"],
];

#[test]
fn against_the_emulator_no_secret_is_printed_at_trace_level() {
    let azure = Azure::shared();
    let info = azure.info();
    let (_, secret) = info.service_principal().expect("the seed has one");
    let certificate = info
        .identities
        .iter()
        .find_map(|one| one.certificate_path.clone());
    let pem = std::fs::read_to_string(certificate.expect("the seed has one")).expect("text");
    let mut secrets = vec![secret, info.admin_token.as_str()];
    secrets.extend(key_lines(&pem));
    for persona in [
        Persona::ServicePrincipal,
        Persona::Himl,
        Persona::Certificate,
    ] {
        for way in [Way::Ports, Way::RealNames] {
            let environment = azure.environment(persona, way);
            for command in COMMANDS {
                let said = azcred(command)
                    .envs(&environment)
                    .env("AZCRED_LOG", "trace")
                    .said();
                assert_eq!(said.code, 0, "{said}");
                assert_silent(&said, &secrets, &format!("{persona:?} {way:?} {command:?}"));
            }
            // Here the token is the result, and must be nowhere else.
            let said = azcred(&["token"])
                .envs(&environment)
                .env("AZCRED_LOG", "trace")
                .said();
            let (token, rest) = said.stdout.split_once('\n').expect("a line");
            assert!(rest.is_empty(), "{said}");
            assert!(!said.stderr.contains("eyJ"), "{said}");
            let signature = token.rsplit('.').next().expect("a signature");
            assert_eq!(printed_secret(&said.stderr, &[signature, secret]), None);
        }
    }
}

#[test]
fn after_a_rejection_no_secret_is_printed_at_trace_level() {
    let azure = Azure::shared();
    for name in [
        "azcred-expired",
        "azcred-disabled",
        "azcred-blocked",
        "azcred-noroles",
    ] {
        let environment = azure.application(name);
        let secret = azure
            .info()
            .identity(name)
            .and_then(|one| one.secret.clone())
            .expect("a secret");
        for command in COMMANDS {
            let said = azcred(command)
                .envs(&environment)
                .env("AZCRED_LOG", "trace")
                .said();
            assert_silent(&said, &[&secret], &format!("{name} {command:?}"));
        }
    }
    let wrong = "wr0ng~cAnArY.Q7zzTopSecretValue0123456789";
    let said = azcred(&["token"])
        .envs(&azure.application("azcred-demo"))
        .env("AZURE_CLIENT_SECRET", wrong)
        .env("AZCRED_LOG", "trace")
        .said();
    assert_eq!(said.code, 4, "{said}");
    assert_silent(&said, &[wrong], "a wrong secret");
}

#[test]
#[cfg(feature = "emulator")]
fn the_emulator_and_the_demo_print_no_generated_secret_at_trace_level() {
    let demo = azcred(&["demo"]).env("AZCRED_LOG", "trace").said();
    assert_eq!(demo.code, 0, "{demo}");
    assert_silent(&demo, &[], "demo");
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    // With a state folder, the generated secrets can be read afterwards.
    let said = azcred(&["emulator", "exec", "--state", state.to_str().expect("text")])
        .args(&["--", crate::run::AZCRED, "doctor"])
        .env("AZCRED_LOG", "trace")
        .said();
    assert_eq!(said.code, 0, "{said}");
    let made = std::fs::read_to_string(state.join("secrets.json")).expect("text");
    let made: serde_json::Value = serde_json::from_str(&made).expect("JSON");
    let secrets: Vec<&str> = made["secrets"]
        .as_object()
        .expect("secrets")
        .values()
        .filter_map(serde_json::Value::as_str)
        .collect();
    assert!(secrets.len() > 3);
    assert_silent(&said, &secrets, "emulator exec");
}

/// The lines of the private key in a PEM file.
pub(crate) fn key_lines(pem: &str) -> Vec<&str> {
    let key = pem.split("PRIVATE KEY-----").nth(1).expect("a private key");
    let lines: Vec<&str> = key.lines().filter(|line| line.len() > 40).collect();
    assert!(!lines.is_empty(), "a key has lines");
    lines
}
