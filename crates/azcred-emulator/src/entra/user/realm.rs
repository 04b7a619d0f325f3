//! Home realm discovery: where an account signs in.
//!
//! MSAL requests it before it sends a password, so that the password of a federated account does
//! not go to Entra ID.

use crate::{
    entra::{exchange::Exchange, refusal::Refusal},
    service::Cloud,
    world::World,
};
use axum::{
    Json,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

#[derive(Deserialize)]
pub(in super::super) struct RealmQuery {
    #[serde(rename = "api-version")]
    api_version: Option<String>,
}

/// `GET /common/userrealm/{user}?api-version=1.0`: `Managed` for every domain of a tenant, even if
/// the user does not exist.
pub(in super::super) async fn user_realm(
    State(world): State<Arc<World>>,
    Path(user): Path<String>,
    Query(query): Query<RealmQuery>,
    exchange: Exchange,
) -> Response {
    if query.api_version.as_deref() != Some("1.0") {
        let message =
            "The request is not properly formatted: the parameter 'api-version' has to be '1.0'.";
        return Refusal::invalid_request(90004, message).into_response(&exchange);
    }
    let (name, urn) = match exchange.cloud() {
        Cloud::Public => ("microsoftonline.com", "urn:federation:MicrosoftOnline"),
        Cloud::UsGovernment => ("microsoftonline.us", "urn:federation:MicrosoftOnline"),
        Cloud::China => (
            "partner.microsoftonline.cn",
            "urn:federation:partner.microsoftonline.cn",
        ),
    };
    let mut body = json!({
        "ver": "1.0",
        "account_type": "Unknown",
        "cloud_instance_name": name,
        "cloud_audience_urn": urn,
    });
    let domain = user.rsplit_once('@').map(|(_, domain)| domain);
    let directory = world.directory();
    // Only a domain: `tenant` would accept an id too.
    let known = domain.filter(|domain| domain.contains('.'));
    if let Some(domain) = known.filter(|domain| directory.tenant(domain).is_some()) {
        body["account_type"] = "Managed".into();
        body["domain_name"] = domain.into();
    }
    drop(directory);
    let mut response = Json(body).into_response();
    exchange.add_headers(&mut response, 0);
    response
}
