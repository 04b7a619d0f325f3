//! `azcred chain`: the source that returns a token, why the others don't, and how long each took.

use super::{target::Target, whoami::with_name};
use crate::{
    choice::{Choice, described},
    failure::Failure,
    output::{
        Output, Screen,
        chain_table::{self, Row},
        failure::{self, Sources},
        style::{DIM, paint, with_code},
        time,
        wrap::{Stream, wrap},
    },
    sign_in::{self, Chosen, Person, Place, SignIn},
    words,
};
use azcred::{
    AccessToken,
    chain::{AfterFailure, Preset, Report, Source},
    session::{Setting, SettingKind},
};
use azcred_azure::Principal;
use clap::Args;
use serde::Serialize;

/// Show where azcred looks for a token, what it finds, and why
///
/// A source is a place that tokens come from, such as Azure CLI or a managed identity. azcred tries
/// its sources in order; that is the chain. This command does it now, and shows for each source
/// whether it has a token, why not, and how long it took.
///
/// It prints no token and never asks you to sign in. If `azcred token` would ask, the line of the
/// browser or of the device code says so.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred chain

  # which account would DefaultAzureCredential use here?
  azcred chain --preset azure

  # all sources and their order, without trying them
  azcred chain --list

  azcred chain --only managed-identity
  azcred chain --output json | jq -r .chosen

Exit codes:
  0  a source has a token
  1  failed; for example, the account is not the expected one
  2  wrong usage: the command line can't be read
  3  not signed in: no source has a token
  4  the sign-in was rejected, for example because a secret is wrong
  6  no response from Azure")]
pub(crate) struct Chain {
    /// List the sources in their order, with what happens if one fails. Try nothing
    #[arg(long, conflicts_with_all = ["scope", "resource", "tenant", "only", "exclude", "expect_tenant", "expect_principal", "expect_source"])]
    list: bool,

    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    choice: Choice,
}

/// The output of `--output json`.
#[derive(Serialize)]
struct ChainDocument<'a> {
    /// `preset`, `chosen`, `tookMs`, `attempts`.
    #[serde(flatten)]
    report: &'a Report,
    /// The requested scope.
    scope: &'a str,
    /// The identity in the token; `null` without a token, or if the token does not name it.
    principal: Option<&'a Principal>,
    /// Why no source returned a token.
    error: Option<&'a Failure>,
    /// The options, files and variables that decide.
    settings: &'a [Setting],
}

/// The output of `--list --output json`.
#[derive(Serialize)]
struct SourcesDocument {
    preset: Preset,
    sources: Vec<SourceLine>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SourceLine {
    source: Source,
    credential: &'static str,
    after_failure: AfterFailure,
}

impl Chain {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        if self.list {
            let session = self.choice.apply(place.session())?;
            list(session.effective_preset()?, output);
            return Ok(0);
        }
        let (scope, tenant) = (self.target.scope(), self.target.tenant.clone());
        let asked = async {
            let sign_in =
                SignIn::new(&place, &self.choice, scope, tenant, Person::LeftAlone).await?;
            let (answer, report) = sign_in.session.explain().await;
            Ok::<_, Failure>((sign_in, answer, report))
        };
        let (sign_in, answer, report) = output.waiting("Signing in", asked).await?;
        let principal = answer
            .as_ref()
            .ok()
            .and_then(|token| Principal::from_token(token).ok());
        let (token, error) = match answer {
            Ok(token) => (Some(token), None),
            Err(error) => (None, Some(Failure::from(error))),
        };
        let code = error.as_ref().map_or(0, |error| error.kind.exit_code());
        if output.is_json() {
            // The document has the report already.
            let error = error.map(|error| Failure {
                report: None,
                ..error
            });
            output.json(&ChainDocument {
                report: &report.in_words(words::fix),
                scope: sign_in.session.scope().as_str(),
                principal: principal.as_ref(),
                error: error.as_ref(),
                settings: sign_in.session.decided_by(),
            });
            return Ok(code);
        }
        let width = Stream::Stdout.width();
        if let (Some(token), Some(chosen)) = (&token, sign_in::chosen(&report)) {
            let name = sign_in.tenant_name(principal.as_ref()).await;
            let who = who(token, &chosen, principal.as_ref(), name.as_deref());
            for line in wrap(&who, width) {
                output.line(with_code(&line));
            }
        }
        if let Some(error) = error {
            output.line(failure::text(&error, width, Sources::InTable));
        }
        output.line("");
        let screen = Screen::of_stdout();
        if !report.attempts.is_empty() {
            let rows: Vec<Row<'_>> = report.attempts.iter().map(Row::from).collect();
            let (rows, folded) = match output.verbose {
                true => (rows, Vec::new()),
                false => chain_table::folded(rows, width),
            };
            if !rows.is_empty() {
                for line in chain_table::table(&rows, report.took, screen) {
                    output.line(line);
                }
            }
            for line in folded {
                output.line(line);
            }
            output.line("");
        }
        for line in decided_by(report.preset, sign_in.session.decided_by(), width) {
            output.line(paint(DIM, line));
        }
        Ok(code)
    }
}

