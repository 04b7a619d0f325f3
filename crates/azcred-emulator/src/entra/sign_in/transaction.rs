//! The state of one sign-in: the request, and what the user has done so far.
//!
//! Each page carries its own state, encrypted, so the browser's 'back' leads to a page that works.
//! The state is valid only with the cookie of its browser. That keeps other sites from posting a
//! form here.

use crate::{
    directory::Directory,
    entra::{
        delegated_scope::RequestedScope,
        exchange::Exchange,
        refusal::Refusal,
        seal,
        sign_in::{browser::Browser, request::AuthorizationRequest},
    },
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The state of one sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Transaction {
    /// The id of its browser.
    browser: String,
    /// When the sign-in started, in Unix seconds.
    pub(super) started: i64,
    /// The correlation id of all its pages and of the response.
    correlation: Uuid,
    /// The tenant or the kind of tenants in the path.
    pub(super) segment: String,
    /// The program's client id.
    pub(super) client: Uuid,
    /// What the sign-in is for.
    pub(super) purpose: Purpose,
    /// The account that the user chose.
    pub(super) account: Option<Uuid>,
    /// What the user wants to change about the account.
    pub(super) choice: AccountChoice,
    /// The user entered the password in this sign-in, not in an earlier one.
    pub(super) is_fresh: bool,
    /// The user has consented in this sign-in.
    pub(super) consented: bool,
    /// The user has confirmed the program.
    pub(super) confirmed: bool,
    /// What was wrong with the last input: an AADSTS code.
    pub(super) notice: Option<u32>,
}

/// What the user wants to change about the account that signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum AccountChoice {
    /// Nothing: the chosen account, or the only possible one, signs in.
    Open,
    /// To see the list of accounts.
    List,
    /// To enter a name.
    Name,
}

/// What a sign-in is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Purpose {
    /// A code for a program, which waits at its redirect URI.
    Code(Box<AuthorizationRequest>),
    /// The approval of a program on another device, with its user code, scope and `claims`.
    Device {
        user_code: String,
        scope: String,
        claims: Option<String>,
    },
}

const PURPOSE: &str = "azcred-emulator sign-in 1";
/// Lifetime of a page in seconds.
const LIFETIME: i64 = 15 * 60;
/// A request of [`super::request::MAX_PARAMETERS`], encrypted and in base64, with room for the
/// rest.
const MAX_SEALED: usize = 48 * 1024;

impl Transaction {
    /// Starts a sign-in.
    pub(super) fn begin(
        browser: &Browser,
        exchange: &Exchange,
        segment: &str,
        client: Uuid,
        purpose: Purpose,
    ) -> Self {
        Self {
            browser: browser.id().to_owned(),
            started: exchange.now.unix_timestamp(),
            correlation: exchange.correlation_id,
            segment: segment.to_owned(),
            client,
            purpose,
            account: None,
            choice: AccountChoice::Open,
            is_fresh: false,
            consented: false,
            confirmed: false,
            notice: None,
        }
    }

    /// The encrypted state, for a page.
    pub(super) fn seal(&self, directory: &Directory) -> Option<String> {
        seal::seal(directory, PURPOSE, self)
    }

    /// Decrypts the state from a page of this browser.
    ///
    /// # Errors
    /// 165000 if it belongs to another browser, 50089 if it has expired.
    pub(super) fn open(
        directory: &Directory,
        browser: &Browser,
        exchange: &mut Exchange,
        text: Option<&str>,
    ) -> Result<Self, Refusal> {
        let opened: Option<Self> =
            text.and_then(|text| seal::open(directory, PURPOSE, text, MAX_SEALED));
        let transaction = opened
            .filter(|one| browser.owns(&one.browser))
            .ok_or_else(|| {
                Refusal::invalid_request(
                    165_000,
                    "Invalid Request: Request tokens do not match the user context. Do not copy the user context \
                     values (cookies; form fields; headers) between different requests or user sessions; always \
                     maintain the ALL of the supplied values across a complete single user flow.",
                )
            })?;
        exchange.correlation_id = transaction.correlation;
        let now = exchange.now.unix_timestamp();
        let age = now.saturating_sub(transaction.started);
        if !(0..LIFETIME).contains(&age) {
            return Err(Refusal::invalid_request(
                50089,
                "Authentication failed due to flow token expired.",
            ));
        }
        Ok(transaction)
    }

    /// The requested scope.
    ///
    /// # Errors
    /// As for the request.
    pub(super) fn requested(&self) -> Result<RequestedScope, Refusal> {
        match &self.purpose {
            Purpose::Code(request) => request.requested(),
            Purpose::Device { scope, .. } => RequestedScope::of_v2(scope),
        }
    }

    /// The program's `claims`, as it wrote them.
    pub(super) fn claims(&self) -> Option<&str> {
        match &self.purpose {
            Purpose::Code(request) => request.claims.as_deref(),
            Purpose::Device { claims, .. } => claims.as_deref(),
        }
    }

    /// The request for a code; `None` for a device.
    pub(super) fn request(&self) -> Option<&AuthorizationRequest> {
        match &self.purpose {
            Purpose::Code(request) => Some(request),
            Purpose::Device { .. } => None,
        }
    }
}
