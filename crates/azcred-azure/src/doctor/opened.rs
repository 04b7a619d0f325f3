//! The session, opened once for all checks, and the HTTP client that they share.

use super::{
    case::{Case, Finding},
    reach::bound,
};
use azcred::{ClientOptions, Error, ErrorKind, Result, Session, http::Http, system::SharedSystem};
use tokio::time::timeout;

/// The session before it signs in.
pub(super) struct Opened {
    /// What is known before the cloud is.
    options: Result<ClientOptions>,
    /// The session. It fails if a setting can't be used, or the cloud's description can't be read.
    pub(super) session: Result<Session>,
}

impl Opened {
    /// The client of all requests.
    pub(super) fn http(&self) -> Option<&Http> {
        self.options.as_ref().ok().map(ClientOptions::http)
    }

    /// What the session's requests need.
    pub(super) fn options(&self) -> Option<&ClientOptions> {
        self.options.as_ref().ok()
    }

    /// The machine.
    pub(super) fn system(&self) -> Option<&SharedSystem> {
        self.options.as_ref().ok().map(ClientOptions::system)
    }
}

impl Finding for Opened {
    async fn find(case: &Case<'_>) -> Self {
        let builder = case.doctor.session.clone();
        let options = builder.options();
        let session = match &options {
            Ok(options) => {
                let open = builder.http(options.http().clone()).open();
                timeout(bound(case), open).await.unwrap_or_else(|_| {
                    // No other request is sent.
                    let error = Error::new(
                        ErrorKind::Unreachable,
                        "could not read the description of the cloud",
                        "the address in ARM_CLOUD_METADATA_URL did not respond in time",
                    );
                    Err(error
                        .with_fix("`unset ARM_CLOUD_METADATA_URL`, to use Azure's public cloud"))
                })
            }
            Err(error) => Err(error.clone()),
        };
        Self { options, session }
    }
}
