//! The screens of `docs/doctor.md`, from the binary. `UPDATE_DOCS=1` writes them.

use crate::{terminal::Terminal, troubles::Patient};
use azcred_emulator::Persona;
use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

/// The most common troubles, each with the account that shows it.
const SCREENS: [(&str, Persona); 10] = [
    ("no-account", Persona::ServicePrincipal),
    ("half-set-variables", Persona::ServicePrincipal),
    ("secret-id-for-value", Persona::ServicePrincipal),
    ("expired-secret", Persona::ServicePrincipal),
    ("wrong-tenant", Persona::ServicePrincipal),
    ("no-federated-credential", Persona::Github),
    ("tls-intercepted", Persona::Laptop),
    ("config-other-workspace", Persona::Laptop),
    ("no-role", Persona::ServicePrincipal),
    ("no-data-role", Persona::ServicePrincipal),
];

/// The lines of kedro-azureml-pipeline's troubleshooting sections ('How to Authenticate', 'How to
/// Troubleshoot'), and a trouble of each.
const KEDRO: [(&str, &str, Persona); 6] = [
    (
        "`CredentialUnavailableError`, `AuthenticationError`: credentials are missing",
        "no-account",
        Persona::ServicePrincipal,
    ),
    ("… or expired", "expired-secret", Persona::ServicePrincipal),
    (
        "the three variables must be set in CI",
        "half-set-variables",
        Persona::ServicePrincipal,
    ),
    (
        "the principal must have the role `Contributor` or `AzureML Data Scientist`",
        "no-role",
        Persona::ServicePrincipal,
    ),
    (
        "`AuthorizationPermissionMismatch` when accessing data assets",
        "no-data-role",
        Persona::ServicePrincipal,
    ),
    (
        "a browser opens on a server without a screen",
        "placeholder-left",
        Persona::ServicePrincipal,
    ),
];

/// The steps of hi-ml's guide ('Connecting to Azure') at which one can go wrong.
const HIML: [(&str, &str, Persona); 9] = [
    ("no sign-in in the browser yet", "no-account", Persona::Himl),
    (
        "only some of the three variables are in place",
        "half-set-variables",
        Persona::Himl,
    ),
    (
        "`HIML_SERVICE_PRINCIPAL_ID` is another id than the application's",
        "unknown-application",
        Persona::Himl,
    ),
    (
        "`HIML_SERVICE_PRINCIPAL_PASSWORD` is the secret's id",
        "secret-id-for-value",
        Persona::Himl,
    ),
    (
        "… or was copied with quotes",
        "secret-in-quotes",
        Persona::Himl,
    ),
    ("… or has expired", "expired-secret", Persona::Himl),
    ("no permission on the workspace", "no-role", Persona::Himl),
    (
        "`HIML_TENANT_ID` is not a tenant's",
        "unknown-tenant",
        Persona::Himl,
    ),
    ("… or is another tenant's", "wrong-tenant", Persona::Himl),
];

/// The screen of 80 columns.
fn screen(patient: &Patient) -> String {
    let terminal = Terminal::new(80, 60);
    let mut run = terminal.start_read(patient.run(&[]).env("NO_COLOR", "1"));
    run.wait().expect("it ends");
    let text = patient.tidied(&terminal.rest().replace('\r', ""));
    without_ids(text.trim_end())
}

/// Correlation ids differ in every run, and so does the number of the emulator's authority. Both
/// have the same length in every run, so that lines break at the same places.
fn without_ids(text: &str) -> String {
    let text = replaced(text, "correlation id", 36, "…");
    replaced(&text, "emulator on this machine", 8, "0c219091")
}

/// A text with the word of this length after these words replaced, also where a line breaks.
fn replaced(text: &str, after: &str, length: usize, by: &str) -> String {
    let words: Vec<&str> = after.split(' ').collect();
    let mut shown = String::new();
    let mut last: Vec<&str> = Vec::new();
    for word in text.split_inclusive([' ', '\n']) {
        let bare = word.trim_end();
        let (id, rest) = bare.split_at_checked(length).unwrap_or((bare, ""));
        let is_id = id.len() == length && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        match is_id && last.ends_with(&words) {
            true => {
                let space = &word[bare.len()..];
                shown += &format!("{by}{rest}{space}");
            }
            false => shown += word,
        }
        if !bare.is_empty() {
            last.push(bare.trim_start_matches('\''));
        }
    }
    shown
}

/// The headline of the cause.
fn headline(patient: &Patient) -> String {
    let said = patient.doctor();
    let report = said.json();
    let checks = report["checks"].as_array().expect("checks");
    let with = |status: &str| checks.iter().find(|check| check["status"] == status);
    let cause = with("failed").or_else(|| with("warning"));
    let cause = cause.unwrap_or_else(|| panic!("a problem: {said}"));
    let reason = cause["reason"].as_str().expect("a sentence");
    patient.tidied(reason).replace('|', "\\|")
}

#[test]
fn the_page_shows_what_the_doctor_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/doctor.md");
    let old = fs::read_to_string(&path).expect("the page");
    let mut page = old.clone();
    let mut put = |name: &str, text: &str| {
        let begin = format!("<!-- {name} -->\n");
        let end = format!("<!-- /{name} -->");
        let from = page.find(&begin).expect(name) + begin.len();
        let to = page.find(&end).expect(name);
        page.replace_range(from..to, text);
    };
    for (trouble, persona) in SCREENS {
        let patient = Patient::with(trouble, persona);
        let shown = screen(&patient);
        put(
            trouble,
            &format!("```console\n$ azcred doctor\n{shown}\n```\n"),
        );
    }
    let mut known = BTreeMap::new();
    for (name, rows) in [("kedro", &KEDRO[..]), ("hi-ml", &HIML[..])] {
        let mut table = "| the guide | `azcred doctor` says |\n|---|---|\n".to_owned();
        for (line, trouble, persona) in rows {
            let said = known
                .entry((*trouble, format!("{persona:?}")))
                .or_insert_with(|| headline(&Patient::with(trouble, *persona)));
            let _ = writeln!(table, "| {line} | {said} |");
        }
        put(name, &table);
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, page).expect("the page is written");
        return;
    }
    assert_eq!(page, old, "UPDATE_DOCS=1 writes the page");
}

#[test]
fn the_list_of_commands_has_every_check() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
    let page = fs::read_to_string(path).expect("the page");
    for id in azcred_azure::CheckId::ALL {
        let name = serde_json::to_value(id).expect("a name");
        let (title, name) = (id.title(), name.as_str().expect("text"));
        let row = format!("| {title} | `{name}` | {} |", id.area().title());
        assert!(page.contains(&row), "{row}");
    }
}
