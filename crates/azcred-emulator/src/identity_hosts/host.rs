//! A host of managed identities, and the tokens that Entra ID issues to it.

use crate::{
    entra::{Exchange, Issued, Refusal, issue_for_identity},
    identity_hosts::{
        hosts::Hosts,
        identity::{self, IdentityChoice, NoIdentity},
    },
    resources::ManagedIdentity,
    service::{Cloud, Entrance, Service},
    world::World,
};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::sync::Arc;

/// A host of managed identities.
#[derive(Clone)]
pub(super) struct Host {
    pub(super) service: Service,
    pub(super) world: Arc<World>,
    pub(super) hosts: Arc<Hosts>,
}

/// A managed identity's token.
pub(super) struct IdentityToken<'a> {
    pub(super) identity: &'a ManagedIdentity,
    pub(super) issued: Issued,
}

/// Why a host has no token for a request.
pub(super) enum NoToken {
    /// The host has no such identity.
    Identity(NoIdentity),
    /// Entra ID rejected the request.
    Refused(Box<EntraRefusal>),
}

/// The error that Entra ID returned to a host.
pub(super) struct EntraRefusal {
    pub(super) refusal: Refusal,
    pub(super) exchange: Exchange,
}

impl EntraRefusal {
    /// Entra ID's own status.
    pub(super) fn status(self) -> StatusCode {
        self.passed_on().status()
    }

    /// Entra ID's own status and body.
    pub(super) fn passed_on(self) -> Response {
        let answer = self.refusal.into_response(&self.exchange);
        let mut response = Response::new(axum::body::Body::empty());
        *response.status_mut() = answer.status();
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        *response.body_mut() = answer.into_body();
        response
    }
}

impl Host {
    /// A token of the chosen identity.
    pub(super) fn token(
        &self,
        headers: &HeaderMap,
        choice: &IdentityChoice<'_>,
        resource: &str,
    ) -> Result<IdentityToken<'_>, NoToken> {
        let identity = identity::find(&self.hosts.identities, self.service, choice)
            .map_err(NoToken::Identity)?;
        let exchange = self.exchange(headers);
        let mirid = identity.resource_id.to_string();
        match issue_for_identity(&self.world, identity.object_id, &mirid, resource, &exchange) {
            Ok(issued) => Ok(IdentityToken { identity, issued }),
            Err(refusal) => Err(NoToken::Refused(Box::new(EntraRefusal {
                refusal,
                exchange,
            }))),
        }
    }

    /// The host's request to Entra ID, which it sends to the host of its region.
    pub(super) fn exchange(&self, headers: &HeaderMap) -> Exchange {
        let entrance = Entrance {
            service: self.service,
            cloud: Cloud::Public,
            real_name: Some("westeurope.login.microsoft.com".to_owned()),
        };
        Exchange::new(&self.world, headers, entrance)
    }
}
