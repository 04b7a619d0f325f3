//! Endpoints that need no sign-in: instance discovery, OpenID configuration, keys.

use crate::{
    entra::{
        authority::{self, Authority},
        claims,
        exchange::Exchange,
        refusal::Refusal,
        version::Version,
    },
    service::{self, Cloud, Service},
    world::World,
};
use axum::{
    Json,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct InstanceQuery {
    #[serde(rename = "api-version")]
    api_version: Option<String>,
    authorization_endpoint: Option<String>,
}

/// `GET /common/discovery/instance`: whether an authority is one of Microsoft's, and its other
/// names.
pub(super) async fn instance(
    State(world): State<Arc<World>>,
    exchange: Exchange,
    Query(query): Query<InstanceQuery>,
) -> Response {
    match instance_body(&world, &exchange, &query) {
        Ok(body) => with_headers(&exchange, body),
        Err(refusal) => refusal.into_response(&exchange),
    }
}

fn instance_body(
    world: &World,
    exchange: &Exchange,
    query: &InstanceQuery,
) -> Result<Value, Refusal> {
    let version = match query.api_version.as_deref() {
        Some(version @ ("1.0" | "1.1")) => version,
        Some(_) => {
            return Err(Refusal::invalid_request(
                90004,
                "The request is not properly formatted: the parameter 'api-version' is not valid.",
            ));
        }
        None => return Err(missing_query("api-version")),
    };
    let endpoint = query
        .authorization_endpoint
        .as_deref()
        .ok_or_else(|| missing_query("authorization_endpoint"))?;
    let invalid = || Refusal {
        error: "invalid_instance",
        ..Refusal::invalid_request(50049, "Unknown or invalid instance.")
    };
    let url = url::Url::parse(endpoint).map_err(|_| invalid())?;
    let host = url.host_str().ok_or_else(invalid)?;
    // By a port, the emulator is the instance: the host and port of the request.
    let ours = world.urls().login;
    let by_port = url::Url::parse(&ours)
        .is_ok_and(|u| u.port_or_known_default() == url.port_or_known_default())
        && ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    let known = matches!(service::by_host(host), Some((Service::Login, _)));
    if url.scheme() != "https" || !(by_port || known) {
        return Err(invalid());
    }
    let tenant = url
        .path_segments()
        .and_then(|mut s| s.next())
        .unwrap_or("common")
        .to_owned();
    let authority = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let mut body = json!({
        "tenant_discovery_endpoint":
            format!("https://{authority}/{tenant}{}/.well-known/openid-configuration",
                if url.path().contains("/v2.0/") { "/v2.0" } else { "" }),
        "api-version": version,
    });
    if version == "1.1" {
        body["metadata"] = metadata(by_port.then_some(authority), exchange);
    }
    Ok(body)
}

/// The clouds and their aliases, as the live service lists them.
fn metadata(own: Option<String>, _exchange: &Exchange) -> Value {
    let entry = |network: &str, cache: &str, aliases: &[&str]| json!({"preferred_network": network, "preferred_cache": cache, "aliases": aliases});
    let mut all = vec![
        entry(
            "login.microsoftonline.com",
            "login.windows.net",
            &[
                "login.microsoftonline.com",
                "login.windows.net",
                "login.microsoft.com",
                "sts.windows.net",
            ],
        ),
        entry(
            "login.partner.microsoftonline.cn",
            "login.partner.microsoftonline.cn",
            &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
        ),
        entry(
            "login.microsoftonline.us",
            "login.microsoftonline.us",
            &["login.microsoftonline.us", "login.usgovcloudapi.net"],
        ),
        entry(
            "login-us.microsoftonline.com",
            "login-us.microsoftonline.com",
            &["login-us.microsoftonline.com"],
        ),
    ];
    if let Some(own) = own {
        all.push(entry(&own, &own, &[&own]));
    }
    Value::Array(all)
}

fn missing_query(name: &str) -> Refusal {
    Refusal::invalid_request(
        900_144,
        format!("The request must contain the following parameter: '{name}'."),
    )
}

/// `GET /{tenant}[/v2.0]/.well-known/openid-configuration`.
pub(super) async fn openid_configuration(
    world: &World,
    exchange: &Exchange,
    segment: &str,
    version: Version,
) -> Response {
    match configuration(world, exchange, segment, version) {
        Ok(body) => with_headers(exchange, body),
        Err(refusal) => refusal.into_response(exchange),
    }
}

pub(super) async fn openid_configuration_v1(
    State(world): State<Arc<World>>,
    Path(tenant): Path<String>,
    exchange: Exchange,
) -> Response {
    openid_configuration(&world, &exchange, &tenant, Version::V1).await
}

pub(super) async fn openid_configuration_v2(
    State(world): State<Arc<World>>,
    Path(tenant): Path<String>,
    exchange: Exchange,
) -> Response {
    openid_configuration(&world, &exchange, &tenant, Version::V2).await
}

fn configuration(
    world: &World,
    exchange: &Exchange,
    segment: &str,
    version: Version,
) -> Result<Value, Refusal> {
    let directory = world.directory();
    // URLs contain the tenant's id, or the word of the request if it names no tenant.
    let (path, issuer_tenant, region) = match Authority::resolve(&directory, segment)
        .map_err(|refusal| invalid_tenant(refusal, segment))?
    {
        Authority::Tenant(tenant) => (
            tenant.id.to_string(),
            tenant.id.to_string(),
            Some(claims::region_scope(&tenant.country)),
        ),
        Authority::Any(name) => (name.to_owned(), "{tenantid}".to_owned(), None),
    };
    let base = format!("{}/{path}", exchange.login_url(world));
    let cloud = exchange.cloud();
    let (oauth2, keys, issuer) = match version {
        Version::V1 => (
            format!("{base}/oauth2"),
            // The live v1 document has the URL of the shared keys.
            format!("{}/common/discovery/keys", exchange.login_url(world)),
            format!("https://{}/{issuer_tenant}/", cloud.sts_host()),
        ),
        Version::V2 => (
            format!("{base}/oauth2/v2.0"),
            format!("{base}/discovery/v2.0/keys"),
            format!("https://{}/{issuer_tenant}/v2.0", cloud.login_host()),
        ),
    };
    let graph = world.urls().for_client(Service::Graph, &exchange.entrance);
    let mut body = json!({
        "token_endpoint": format!("{oauth2}/token"),
        "token_endpoint_auth_methods_supported":
            ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": keys,
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "request_uri_parameter_supported": false,
        "userinfo_endpoint": format!("{graph}/oidc/userinfo"),
        "authorization_endpoint": format!("{oauth2}/authorize"),
        "device_authorization_endpoint": format!("{oauth2}/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{oauth2}/logout"),
        "claims_supported": ["sub", "iss", "cloud_instance_name", "cloud_instance_host_name",
            "cloud_graph_host_name", "msgraph_host", "aud", "exp", "iat", "auth_time", "acr", "nonce",
            "preferred_username", "name", "tid", "ver", "at_hash", "c_hash", "email"],
        "kerberos_endpoint": format!("{base}/kerberos"),
        "tenant_region_scope": region,
        "cloud_instance_name": match cloud {
            Cloud::Public => "microsoftonline.com",
            Cloud::UsGovernment => "microsoftonline.us",
            Cloud::China => "partner.microsoftonline.cn",
        },
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": cloud.graph_host(),
        "rbac_url": "https://pas.windows.net",
    });
    if version == Version::V2 {
        let mtls = format!("https://mtlsauth.microsoft.com/{path}/oauth2/v2.0/token");
        body["mtls_endpoint_aliases"] = json!({"token_endpoint": mtls});
        body["tls_client_certificate_bound_access_tokens"] = true.into();
    }
    if version == Version::V1 {
        let types = [
            "code",
            "id_token",
            "code id_token",
            "token id_token",
            "token",
        ];
        body["response_types_supported"] = json!(types);
        body["scopes_supported"] = json!(["openid"]);
        if let Some(body) = body.as_object_mut() {
            body.remove("request_uri_parameter_supported");
        }
        body["check_session_iframe"] = format!("{oauth2}/checksession").into();
        body["microsoft_multi_refresh_token"] = true.into();
    }
    Ok(body)
}

/// Here, a name that can't be a tenant's is one that does not exist, with an error of its own.
fn invalid_tenant(refusal: Refusal, segment: &str) -> Refusal {
    match refusal.code {
        90002 | 900_023 => Refusal {
            error: "invalid_tenant",
            ..authority::unknown_tenant(segment)
        },
        _ => refusal,
    }
}

/// `GET /{tenant}/discovery/keys`.
pub(super) async fn keys_v1(
    State(world): State<Arc<World>>,
    Path(tenant): Path<String>,
    exchange: Exchange,
) -> Response {
    keys(&world, &exchange, &tenant, Version::V1)
}

/// `GET /{tenant}/discovery/v2.0/keys`.
pub(super) async fn keys_v2(
    State(world): State<Arc<World>>,
    Path(tenant): Path<String>,
    exchange: Exchange,
) -> Response {
    keys(&world, &exchange, &tenant, Version::V2)
}

fn keys(world: &World, exchange: &Exchange, segment: &str, version: Version) -> Response {
    let tenant = match Authority::resolve(&world.directory(), segment) {
        Ok(Authority::Tenant(tenant)) => tenant.id.to_string(),
        Ok(Authority::Any(_)) => "{tenantid}".to_owned(),
        Err(refusal) => return refusal.into_response(exchange),
    };
    let issuer = (version == Version::V2)
        .then(|| format!("https://{}/{tenant}/v2.0", exchange.cloud().login_host()));
    let keys: Vec<Value> = world
        .keys
        .published()
        .map(|key| key.jwk(issuer.as_deref()))
        .collect();
    with_headers(exchange, json!({ "keys": keys }))
}

fn with_headers(exchange: &Exchange, body: Value) -> Response {
    let mut response = Json(body).into_response();
    exchange.add_headers(&mut response, 0);
    // These documents are the same for all, and programs in a browser read them too.
    let headers = response.headers_mut();
    headers.remove(header::PRAGMA);
    headers.remove(header::EXPIRES);
    for (name, value) in [
        (header::CACHE_CONTROL, "max-age=86400, private"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, OPTIONS"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