/// The identity and the token's source, in one line.
pub(super) fn who(
    token: &AccessToken,
    chosen: &Chosen,
    principal: Option<&Principal>,
    tenant_name: Option<&str>,
) -> String {
    let who = match principal {
        Some(principal) => {
            let tenant = principal.tenant_id.as_deref();
            let tenant = tenant.map(|id| with_name(tenant_name, id));
            let tenant = tenant.map_or(String::new(), |tenant| format!(", in the tenant {tenant}"));
            let name = principal.user_name.as_deref();
            let name = name.map_or(String::new(), |name| format!(" ({name})"));
            format!("You are {}{name}{tenant}.", principal.describe())
        }
        None => "The token does not say who you are.".to_owned(),
    };
    format!(
        "{who} The token is from {} and expires {}.",
        chosen.source,
        time::until(token.expires_on())
    )
}

/// The files and variables that decide the identity.
fn decided_by(preset: Preset, settings: &[Setting], width: usize) -> Vec<String> {
    let preset = format!("{preset}: {}", described(preset));
    let mut lines: Vec<String> = wrap(&preset, width.saturating_sub(10))
        .iter()
        .enumerate()
        .map(|(number, words)| format!("{:10}{words}", if number == 0 { "preset" } else { "" }))
        .collect();
    lines.extend(
        settings
            .iter()
            .filter_map(|setting| match (setting.kind, &setting.value) {
                (SettingKind::File, _) => Some(format!("file      {}", setting.name)),
                (SettingKind::Variable, Some(value)) => {
                    Some(format!("variable  {}={value}", setting.name))
                }
                (SettingKind::Variable, None) => Some(format!("variable  {}", setting.name)),
                // The user has just typed the option.
                _ => None,
            }),
    );
    lines
}

/// A preset's sources.
fn list(preset: Preset, output: &mut Output) {
    if output.is_json() {
        let sources = preset.table().iter();
        output.json(&SourcesDocument {
            preset,
            sources: sources
                .map(|&(source, after_failure)| SourceLine {
                    source,
                    credential: source.credential_name(),
                    after_failure,
                })
                .collect(),
        });
        return;
    }
    let width = Stream::Stdout.width();
    for line in wrap(&format!("{preset}: {}", described(preset)), width) {
        output.line(with_code(&line));
    }
    output.line("");
    let line = |number: &str, source: &str, name: &str, then: &str| {
        format!("{number:>3}  {source:<20}  {name:<28}  {then}")
    };
    let head = line("", "source", "name in the Azure SDKs", "if it fails");
    output.line(paint(DIM, head));
    for (number, (source, after_failure)) in preset.table().iter().enumerate() {
        let then = match after_failure {
            AfterFailure::End => "the chain ends",
            AfterFailure::GoOn => "the next source is tried",
            AfterFailure::AskPerson => "a person is asked",
        };
        let number = (number + 1).to_string();
        output.line(line(&number, source.id(), source.credential_name(), then));
    }
    let mut note = String::from("A source that is not set up here is skipped.");
    if preset
        .table()
        .iter()
        .any(|(source, _)| *source == Source::ManagedIdentity)
    {
        note.push_str(
            " If this machine does not look like one in Azure, managed-identity comes last, before you are \
             asked to sign in.",
        );
    }
    output.line("");
    for line in wrap(&note, width) {
        output.line(line);
    }
}
