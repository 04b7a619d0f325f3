//! Blob Storage: containers and blobs of the storage accounts.
//!
//! Every request passes these steps, as in Azure:
//!
//! 1. The account, the container and the blob are read from the host's name and the path
//!    ([`call`]).
//! 2. The operation is recognized ([`operation`]).
//! 3. The credential is checked: a token, a key, a signature, or none ([`access`]). Then the
//!    account's switches, its firewall, and the right.
//! 4. The request is answered. Contents are streamed, in and out.

mod access;
mod answer;
mod batch;
mod blocks;
mod body;
mod call;
mod conditions;
mod containers;
mod copy;
mod error;
mod headers;
mod listing;
mod operation;
mod properties;
mod range;
mod reading;
mod service;
mod shared_key;
mod signature;
#[cfg(test)]
mod tests;
mod writing;
mod xml;

use self::{access::Access, answer::Answer, call::Call, error::BlobError, operation::Operation};
use crate::{front_door::FrontDoor, service::Entrance, world::World};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, Method, StatusCode, Uri, request::Parts};
use std::sync::Arc;
use time::{OffsetDateTime, macros::format_description};
use uuid::Uuid;

/// The name by which Blob Storage calls itself, and that of what is before it.
const SERVER: &str = "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0";
const IN_FRONT: &str = "Microsoft-HTTPAPI/2.0";

/// Blob Storage's front door.
pub(crate) fn front_door(world: Arc<World>) -> FrontDoor {
    // One handler: a blob's name can be any path.
    FrontDoor::from(Router::new().fallback(serve).with_state(world))
}

async fn serve(State(world): State<Arc<World>>, request: Request) -> Response {
    let (parts, mut body) = request.into_parts();
    let entrance = parts.extensions.get::<Entrance>().cloned();
    let Some(entrance) = entrance else {
        return Response::new(Body::empty());
    };
    let response = answer(&world, &parts, &entrance, &mut body).await;
    // A client that still sends would not read the response, and its connection could not be used
    // again. One that waits for a word sends nothing.
    if !parts.headers.contains_key("expect") {
        body::drain(&mut body).await;
    }
    response
}

/// The response to one request: of a connection, or of a batch.
async fn answer(
    world: &Arc<World>,
    parts: &Parts,
    entrance: &Entrance,
    body: &mut Body,
) -> Response {
    let now = world.clock.now();
    let call = Call::read(parts, entrance, now);
    let answered = match &call {
        Ok(call) => match allowed(world, call) {
            // A future of each operation in one would be large.
            Ok((operation, access)) => {
                Box::pin(carry_out(world, call, operation, &access, body)).await
            }
            Err(error) => Err(error),
        },
        Err(_) => Err(BlobError::invalid_uri()),
    };
    finish(
        answered,
        &parts.method,
        &parts.headers,
        call.ok().as_ref(),
        now,
    )
}

fn allowed(world: &World, call: &Call) -> Result<(Operation, Access), BlobError> {
    call.check_version()?;
    access::account(&world.resources(), call)?;
    let operation = Operation::of(call)?;
    let access = access::check(world, call, operation)?;
    Ok((operation, access))
}

