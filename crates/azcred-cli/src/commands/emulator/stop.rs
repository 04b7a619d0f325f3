//! `azcred emulator stop`: ends a running emulator.

use super::{guests, running, state::State};
use crate::{
    failure::{Failure, Kind},
    output::{
        Output,
        style::{DIM, paint},
    },
};
use azcred_emulator::Info;
use clap::Args;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// How long an emulator may take to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// Stop a running emulator
///
/// Returns when it has stopped. What was created in it stays in its state folder. An emulator that
/// `azcred emulator exec` started stops with its program, and not before.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred emulator stop
  azcred emulator stop --state ./azure")]
pub(super) struct Stop {
    #[command(flatten)]
    state: State,
}

impl Stop {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let info = self.state.running()?;
        let stopping = end(&info);
        output.waiting("Stopping the emulator", stopping).await?;
        output.note(paint(DIM, "Stopped."));
        Ok(0)
    }
}

async fn end(info: &Info) -> Result<(), Failure> {
    let failed = |why: String| Failure::new(Kind::Failed, "could not stop the emulator", why);
    info.stop().map_err(|error| failed(error.to_string()))?;
    let until = Instant::now() + PATIENCE;
    while is_the_same(&info.state_dir, info)? {
        if Instant::now() > until {
            let why = format!(
                "it still runs after {} seconds (process {})",
                PATIENCE.as_secs(),
                info.pid
            );
            return Err(failed(why).fix(
                "if `azcred emulator exec` started it, end its program; else end the process",
            ));
        }
        tokio::time::sleep(guests::PAUSE).await;
    }
    Ok(())
}

fn is_the_same(folder: &Path, info: &Info) -> Result<bool, Failure> {
    Ok(running(folder)?.is_some_and(|now| now.admin_token == info.admin_token))
}
