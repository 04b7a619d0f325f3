//! The steps of every request: limits, faults, the service, the log.

use crate::{
    request_log::Served,
    serve::{
        context::Context,
        cut::Cut,
        fault::{self, Outcome},
        proxy::{self, METADATA_HOST},
        socket::Ending,
    },
    service::{Entrance, Service},
    text::clip_to,
};
use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use serde_json::Value;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

/// Longest id or code in the log, in characters.
const MAX_LOGGED: usize = 64;
/// The largest accepted body: ARM's own limit.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;
/// The time within which a client must send its body.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Handles a request, and adds it to the log.
pub(super) async fn pass(
    context: &Context,
    entrance: &Entrance,
    request: Request<Body>,
    ending: &Ending,
) -> Result<Response, Cut> {
    let (parts, body) = request.into_parts();
    let mut served = Served {
        number: 0,
        time: String::new(),
        service: entrance.service.name().to_owned(),
        method: parts.method.to_string(),
        host: host_of(&parts).unwrap_or_default(),
        path: parts.uri.path().to_owned(),
        status: None,
        client_id: None,
        fault: None,
        error: None,
    };
    let body = match entrance.service.streams() {
        true => Ok((body, Bytes::new())),
        false => read(body).await.map(|bytes| (bytes.clone().into(), bytes)),
    };
    let _in_service = ending.in_service();
    let outcome = match body {
        Ok(_) if is_for_elsewhere(entrance, &parts.uri) => {
            let why = proxy::plain_refused(parts.uri.host().unwrap_or_default());
            Ok(text(StatusCode::FORBIDDEN, &format!("{why}\n")))
        }
        Ok(_) if is_misdirected(entrance, &served.host) => Ok(text(
            StatusCode::MISDIRECTED_REQUEST,
            match entrance.real_name {
                Some(_) => "This connection is for another host.\n",
                None => "This port is 'localhost', or an address, and no other name.\n",
            },
        )),
        Ok((body, bytes)) => {
            served.client_id = client_id(&parts.uri, &parts.headers, &bytes);
            answer(
                context,
                entrance,
                Request::from_parts(parts, body),
                &mut served,
            )
            .await
        }
        Err(refusal) => Ok(refusal),
    };
    let outcome = match outcome {
        Ok(mut response) => {
            date(context, &mut response);
            served.status = Some(response.status().as_u16());
            let (response, error) = error_of(response).await?;
            served.error = error;
            Ok(response)
        }
        Err(cut) => Err(cut),
    };
    let never_ends = matches!(served.fault.as_deref(), Some("hang" | "withheld"));
    // Who waits for the fault sees it in the log.
    context.world.requests.push(served);
    if never_ends {
        context.until_shutdown().await;
        return Err(Cut);
    }
    outcome
}

async fn answer(
    context: &Context,
    entrance: &Entrance,
    request: Request<Body>,
    served: &mut Served,
) -> Result<Response, Cut> {
    let effect = context.world.faults.take(
        entrance.service,
        &served.method,
        &served.path,
        served.client_id.as_deref(),
    );
    let mut change = None;
    if let Some(effect) = effect {
        served.fault = Some(effect.kind().to_owned());
        let played = fault::apply(
            &effect,
            context,
            entrance,
            request.headers(),
            request.uri().path(),
        )
        .await;
        match played {
            Ok(Outcome::Answer(response)) => return Ok(response),
            Ok(Outcome::Change(how)) => change = Some(how),
            Ok(Outcome::Nothing) => {}
            Err(cut) => return Err(cut),
        }
    }
    let response = context.route(entrance, request).await;
    match change {
        Some(how) => fault::change(how, response).await,
        None => Ok(response),
    }
}

async fn read(body: Body) -> Result<Bytes, Response> {
    match tokio::time::timeout(BODY_TIMEOUT, axum::body::to_bytes(body, MAX_BODY_BYTES)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(text(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The request's body is larger than 4 MiB, or ended early.\n",
        )),
        Err(_) => Err(text(
            StatusCode::REQUEST_TIMEOUT,
            "The request's body took too long.\n",
        )),
    }
}

/// Whether a request is for another host. By a real name, it must be for the certificate's host
/// (RFC 9110 section 15.5.20). By a port, it must be for this machine. Otherwise a web page whose
/// host name resolves to this machine (DNS rebinding) could read responses. Some hosts of managed
/// identities require nothing that a page can't send.
fn is_misdirected(entrance: &Entrance, host: &str) -> bool {
    match entrance.real_name.as_deref() {
        Some(name) => !is_host(name, host),
        None => !is_this_machine(host),
    }
}