async fn carry_out(
    world: &Arc<World>,
    call: &Call,
    operation: Operation,
    access: &Access,
    body: &mut Body,
) -> Result<Answer, BlobError> {
    match operation {
        Operation::ListContainers => listing::containers(world, call),
        Operation::GetServiceProperties => Ok(service::properties()),
        Operation::GetAccountInfo => service::account_info(world, call),
        Operation::GetUserDelegationKey => service::delegation_key(world, call, access, body).await,
        Operation::Batch => batch::serve(world, call, body).await,
        Operation::CreateContainer => containers::create(world, call),
        Operation::GetContainer => containers::get(world, call),
        Operation::SetContainerMetadata => containers::set_metadata(world, call),
        Operation::GetContainerAcl => containers::get_acl(world, call),
        Operation::SetContainerAcl => containers::set_acl(world, call, body).await,
        Operation::DeleteContainer => containers::delete(world, call),
        Operation::ListBlobs => listing::blobs(world, call),
        Operation::PutBlob => writing::put(world, call, access, body).await,
        Operation::CopyBlob => copy::copy(world, call, access).await,
        Operation::PutBlock => blocks::put(world, call, access, body).await,
        Operation::PutBlockList => blocks::commit(world, call, access, body).await,
        Operation::GetBlockList => blocks::list(world, call),
        Operation::AppendBlock => blocks::append(world, call, body).await,
        Operation::GetBlob => reading::get(world, call, access).await,
        Operation::GetBlobMetadata => properties::get_metadata(world, call),
        Operation::SetBlobMetadata => properties::set_metadata(world, call),
        Operation::SetBlobProperties => properties::set_headers(world, call),
        Operation::SetBlobTier => properties::set_tier(world, call),
        Operation::GetBlobTags => properties::get_tags(world, call),
        Operation::SetBlobTags => properties::set_tags(world, call, body).await,
        Operation::DeleteBlob => writing::delete(world, call),
    }
}

/// Adds what every response has.
fn finish(
    answered: Result<Answer, BlobError>,
    method: &Method,
    headers: &HeaderMap,
    call: Option<&Call>,
    now: OffsetDateTime,
) -> Response {
    let request_id = Uuid::new_v4().to_string();
    let is_in_front = answered.as_ref().is_err_and(|error| error.is_in_front);
    let answer = answered.unwrap_or_else(|error| error.answer(&request_id, &iso7(now)));
    let answer = match *method {
        Method::HEAD => answer.headless(),
        _ => answer,
    };
    let client_id = headers
        .get("x-ms-client-request-id")
        .and_then(|id| id.to_str().ok())
        .filter(|id| id.len() <= 1024);
    let version = call.and_then(Call::version).filter(|_| !is_in_front);
    let server = if is_in_front { IN_FRONT } else { SERVER };
    answer
        .with("server", server)
        .with("x-ms-request-id", &request_id)
        .with_some("x-ms-client-request-id", client_id)
        .with_some("x-ms-version", version)
        .0
}

/// The service that `path` names, for URLs in requests. `None`: not Blob Storage of this emulator.
fn place_of(url: &str, entrance: &Entrance) -> Option<(Uri, Entrance)> {
    let uri: Uri = url.parse().ok()?;
    let host = uri.host()?;
    let named =
        Entrance::by_name(host).filter(|named| named.service == crate::service::Service::Blob);
    let is_port = entrance.real_name.is_none() && matches!(host, "localhost" | "127.0.0.1");
    let entrance = named.or_else(|| is_port.then(|| entrance.clone()))?;
    Some((uri, entrance))
}

/// `2026-01-01T00:00:00.1234567Z`.
fn iso7(time: OffsetDateTime) -> String {
    let form =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:7]Z");
    time.format(form).unwrap_or_default()
}

/// The headers of a thing with a tag and a time.
fn tagged(status: StatusCode, etag: &str, modified: OffsetDateTime) -> Answer {
    Answer::new(status)
        .with("etag", format!("\"{etag}\""))
        .with("last-modified", signature::http_date(modified))
}

/// An error status as a fault makes it.
pub(crate) fn failure(world: &World, status: StatusCode) -> Response {
    let (code, message) = match status.as_u16() {
        // How Blob Storage says that an account or a partition is too busy.
        429 | 503 => (
            "ServerBusy",
            "The server is busy. Please retry your request at a later time.",
        ),
        500.. => (
            "InternalError",
            "Server encountered an internal error. Please try again after some time.",
        ),
        404 => ("ResourceNotFound", "The specified resource does not exist."),
        403 => (
            "AuthorizationFailure",
            "This request is not authorized to perform this operation.",
        ),
        _ => (
            "InvalidInput",
            "A fault of the emulator rejected the request.",
        ),
    };
    let now = world.clock.now();
    let refused = Err(BlobError::new(status, code, message));
    finish(refused, &Method::GET, &HeaderMap::new(), None, now)
}
