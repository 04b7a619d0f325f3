//! The token endpoint, v2.0 and v1.0.

use crate::{
    directory::{Directory, ServicePrincipalKind},
    entra::{
        assertion::Addressee,
        authority::Authority,
        claims::{self, Grant},
        client::{self, Credentials},
        exchange::Exchange,
        form::Form,
        lifetime::usual_lifetime,
        managed_identity,
        refusal::Refusal,
        resource,
        user::{self, UserTokenRequest},
        version::Version,
    },
    replication::View,
    world::World,
};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, header};
use serde_json::{Value, json};
use std::sync::Arc;

/// `POST /{tenant}/oauth2/token`.
pub(super) async fn token_v1(
    State(world): State<Arc<World>>,
    Path(tenant): Path<String>,
    exchange: Exchange,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    respond(
        &world,
        &exchange,
        &Request {
            tenant,
            version: Version::V1,
            headers,
            body,
        },
    )
}

/// `POST /{tenant}/oauth2/v2.0/token`.
pub(super) async fn token_v2(
    State(world): State<Arc<World>>,
    Path(tenant): Path<String>,
    exchange: Exchange,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    respond(
        &world,
        &exchange,
        &Request {
            tenant,
            version: Version::V2,
            headers,
            body,
        },
    )
}

/// Another method: AADSTS900561.
pub(super) async fn only_post(exchange: Exchange, method: Method) -> Response {
    Refusal::only_post(&method).into_response(&exchange)
}

struct Request {
    tenant: String,
    version: Version,
    headers: HeaderMap,
    body: Bytes,
}

fn respond(world: &World, exchange: &Exchange, request: &Request) -> Response {
    match answer(world, exchange, request) {
        Ok(body) => {
            let mut response = Json(body).into_response();
            exchange.add_headers(&mut response, 0);
            response
        }
        Err(refusal) => refusal.into_response(exchange),
    }
}

fn answer(world: &World, exchange: &Exchange, request: &Request) -> Result<Value, Refusal> {
    let directory = world.directory();
    let authority = Authority::resolve(&directory, &request.tenant)?;
    let form = Form::of_request(&request.headers, &request.body)?;
    let grant_type = form.required("grant_type")?;
    let text = |name| request.headers.get(name).and_then(|v| v.to_str().ok());
    let credentials = Credentials::read(&form, text(header::AUTHORIZATION))?;
    let by_person: fn(&UserTokenRequest<'_>) -> Result<Value, Refusal> = match grant_type {
        "client_credentials" => {
            return by_application(
                world,
                &directory,
                exchange,
                request.version,
                authority,
                &form,
                &credentials,
            );
        }
        "authorization_code" => user::by_authorization_code,
        "password" => user::by_password,
        "refresh_token" => user::by_refresh_token,
        "urn:ietf:params:oauth:grant-type:device_code" | "device_code" => user::by_device_code,
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => user::on_behalf_of,
        _ => return Err(Refusal::unsupported_grant(grant_type)),
    };
    by_person(&UserTokenRequest {
        world,
        directory: &directory,
        exchange,
        authority,
        version: request.version,
        form: &form,
        credentials: &credentials,
    })
}

fn by_application(
    world: &World,
    directory: &Directory,
    exchange: &Exchange,
    version: Version,
    authority: Authority<'_>,
    form: &Form,
    credentials: &Credentials,
) -> Result<Value, Refusal> {
    let name = match version {
        Version::V1 => form.required("resource")?.to_owned(),
        Version::V2 if form.get("resource").is_some() => {
            return Err(Refusal::invalid_request(
                901_002,
                "The 'resource' request parameter is not supported.",
            ));
        }
        Version::V2 => resource::of_scope(form.required("scope")?)?,
    };
    let Authority::Tenant(tenant) = authority else {
        return Err(Refusal::invalid_request(
            50059,
            "No tenant-identifying information found in either the request or implied by any provided credentials.",
        ));
    };

    let application = client::find(directory, tenant, &credentials.client_id)?;
    let to = Addressee {
        world,
        directory,
        tenant,
        now: exchange.now,
    };
    let proof = client::prove(&credentials.presented, application, &to);
    // A request looks for all of what is new, whatever it misses.
    let misses = |id| world.replication.misses(View::SignIn, id);
    let principal = client::principal(directory, tenant, application);
    let is_missed = principal.as_ref().is_ok_and(|sp| misses(sp.id));
    if misses(application.object_id) {
        return Err(client::unknown(&credentials.client_id, &tenant.name));
    }
    let (proof, principal) = (proof?, principal?);
    if is_missed {
        return Err(client::no_principal(application.app_id, tenant));
    }
    if let Some(limit) = tenant.loop_limit
        && world.entra.loops.is_loop(
            application.app_id,
            &name,
            limit,
            exchange.now.unix_timestamp(),
        )
    {
        return Err(Refusal::by_code(50196));
    }
    let resource = resource::find(world, directory, tenant, &name)?;

    let is_identity = principal.kind == ServicePrincipalKind::ManagedIdentity;
    let lifetime = i64::from(tenant.access_token_lifetime.unwrap_or_else(|| {
        match is_identity {
            // As from the identity's host: a day. Entra ID's responses show one second less.
            true => managed_identity::LIFETIME - 1,
            false => usual_lifetime(exchange),
        }
    }));
    let now = exchange.now.unix_timestamp();
    let cloud = exchange.cloud();
    let mut claims = claims::app_only(&Grant {
        cloud,
        tenant,
        principal,
        resource: &resource,
        proof,
        now,
        lifetime,
    });
    if is_identity && let Some(id) = world.resources().user_assigned_of(principal.id) {
        claims.insert("xms_mirid".to_owned(), id.to_string().into());
    }
    let token = world
        .keys
        .entra
        .sign(&claims)
        .map_err(|_| Refusal::unavailable())?;
    Ok(match version {
        Version::V1 => body_v1(&token, &resource.audience, now, lifetime),
        Version::V2 => body_v2(&token, lifetime),
    })
}

fn body_v2(token: &str, lifetime: i64) -> Value {
    // No `client_info`: the service leaves it out for this grant even when requested. With it, MSAL
    // would store the token for an account and never find it again.
    json!({
        "token_type": "Bearer",
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": token,
    })
}

/// The v1.0 endpoint writes numbers as strings.
fn body_v1(token: &str, resource: &str, now: i64, lifetime: i64) -> Value {
    json!({
        "token_type": "Bearer",
        "expires_in": lifetime.to_string(),
        "ext_expires_in": lifetime.to_string(),
        "expires_on": (now + lifetime).to_string(),
        "not_before": (now - 300).to_string(),
        "resource": resource,
        "access_token": token,
    })
}
