//! Service principals in variables: at a local Azure that checks their assertions, and at a server
//! that records the requests.

use crate::support::{Server, http, token};
use azcred::{
    ClientAssertionCredential, ClientId, ClientOptions, Credential, EnvironmentCredential,
    EnvironmentKind, EnvironmentOrder, Error, ErrorKind, Scope, TenantId, TokenRequest,
    system::Fixture,
};
use azcred_emulator::{Effect, Emulator, Fault, Options, Persona, Way};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

const CERTIFICATE: &str = "/etc/ml/app certificate.pem";
const PASSWORD: &str = "AZURE_CLIENT_CERTIFICATE_PASSWORD";

fn fixture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/certificates");
    fs::read(Path::new(folder).join(name)).unwrap()
}

/// A machine whose variables name a certificate, with the authority `at`.
fn machine(at: &str, file: &str) -> Fixture {
    Fixture::new()
        .with_var("AZURE_AUTHORITY_HOST", at)
        .with_var("AZURE_TENANT_ID", "contoso.com")
        .with_var("AZURE_CLIENT_ID", "c11e")
        .with_var("AZURE_CLIENT_CERTIFICATE_PATH", CERTIFICATE)
        .with_file(CERTIFICATE, fixture(file))
}

fn at(server: &Server) -> String {
    format!("http://{}", server.address)
}

fn credential(machine: Fixture) -> Result<EnvironmentCredential, Error> {
    EnvironmentCredential::new(
        EnvironmentOrder::AzureFirst,
        ClientOptions::new(machine.shared()).with_deadline(Duration::from_secs(60)),
    )
}

async fn ask(machine: Fixture) -> Result<String, Error> {
    let credential = credential(machine)?;
    let token = credential.get_token(&TokenRequest::new(Scope::ARM)).await?;
    Ok(token.secret().to_owned())
}

/// A machine in a local Azure, with the certificate of an application in its seed.
fn with_certificate(emulator: &Emulator, way: Way) -> Fixture {
    let mut machine = Fixture::new();
    for (name, value) in emulator.info().environment(Persona::Certificate, way).set {
        machine = machine.with_var(&name, &value);
        if ["AZURE_CLIENT_CERTIFICATE_PATH", "SSL_CERT_FILE"].contains(&name.as_str())
            || name.ends_with("_CA_BUNDLE")
            || name == "NODE_EXTRA_CA_CERTS"
        {
            machine = machine.with_file(&value, fs::read(&value).unwrap());
        }
    }
    machine
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_from_the_environment_signs_in_with_its_chain_and_without() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    for way in [Way::Ports, Way::RealNames] {
        for chain in ["", "true"] {
            let machine = with_certificate(&emulator, way)
                .with_var("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", chain);
            let credential = credential(machine).unwrap();
            assert_eq!(credential.kind(), EnvironmentKind::AzureCertificate);
            let token = credential
                .get_token(&TokenRequest::new(Scope::ARM))
                .await
                .unwrap_or_else(|error| panic!("{way:?}, chain {chain:?}: {error}"));
            assert_eq!(token.unverified_claims().unwrap()["appidacr"], "2");
        }
    }
}

