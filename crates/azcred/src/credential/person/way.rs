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
    /// The credential's name, such as `DeviceCodeCredential`.
    fn name(&self) -> &'static str;

    /// Checks whether this way works on this machine, such as whether a browser can be opened. No
    /// request.
    fn look(&self, system: &dyn System) -> Availability;

    /// The default time for the person.
    fn patience(&self) -> Duration;

    /// Asks the person, even if there is a sign-in; ends within `deadline`. `whom` accepts or
    /// rejects the person before they are told that they are signed in.
    ///
    /// Cancel-safe: when the future is dropped, the notice is removed and the port closed.
    fn ask<'a>(
        &'a self,
        endpoint: &'a TokenEndpoint,
        request: &'a TokenRequest,
        whom: Whom<'a>,
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Accepted>>;
}

/// The person who should sign in.
#[derive(Clone, Copy)]
pub(crate) struct Whom<'a> {
    /// The sign-in name to offer, such as `ada@contoso.com`.
    pub(crate) login_hint: Option<&'a str>,
    /// Accepts the person who signed in, or says why it must not be this person.
    pub(crate) accept: &'a (dyn Fn(SignedIn) -> Result<Accepted> + Send + Sync),
}

/// The result of an accepted sign-in: the requested token, and the record to store.
pub(crate) type Accepted = (AccessToken, Record);

/// A notice that is shown to the person. When it is dropped, the end of the sign-in is shown.
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
