//! `azcred doctor --report`: a file for a bug report.
//!
//! It has no text of others: no value of a variable, no name, no id of the user's, no sentence.
//! Each value in it is a constant of azcred's, a number, a code that azcred knows or a correlation
//! id. So a secret or a name can't be in it, wherever it was.

use crate::{
    commands::user_file::{Draft, DraftMode},
    failure::{Failure, Kind},
    output::Output,
};
use azcred::{
    chain::{self, Source},
    is_unseen, printable_path,
};
use azcred_azure::{Area, CheckId, CheckReport, Report, Status, Subject};
use serde::Serialize;
use std::{collections::BTreeMap, ffi::OsStr, io::IsTerminal, path::Path, time::Duration};
use uuid::Uuid;

/// The file. A newer version may have more members.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    azcred: &'static str,
    machine: Machine,
    /// The variables that are set, by name, and what can be seen of each value.
    variables: BTreeMap<&'static str, Vec<&'static str>>,
    healthy: bool,
    milliseconds: u64,
    checks: Vec<Check>,
    chain: Option<Chain>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Machine {
    system: &'static str,
    architecture: &'static str,
    is_terminal: bool,
    is_wsl: bool,
    is_ci: bool,
    is_ssh: bool,
    /// The tools of the sources that are on `PATH`.
    tools: Vec<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    id: CheckId,
    area: Area,
    status: Status,
    subject: Option<Subject>,
    code: Option<String>,
    correlation_id: Option<Uuid>,
    milliseconds: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Chain {
    preset: &'static str,
    chosen: Option<&'static str>,
    attempts: Vec<Attempt>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attempt {
    source: &'static str,
    verdict: chain::Verdict,
    code: Option<u32>,
    correlation_id: Option<Uuid>,
    milliseconds: u64,
}

/// Variables that change what azcred does, besides those that name an identity.
const MORE: [&str; 16] = [
    "AZCRED_CACHE",
    "AZCRED_HOME",
    "AZCRED_IMDS",
    "AZCRED_KEYRING",
    "AZCRED_PRESET",
    "AZCRED_PROFILE",
    "AZURE_AUTHORITY_HOST",
    "AZURE_CONFIG_DIR",
    "ARM_CLOUD_METADATA_URL",
    "AZUREML_ARM_SUBSCRIPTION",
    "AZUREML_ARM_RESOURCEGROUP",
    "AZUREML_ARM_WORKSPACE_NAME",
    "HTTPS_PROXY",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
];

const TOOLS: [&str; 5] = ["az", "azd", "pwsh", "kedro", "terraform"];

/// Writes the file, and says what is in it.
///
/// # Errors
/// If the file exists, or can't be written.
pub(super) fn write(report: &Report, path: &Path, output: &Output) -> Result<(), Failure> {
    let bundle = bundle(report, |name| std::env::var_os(name));
    let failed = |why: String| {
        Failure::new(
            Kind::Failed,
            format!("could not write {}", printable_path(path)),
            why,
        )
    };
    let mut json =
        serde_json::to_string_pretty(&bundle).map_err(|error| failed(error.to_string()))?;
    json.push('\n');
    let draft = Draft::write(path, json.as_bytes(), DraftMode::Private(None));
    let written = draft.and_then(|draft| draft.become_new(path));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            failed("it exists already".to_owned()).fix("name a file that does not exist")
        }
        _ => failed(error.to_string()),
    })?;
    let (path, size) = (printable_path(path), json.len());
    let (checks, variables) = (bundle.checks.len(), bundle.variables.len());
    output.note(format!(
        "\nThe report is in {path} ({size} bytes). Nothing was sent. It has:
  - the version of azcred, the system, which tools are on PATH
  - the names of {variables} variables that are set, and what their values look like
  - {checks} checks and the chain's sources: results, codes, correlation ids, times
It has no secret, no name, no address and no id of yours. Read it, then attach it:
https://github.com/azcred/azcred/issues/new"
    ));
    Ok(())
}

