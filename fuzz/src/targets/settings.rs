//! The project's `azcred.toml` and the user's `config.toml`.

use crate::{
    input,
    machine::{answered, machine},
    oracle,
};
use azcred::session::Session;

/// The project's file, then the user's.
pub(super) fn run(data: &[u8]) {
    let parts = input::parts(data);
    let mut machine = machine()
        .with_var("HOME", "/home/ada")
        .with_file("/project/azcred.toml", parts[0]);
    if let Some(user) = parts.get(1) {
        machine = machine.with_file("/home/ada/.config/azcred/config.toml", *user);
    }
    let builder = || {
        let session = Session::builder().at(machine.clone().shared(), "/project/below");
        session.unattended()
    };
    oracle::outcome(&builder().effective_preset());
    answered(Vec::new(), async {
        match builder().open().await {
            Err(error) => oracle::error(&error),
            Ok(session) => {
                oracle::debug(&session.decided_by());
                oracle::debug(session.files());
            }
        }
    });
}
