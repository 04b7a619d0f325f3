//! A user's session: the account, the tenant, the program, and how the user signed in.

use crate::{
    directory::{Application, Tenant, User},
    entra_state::Proofs,
};

/// One session.
pub(crate) struct Session<'a> {
    /// The account, in its home tenant.
    pub(crate) account: &'a User,
    /// The tenant of the tokens.
    pub(crate) tenant: &'a Tenant,
    /// The account's user in that tenant: itself or a guest.
    pub(crate) user: &'a User,
    /// The program that acts for the account.
    pub(crate) application: &'a Application,
    /// `sid`, which is the same in all tokens of one sign-in.
    pub(crate) id: uuid::Uuid,
    /// The factors that the user has proved, with the time.
    pub(crate) proofs: Proofs,
    /// `nonce` of the request for a code. The `id_token` repeats it (OpenID Connect Core section
    /// 3.1.2.1).
    pub(crate) nonce: Option<&'a str>,
    /// The sign-in was by device code. The session keeps that ('protocol tracking').
    pub(crate) by_device_code: bool,
}
