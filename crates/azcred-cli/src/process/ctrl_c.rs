//! Ctrl-C on Windows: the console sends it to all its programs, so this process only has to ignore
//! it. Not tested on a real machine.

use std::io;
use tokio::{process::Child, signal::windows::CtrlC};

/// What this process gets from its console.
pub(crate) struct Signals(CtrlC);

impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    pub(super) async fn next(&mut self) {
        self.0.recv().await;
    }

    /// The exit code of a Ctrl-C before the program runs. `STATUS_CONTROL_C_EXIT` does not fit into
    /// a byte. This is the number that shells use.
    pub(crate) async fn ended(&mut self) -> u8 {
        self.next().await;
        130
    }

    pub(super) fn pass_on(&self, (): (), _: &Child) {}
}
