//! Messages to the person who signs in.

use crate::untrusted::printable_sentence;
use std::{
    fmt,
    io::{self, Write},
    sync::Arc,
    time::SystemTime,
};
use url::Url;

/// Shows a person what to do next. The program decides whether that is in a terminal, a window or a
/// log.
pub trait Prompt: Send + Sync + fmt::Debug {
    /// Shows the notice at once: the caller is about to wait for the person.
    fn show(&self, notice: &Notice<'_>);
}

/// What a person has to know while they sign in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// A browser was started at this address. The person signs in there.
    Browser {
        /// The whole address, with the values of this sign-in. It contains no secret.
        url: &'a Url,
        /// When the credential stops waiting.
        until: SystemTime,
    },
    /// No browser can be started here. A device code follows.
    NoBrowser {
        /// The reason, as half a sentence: 'this is a session over SSH'.
        why: &'a str,
    },
    /// The person enters this code at an address, on any computer with a browser.
    DeviceCode(&'a DeviceCode),
    /// A request came to the redirect address and was rejected. The sign-in continues.
    Strange {
        /// What was rejected, as half a sentence.
        what: &'a str,
    },
    /// Another process of this user is signing in. This process waits for its result.
    AnotherProcess,
    /// The sign-in has ended, with or without a token. What was shown can be removed.
    Over,
}

/// A code that a person enters at an address (RFC 8628 section 3.2).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceCode {
    /// The code to enter. It is not secret, and useless after [`DeviceCode::expires_on`].
    pub user_code: String,
    /// The address at which to enter it.
    pub verification_uri: Url,
    /// The address with the code in it. Entra ID does not return one.
    pub verification_uri_complete: Option<Url>,
    /// When the code ends, or when the credential stops waiting, whichever is sooner.
    pub expires_on: SystemTime,
}

/// Plain lines on standard error.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainPrompt;

impl Prompt for PlainPrompt {
    fn show(&self, notice: &Notice<'_>) {
        let line = match notice {
            Notice::Browser { url, .. } => {
                format!("Sign in in the browser that has opened. Its address: {url}")
            }
            Notice::NoBrowser { why } => format!("No browser can be opened here: {why}."),
            Notice::DeviceCode(code) => format!(
                "To sign in, open {} in any browser and enter the code {}",
                code.verification_uri, code.user_code
            ),
            Notice::Strange { what } => {
                format!("Rejected while waiting for the browser: {what}.")
            }
            Notice::AnotherProcess => "Another process is signing in; waiting for it.".to_owned(),
            Notice::Over => return,
        };
        // If standard error is closed, `eprintln!` would panic.
        let _ = writeln!(io::stderr(), "{}", printable_sentence(line));
    }
}

/// The form in which options hold a prompt.
pub(crate) type SharedPrompt = Arc<dyn Prompt>;
