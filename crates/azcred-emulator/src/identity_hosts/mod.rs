//! The hosts that vouch for the programs on them: virtual machines, App Service, Service Fabric,
//! Azure Arc and Azure Machine Learning give out tokens of managed identities; Cloud Shell and jobs
//! on behalf of a user, of that user.

mod app_service;
mod arc;
mod arc_keys;
mod certificate;
mod cloud_shell;
mod expires_on;
mod failure;
mod identity;
mod imds;
mod info;
mod ml_obo;
mod query;
mod service_fabric;
mod user;

use crate::{
    directory::SecretText,
    entra::{Exchange, Issued, Refusal, issue_for_identity},
    service::{Cloud, Entrance, Service},
    world::World,
};
use arc_keys::ArcKeys;
use axum::{Router, response::Response};
use expires_on::ExpiresOnFormat as Format;
use http::{HeaderMap, HeaderValue, header};
use identity::{Choice, NoIdentity};
use serde_json::{Value, json};
use std::{path::Path, sync::Arc};
use uuid::Uuid;

pub use certificate::CertificateError;
pub use expires_on::ExpiresOnFormat;
pub use info::HostsInfo;

pub(crate) use certificate::SelfSigned;
pub(crate) use failure::failure;
pub(crate) use identity::{HOSTS, ManagedIdentity};

/// What the hosts of one emulator have, and what they want to see.
pub(crate) struct Hosts {
    /// All managed identities, whichever host has them.
    pub(crate) identities: Vec<ManagedIdentity>,
    /// For whom Cloud Shell and jobs on behalf of a user act.
    pub(crate) user: Option<Uuid>,
    /// `IDENTITY_HEADER` of App Service.
    pub(crate) app_service: SecretText,
    /// `IDENTITY_HEADER` of Service Fabric.
    pub(crate) service_fabric: SecretText,
    /// `MSI_SECRET` of Azure Machine Learning.
    pub(crate) ml_compute: SecretText,
    /// What Service Fabric shows.
    pub(crate) certificate: SelfSigned,
    /// What Azure Arc's agent wants to be told.
    pub(crate) arc_keys: ArcKeys,
}

impl Hosts {
    /// Hosts with secrets of their own. `state` is where key files go that have no other place.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(crate) fn new(
        identities: Vec<ManagedIdentity>,
        user: Option<Uuid>,
        state: &Path,
    ) -> Result<Self, CertificateError> {
        let secret = || SecretText::generate().map_err(|_| CertificateError::randomness());
        Ok(Self {
            identities,
            user,
            app_service: secret()?,
            service_fabric: secret()?,
            ml_compute: secret()?,
            certificate: SelfSigned::generate()?,
            arc_keys: ArcKeys::new(state),
        })
    }

    /// The identity that a host means where nobody chooses.
    pub(crate) fn default_of(&self, host: Service) -> Option<&ManagedIdentity> {
        identity::find(&self.identities, host, &Choice::default()).ok()
    }
}

/// A router for each host.
pub(crate) fn routers(
    world: &Arc<World>,
    hosts: &Arc<Hosts>,
) -> impl Iterator<Item = (Service, Router)> {
    let of = |service| Host {
        service,
        world: world.clone(),
        hosts: hosts.clone(),
    };
    [
        (Service::Imds, imds::router(of(Service::Imds))),
        (
            Service::AppService,
            app_service::router(of(Service::AppService)),
        ),
        (
            Service::ServiceFabric,
            service_fabric::router(of(Service::ServiceFabric)),
        ),
        (Service::Arc, arc::router(of(Service::Arc))),
        (
            Service::MlCompute,
            app_service::router(of(Service::MlCompute)),
        ),
        (Service::MlObo, ml_obo::router(of(Service::MlObo))),
        (
            Service::CloudShell,
            cloud_shell::router(of(Service::CloudShell)),
        ),
    ]
    .into_iter()
}

/// One host.
#[derive(Clone)]
struct Host {
    service: Service,
    world: Arc<World>,
    hosts: Arc<Hosts>,
}

/// A managed identity's token.
struct Token<'a> {
    identity: &'a ManagedIdentity,
    issued: Issued,
}

/// Why there is none.
enum NoToken {
    /// The host has no such identity.
    Identity(NoIdentity),
    /// Entra ID gives it none.
    Refused(Box<Refused>),
}

/// What Entra ID said to a host.
struct Refused {
    refusal: Refusal,
    exchange: Exchange,
}

impl Refused {
    /// Entra ID's own status and body.
    fn passed_on(self) -> Response {
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
    /// A token of the identity that is meant.
    fn token(
        &self,
        headers: &HeaderMap,
        choice: &Choice<'_>,
        resource: &str,
    ) -> Result<Token<'_>, NoToken> {
        let identity = identity::find(&self.hosts.identities, self.service, choice)
            .map_err(NoToken::Identity)?;
        let exchange = self.exchange(headers);
        let mirid = identity.resource_id.to_string();
        match issue_for_identity(&self.world, identity.object_id, &mirid, resource, &exchange) {
            Ok(issued) => Ok(Token { identity, issued }),
            Err(refusal) => Err(NoToken::Refused(Box::new(Refused { refusal, exchange }))),
        }
    }

    /// The host's own exchange with Entra ID.
    fn exchange(&self, headers: &HeaderMap) -> Exchange {
        let entrance = Entrance {
            service: self.service,
            cloud: Cloud::Public,
            real_name: None,
        };
        Exchange::new(&self.world, headers, entrance)
    }
}

/// What IMDS says of a token, and those that speak as it does: all numbers are texts.
fn token_as_text(token: &Token<'_>) -> Value {
    let mut body = issued_as_text(&token.issued);
    body["client_id"] = token.identity.client_id.to_string().into();
    body
}

fn issued_as_text(issued: &Issued) -> Value {
    json!({
        "access_token": issued.access_token,
        "expires_in": issued.expires_in.to_string(),
        "expires_on": Format::Text.write(issued.expires_on),
        "ext_expires_in": issued.expires_in.to_string(),
        "not_before": issued.not_before.to_string(),
        "resource": issued.resource,
        "token_type": "Bearer",
    })
}
