//! Where a program begins: `POST /{tenant}/oauth2/v2.0/devicecode`, and the same of v1.0.
//!
//! Shape: 'OAuth 2.0 device authorization grant', and what the service was seen to answer to Azure
//! CLI.

use crate::{
    directory::Directory,
    entra::{
        authority::Authority, claims_request::ClaimsRequest, client,
        delegated_scope::RequestedScope, exchange::Exchange, form::Form, refusal::Refusal,
        version::Version,
    },
    entra_state::DeviceRequest,
    service::Cloud,
    world::World,
};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use std::sync::Arc;

/// How long the codes are good, in seconds, where a tenant says nothing else.
const LIFETIME: u32 = 900;
/// Seconds between two questions, likewise.
const INTERVAL: u32 = 5;
/// What is remembered of a request is bounded. Real ones are a tenth of it.
const MAX_BYTES: usize = 8 * 1024;

/// `POST /{tenant}/oauth2/devicecode`.
pub(in super::super) async fn v1(
    State(world): State<Arc<World>>,
    Path(tenant): Path<String>,
    exchange: Exchange,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::of_request(&headers, &body);
    respond(&world, &exchange, &tenant, Version::V1, form)
}

/// `POST /{tenant}/oauth2/v2.0/devicecode`.
pub(in super::super) async fn v2(
    State(world): State<Arc<World>>,
    Path(tenant): Path<String>,
    exchange: Exchange,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::of_request(&headers, &body);
    respond(&world, &exchange, &tenant, Version::V2, form)
}

/// Any other method: AADSTS900561.
pub(in super::super) async fn only_post(exchange: Exchange, method: Method) -> Response {
    Refusal::only_post(&method).into_response(&exchange)
}

fn respond(
    world: &World,
    exchange: &Exchange,
    segment: &str,
    version: Version,
    form: Result<Form, Refusal>,
) -> Response {
    match form.and_then(|form| begin(world, exchange, segment, version, &form)) {
        Ok(body) => {
            let mut response = Json(body).into_response();
            exchange.dress(&mut response, 0);
            response
        }
        Err(refusal) => refusal.into_response(exchange),
    }
}

/// The codes, and what to tell the person.
///
/// # Errors
/// Whatever is wrong with tenant, client, scope or claims; 90033 while too many codes are under
/// way.
fn begin(
    world: &World,
    exchange: &Exchange,
    segment: &str,
    version: Version,
    form: &Form,
) -> Result<Value, Refusal> {
    let directory = world.directory();
    let authority = Authority::resolve(&directory, segment)?;
    let client_id = form.required("client_id")?;
    // Whether it has to prove itself is asked with the first question, as it is of Entra ID.
    let application = match authority {
        Authority::Tenant(tenant) => client::find(&directory, tenant, client_id)?,
        Authority::Any(name) => client::find_anywhere(&directory, name, client_id)?,
    };
    let asked = match version {
        Version::V1 => RequestedScope::of_v1(form.required("resource")?, form.get("scope"))?,
        Version::V2 => RequestedScope::of_v2(form.required("scope")?)?,
    };
    let claims = form.get("claims");
    ClaimsRequest::read(claims)?;
    if asked.text.len() + claims.map_or(0, str::len) > MAX_BYTES {
        return Err(Refusal::invalid_request(
            90015,
            "The request's scope and claims are too long.",
        ));
    }
    let (lifetime, interval) = limits(&directory, authority);
    let now = exchange.now.unix_timestamp();
    let pending = DeviceRequest {
        client: application.app_id,
        segment: segment.to_owned(),
        scope: asked.text,
        claims: claims.map(str::to_owned),
    };
    let codes = world
        .entra
        .devices
        .begin(pending, now, now + i64::from(lifetime), interval)
        .ok_or_else(Refusal::unavailable)?;
    let page = page(world, exchange);
    let mut body = json!({
        "user_code": codes.user_code,
        "device_code": codes.device_code.as_str(),
        "message": format!(
            "To sign in, use a web browser to open the page {page} and enter the code {} to authenticate.",
            codes.user_code
        ),
    });
    match version {
        // The v1.0 endpoint has the draft's name, and writes its numbers as text.
        Version::V1 => {
            body["verification_url"] = page.into();
            body["expires_in"] = lifetime.to_string().into();
            body["interval"] = interval.to_string().into();
        }
        Version::V2 => {
            body["verification_uri"] = page.into();
            body["expires_in"] = lifetime.into();
            body["interval"] = interval.into();
        }
    }
    Ok(body)
}

/// How long codes are good and how far questions have to be apart, in seconds. Where no tenant is
/// named it is the least that any tenant says.
fn limits(directory: &Directory, authority: Authority<'_>) -> (u32, u32) {
    let tenants = directory.tenants.values();
    let asked: Vec<_> = match authority {
        Authority::Tenant(tenant) => vec![tenant],
        Authority::Any(_) => tenants.collect(),
    };
    let lifetimes = asked
        .iter()
        .filter_map(|tenant| tenant.device_code_lifetime);
    let intervals = asked
        .iter()
        .filter_map(|tenant| tenant.device_code_interval);
    (
        lifetimes.min().unwrap_or(LIFETIME),
        intervals.min().unwrap_or(INTERVAL),
    )
}

/// Where the person enters the code.
fn page(world: &World, exchange: &Exchange) -> String {
    match (&exchange.entrance.real_name, exchange.cloud()) {
        (None, _) => format!("{}/common/oauth2/deviceauth", exchange.login_url(world)),
        (Some(_), Cloud::Public) => "https://microsoft.com/devicelogin".to_owned(),
        (Some(_), Cloud::UsGovernment) => "https://microsoft.com/deviceloginus".to_owned(),
        (Some(_), Cloud::China) => "https://microsoft.com/deviceloginchina".to_owned(),
    }
}
