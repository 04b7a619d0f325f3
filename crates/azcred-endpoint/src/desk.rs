//! Answers the requests of one endpoint.

use crate::{
    allow::Allow,
    audit::{Audit, Client, Event, Verdict},
    door::{Asked, Door},
    peer::Peers,
    rate::Rate,
    reason::Reason,
    rejections::{COUNTING, Rejections},
    response,
};
use azcred::{
    AccessToken, Credential, Error, ErrorKind, Principal, Result, Scope, TokenRequest, Untrusted,
    shown_value,
};
use hyper::{Response, http::request::Parts};
use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use time::OffsetDateTime;
use tokio::time::sleep;

/// What all connections of an endpoint share.
pub(crate) struct Desk {
    pub(crate) door: Door,
    pub(crate) tokens: Arc<dyn Credential>,
    pub(crate) allow: Allow,
    pub(crate) rate: Mutex<Rate>,
    pub(crate) audit: Arc<dyn Audit>,
    pub(crate) rejections: Rejections,
    pub(crate) peers: Peers,
}

impl Desk {
    /// The response to a request, which is recorded.
    ///
    /// Cancel-safe: if the client goes, nothing is recorded, and the session's request ends if no
    /// other client waits for it.
    pub(crate) async fn answer(&self, head: &Parts, client: &Client) -> Response<String> {
        let asked = match self.door.check(head) {
            Ok(asked) => asked,
            Err(reason) => return self.reject(client, None, reason),
        };
        match self.find(&asked).await {
            Ok((token, scope)) => {
                let resource = scope.resource();
                let response = response::token(asked.protocol, &token, resource);
                let expires_on = token.expires_on();
                self.record(client, Some(resource), Verdict::Token { expires_on });
                response
            }
            // The reason says what may be shown of a resource that is not valid.
            Err(reason @ Reason::BadResource(_)) => self.reject(client, None, reason),
            Err(reason) => self.reject(client, Some(&asked.resource), reason),
        }
    }

    /// The response to a client that gets no token whatever it requests.
    pub(crate) fn reject(
        &self,
        client: &Client,
        resource: Option<&str>,
        reason: Reason,
    ) -> Response<String> {
        let response = response::rejection(&reason);
        if self.rejections.has_line(reason.status(), Instant::now()) {
            self.record(client, resource, Verdict::Rejected(reason));
        }
        response
    }

    /// Records rejections without a line of their own, as long as it is polled.
    pub(crate) async fn count(&self) -> Infallible {
        loop {
            self.rejections.counted().await;
            sleep(COUNTING).await;
            self.record_more();
        }
    }

    /// Records the rejections that are counted now.
    pub(crate) fn record_more(&self) {
        if let Some(more) = self.rejections.more(OffsetDateTime::now_utc()) {
            self.audit.record_more(&more);
        }
    }

    async fn find(&self, asked: &Asked) -> Result<(AccessToken, Scope), Reason> {
        let rate = || self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        if !rate().take(Instant::now()) {
            return Err(Reason::TooMany);
        }
        let scope = scope(&asked.resource).map_err(Reason::BadResource)?;
        if !self.allow.allows(&scope) {
            return Err(Reason::NotAllowed {
                resource: Untrusted::new(scope.resource()),
                allow: self.allow.clone(),
            });
        }
        let request = TokenRequest::new(scope.clone());
        let token = self.tokens.get_token(&request).await;
        let token = token.map_err(Reason::NoToken)?;
        check_identity(asked, token.principal())?;
        Ok((token, scope))
    }

    fn record(&self, client: &Client, resource: Option<&str>, verdict: Verdict) {
        self.audit.record(&Event {
            at: OffsetDateTime::now_utc(),
            client: client.clone(),
            resource: resource.map(Untrusted::new),
            verdict,
        });
    }
}

/// The scope of a resource, which must be written without anything around it: a program does not
/// have the accidents of a person who types.
fn scope(resource: &str) -> Result<Scope> {
    let scope = Scope::from_resource(resource).map_err(|error| {
        let why = error.why().to_owned();
        Error::new(ErrorKind::Invalid, "the resource is not valid", why)
            .with_fix("send one such as resource=https://management.azure.com")
    })?;
    if scope.resource() == resource {
        return Ok(scope);
    }
    Err(Error::new(
        ErrorKind::Invalid,
        "the resource is not valid",
        format!(
            "{} has quotes, white space or unseen characters around it",
            shown_value(resource)
        ),
    )
    .with_fix(format!("send resource={}", scope.resource())))
}

/// A program may name an identity: SDKs send `AZURE_CLIENT_ID`. Only the endpoint's own is
/// accepted, so that no program runs as another identity than the one that it names.
fn check_identity(asked: &Asked, principal: Option<&Principal>) -> Result<(), Reason> {
    let Some((parameter, named)) = &asked.identity else {
        return Ok(());
    };
    let is_own = principal.is_some_and(|own| match *parameter {
        "mi_res_id" => own
            .resource_id
            .as_ref()
            .is_some_and(|id| id.raw().eq_ignore_ascii_case(named)),
        _ => own.is_called(named),
    });
    if is_own {
        return Ok(());
    }
    Err(Reason::OtherIdentity {
        parameter,
        named: Untrusted::new(named.chars().take(200).collect::<String>()),
        own: principal.map_or_else(
            || "an identity that its tokens do not name".to_owned(),
            Principal::describe,
        ),
    })
}
