//! The ways in which people sign in.

use crate::{
    credential::Availability,
    entra::{PersonTokens, TokenEndpoint},
    error::Result,
    prompt::{Notice, Prompt},
    request::TokenRequest,
    system::System,
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

    /// Asks the person, whatever is known of earlier sign-ins; ends within `deadline`.
    ///
    /// Cancel-safe: what was shown and what listens goes when the future is dropped.
    fn ask<'a>(
        &'a self,
        endpoint: &'a TokenEndpoint,
        request: &'a TokenRequest,
        hint: Hint<'a>,
        deadline: Duration,
    ) -> BoxFuture<'a, Result<PersonTokens>>;
}

/// What is known of who should sign in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hint<'a> {
    /// The name to begin with, such as `ada@contoso.com`.
    pub(crate) login_hint: Option<&'a str>,
}

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
