//! `aio`: what Entra ID writes into an access token for itself, to know the session again when the
//! token comes back ('Access token claims reference').

use crate::{
    directory::Directory,
    entra::{claims::opaque, seal, session::Session},
    entra_state::Proofs,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const PURPOSE: &str = "azcred-emulator aio 1";
const MAX_BYTES: usize = 2048;

/// The session of a user's access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TokenReuse {
    /// `sid`.
    pub(super) session: Uuid,
    /// The factors that the user has proved, with the time.
    pub(super) proofs: Proofs,
    /// The sign-in was by device code.
    pub(super) by_device_code: bool,
}

impl TokenReuse {
    pub(super) fn of(session: &Session<'_>) -> Self {
        Self {
            session: session.id,
            proofs: session.proofs,
            by_device_code: session.by_device_code,
        }
    }

    /// The claim, which only this service can read.
    pub(super) fn seal(&self, directory: &Directory) -> String {
        seal::seal(directory, PURPOSE, self)
            .unwrap_or_else(|| opaque(&[b"aio", Uuid::new_v4().as_bytes()], 48))
    }

    /// Reads the claim of a token that this service issued.
    pub(super) fn open(text: &str, directory: &Directory) -> Option<Self> {
        seal::open(directory, PURPOSE, text, MAX_BYTES)
    }
}
