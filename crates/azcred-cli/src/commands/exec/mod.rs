//! `azcred exec`: runs a program as the account that azcred finds.

mod audit;
mod azure_cli;
mod environment;

use super::{
    interrupt::{settled, unless},
    target::resource,
};
use crate::{
    candidates,
    choice::Choice,
    failure::{Failure, Kind},
    given,
    output::Output,
    process::{Program, Signals},
    sign_in::{Person, Place, SignIn},
};
use audit::FileAudit;
use azcred::{AccessToken, Scope, Session, TenantId, chain::Source};
use azcred_azure::Principal;
use azcred_endpoint::{Allow, Endpoint, Options};
use azcred_guest::{FolderKind, PrivateFolder};
use azure_cli::Account;
use clap::{Args, ValueHint};
use clap_complete::{ArgValueCandidates, ArgValueCompleter};
use environment::{AzureCli, Environment, Inherited};
use std::{ffi::OsString, path::PathBuf, pin::pin, sync::Arc};

/// The exit code of azcred's own failures: `env` and `docker run` have the same one.
pub(crate) const OWN_FAILURE: u8 = 125;

/// The folder of Azure CLI that the program has.
const FOLDER: FolderKind = FolderKind {
    prefix: "azcred-exec-",
    lock: "exec.lock",
};

/// Run a program as the account that azcred finds
///
/// Every Azure SDK gets its tokens from azcred then, without a change to the program: azcred is its
/// managed identity, at an address of this computer, until the program ends. Other accounts are
/// removed from its environment variables. Azure CLI and its library have the same account.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred exec -- python train.py
  azcred exec --profile work -- kedro azureml run
  azcred exec --allow https://storage.azure.com -- python upload.py
  azcred exec -- az account show

Exit codes: the program's own; 128 + N if signal N ended it; 127 if the program
was not found; 126 if it can't be executed; 125 if azcred failed, for example
because no account was found.")]
pub(crate) struct Exec {
    /// The program and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, value_hint = ValueHint::CommandWithArguments, add = ArgValueCompleter::new(candidates::programs))]
    command: Vec<OsString>,

    /// Return tokens for these resources only, such as https://storage.azure.com. Separate several
    /// by commas, or repeat the option [default: every resource]
    #[arg(long, value_name = "RESOURCE", value_delimiter = ',', value_parser = resource)]
    allow: Vec<Scope>,

    /// Also set MSI_ENDPOINT and MSI_SECRET, for programs that know only the managed identities of
    /// Azure ML's computes
    #[arg(long)]
    msi: bool,

    /// Leave other accounts in the program's environment variables
    #[arg(long)]
    keep_env: bool,

    /// Append a line to this file for each token: when, for which resource, until when. Never the
    /// token
    #[arg(long, value_name = "FILE", value_parser = given::path(), value_hint = ValueHint::FilePath)]
    audit: Option<PathBuf>,

    /// Request tokens in this tenant (id or domain) [default: the account's own tenant]
    #[arg(long, value_name = "TENANT", value_parser = TenantId::new, add = ArgValueCandidates::new(candidates::tenants))]
    tenant: Option<TenantId>,

    #[command(flatten)]
    choice: Choice,
}

/// All that a program needs to run.
struct Ready {
    endpoint: Endpoint,
    folder: PrivateFolder,
    environment: Environment,
}

