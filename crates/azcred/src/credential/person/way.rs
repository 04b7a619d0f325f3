//! The ways in which people sign in.

use crate::{
    account::Record,
    credential::Availability,
    entra::{SignedIn, TokenEndpoint},
    facts::Result,
    prompt::{Notice, Prompt},
    request::TokenRequest,
    system::System,
    token::AccessToken,
};
use futures_util::future::BoxFuture;
use std::{fmt, time::Duration};

/// A way in which a person signs in.
pub(crate) trait SignsIn: Send + Sync + fmt::Debug + 'static {
    /// The name of its credential, such as `DeviceCodeCredential`.
    fn name(&self) -> &'static str;

    /// Whether it can be done on this machine: whether a browser can be opened. A local look.
    fn look(&self, system: &dyn System) -> Availability;

    /// How long a person may take, where nobody said.
    fn patience(&self) -> Duration;

    /// Asks the person, whatever is known of earlier sign-ins; ends within `deadline`. Who signs in
    /// is given to `whom` before anybody is told that it went well.
    ///
    /// Cancel-safe: what was shown and what listens goes when the future is dropped.
    fn ask<'a>(
        &'a self,
        endpoint: &'a TokenEndpoint,
        request: &'a TokenRequest,
        whom: Whom<'a>,
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Accepted>>;
}

/// Who should sign in.
#[derive(Clone, Copy)]
pub(crate) struct Whom<'a> {
    /// The name to begin with, such as `ada@contoso.com`.
    pub(crate) login_hint: Option<&'a str>,
    /// Takes who signed in, or says why it must not be they.
    pub(crate) accept: &'a (dyn Fn(SignedIn) -> Result<Accepted> + Send + Sync),
}

/// Somebody who signed in and is who should have: the token that was asked for, and what there is
/// to keep.
pub(crate) type Accepted = (AccessToken, Record);

/// Something that was shown to the person. When it is over, well or not, they are told so.
pub(crate) struct Shown<'a>(&'a dyn Prompt);

impl<'a> Shown<'a> {
    pub(crate) fn new(prompt: &'a dyn Prompt, notice: &Notice<'_>) -> Self {
        prompt.show(notice);
        Self(prompt)
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.0.show(&Notice::Over);
    }
}
