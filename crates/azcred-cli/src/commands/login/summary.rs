//! What is shown after a sign-in.

use super::seen::Seen;
use crate::suggested::Suggested;
use azcred::{ClientId, account::Account};
use azcred_azure::Principal;

/// A sign-in, and what it can see.
pub(super) struct Summary<'a> {
    /// The account.
    pub(super) account: &'a Account,
    /// The identity in the token.
    pub(super) principal: Option<&'a Principal>,
    /// What the account can see.
    pub(super) seen: &'a Seen,
    /// Commands for this profile.
    pub(super) suggested: &'a Suggested,
    /// The application that a person named for the sign-in.
    pub(super) client_id: Option<&'a ClientId>,
}
