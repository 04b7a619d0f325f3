//! `azcred emulator`: a local Azure, to try and to test against.

mod env;
mod exec;
mod guests;
mod shell;
mod start;
mod state;

use crate::{
    failure::{Failure, Kind},
    output::Output,
};
use azcred_emulator::{Emulator, Info, Options, PERSONAS, Persona, StateError, WAYS, Way};
use clap::{
    Args, Subcommand,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use std::time::Duration;

/// Run a local Azure: Entra ID, Resource Manager and an Azure ML workspace
///
/// It answers as Azure does, refusals included, on this machine only; nothing leaves it. Its tenant
/// is Contoso, with applications, a subscription, a workspace and roles; `emulator start --seed`
/// takes a world of your own.
#[derive(Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  azcred emulator exec -- python train.py       run a program inside it, unmodified
  azcred emulator start                         keep one running
  eval \"$(azcred emulator env)\"                 take this shell into it"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Start(start::Start),
    Env(env::Env),
    Exec(exec::Exec),
}

impl Arguments {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        match self.command {
            Command::Start(command) => command.run(output).await,
            Command::Env(command) => command.run(output),
            Command::Exec(command) => command.run(output).await,
        }
    }
}

/// As whom a program signs in, and by which way it reaches the emulator.
#[derive(Args)]
struct Guest {
    /// As whom the program signs in
    #[arg(long = "as", value_name = "WHO", default_value = "service-principal", value_parser = named(PERSONAS, |persona| persona.summary()))]
    persona: Persona,

    /// By which way it gets in
    #[arg(long = "by", value_name = "WAY", default_value = "names", value_parser = named(WAYS, way_help))]
    way: Way,
}

impl Guest {
    /// Says what will keep the program from being who it shall be.
    fn warn(&self, info: &Info, output: &Output) {
        let hosts = info.identity_hosts.as_ref();
        if self.persona == Persona::Arc
            && let Some(folder) = hosts.and_then(|hosts| hosts.arc_keys_elsewhere.as_deref())
        {
            let note = format!(
                "Azure Arc's clients believe in key files in {AGENTS_FOLDER} alone; this emulator makes them in {}, as it \
                 could not write there when it started. Make that folder as an administrator (root), and start the emulator \
                 anew as one.",
                folder.display()
            );
            output.remark(&note);
        }
    }
}

/// Where Azure Arc's agent has its key files ('Authenticate against Azure resources with Azure
/// Arc-enabled servers').
const AGENTS_FOLDER: &str = if cfg!(windows) {
    r"%ProgramData%\AzureConnectedMachineAgent\Tokens"
} else {
    "/var/opt/azcmagent/tokens"
};

fn way_help(way: &Way) -> &'static str {
    match way {
        Way::RealNames => "Azure's own names, through HTTPS_PROXY: for unmodified programs",
        Way::Ports => {
            "each service on its port, by AZURE_AUTHORITY_HOST and ARM_CLOUD_METADATA_URL; Python's azure-identity then needs disable_instance_discovery=True"
        }
    }
}

/// A parser for the names in one of the emulator's tables.
fn named<T: Copy + Send + Sync + 'static>(
    table: &'static [(&'static str, T)],
    help: fn(&T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let names = table.iter().map(move |(name, value)| {
        let shown = PossibleValue::new(*name);
        if *name == "service-principal" {
            shown
                .alias("sp")
                .help(format!("{} [alias: sp]", help(value)))
        } else {
            shown.help(help(value))
        }
    });
    PossibleValuesParser::new(names).try_map(move |given| {
        let name = if given == "sp" {
            "service-principal"
        } else {
            &given
        };
        table
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
            .ok_or("no such name")
    })
}

/// The emulator that runs from a state folder.
fn running(state: &std::path::Path) -> Result<Option<Info>, Failure> {
    let info = Info::load(state).map_err(|error| {
        Failure::new(
            Kind::Failed,
            "Read what the emulator serves",
            error.to_string(),
        )
    })?;
    Ok(info.filter(Info::is_alive))
}

/// Starts an emulator in this process.
pub(in crate::commands) async fn begin(options: Options) -> Result<Emulator, Failure> {
    Emulator::start(options)
        .await
        .map_err(|error| not_begun(&error))
}

/// Why none starts.
fn not_begun(error: &azcred_emulator::Error) -> Failure {
    let (why, fix) = match error {
        azcred_emulator::Error::State(StateError::Running { path }) => (
            format!("one runs from the state folder {} already", path.display()),
            "use that one (`azcred emulator env` shows how), stop it, or give another folder with --state",
        ),
        azcred_emulator::Error::State(inner @ StateError::Io { .. }) => (
            inner.to_string(),
            "give a folder that this user may write with --state; temporary ones are made where TMPDIR says",
        ),
        azcred_emulator::Error::State(inner) => (inner.to_string(), ""),
        azcred_emulator::Error::Seed(inner) => (
            inner.to_string(),
            "fix the seed file, or leave --seed out for the built-in one",
        ),
        other => (other.to_string(), ""),
    };
    Failure::new(Kind::Failed, "Start the emulator", why).fix(fix)
}

/// Stops an emulator in good order; what does not end in time ends with this process.
pub(in crate::commands) async fn end(emulator: Emulator) {
    const PATIENCE: Duration = Duration::from_secs(5);
    if tokio::time::timeout(PATIENCE, emulator.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("the emulator did not stop in time");
    }
}
