//! Variables: every source of the chain reads some, and says what it read.

use crate::{
    input,
    machine::{answered, machine},
    oracle::{self, SECRET},
};
use azcred::{fuzz::CannedResponse, session::Session, system::Fixture};

/// Variables that hold a secret, whatever else is set.
const SECRETS: [&str; 9] = [
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_CLIENT_SECRET",
    "AZURE_PASSWORD",
    "HIML_SERVICE_PRINCIPAL_PASSWORD",
    "IDENTITY_HEADER",
    "MSI_SECRET",
    "SYSTEM_ACCESSTOKEN",
    "AZCRED_SECRET",
];

/// Variables that name a file or a folder. What looks like a secret there is one, in the wrong
/// place.
const PATHS: [&str; 8] = [
    "AZCRED_HOME",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CONFIG_DIR",
    "AZURE_FEDERATED_TOKEN_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

/// Variables (`NAME=VALUE`, one a line, or `+NAME` for a secret), then a token file, then
/// responses.
pub(super) fn run(data: &[u8]) {
    let parts = input::parts(data);
    let machine = machine()
        .with_file("/project/token", parts.get(1).copied().unwrap_or_default())
        .with_var("HOME", "/home/ada");
    let machine = variables(parts[0]).into_iter().fold(machine, set);
    let mut responses: Vec<CannedResponse> = parts
        .iter()
        .skip(2)
        .take(4)
        .map(|part| input::response(part))
        .collect();
    if responses.is_empty() {
        responses.push(input::response(b"400\n\n{\"error\":\"invalid_client\"}"));
    }
    let session = Session::builder()
        .at(machine.shared(), "/project")
        .unattended();
    answered(responses, async {
        let session = match session.open().await {
            Ok(session) => session,
            Err(error) => return oracle::error(&error),
        };
        oracle::debug(&session.decided_by());
        oracle::outcome(&session.workspace());
        let (token, report) = session.explain().await;
        oracle::outcome(&token);
        oracle::report(&report);
    });
}

fn set(machine: Fixture, (name, value): (String, String)) -> Fixture {
    machine.with_var(&name, &value)
}

/// The variables of an input. One without a value gets the secret if it may hold one, or a token
/// with it if it names a file.
pub(super) fn variables(part: &[u8]) -> Vec<(String, String)> {
    let text = input::text(part);
    let read = |line: &str| match line.strip_prefix('+') {
        Some(name) if PATHS.contains(&name) => Some((
            name.to_owned(),
            format!("eyJhbGciOiJSUzI1NiJ9.{SECRET}.c2ln"),
        )),
        Some(name) => SECRETS
            .contains(&name)
            .then(|| (name.to_owned(), SECRET.to_owned())),
        None => {
            let (name, value) = line.split_once('=')?;
            // The real environment has neither.
            let is_possible = !name.is_empty() && !value.contains('\0') && !name.contains('\0');
            // A line end can't be written otherwise.
            is_possible.then(|| (name.to_owned(), value.replace("\\n", "\n")))
        }
    };
    text.lines().take(40).filter_map(read).collect()
}
