//! The stand-in for Azure CLI: what this binary is when it is called by the name `az`.
//!
//! Programs that know no other sign-in run `az account get-access-token`. The stand-in answers the
//! few commands that they run with the tokens of azcred's session, and passes the others on to
//! Azure CLI where that is the same identity.

mod accounts;
mod arguments;
mod get_access_token;
mod help;
mod identity;
mod link;
mod list;
mod listing;
mod other;
mod output;
mod query;
mod real;
mod set;
mod show;
mod value;
mod version;

use crate::{
    failure::{Failure, Kind},
    output::{
        Sources, Stream,
        door::{self, Door},
        failure_text,
        style::{BAD, paint},
    },
    trace,
};
use arguments::{Command, Global, Line, QUERY_HELP};
use azcred::system::RealSystem;
use output::Format;
use std::{
    ffi::{OsStr, OsString},
    io::{self, IsTerminal},
    path::Path,
    process::ExitCode,
};
use value::Value;

pub(crate) use accounts::{OWN_FOLDER, folder};
pub(crate) use link::{Link, LinkTrouble};
pub(crate) use listing::TENANT_LEVEL;

/// The first argument with which a script that is named `az` calls this binary by its own name.
pub(crate) const AS_AZ: &str = "--as-az";

/// Why a command of the stand-in has no result.
enum Trouble {
    /// In Azure CLI's words, with its exit code.
    Said(u8, String),
    /// In azcred's.
    Failed(Box<Failure>),
}

impl<T: Into<Failure>> From<T> for Trouble {
    fn from(failure: T) -> Self {
        Self::Failed(Box::new(failure.into()))
    }
}

/// A failure in Azure CLI's words, which SDKs search for known sentences.
fn said(words: impl Into<String>) -> Trouble {
    Trouble::Said(1, words.into())
}

/// The arguments, if this binary is called by the name `az`.
pub(crate) fn arguments() -> Option<Vec<OsString>> {
    let mut arguments = std::env::args_os();
    let name = arguments.next()?;
    let is_az = |stem: &OsStr| stem.eq_ignore_ascii_case("az");
    if Path::new(&name).file_stem().is_some_and(is_az) {
        return Some(arguments.collect());
    }
    // No other command reads its arguments twice.
    (arguments.next()? == AS_AZ).then(|| arguments.collect())
}

/// Runs a command of `az` to its end.
pub(crate) fn run(arguments: &[OsString]) -> ExitCode {
    let code = answer(arguments).unwrap_or_else(|trouble| {
        let (code, text) = match trouble {
            Trouble::Said(code, words) => (code, format!("{} {words}", paint(BAD, "ERROR:"))),
            Trouble::Failed(failure) => (1, in_azs_words(*failure)),
        };
        // If standard error is closed, nothing else can be done.
        let _ = door::stderr().line(text);
        code
    });
    ExitCode::from(code)
}

fn answer(arguments: &[OsString]) -> Result<u8, Trouble> {
    trace::start(0)?;
    // A program that Azure CLI or azcred started wants Azure CLI.
    if real::is_marked() {
        return other::pass_on(arguments);
    }
    let texts: Option<Vec<String>> = arguments
        .iter()
        .map(|argument| argument.to_str().map(str::to_owned))
        .collect();
    let Some(texts) = texts else {
        return other::run(arguments, "");
    };
    let Line { command, global } =
        arguments::read(&texts, default_format()).map_err(|words| Trouble::Said(2, words))?;
    let value = match command {
        Command::Other(name) => return other::run(arguments, &name),
        Command::Help => return print(&help::text()),
        Command::VersionText => return print(&version::text()),
        Command::Version => version::value(),
        Command::GetAccessToken(asked) => identity::wait(get_access_token::run(asked))??,
        Command::Show { subscription } => identity::wait(show::run(subscription.as_deref()))??,
        Command::List { all, refresh } => {
            let Some(list) = identity::wait(list::run(all, refresh))?? else {
                return other::its_own(arguments, "account list --refresh");
            };
            for warning in list.warnings.iter().filter(|_| !global.only_show_errors) {
                let _ = door::stderr().line(format_args!("WARNING: {warning}"));
            }
            return finish(list.value, &global, Some(list::table));
        }
        // A program signed in there before it began, and scripts do it again.
        Command::LoginIdentity if accounts::own_folder(&RealSystem).is_some() => {
            identity::wait(list::after_login())??
        }
        Command::LoginIdentity => return other::run(arguments, "login"),
        Command::Set { subscription } => {
            return match identity::wait(set::run(&subscription))?? {
                true => Ok(0),
                false => other::its_own(arguments, "account set"),
            };
        }
    };
    finish(value, &global, None)
}

/// The format without `--output`: Azure CLI's setting in the environment.
fn default_format() -> Format {
    std::env::var("AZURE_CORE_OUTPUT")
        .ok()
        .and_then(|name| Format::named(&name))
        .unwrap_or_default()
}

/// Prints a result. `table` are the columns of `--output table`.
fn finish(
    value: Value,
    global: &Global,
    table: Option<fn(&Value) -> Value>,
) -> Result<u8, Trouble> {
    let has_query = global.query.is_some();
    let value = match &global.query {
        None => value,
        Some(query) => query.of(&value).map_err(|why| {
            said(format!(
                "Invalid jmespath query supplied for `--query`: {why}\n{QUERY_HELP}"
            ))
        })?,
    };
    let format = match io::stdout().is_terminal() {
        true => global.format,
        false => global.format.plain(),
    };
    let text = match table.filter(|_| !has_query && format == Format::Table) {
        Some(columns) => format.show(&columns(&value), false),
        None => format.show(&value, !has_query),
    };
    print(&text)
}

/// Writes to standard output: for a program byte for byte, and for a person without what moves a
/// terminal's cursor.
fn print(text: &str) -> Result<u8, Trouble> {
    let mut stdout: Door<io::Stdout> = door::stdout();
    let written = match io::stdout().is_terminal() {
        true => stdout.write(&text.replace('\t', "    ")),
        false => stdout.verbatim(text),
    };
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            Kind::Failed,
            "could not write the result to standard output",
            error.to_string(),
        )
        .into()),
        _ => Ok(0),
    }
}

/// azcred's failure, where programs expect Azure CLI's: the sentence that they search for comes
/// first, if nothing is signed in.
fn in_azs_words(failure: Failure) -> String {
    let failure = match failure.kind {
        Kind::NotSignedIn => failure.titled("Please run 'az login' to setup account."),
        _ => failure,
    };
    let text = failure_text(&failure, Stream::Stderr.width(), Sources::SetUp);
    text.replacen("error:", "ERROR:", 1)
}
