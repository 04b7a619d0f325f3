//! `azcred exec`: runs a program as the account that azcred finds.

mod azure_cli;
mod environment;

use super::{
    allowed::{self, Allowed},
    audit::Record,
    first_token::FirstToken,
    interrupt::{settled, unless},
    limits,
};
use crate::{
    candidates,
    choice::Choice,
    failure::{Failure, Kind},
    given,
    output::Output,
    process::{NotRun, Program, Signals},
    sign_in::Place,
};
use azcred::{Session, TenantId};
use azcred_endpoint::{Bound, Endpoint, Options};
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
    /// by commas, or repeat the option [default: all, which is every resource]
    #[arg(long, value_name = "RESOURCE", value_delimiter = ',', value_parser = allowed::allowed)]
    allow: Vec<Allowed>,

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

/// All that a program needs to run, except an account.
struct Prepared {
    place: Place,
    user: Inherited,
    endpoint: Bound,
    folder: PrivateFolder,
    environment: Environment,
}

impl Exec {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        // Signal handlers are installed before anything is made that would be left.
        let prepared = match Signals::listen() {
            Ok(signals) => self.prepare().await.map(|prepared| (prepared, signals)),
            Err(error) => Err(failed("signals can't be received", &error)),
        };
        let code = match prepared {
            Ok((prepared, signals)) => self.run_prepared(prepared, signals, output).await,
            Err(failure) => own(&failure, output),
        };
        settled(std::future::pending()).await;
        Ok(code)
    }

    /// Everything that can be done before the sign-in, so that a person does not sign in for
    /// nothing.
    async fn prepare(&self) -> Result<Prepared, Failure> {
        let (place, user) = (Place::here()?, std::env::vars_os().collect());
        let mut options = Options::new(allowed::list(&self.allow));
        if self.msi {
            options = options.with_azure_ml();
        }
        if let Some(path) = &self.audit {
            options = options.with_audit(Arc::new(Record::default().in_file(path)?));
        }
        let endpoint = Endpoint::bind(options).await?;
        let folder = PrivateFolder::create(FOLDER).map_err(|error| {
            let why = format!("{} ({})", error.what, error.path.display());
            failed(&why, &error.source).fix(OTHER_FOLDER)
        })?;
        let written = |error| not_written(&folder, &error);
        let azure_cli = AzureCli {
            folder: folder.path(),
            programs: &azure_cli::stand_in(folder.path()).map_err(written)?,
        };
        let environment = Environment::new(&user, endpoint.variables(), &azure_cli, self.keep_env);
        Ok(Prepared {
            place,
            user,
            endpoint,
            folder,
            environment,
        })
    }

    async fn run_prepared(&self, prepared: Prepared, mut signals: Signals, output: &Output) -> u8 {
        let Prepared {
            place,
            user,
            endpoint,
            folder,
            environment,
        } = prepared;
        let program = Program {
            command: &self.command,
            environment: &|command| environment.apply_to(command),
        };
        let not_run = |not_run: NotRun| {
            output.failure(&not_run.failure);
            not_run.exit_code
        };
        if let Err(reason) = program.check() {
            return not_run(reason);
        }
        let signed_in = self.sign_in(&place, &user, &folder, output);
        let session = match unless(pin!(signals.ended()), signed_in).await {
            Ok(Ok(session)) => session,
            Ok(Err(failure)) => return own(&failure, output),
            Err(code) => return code,
        };
        let removed: Vec<_> = environment.removed().collect();
        if !removed.is_empty() {
            tracing::info!("the program does not get {}", removed.join(", "));
        }
        let code = match program.start(signals) {
            Ok(started) => {
                // The program has the limit that the user has set.
                limits::raise_files();
                let endpoint = endpoint.serve(Arc::new(session));
                // The program does not wait for this.
                folder.remove_left(|_| ());
                let code = started.end().await;
                // What the program has left running gets no more tokens.
                endpoint.stop().await;
                code
            }
            Err(reason) => not_run(reason),
        };
        if let Err(error) = folder.end() {
            tracing::warn!(%error, "a temporary folder could not be removed");
        }
        code
    }

    /// The session of the program. Its account is the one of Azure CLI in the program's folder.
    async fn sign_in(
        &self,
        place: &Place,
        user: &Inherited,
        folder: &PrivateFolder,
        output: &Output,
    ) -> Result<Session, Failure> {
        let (scope, tenant) = (allowed::first(&self.allow), self.tenant.clone());
        let first = FirstToken::open(place, &self.choice, scope, tenant, output).await?;
        let requested = first.request(output).await;
        let (session, token) = requested.map_err(|failure| match failure.kind {
            Kind::WrongAccount => {
                failure.titled("signed in as the wrong account; the program was not started")
            }
            _ => failure,
        })?;
        let tenant = token
            .principal()
            .and_then(|principal| principal.tenant_id.as_ref());
        let tenant = tenant.map(|tenant| tenant.as_str().to_owned());
        if let Some(account) = Account::of(&session, tenant, user) {
            let written = azure_cli::sign_in(folder.path(), &account);
            written.map_err(|error| not_written(folder, &error))?;
        }
        Ok(session)
    }
}

/// The exit code of azcred's own failure, which is shown.
fn own(failure: &Failure, output: &Output) -> u8 {
    output.failure(failure);
    OWN_FAILURE
}

const OTHER_FOLDER: &str = "set TMPDIR to a folder that you can write to";

fn not_written(folder: &PrivateFolder, error: &std::io::Error) -> Failure {
    let why = format!("{} can't be written", folder.path().display());
    failed(&why, error).fix(OTHER_FOLDER)
}

fn failed(why: &str, error: &std::io::Error) -> Failure {
    let what = "could not prepare the program's environment";
    Failure::new(Kind::Failed, what, format!("{why}: {error}"))
}
