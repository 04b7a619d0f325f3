//! Speaking to the person who signs in.

use std::{
    fmt,
    io::{self, Write},
    sync::Arc,
    time::SystemTime,
};
use url::Url;

/// Shows a person what to do next. A library can't know whether that is a terminal, a window or a
/// log.
pub trait Prompt: Send + Sync + fmt::Debug {
    /// Shows it, at once: whoever calls is about to wait for the person.
    fn show(&self, notice: &Notice<'_>);
}

/// What a person has to know while they sign in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// A browser was started at this address, where they sign in.
    Browser {
        /// The whole address, with this one sign-in's numbers in it. Nothing in it is secret.
        url: &'a Url,
        /// Who waits, until when.
        until: SystemTime,
    },
    /// No browser can be started here, so that there will be a code to enter elsewhere.
    NoBrowser {
        /// Why, as half a sentence: 'this is a session over SSH'.
        why: &'a str,
    },
    /// A code is to be entered at an address, on whatever computer has a browser.
    DeviceCode(&'a DeviceCode),
    /// Something came to the address that the browser is sent back to, and was turned away; who
    /// signs in goes on.
    Strange {
        /// What it was, as half a sentence.
        what: &'a str,
    },
    /// Another process of this user's is signing in; this one waits for what comes of it.
    AnotherProcess,
    /// It is over, well or not: what was shown may go.
    Over,
}

/// A code that a person enters at an address (RFC 8628 section 3.2).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceCode {
    /// What is typed. Not secret, and of no use after [`DeviceCode::expires_on`].
    pub user_code: String,
    /// Where it is typed.
    pub verification_uri: Url,
    /// The same with the code in it, for who can follow a link; Entra ID gives none.
    pub verification_uri_complete: Option<Url>,
    /// When it ends, or nobody waits for it any more, whichever is sooner.
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
        // Nobody may be at the other end any more, which `eprintln!` would end the program for.
        let _ = writeln!(io::stderr(), "{line}");
    }
}

/// As options carry it.
pub(crate) type SharedPrompt = Arc<dyn Prompt>;
