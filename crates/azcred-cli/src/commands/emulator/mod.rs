//! `azcred emulator`: a local Azure, for trials and tests.

mod env;
mod exec;
mod guests;
#[cfg(target_os = "linux")]
mod isolate;
#[cfg(not(target_os = "linux"))]
#[path = "not_isolated.rs"]
mod isolate;
mod jobs;
mod requests;
mod routes;
mod seed;
mod start;
mod state;
mod status;
mod stop;
mod users;

use crate::{
    failure::{Failure, Kind},
    output::Output,
};
use azcred_emulator::{
    Emulator, Info, Inherited, Isolated, Lifetime, Options, PERSONAS, Persona, SeedError,
    StateError, WAYS, Way,
};
use clap::{
    Args, Subcommand,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use std::{io, time::Duration};

/// Run a local Azure (Entra ID, an Azure ML workspace) for tests
///
/// Programs run against it unmodified. It responds as Azure does, also with its errors, and sends
/// nothing to the network. It contains a made-up company, Contoso, with users, applications, a
/// subscription, a workspace and roles. `azcred emulator start --seed FILE` uses your own.
#[derive(Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  # run one program against a local Azure
  azcred emulator exec -- python train.py

  # keep a local Azure running, and use it from another shell
  azcred emulator start
  eval \"$(azcred emulator env)\""
)]
pub(crate) struct EmulatorArguments {
    #[command(subcommand)]
    command: EmulatorCommand,
}

#[derive(Subcommand)]
enum EmulatorCommand {
    Start(start::Start),
    Env(env::Env),
    Exec(exec::Exec),
    #[cfg(target_os = "linux")]
    Inside(isolate::Inside),
    Status(status::Status),
    Users(users::Users),
    Jobs(jobs::Jobs),
    Requests(requests::Requests),
    Stop(stop::Stop),
    Seed(seed::Seed),
}

impl EmulatorArguments {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        match self.command {
            EmulatorCommand::Start(command) => command.run(output).await,
            EmulatorCommand::Env(command) => command.run(output),
            EmulatorCommand::Exec(command) => command.run(output).await,
            #[cfg(target_os = "linux")]
            EmulatorCommand::Inside(command) => command.run(output).await,
            EmulatorCommand::Status(command) => command.run(output),
            EmulatorCommand::Users(command) => command.run(output),
            EmulatorCommand::Jobs(command) => command.run(output),
            EmulatorCommand::Requests(command) => command.run(output),
            EmulatorCommand::Stop(command) => command.run(output).await,
            EmulatorCommand::Seed(seed::Seed) => seed::Seed::run(output),
        }
    }
}

/// The identity of a program, and how it reaches the emulator.
#[derive(Args)]
struct Guest {
    /// The account that the program finds; the list is below
    #[arg(long = "as", value_name = "WHO", default_value = "service-principal", value_parser = named(PERSONAS, |persona| persona.summary()), hide_possible_values = true)]
    persona: Persona,

    /// How the program reaches the emulator; the list is below
    #[arg(long = "by", value_name = "WAY", default_value = "names", value_parser = named(WAYS, way_help), hide_possible_values = true)]
    way: Way,

    /// Leave HOME as it is. Tools that find sign-ins through HOME only then find your own
    #[arg(long)]
    keep_home: bool,
}

impl Guest {
    /// The variables of a program that this user starts.
    fn isolated(&self, info: &Info, lifetime: Lifetime) -> Result<Isolated, Failure> {
        let inherited = Inherited {
            keeps_home: self.keep_home,
            lifetime,
            ..Inherited::here()
        };
        info.isolated(self.persona, self.way, &inherited)
            .map_err(|error| {
                let folder = info.state_dir.display();
                Failure::new(
                    Kind::Failed,
                    "could not prepare the program's folders",
                    format!("a folder can't be created in {folder}: {error}"),
                )
                .fix("choose a folder that you can write to with --state")
            })
    }

