//! The same with an authority that sends back everything it gets, in every place and encoding.

use crate::{
    authority::{Authority, Received, response},
    canary::{assert_silent, key_lines, printed_secret},
    run::{Run, azcred},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

const SECRET: &str = "cAnArY~7Q+/=&é\"'<zzTopSecretValue0123456789";
/// The password of the certificate files in `crates/azcred/tests/fixtures`.
const PASSWORD: &str = "correct-horse";

/// The secrets in a request, before form encoding.
fn sent(request: &Received) -> String {
    ["client_secret", "client_assertion"]
        .iter()
        .find_map(|name| request.field(name))
        .unwrap_or_default()
}

/// An OAuth error with `text` in every field.
fn error_of(text: &str) -> Vec<u8> {
    let body = json!({
        "error": text, "error_description": format!("AADSTS7000215: {text}"), "error_codes": [7_000_215],
        "timestamp": text, "trace_id": text, "correlation_id": text, "claims": text, "error_uri": text, "suberror": text,
    });
    response(
        "401 Unauthorized",
        "content-type: application/json\r\n",
        &body.to_string(),
    )
}

type HostileResponse = fn(&Received) -> Vec<u8>;

/// Where and how a secret is sent back.
const ANSWERS: [(&str, HostileResponse); 16] = [
    ("the body in an error", |request| error_of(&request.body)),
    ("the secret in an error", |request| error_of(&sent(request))),
    ("the secret behind 490 letters", |request| {
        error_of(&format!("{}{}", "x".repeat(470), sent(request)))
    }),
    ("an unknown code", |request| {
        let body = json!({"error": "invalid_client", "error_description": format!("AADSTS1: no, {}", request.body)});
        response("400 Bad Request", "", &body.to_string())
    }),
    ("an unknown code with the secret", |request| {
        let body = json!({"error": "invalid_client", "error_description": format!("AADSTS1: no, {}", sent(request))});
        response("400 Bad Request", "", &body.to_string())
    }),
    ("the secret in base64", |request| {
        error_of(&STANDARD.encode(sent(request)))
    }),
    ("the body in base64", |request| {
        error_of(&STANDARD.encode(&request.body))
    }),
    ("HTML", |request| {
        response(
            "200 OK",
            "content-type: text/html\r\n",
            &format!("<p>{}", request.body),
        )
    }),
    ("a redirect with the body", |request| {
        let headers = format!("location: https://evil.example/?{}\r\n", request.body);
        response("307 Temporary Redirect", &headers, "")
    }),
    ("a redirect to a host of that name", |request| {
        let name: String = sent(request)
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(60)
            .collect();
        response(
            "302 Found",
            &format!("location: https://{name}.evil.example/\r\n"),
            "",
        )
    }),
    ("the reason phrase", |request| {
        response(&format!("418 {}", request.body), "", "{}")
    }),
    ("a header", |request| {
        let headers = format!(
            "x-echo: {}\r\nwww-authenticate: Bearer error=\"{}\"\r\n",
            request.body, request.body
        );
        response("401 Unauthorized", &headers, "")
    }),
    ("truncated JSON", |request| {
        response(
            "200 OK",
            "",
            &format!("{{\"access_token\":\"{}", request.body),
        )
    }),
    ("a token type", |request| {
        let body = json!({"access_token": "t", "token_type": sent(request), "expires_in": 60});
        response("200 OK", "", &body.to_string())
    }),
    ("a status line that is none", |request| {
        format!("HTTP/9.9 {}\r\n\r\n", request.body).into_bytes()
    }),
    ("trouble that passes", |request| {
        response(
            "503 Unavailable",
            "retry-after: 0\r\n",
            &json!({"error": request.body, "error_description": sent(request)}).to_string(),
        )
    }),
];

fn fixture(name: &str) -> String {
    format!(
        "{}/../azcred/tests/fixtures/certificates/{name}",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// Variables by name.
type Variables = Vec<(&'static str, String)>;

/// The ways to sign in, each with its variables and secrets.
fn ways_to_sign_in() -> Vec<(&'static str, Variables, Vec<String>)> {
    let id = "11111111-2222-3333-4444-555555555555".to_owned();
    let tenant = "contoso.onmicrosoft.com".to_owned();
    let with = |proof: Vec<(&'static str, String)>| {
        let mut all = vec![
            ("AZURE_TENANT_ID", tenant.clone()),
            ("AZURE_CLIENT_ID", id.clone()),
        ];
        all.extend(proof);
        all
    };
    let pem = std::fs::read_to_string(fixture("key-first.pem")).expect("text");
    let pfx = STANDARD.encode(std::fs::read(fixture("pfx-modern.pfx")).expect("bytes"));
    vec![
        (
            "a secret",
            with(vec![("AZURE_CLIENT_SECRET", SECRET.into())]),
            vec![SECRET.into()],
        ),
        (
            "hi-ml's password",
            vec![
                ("HIML_TENANT_ID", tenant.clone()),
                ("HIML_SERVICE_PRINCIPAL_ID", id.clone()),
                ("HIML_SERVICE_PRINCIPAL_PASSWORD", SECRET.into()),
            ],
            vec![SECRET.into()],
        ),
        (
            "a PFX file",
            with(vec![
                ("AZURE_CLIENT_CERTIFICATE_PATH", fixture("pfx-modern.pfx")),
                ("AZURE_CLIENT_CERTIFICATE_PASSWORD", PASSWORD.into()),
            ]),
            vec![PASSWORD.into(), pfx],
        ),
        (
            "a PEM file",
            with(vec![
                ("AZURE_CLIENT_CERTIFICATE_PATH", fixture("key-first.pem")),
                ("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "1".into()),
            ]),
            key_lines(&pem).into_iter().map(str::to_owned).collect(),
        ),
    ]
}

fn loud(run: Run, variables: &[(&'static str, String)]) -> Run {
    variables
        .iter()
        .fold(run.env("AZCRED_LOG", "trace"), |run, (name, value)| {
            run.env(name, value)
        })
}

/// Runs one way to sign in against each of these responses.
fn sign_in_against(name: &str, answers: &[(&str, HostileResponse)]) {
    let (who, variables, mut secrets) = ways_to_sign_in()
        .into_iter()
        .find(|(who, ..)| *who == name)
        .expect("somebody of that name");
    for (number, &(how, answer)) in answers.iter().enumerate() {
        let authority = Authority::answering(answer);
        let command: &[&str] = match number % 2 {
            0 => &["token"],
            _ => &["token", "--output", "json"],
        };
        let said = loud(azcred(command), &variables)
            .env("AZURE_AUTHORITY_HOST", &authority.url())
            .said();
        assert_ne!(said.code, 0, "{who}, {how}: {said}");
        let received = authority.received();
        assert!(
            !received.is_empty(),
            "{who}, {how}: nothing was sent\n{said}"
        );
        // Each request has a new assertion: all of them are searched for, by their signatures.
        secrets.extend(received.iter().filter_map(|request| {
            let assertion = request.field("client_assertion")?;
            assertion.rsplit('.').next().map(str::to_owned)
        }));
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        assert_silent(&said, &secrets, &format!("{who}, {how}"));
    }
}

#[test]
fn a_secret_in_a_response_is_not_printed() {
    sign_in_against("a secret", &ANSWERS);
}

#[test]
fn himls_password_in_a_response_is_not_printed() {
    sign_in_against("hi-ml's password", &ANSWERS[..4]);
}

#[test]
fn an_assertion_in_a_response_is_not_printed_nor_is_its_key() {
    sign_in_against("a PEM file", &ANSWERS);
}

#[test]
fn the_password_of_a_pfx_file_is_never_printed() {
    sign_in_against("a PFX file", &ANSWERS[..2]);
}

#[test]
fn an_unreadable_certificate_prints_neither_password_nor_key() {
    let wrong = "wr0ng~cAnArY.Q7zzTopSecretValue0123456789";
    let damaged = tempfile::NamedTempFile::new().expect("a file");
    let pem = std::fs::read_to_string(fixture("key-first.pem")).expect("text");
    std::fs::write(damaged.path(), pem.replacen("MII", "!!!", 1)).expect("written");
    let damaged_path = damaged.path().to_str().expect("text").to_owned();
    let lines = key_lines(&pem);
    for path in [
        fixture("pfx-modern.pfx"),
        fixture("pkcs8-aes256-sha256.pem"),
        damaged_path,
    ] {
        let said = loud(
            azcred(&["token"]),
            &[("AZURE_CLIENT_CERTIFICATE_PATH", path.clone())],
        )
        .env("AZURE_TENANT_ID", "contoso.com")
        .env("AZURE_CLIENT_ID", "x")
        .env("AZURE_CLIENT_CERTIFICATE_PASSWORD", wrong)
        .said();
        assert_eq!(said.code, 1, "{said}");
        let mut secrets = vec![wrong];
        secrets.extend(&lines);
        assert_silent(&said, &secrets, &path);
    }
}

#[test]
fn a_secret_in_the_wrong_variable_is_not_printed_in_full() {
    for name in ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"] {
        let said = azcred(&["token"])
            .env("AZURE_TENANT_ID", "contoso.com")
            .env("AZURE_CLIENT_ID", "x")
            .env("AZURE_CLIENT_SECRET", "y")
            .env(name, "kX8Q~ cAnArYzzTopSecretValue0123456789")
            .env("AZCRED_LOG", "trace")
            .said();
        assert_eq!(said.code, 1, "{said}");
        assert_eq!(
            printed_secret(&said.stderr, &["YzzTopSecretValue0123456789"]),
            None,
            "{said}"
        );
    }
}
