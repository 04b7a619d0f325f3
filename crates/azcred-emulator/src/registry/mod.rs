//! Container Registry: tokens of the registries, and their images.
//!
//! Every request passes these steps, as in Azure:
//!
//! 1. The registry is read from the host's name, or from the path by a port ([`call`]).
//! 2. The registry's network settings are checked ([`tokens`]).
//! 3. `/oauth2` gives tokens of the registry for tokens of Entra ID ([`tokens`]).
//! 4. Everything else needs such a token. Then it is carried out ([`pull`], [`push`]).
//!    Azure's own lists are in [`properties`].

mod answer;
mod call;
mod error;
mod operation;
mod properties;
mod pull;
mod push;
mod scope;
mod tokens;

use self::{answer::Answer, call::Call, error::RegistryError, operation::Operation, tokens::Form};
use crate::{front_door::FrontDoor, world::World};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use http::{Method, StatusCode};
use std::sync::Arc;

/// The largest form, and the largest manifest ('OCI Distribution Specification').
const MAX_BODY: usize = 4 * 1024 * 1024;

/// Container Registry's front door.
pub(crate) fn front_door(world: Arc<World>) -> FrontDoor {
    // One handler: a repository's name can be any path.
    FrontDoor::from(Router::new().fallback(serve).with_state(world))
}

/// The response for an error status of a fault.
pub(crate) fn failure(status: StatusCode) -> Response {
    Answer::of_error(&RegistryError::failure(status), None).finish()
}

async fn serve(State(world): State<Arc<World>>, request: Request) -> Response {
    let (parts, mut body) = request.into_parts();
    let call = Call::read(&world, &parts);
    let answer = match &call {
        Ok(call) => answer(&world, call, &mut body).await,
        Err(error) => Err(error.clone()),
    };
    // A client that still sends would not read the response, and its connection could not be used
    // again.
    if !parts.headers.contains_key("expect") {
        push::drain(&mut body).await;
    }
    let answer = answer.unwrap_or_else(|error| Answer::of_error(&error, call.as_ref().ok()));
    match parts.method {
        Method::HEAD => answer.headless().finish(),
        _ => answer.finish(),
    }
}

async fn answer(world: &Arc<World>, call: &Call, body: &mut Body) -> Result<Answer, RegistryError> {
    tokens::admit(world, call)?;
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (&call.method, path.as_slice()) {
        (&Method::POST, ["oauth2", "exchange"]) => {
            let form = Form::read(&read(body).await?);
            return tokens::exchange(world, call, &form).map(|token| Answer::token(&token));
        }
        (&Method::POST, ["oauth2", "token"]) => {
            let form = Form::read(&read(body).await?);
            return tokens::token(world, call, &form).map(|token| Answer::token(&token));
        }
        (&Method::GET, ["oauth2", "token"]) => {
            return tokens::token_by_basic(world, call).map(|token| Answer::token(&token));
        }
        _ => {}
    }
    let operation = Operation::of(call)?;
    tokens::authorize(world, call, operation.scope().as_ref())?;
    carry_out(world, call, operation, body).await
}

async fn carry_out(
    world: &Arc<World>,
    call: &Call,
    operation: Operation,
    body: &mut Body,
) -> Result<Answer, RegistryError> {
    match operation {
        Operation::Check => Ok(Answer::json(StatusCode::OK, &serde_json::json!({}))),
        Operation::Catalog => pull::catalog(world, call),
        Operation::Tags(name) => pull::tags(world, call, &name),
        Operation::GetManifest(name, reference) => pull::manifest(world, call, &name, &reference),
        Operation::GetBlob(name, digest) => pull::blob(world, call, &name, &digest).await,
        Operation::PutManifest(name, reference) => {
            let bytes = read(body).await?;
            push::manifest(world, call, &name, &reference, &bytes)
        }
        Operation::DeleteManifest(name, reference) => {
            push::delete_manifest(world, call, &name, &reference)
        }
        Operation::DeleteBlob(name, digest) => push::delete_blob(world, call, &name, &digest),
        Operation::BeginUpload(name) => push::begin(world, call, &name),
        Operation::UploadState(name, id) => push::state(world, call, &name, id),
        Operation::Append(name, id) => push::append(world, call, &name, id, body).await,
        Operation::Finish(name, id) => push::finish(world, call, &name, id, body).await,
        Operation::Cancel(name, id) => push::cancel(world, call, &name, id),
        Operation::Repository(name) => properties::repository(world, call, &name),
        Operation::DeleteRepository(name) => push::delete_repository(world, call, &name),
        Operation::TagProperties(name, tag) => properties::tags(world, call, &name, tag.as_deref()),
        Operation::DeleteTag(name, tag) => push::delete_tag(world, call, &name, &tag),
        Operation::ManifestProperties(name, digest) => {
            properties::manifests(world, call, &name, digest.as_ref())
        }
    }
}

/// Reads a body into memory.
async fn read(body: &mut Body) -> Result<Vec<u8>, RegistryError> {
    let taken = std::mem::take(body);
    let bytes = to_bytes(taken, MAX_BODY).await;
    let bytes = bytes.map_err(|_| RegistryError::too_large())?;
    Ok(bytes.to_vec())
}