    /// Warns if the program can't sign in as this persona.
    fn warn(&self, info: &Info, isolated: &Isolated, output: &Output) {
        if self.persona == Persona::Vm && isolated.set.contains_key("IMDS_ENDPOINT") {
            output.remark(
                "This machine has Azure Arc's agent, which Azure SDKs use before a virtual machine's metadata service. \
                 So the program gets no token here: use `--as arc`, or a machine without the agent.",
            );
        }
        let hosts = info.identity_hosts.as_ref();
        if self.persona == Persona::Arc
            && let Some(folder) = hosts.and_then(|hosts| hosts.arc_keys_elsewhere.as_deref())
        {
            let note = format!(
                "Azure SDKs accept Azure Arc's key files only from {AGENTS_FOLDER}. This emulator could not write there \
                 when it started, and creates them in {}. Create that folder as an administrator (root), and restart the \
                 emulator as an administrator.",
                folder.display()
            );
            output.remark(&note);
        }
    }
}

/// The folder of Azure Arc's key files ('Authenticate against Azure resources with Azure
/// Arc-enabled servers').
const AGENTS_FOLDER: &str = if cfg!(windows) {
    r"%ProgramData%\AzureConnectedMachineAgent\Tokens"
} else {
    "/var/opt/azcmagent/tokens"
};

/// Examples, and the values of `--as` and `--by`.
fn help(examples: &str) -> String {
    let mut text = String::from("The account, for --as:\n");
    for (name, persona) in PERSONAS {
        let alias = match persona {
            Persona::ServicePrincipal => " (or sp)",
            _ => "",
        };
        text.push_str(&format!("  {name:<17}  {}{alias}\n", persona.summary()));
    }
    text.push_str(
        "\n\
The way to the emulator, for --by:
  names  Azure's own host names, through HTTPS_PROXY; for unmodified programs
  ports  ports of localhost, in AZURE_AUTHORITY_HOST and ARM_CLOUD_METADATA_URL;
         azure-identity for Python then needs disable_instance_discovery=True

",
    );
    text.push_str(examples);
    text
}

fn way_help(way: &Way) -> &'static str {
    match way {
        Way::RealNames => "Azure's own host names, through HTTPS_PROXY: for unmodified programs",
        Way::Ports => {
            "one port of localhost for each service, in AZURE_AUTHORITY_HOST and ARM_CLOUD_METADATA_URL; azure-identity for Python then needs disable_instance_discovery=True"
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

/// The emulator that runs with a state folder.
fn running(state: &std::path::Path) -> Result<Option<Info>, Failure> {
    let info = Info::load(state).map_err(|error| {
        Failure::new(
            Kind::Failed,
            "could not read the emulator's status",
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

/// The error of an emulator that did not start.
fn not_begun(error: &azcred_emulator::Error) -> Failure {
    let (why, fix) = match error {
        azcred_emulator::Error::State(StateError::Running { path }) => (
            format!(
                "an emulator is already running from the state folder {}",
                path.display()
            ),
            "use that emulator (`azcred emulator env` shows how), stop it, or choose another folder with --state",
        ),
        azcred_emulator::Error::State(inner @ StateError::Io { .. }) => (
            inner.to_string(),
            "choose a folder that you can write to with --state, or set TMPDIR for temporary folders",
        ),
        azcred_emulator::Error::State(inner) => (inner.to_string(), ""),
        azcred_emulator::Error::Seed(SeedError::Unreadable { path, source })
            if source.kind() == io::ErrorKind::NotFound =>
        {
            (
                format!("the seed file {} does not exist", path.display()),
                "check the path given as --seed; or write the built-in seed to a file and change it there: `azcred emulator seed > contoso.toml`",
            )
        }
        azcred_emulator::Error::Seed(inner @ SeedError::Unreadable { .. }) => (
            inner.to_string(),
            "give a file that you can read as --seed, or leave --seed out to use the built-in seed",
        ),
        azcred_emulator::Error::Seed(inner) => (
            inner.to_string(),
            "fix the seed file, or leave --seed out to use the built-in seed",
        ),
        other => (other.to_string(), ""),
    };
    Failure::new(Kind::Failed, "could not start the emulator", why).fix(fix)
}

/// Stops an emulator. Tasks that don't end in time end with this process.
pub(in crate::commands) async fn end(emulator: Emulator) {
    const PATIENCE: Duration = Duration::from_secs(5);
    if tokio::time::timeout(PATIENCE, emulator.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("the emulator did not stop in time");
    }
}