/// Whether the header `Host` is for the host with this name.
pub(super) fn is_host(name: &str, header: &str) -> bool {
    let host = header.strip_suffix(":443").unwrap_or(header);
    host.eq_ignore_ascii_case(name)
}

/// Whether a client uses this port as a proxy, and not for the metadata service's address.
fn is_for_elsewhere(entrance: &Entrance, uri: &Uri) -> bool {
    let host = uri.host().map(|host| host.trim_matches(['[', ']']));
    let is_own = |host: &str| match host.parse::<IpAddr>() {
        Ok(address) => host == METADATA_HOST || address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    };
    entrance.real_name.is_none() && host.is_some_and(|host| !is_own(host))
}

/// `localhost` or an IP address: a page from an IP address has that address as its origin. Every
/// browser sends the host.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let v6 = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    name.is_empty()
        || name.eq_ignore_ascii_case("localhost")
        || name.parse::<Ipv4Addr>().is_ok()
        || v6.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

fn host_of(parts: &http::request::Parts) -> Option<String> {
    match parts.uri.authority() {
        Some(authority) => Some(authority.to_string()),
        None => Some(parts.headers.get(header::HOST)?.to_str().ok()?.to_owned()),
    }
}

/// The client id in the query, in a form, in a Basic header, or in a bearer token (unverified).
/// Only faults and the log use it.
fn client_id(uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    // The second is App Service's old name.
    let named = |name: &str| name == "client_id" || name == "clientid";
    if let Some((_, id)) = query.into_iter().find(|(name, _)| named(name)) {
        return Some(clip_to(&id, MAX_LOGGED));
    }
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
    if text(header::CONTENT_TYPE).is_some_and(|t| t.contains("x-www-form-urlencoded"))
        && let Some((_, id)) =
            url::form_urlencoded::parse(body).find(|(name, _)| name == "client_id")
    {
        return Some(clip_to(&id, MAX_LOGGED));
    }
    let (scheme, credential) = text(header::AUTHORIZATION)?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(credential).ok()?).ok()?;
        return decoded
            .split_once(':')
            .map(|(id, _)| clip_to(id, MAX_LOGGED));
    }
    let payload = URL_SAFE_NO_PAD.decode(credential.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    Some(clip_to(
        claims
            .get("appid")
            .or_else(|| claims.get("azp"))?
            .as_str()?,
        MAX_LOGGED,
    ))
}

/// The code in an error's body, for the log.
async fn error_of(response: Response) -> Result<(Response, Option<String>), Cut> {
    if let Some(code) = response.headers().get("x-ms-error-code") {
        let code = String::from_utf8_lossy(code.as_bytes());
        let code = clip_to(&code, MAX_LOGGED);
        return Ok((response, Some(code)));
    }
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.starts_with("application/json"));
    if response.status().as_u16() < 400 || !is_json {
        return Ok((response, None));
    }
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, MAX_BODY_BYTES)
        .await
        .map_err(|_| Cut)?;
    let code = serde_json::from_slice::<Value>(&bytes)
        .ok()
        .and_then(|body| {
            let aadsts = body["error_codes"][0]
                .as_u64()
                .map(|code| format!("AADSTS{code}"));
            let named = body["error"]["code"].as_str();
            // The OAuth error, for hosts without codes.
            aadsts.or_else(|| {
                Some(clip_to(
                    named.or_else(|| body["error"].as_str())?,
                    MAX_LOGGED,
                ))
            })
        });
    Ok((Response::from_parts(parts, Body::from(bytes)), code))
}

/// Sets `Date` by the emulator's clock, which a fault may have shifted.
fn date(context: &Context, response: &mut Response) {
    let now = std::time::SystemTime::from(context.world.clock.now());
    if let Ok(value) = HeaderValue::from_str(&httpdate::fmt_http_date(now)) {
        response.headers_mut().insert(header::DATE, value);
    }
}

/// A plain-text response of the emulator itself.
pub(super) fn text(status: StatusCode, message: &str) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        message.to_owned(),
    )
        .into_response()
}

/// The entrance of a request to a service's port.
pub(super) fn entrance_by_port(service: Service) -> Entrance {
    Entrance {
        service,
        cloud: crate::service::Cloud::Public,
        real_name: None,
    }
}