fn bundle(report: &Report, var: impl Fn(&str) -> Option<std::ffi::OsString>) -> Bundle {
    let is_set = |name: &str| var(name).is_some_and(|value| !value.is_empty());
    let names = azcred_guest::known(|_| true).chain(MORE);
    let looks = names.filter_map(|name| Some((name, looks(&var(name)?))));
    let path = var("PATH").unwrap_or_default();
    let is_on_path = |tool: &&str| {
        let mut folders = std::env::split_paths(&path);
        folders.any(|folder| {
            let file = folder.join(tool);
            file.is_file() || cfg!(windows) && file.with_extension("exe").is_file()
        })
    };
    Bundle {
        azcred: env!("CARGO_PKG_VERSION"),
        variables: looks.collect(),
        machine: Machine {
            system: std::env::consts::OS,
            architecture: std::env::consts::ARCH,
            is_terminal: std::io::stdout().is_terminal(),
            is_wsl: is_set("WSL_DISTRO_NAME"),
            is_ci: is_set("CI") || is_set("TF_BUILD"),
            is_ssh: is_set("SSH_CONNECTION"),
            tools: TOOLS.into_iter().filter(is_on_path).collect(),
        },
        healthy: report.healthy,
        milliseconds: report.milliseconds,
        checks: report.checks.iter().map(check).collect(),
        chain: report.chain.as_deref().map(chain),
    }
}

fn check(of: &CheckReport) -> Check {
    Check {
        id: of.id,
        area: of.area,
        status: of.status,
        subject: of.subject,
        code: of.code.as_deref().and_then(known_code),
        correlation_id: id(of.correlation_id.as_deref()),
        milliseconds: of.milliseconds,
    }
}

fn chain(of: &chain::Report) -> Chain {
    let chosen = of.chosen().map(|attempt| Source::id(attempt.source));
    Chain {
        preset: of.preset.id(),
        chosen,
        attempts: of
            .attempts
            .iter()
            .map(|attempt| {
                let error = attempt.error.as_ref();
                let refusal = error.and_then(azcred::Error::refusal);
                Attempt {
                    source: attempt.source.id(),
                    verdict: attempt.verdict,
                    code: error.and_then(azcred::Error::code),
                    correlation_id: id(refusal.and_then(|one| one.correlation_id.as_deref())),
                    milliseconds: milliseconds(attempt.took),
                }
            })
            .collect(),
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A code that the other side did not choose freely: one of Entra ID's numbers, or a word of
/// azcred's tables.
fn known_code(code: &str) -> Option<String> {
    let digits = code.strip_prefix("AADSTS");
    let is_number = digits.is_some_and(|digits| {
        (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    (is_number || azcred_azure::knows_code(code)).then(|| code.to_owned())
}

fn id(text: Option<&str>) -> Option<Uuid> {
    Uuid::try_parse(text?).ok()
}

/// What can be seen of a value, without any part of it.
fn looks(value: &OsStr) -> Vec<&'static str> {
    let Some(text) = value.to_str() else {
        return vec!["not Unicode"];
    };
    let bare = text.trim().trim_matches(['"', '\'']);
    let form = match bare {
        "" => "empty",
        _ if Uuid::try_parse(bare).is_ok() => "a GUID",
        _ if bare.starts_with("https://") => "an https address",
        _ if bare.starts_with("http://") => "an http address",
        _ if Path::new(bare).is_absolute() => "a path",
        _ if bare.bytes().all(|byte| byte.is_ascii_digit()) => "a number",
        _ => "text",
    };
    let quoted = text.trim();
    let is_quoted = quoted.len() > 1 && (quoted.starts_with('"') || quoted.starts_with('\''));
    let odd = [
        (is_quoted, "in quotes"),
        (text.trim() != text, "with spaces at an end"),
        (text.contains(['\n', '\r']), "with a line end"),
        (
            text.chars()
                .any(|c| !matches!(c, '\n' | '\r') && is_unseen(c)),
            "with unseen characters",
        ),
    ];
    let odd = odd.into_iter().filter(|(is, _)| *is).map(|(_, what)| what);
    [form].into_iter().chain(odd).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_value_is_in_its_look() {
        for (value, look) in [
            ("", &["empty"][..]),
            ("c11e0000-0000-4000-8000-000000000001", &["a GUID"]),
            (
                "'c11e0000-0000-4000-8000-000000000001'\n",
                &[
                    "a GUID",
                    "in quotes",
                    "with spaces at an end",
                    "with a line end",
                ],
            ),
            ("https://ada:hunter2@proxy.example", &["an https address"]),
            ("hunter2\u{200b}", &["text", "with unseen characters"]),
            ("12345", &["a number"]),
        ] {
            assert_eq!(looks(OsStr::new(value)), look, "{value:?}");
        }
    }

    #[test]
    fn a_code_is_one_that_azcred_knows() {
        for code in ["AADSTS7000222", "AuthorizationFailed"] {
            assert_eq!(known_code(code).as_deref(), Some(code));
        }
        for code in [
            "AADSTS",
            "AADSTSada",
            "AADSTS12345678901",
            "AdaLovelace",
            "",
        ] {
            assert_eq!(known_code(code), None, "{code}");
        }
    }
}