/// A machine in a local Azure, with the secret of an application in its seed, and the name of the
/// variable with it.
fn with_secret(
    emulator: &Emulator,
    persona: Persona,
    change: impl Fn(&str) -> String,
) -> (Fixture, &'static str) {
    let variable = match persona {
        Persona::Himl => "HIML_SERVICE_PRINCIPAL_PASSWORD",
        _ => "AZURE_CLIENT_SECRET",
    };
    let mut machine = Fixture::new();
    for (name, value) in emulator.info().environment(persona, Way::Ports).set {
        let value = match name == variable {
            true => change(&value),
            false => value,
        };
        machine = machine.with_var(&name, &value);
        let is_bundle = name == "SSL_CERT_FILE" || name.ends_with("_CA_BUNDLE");
        if is_bundle || name == "NODE_EXTRA_CA_CERTS" {
            machine = machine.with_file(&value, fs::read(&value).unwrap());
        }
    }
    (machine, variable)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_secret_with_an_odd_edge_is_told_so_first_and_not_to_be_made_new() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    for persona in [Persona::ServicePrincipal, Persona::Himl] {
        let (right, _) = with_secret(&emulator, persona, str::to_owned);
        ask(right).await.unwrap();
        for (before, after, says) in [
            ("\"", "\"", "it is in quotes"),
            ("'", "'", "it is in quotes"),
            ("\u{201c}", "\u{201d}", "it is in quotes"),
            ("", "\"", "it ends with a quote"),
            (" ", "", "it begins with a space"),
            ("", "\n", "it ends with a line end"),
            ("", "\r\n", "it ends with a line end"),
            ("\u{feff}", "", "it begins with the character U+FEFF"),
            ("", "\u{200b}", "it ends with the character U+200B"),
            ("$(", ")", "it is a placeholder"),
            ("/run/secrets/", "", "it begins as the path of a file does"),
        ] {
            let dressed = |secret: &str| format!("{before}{secret}{after}");
            let (machine, variable) = with_secret(&emulator, persona, dressed);
            let error = ask(machine).await.unwrap_err();
            assert_eq!(error.code(), Some(7_000_215), "{error}");
            let first = format!("the secret that was sent is wrong: {says}");
            assert!(error.why().starts_with(&first), "{error}");
            let fix = error.fix().unwrap().to_string();
            assert!(fix.contains(variable), "{fix}");
            assert!(!fix.contains("reset"), "{fix}");
        }
        let guid = "a0000001-0000-4000-8000-000000000007";
        let (machine, _) = with_secret(&emulator, persona, |_| guid.to_owned());
        let error = ask(machine).await.unwrap_err();
        let first = "the secret that was sent is wrong: it is a GUID, as the id of a secret is";
        assert!(error.why().starts_with(first), "{error}");
        let fix = error.fix().unwrap().to_string();
        assert!(fix.contains("not its Secret ID"), "{fix}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_an_hour_off_is_why_a_certificate_is_rejected() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    for (seconds, side) in [(3600, "behind"), (-3600, "ahead of")] {
        emulator.faults().clear();
        emulator
            .faults()
            .arm(Fault::new(Effect::ClockSkew { seconds }))
            .unwrap();
        let error = ask(with_certificate(&emulator, Way::Ports))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Refused, Some(700_024))
        );
        assert!(error.why().contains(&format!("minutes {side}")), "{error}");
        assert!(
            error
                .fix()
                .unwrap()
                .to_string()
                .contains("set this machine's clock"),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_entra_id_rejects_is_not_repeated() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    emulator
        .faults()
        .arm(Fault::new(Effect::Aadsts { code: 700_027 }))
        .unwrap();
    let error = ask(with_certificate(&emulator, Way::Ports))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(700_027), "{error}");
    let asked = emulator.requests().all();
    let posts = asked.iter().filter(|served| served.method == "POST");
    assert_eq!(posts.count(), 1);
}

#[tokio::test]
async fn the_certificate_chain_is_sent_if_the_variable_says_so() {
    for (value, certificates) in [("", 0), ("0", 0), ("false", 0), ("1", 3), (" True ", 3)] {
        let server = Server::start([token()]).await;
        let machine = machine(&at(&server), "chain-scrambled.pem")
            .with_var("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", value);
        ask(machine).await.unwrap();
        let sent = &server.seen()[0];
        let (_, rest) = sent.split_once("client_assertion=").unwrap();
        let header = URL_SAFE_NO_PAD
            .decode(rest.split('.').next().unwrap())
            .unwrap();
        let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
        let chain = header
            .get("x5c")
            .map_or(0, |x5c| x5c.as_array().unwrap().len());
        assert_eq!(chain, certificates, "{value:?}");
    }
}