impl Exec {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let own = |failure: &Failure| {
            output.failure(failure);
            OWN_FAILURE
        };
        // Signal handlers are installed before anything starts.
        let mut signals = match Signals::listen() {
            Ok(signals) => signals,
            Err(error) => return Ok(own(&failed("signals can't be received", &error))),
        };
        let ready = unless(pin!(signals.ended()), self.ready(output)).await;
        let code = match ready {
            Ok(Ok(ready)) => self.run_program(ready, signals, output).await,
            Ok(Err(failure)) => own(&failure),
            Err(code) => code,
        };
        settled(std::future::pending()).await;
        Ok(code)
    }

    /// Signs in and starts the endpoint. The first token is requested here, so that an error is
    /// azcred's and not one of the program's SDK, and so that a person is asked before the program
    /// has the terminal.
    async fn ready(&self, output: &Output) -> Result<Ready, Failure> {
        let user: Inherited = std::env::vars_os().collect();
        let mut options = Options::new(match self.allow.is_empty() {
            true => Allow::everything(),
            false => Allow::only(self.allow.iter().cloned()),
        });
        if self.msi {
            options = options.with_azure_ml();
        }
        if let Some(path) = &self.audit {
            options = options.with_audit(Arc::new(FileAudit::open(path)?));
        }
        let signed_in = output.waiting("Signing in", self.sign_in(output));
        let (session, token) = signed_in.await.map_err(|failure| match failure.kind {
            Kind::WrongAccount => {
                failure.titled("signed in as the wrong account; the program was not started")
            }
            _ => failure,
        })?;
        let principal = Principal::from_token(&token).ok();
        let tenant = principal.and_then(|principal| principal.tenant_id);
        let tenant = tenant.map(|tenant| tenant.as_str().to_owned());
        let folder = PrivateFolder::create(FOLDER).map_err(|error| {
            let why = format!("{} ({})", error.what, error.path.display());
            failed(&why, &error.source).fix("set TMPDIR to a folder that you can write to")
        })?;
        let written = |error: std::io::Error| {
            let why = format!("{} can't be written", folder.path().display());
            failed(&why, &error).fix("set TMPDIR to a folder that you can write to")
        };
        let programs = azure_cli::stand_in(folder.path()).map_err(written)?;
        if let Some(account) = Account::of(&session, tenant, &user) {
            azure_cli::sign_in(folder.path(), &account).map_err(written)?;
        }
        let endpoint = Endpoint::start(Arc::new(session), options).await?;
        let variables = endpoint.variables();
        let azure_cli = AzureCli {
            folder: folder.path(),
            programs: &programs,
        };
        let environment = Environment::new(&user, variables, &azure_cli, self.keep_env);
        let removed: Vec<_> = environment.removed().collect();
        if !removed.is_empty() {
            tracing::info!("the program does not get {}", removed.join(", "));
        }
        Ok(Ready {
            endpoint,
            folder,
            environment,
        })
    }

    /// The session of the program, and its first token.
    async fn sign_in(&self, output: &Output) -> Result<(Session, AccessToken), Failure> {
        let place = Place::here()?;
        let open = |person| {
            let (scope, tenant) = (self.allow.first().cloned(), self.tenant.clone());
            SignIn::new(&place, &self.choice, scope, tenant, person)
        };
        let sign_in = open(Person::of(output)).await?;
        let (token, chosen) = sign_in.token().await?;
        sign_in.show_notes(&token, output);
        let mut session = sign_in.session;
        // While the program has the terminal, no person is asked. What a person has signed in is
        // stored now; where that is not possible, this session has it.
        if matches!(
            chosen.source,
            Source::InteractiveBrowser | Source::DeviceCode
        ) {
            let unattended = open(Person::NotAsked).await?;
            if unattended.token().await.is_ok() {
                session = unattended.session;
            }
        }
        Ok((session, token))
    }

    async fn run_program(&self, ready: Ready, signals: Signals, output: &Output) -> u8 {
        let program = Program {
            command: &self.command,
            environment: &|command| ready.environment.apply_to(command),
        };
        let code = match program.start(signals) {
            Ok(started) => {
                // The program does not wait for this.
                ready.folder.remove_left(|_| ());
                started.end().await
            }
            Err(not_run) => {
                output.failure(&not_run.failure);
                not_run.exit_code
            }
        };
        // What the program has left running gets no more tokens.
        ready.endpoint.stop().await;
        if let Err(error) = ready.folder.end() {
            tracing::warn!(%error, "a temporary folder could not be removed");
        }
        code
    }
}

fn failed(why: &str, error: &std::io::Error) -> Failure {
    let what = "could not prepare the program's environment";
    Failure::new(Kind::Failed, what, format!("{why}: {error}"))
}
