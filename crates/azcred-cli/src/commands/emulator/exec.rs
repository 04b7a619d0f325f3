//! `azcred emulator exec`: runs a program against an emulator.

use super::{
    Guest, end, guests, isolate::Outside, not_begun, routes::Routes, running, start::interruption,
    state::State,
};
use crate::{
    candidates,
    failure::{Failure, Kind},
    output::Output,
    process::Program,
};
use azcred_emulator::{Emulator, Error, Info, Lifetime, Options, StateError};
use clap::{Args, ValueHint};
use clap_complete::ArgValueCompleter;
use std::{
    ffi::OsString,
    path::Path,
    time::{Duration, Instant},
};

/// How long another `exec` may take to start or stop the emulator of the same folder. The first
/// start creates RSA keys.
const PATIENCE: Duration = Duration::from_secs(30);

/// Run a program against a local Azure
///
/// The program finds an account and the way to the emulator in its environment variables. Uses the
/// running emulator. If none is running, starts one and stops it when the program ends. With
/// --state, what the program creates is still there in the next run.
#[derive(Args)]
#[command(after_help = super::help("\
Examples:
  azcred emulator exec -- azcred doctor
  azcred emulator exec --as himl -- python -m pytest
  azcred emulator exec --as vm --isolate -- ./program-without-proxy
  azcred emulator exec --route kv.vault.azure.net=http://localhost:8080 -- app
  azcred emulator exec --by ports -- sh -c 'echo $AZURE_AUTHORITY_HOST'

Exit codes: the program's own; 128 + N if signal N ended it; 127 if the program
was not found; 126 if it can't be executed."))]
pub(super) struct Exec {
    #[command(flatten)]
    guest: Guest,

    /// Give the program a network in which only the emulator exists, by Azure's names and addresses
    /// (Linux). It can't reach anything else, whatever it ignores
    #[arg(long)]
    isolate: bool,

    #[command(flatten)]
    routes: Routes,

    #[command(flatten)]
    state: State,

    /// The program and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, value_hint = ValueHint::CommandWithArguments, add = ArgValueCompleter::new(candidates::programs))]
    command: Vec<OsString>,
}

impl Exec {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        self.routes.check(self.guest.way, self.isolate)?;
        // Without a home folder, no emulator can be running already.
        let folder = match self.state.folder() {
            Ok(folder) => Some(folder),
            Err(failure) if self.state.given.is_some() => return Err(failure),
            Err(_) => None,
        };
        let until = Instant::now() + PATIENCE;
        let emulator = loop {
            if let Some(folder) = &folder
                && let Some(code) = self.as_guest(folder, output).await?
            {
                return Ok(code);
            }
            let starting = Emulator::start(Options {
                state_dir: self.state.given.clone(),
                ..Options::default()
            });
            match output.waiting("Starting the emulator", starting).await {
                Ok(emulator) => break emulator,
                // Another `exec` is starting or stopping the emulator of this folder.
                Err(Error::State(StateError::Running { .. })) if Instant::now() < until => {
                    tokio::time::sleep(guests::PAUSE).await;
                }
                Err(error) => return Err(not_begun(&error)),
            }
        };
        let run = self.run_program(emulator.info(), output).await;
        let interrupted = interruption()?;
        let note = "Another program uses this emulator, which stays until that has ended. Ctrl-C stops it now.";
        let all_left = guests::all_left(&emulator.info().state_dir, || output.note(note));
        // This lock is held until the emulator has stopped, so that no other program starts to use
        // it.
        let _empty = tokio::select! {
            lock = all_left => lock.ok(),
            () = interrupted => None,
            () = emulator.is_to_stop() => None,
        };
        end(emulator).await;
        run
    }

    /// Runs the program against the emulator that uses a folder. `None` if no emulator is running,
    /// or if it is about to stop.
    async fn as_guest(&self, folder: &Path, output: &Output) -> Result<Option<u8>, Failure> {
        if running(folder)?.is_none() {
            return Ok(None);
        }
        let entered = guests::enter(folder).map_err(|error| {
            Failure::new(
                Kind::Failed,
                "could not use the running emulator",
                error.to_string(),
            )
            .fix("choose a folder that you can write to with --state")
        })?;
        let Some(_stay) = entered else {
            return Ok(None);
        };
        // The emulator may have stopped before this process got the lock.
        match running(folder)? {
            Some(info) => self.run_program(&info, output).await.map(Some),
            None => Ok(None),
        }
    }

    async fn run_program(&self, info: &Info, output: &Output) -> Result<u8, Failure> {
        let mut info = info.clone();
        let _routed = self.routes.open(&mut info)?;
        let environment = self.guest.isolated(&info, Lifetime::Program)?;
        self.guest.warn(&info, &environment, output);
        let outside = match self.isolate {
            true => {
                let built_in = info.built_in(self.guest.persona, &environment);
                Some(Outside::open(&info, self.routes.hosts(), &built_in).await?)
            }
            false => None,
        };
        let isolated = outside
            .as_ref()
            .map(|outside| outside.command(&self.command));
        let program = Program {
            command: isolated.as_deref().unwrap_or(&self.command),
            environment: &|command| environment.apply_to(command),
        };
        let code = program.run().await.unwrap_or_else(|not_run| {
            output.failure(&not_run.failure);
            not_run.exit_code
        });
        if let Some(outside) = outside {
            outside.end();
        }
        environment.end();
        Ok(code)
    }
}
