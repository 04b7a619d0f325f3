//! `sub`: who a token is about, for one program.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

/// A user's `sub` for a program. It is another one for each program, so that two programs can't
/// compare their users.
pub(crate) fn pairwise_subject(user: Uuid, program: Uuid) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [b"sub", user.as_bytes().as_slice(), program.as_bytes()] {
        context.update(part);
    }
    URL_SAFE_NO_PAD.encode(context.finish())
}
