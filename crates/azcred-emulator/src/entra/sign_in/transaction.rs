//! One sign-in under way: what was asked for, and how far the person has come.
//!
//! Each page carries its own, sealed, and so the browser's way back leads to a page that works.
//! Without the cookie of the browser that it was made for it is of no use, which is what keeps
//! other sites from posting a form here.

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

/// A sign-in under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Transaction {
    /// The browser it belongs to.
    browser: String,
    /// When it began, in Unix seconds.
    pub(super) started: i64,
    /// What all of its pages and its answer are known by.
    correlation: Uuid,
    /// The tenant, or group of tenants, as it was asked for.
    pub(super) segment: String,
    /// The program's client id.
    pub(super) client: Uuid,
    /// What it is for.
    pub(super) purpose: Purpose,
    /// Who was chosen.
    pub(super) account: Option<Uuid>,
    /// What the person wants to do about who was, or would be, chosen.
    pub(super) choice: AccountChoice,
    /// The password was entered on one of its own pages, not in an earlier sign-in.
    pub(super) is_fresh: bool,
    /// The person was asked for the permissions, and gave them.
    pub(super) consented: bool,
    /// The person said that it is this program that they want to sign in to.
    pub(super) confirmed: bool,
    /// What was wrong with what came before: an AADSTS code.
    pub(super) notice: Option<u32>,
}

/// What the person wants to do about who signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum AccountChoice {
    /// Nothing: who was chosen, or goes without saying, is right.
    Open,
    /// To be shown who there is.
    List,
    /// To enter a name.
    Name,
}

/// What a sign-in is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Purpose {
    /// A code, for a program that waits at an address.
    Code(Box<AuthorizationRequest>),
    /// The approval of a program on another device, by its user code, with the scope and the
    /// `claims` it asked for.
    Device {
        user_code: String,
        scope: String,
        claims: Option<String>,
    },
}

const PURPOSE: &str = "azcred-emulator sign-in 1";
/// A page is good for a quarter of an hour.
const LIFETIME: i64 = 15 * 60;
/// A request of [`super::request::MAX_PARAMETERS`], sealed and in base64, with room for the rest.
const MAX_SEALED: usize = 48 * 1024;

impl Transaction {
    /// One that begins now.
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

    /// As a page carries it.
    pub(super) fn seal(&self, directory: &Directory) -> Option<String> {
        seal::seal(directory, PURPOSE, self)
    }

    /// Reads what a page of this browser carries.
    ///
    /// # Errors
    /// 165000 for what is not of this browser, 50089 for what is too old.
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

    /// What is asked for.
    ///
    /// # Errors
    /// As of the request.
    pub(super) fn asked(&self) -> Result<RequestedScope, Refusal> {
        match &self.purpose {
            Purpose::Code(request) => request.asked(),
            Purpose::Device { scope, .. } => RequestedScope::of_v2(scope),
        }
    }

    /// What the program wants of the sign-in, as it wrote it.
    pub(super) fn claims(&self) -> Option<&str> {
        match &self.purpose {
            Purpose::Code(request) => request.claims.as_deref(),
            Purpose::Device { claims, .. } => claims.as_deref(),
        }
    }

    /// The request for a code, if it is one.
    pub(super) fn request(&self) -> Option<&AuthorizationRequest> {
        match &self.purpose {
            Purpose::Code(request) => Some(request),
            Purpose::Device { .. } => None,
        }
    }
}