#[tokio::test]
async fn an_expired_certificate_is_an_error_before_a_request() {
    let server = Server::start([token()]).await;
    let later = SystemTime::now() + Duration::from_secs(200 * 366 * 86_400);
    let error = ask(machine(&at(&server), "certificate-first.pem").at(later))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.why().contains("it expired on 2126-"), "{error}");
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .contains("az ad app credential reset"),
        "{error}"
    );
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_wrong_password_names_the_file_its_variable_and_a_command_that_tries_it() {
    let nobody = "https://login.microsoftonline.com";
    for (password, says) in [
        (Some("canary-wrong"), "the password is wrong"),
        (None, "no password was given"),
    ] {
        let mut machine = machine(nobody, "pkcs8-aes256-sha256.pem");
        if let Some(password) = password {
            machine = machine.with_var(PASSWORD, password);
        }
        let error = credential(machine).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(
            error.what().contains(CERTIFICATE)
                && error.what().contains("AZURE_CLIENT_CERTIFICATE_PATH"),
            "{error}"
        );
        assert!(error.why().contains(says), "{error}");
        assert!(
            error.fix().unwrap().to_string().contains(PASSWORD)
                && error
                    .fix()
                    .unwrap()
                    .to_string()
                    .contains(&format!("'{CERTIFICATE}'")),
            "{error}"
        );
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn after_a_rejected_set_of_variables_no_other_is_tried() {
    let refused = http(
        "401 Unauthorized",
        &[],
        r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.","error_codes":[7000215]}"#,
    );
    for (order, client) in [
        (EnvironmentOrder::HimlFirst, "himl-app"),
        (EnvironmentOrder::AzureFirst, "azure-app"),
    ] {
        let server = Server::start([refused.clone(), token()]).await;
        let machine = Fixture::new()
            .with_var("AZURE_AUTHORITY_HOST", &at(&server))
            .with_var("AZURE_TENANT_ID", "contoso.com")
            .with_var("AZURE_CLIENT_ID", "azure-app")
            .with_var("AZURE_CLIENT_SECRET", "s3cret-a")
            .with_var("HIML_TENANT_ID", "contoso.com")
            .with_var("HIML_SERVICE_PRINCIPAL_ID", "himl-app")
            .with_var("HIML_SERVICE_PRINCIPAL_PASSWORD", "s3cret-h");
        let credential =
            EnvironmentCredential::new(order, ClientOptions::new(machine.shared())).unwrap();
        let error = credential
            .get_token(&TokenRequest::new(Scope::ARM))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Refused, Some(7_000_215))
        );
        assert_eq!(server.requests(), 1, "{order:?}");
        assert!(
            server.seen()[0].contains(&format!("client_id={client}&")),
            "{order:?}"
        );
    }
}

/// What Entra ID returns for an assertion with a wrong audience, as it was recorded.
const WRONG_AUDIENCE: &str = r#"{"error":"invalid_client","error_description":"AADSTS700023: Client assertion audience claim does not match Realm issuer. Review the documentation at https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials . Trace ID: 5f2b7c1e-0000-4000-8000-000000000001 Correlation ID: 5f2b7c1e-0000-4000-8000-000000000002 Timestamp: 2026-11-29 10:00:00Z","error_codes":[700023],"timestamp":"2026-11-29 10:00:00Z","trace_id":"5f2b7c1e-0000-4000-8000-000000000001","correlation_id":"5f2b7c1e-0000-4000-8000-000000000002"}"#;

#[tokio::test]
async fn the_same_rejection_has_a_fix_for_what_was_sent() {
    let refusing = || http("401 Unauthorized", &[], WRONG_AUDIENCE);
    let server = Server::start([refusing()]).await;
    let authority = at(&server);
    let certificate = machine(&authority, "certificate-first.pem").at(SystemTime::now());
    let claims = URL_SAFE_NO_PAD.encode(
        r#"{"iss":"https://issuer.example","sub":"job-7","aud":"https://elsewhere.example"}"#,
    );
    let federated = ClientAssertionCredential::new(
        TenantId::new("contoso.com").unwrap(),
        ClientId::new("c11e").unwrap(),
        move || {
            let token = format!("e30.{claims}.c2ln");
            async move { Ok(token.into()) }
        },
        ClientOptions::new(certificate.clone().shared()).with_deadline(Duration::from_secs(60)),
    )
    .unwrap();
    let by_certificate = ask(certificate).await.unwrap_err();
    let by_token = federated
        .get_token(&TokenRequest::new(Scope::ARM))
        .await
        .unwrap_err();
    let fix = |error: &Error| error.fix().unwrap().to_string();
    for error in [&by_certificate, &by_token] {
        assert_eq!(error.code(), Some(700_023));
        assert!(error.why().contains("audience"), "{error}");
        assert!(!fix(error).contains("upload"), "{error}");
    }
    assert_eq!(
        fix(&by_certificate),
        "check the tenant contoso.com and AZURE_AUTHORITY_HOST"
    );
    assert!(
        fix(&by_token).contains("federated-credential"),
        "{by_token}"
    );
    assert!(
        by_token.why().contains("subject (sub) 'job-7'")
            && by_token.why().contains("'https://elsewhere.example'"),
        "{by_token}"
    );
}
