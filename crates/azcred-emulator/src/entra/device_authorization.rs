//! The start of a sign-in by device code: `POST /{tenant}/oauth2/v2.0/devicecode`, and the same in
//! v1.0.
//!
//! Format: 'OAuth 2.0 device authorization grant', and what the service returns to Azure CLI.

use crate::{
    directory::Directory,
    entra::{
        authority::Authority, claims_request::ClaimsRequest, client,
        delegated_scope::RequestedScope, exchange::Exchange, form::Form, refusal::Refusal,
        version::Version,
    },
    entra_state::DeviceRequest,
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

/// Lifetime of the codes in seconds, if the tenant sets none.
const LIFETIME: u32 = 900;
/// Least seconds between two polls, if the tenant sets none.
const INTERVAL: u32 = 5;
/// Limit for what is stored of a request. Real requests need a tenth of it.
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

/// Another method: AADSTS900561.
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
            exchange.add_headers(&mut response, 0);
            response
        }
        Err(refusal) => refusal.into_response(exchange),
    }
}

/// Creates the codes, and the message for the user.
///
/// # Errors
/// If tenant, client, scope or claims are wrong; 90033 if too many codes are in use.
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
    // Like Entra ID, this endpoint does not require a credential. The token endpoint does.
    let application = match authority {
        Authority::Tenant(tenant) => client::find(&directory, tenant, client_id)?,
        Authority::Any(name) => client::find_anywhere(&directory, name, client_id)?,
    };
    let requested = match version {
        Version::V1 => RequestedScope::of_v1(form.required("resource")?, form.get("scope"))?,
        Version::V2 => RequestedScope::of_v2(form.required("scope")?)?,
    };
    let claims = form.get("claims");
    ClaimsRequest::read(claims)?;
    if requested.text.len() + claims.map_or(0, str::len) > MAX_BYTES {
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
        scope: requested.text,
        claims: claims.map(str::to_owned),
    };
    let codes = world
        .entra
        .devices
        .begin(pending, now, now + i64::from(lifetime), interval)
        .ok_or_else(Refusal::unavailable)?;
    let page = page(world);
    let mut body = json!({
        "user_code": codes.user_code,
        "device_code": codes.device_code.as_str(),
        "message": format!(
            "To sign in, use a web browser to open the page {page} and enter the code {} to authenticate. \
             This is the azcred emulator on this machine: the browser warns of its certificate.",
            codes.user_code
        ),
    });
    match version {
        // The v1.0 endpoint has the draft's name of the field, and writes numbers as strings.
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

/// Lifetime of the codes and least time between polls, in seconds. Without a tenant in the request,
/// the least of all tenants.
fn limits(directory: &Directory, authority: Authority<'_>) -> (u32, u32) {
    let tenants = directory.tenants.values();
    let requested: Vec<_> = match authority {
        Authority::Tenant(tenant) => vec![tenant],
        Authority::Any(_) => tenants.collect(),
    };
    let lifetimes = requested
        .iter()
        .filter_map(|tenant| tenant.device_code_lifetime);
    let intervals = requested
        .iter()
        .filter_map(|tenant| tenant.device_code_interval);
    (
        lifetimes.min().unwrap_or(LIFETIME),
        intervals.min().unwrap_or(INTERVAL),
    )
}

/// The page on which the user enters the code: the emulator's own, also for a program that uses
/// Azure's names. A browser at Microsoft's address would show Microsoft's page, which does not know
/// the code.
fn page(world: &World) -> String {
    format!("{}/common/oauth2/deviceauth", world.urls().login)
}
