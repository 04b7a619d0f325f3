//! What there is to tell after a sign-in.

use super::seen::Seen;
use crate::suggested::Suggested;
use azcred::{ClientId, account::Account};
use azcred_azure::Principal;

/// A sign-in, and what it can see.
pub(super) struct Summary<'a> {
    /// The sign-in.
    pub(super) account: &'a Account,
    /// Who that is, as the token says.
    pub(super) principal: Option<&'a Principal>,
    /// What they can see.
    pub(super) seen: &'a Seen,
    /// Commands of this profile.
    pub(super) suggested: &'a Suggested,
    /// The application that a person signed in to, where they named one.
    pub(super) client_id: Option<&'a ClientId>,
}
