//! A person's session: who signed in, to which tenant, by which program, and how.

use crate::{
    directory::{Application, Tenant, User},
    entra_state::Proofs,
};

/// Who signed in, to what, and since when.
pub(crate) struct Session<'a> {
    /// The account, in its home tenant.
    pub(crate) account: &'a User,
    /// The tenant that the tokens are for.
    pub(crate) tenant: &'a Tenant,
    /// What the account is in that tenant: itself or a guest.
    pub(crate) user: &'a User,
    /// The program that acts for the account.
    pub(crate) application: &'a Application,
    /// `sid`: one for all tokens that come from one sign-in.
    pub(crate) id: uuid::Uuid,
    /// What the account has proved, and when.
    pub(crate) proofs: Proofs,
    /// `nonce` of the request for a code, for the `id_token` to repeat (OpenID Connect Core section
    /// 3.1.2.1).
    pub(crate) nonce: Option<&'a str>,
    /// The sign-in was by device code, which stays with the session ('protocol tracking').
    pub(crate) by_device_code: bool,
}
