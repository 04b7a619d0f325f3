//! Writing: uploads of blobs, manifests, and what is deleted.

use super::{
    answer::Answer, call::Call, error::RegistryError, operation::Reference, pull::find,
    scope::Scope, tokens,
};
use crate::{
    images::{Digest, Manifest, Repository, Tag},
    world::World,
};
use axum::body::{Body, Bytes, HttpBody as _};
use http::StatusCode;
use serde_json::{Value, json};
use std::{future::poll_fn, io, pin::Pin, sync::Arc, time::Duration};
use uuid::Uuid;

/// The longest pause inside a request's body.
const PAUSE: Duration = Duration::from_secs(60);
/// How much of a body is written at once.
const CHUNK: usize = 256 * 1024;
/// How much is read of a body that nothing needs.
const MOST_DRAINED: usize = 256 * 1024 * 1024;
/// The largest blob.
const MOST: u64 = 64 * 1024 * 1024 * 1024;

/// Begins an upload, or takes a blob from another repository, if the token allows that.
pub(super) fn begin(world: &World, call: &Call, name: &str) -> Result<Answer, RegistryError> {
    let mounted = call.query("mount").and_then(Digest::parse);
    if let (Some(digest), Some(from)) = (mounted, call.query("from"))
        && tokens::authorize(world, call, Some(&Scope::repository(from, &["pull"]))).is_ok()
    {
        let now = world.clock.unix();
        let done = world.images().edit(&call.registry, |index| {
            let source = index.get(from);
            let is_there = source.is_some_and(|source| source.blobs.contains(&digest));
            if is_there {
                let target = entry(index.entry(name.to_owned()).or_default(), now);
                target.blobs.insert(digest.clone());
            }
            Ok::<_, RegistryError>(is_there)
        })?;
        if done {
            return Ok(stored(call, name, "blobs", &digest));
        }
    }
    let id = world.images().begin(&call.registry, name)?;
    Ok(accepted(StatusCode::ACCEPTED, call, name, id, 0))
}

/// How much of an upload has come.
pub(super) fn state(
    world: &World,
    call: &Call,
    name: &str,
    id: Uuid,
) -> Result<Answer, RegistryError> {
    let size = uploaded(world, call, name, id)?;
    Ok(accepted(StatusCode::NO_CONTENT, call, name, id, size))
}

/// Adds the body to an upload.
pub(super) async fn append(
    world: &Arc<World>,
    call: &Call,
    name: &str,
    id: Uuid,
    body: &mut Body,
) -> Result<Answer, RegistryError> {
    let size = uploaded(world, call, name, id)?;
    if let Some(range) = call.header("content-range") {
        let range = range.trim_start_matches("bytes").trim();
        let first = range.split('-').next().and_then(|text| text.parse().ok());
        if first != Some(size) {
            let answer = accepted(StatusCode::RANGE_NOT_SATISFIABLE, call, name, id, size);
            return Ok(answer);
        }
    }
    receive(world, call, id, size, body).await?;
    let size = uploaded(world, call, name, id)?;
    Ok(accepted(StatusCode::ACCEPTED, call, name, id, size))
}

/// Ends an upload. The body is its last part.
pub(super) async fn finish(
    world: &Arc<World>,
    call: &Call,
    name: &str,
    id: Uuid,
    body: &mut Body,
) -> Result<Answer, RegistryError> {
    let size = uploaded(world, call, name, id)?;
    let given = call.query("digest").unwrap_or_default();
    let digest = Digest::parse(given).ok_or_else(|| RegistryError::digest_invalid(given))?;
    receive(world, call, id, size, body).await?;
    let done = {
        let (world, registry, digest) = (world.clone(), call.registry.clone(), digest.clone());
        blocking(move || world.images().finish(&registry, id, &digest)).await?
    };
    if !done {
        return Err(RegistryError::digest_invalid(given));
    }
    let now = world.clock.unix();
    world.images().edit(&call.registry, |index| {
        let repository = entry(index.entry(name.to_owned()).or_default(), now);
        repository.blobs.insert(digest.clone());
        Ok::<_, RegistryError>(())
    })?;
    Ok(stored(call, name, "blobs", &digest))
}

/// Gives an upload up.
pub(super) fn cancel(
    world: &World,
    call: &Call,
    name: &str,
    id: Uuid,
) -> Result<Answer, RegistryError> {
    uploaded(world, call, name, id)?;
    world.images().cancel(&call.registry, id)?;
    Ok(Answer::new(StatusCode::NO_CONTENT))
}

/// Stores a manifest, and sets its tag. What it names must be there.
pub(super) fn manifest(
    world: &World,
    call: &Call,
    name: &str,
    reference: &Reference,
    bytes: &[u8],
) -> Result<Answer, RegistryError> {
    let invalid = RegistryError::manifest_invalid;
    let text: Value =
        serde_json::from_slice(bytes).map_err(|error| invalid(format!("invalid JSON: {error}")))?;
    let stated = text.get("mediaType").and_then(Value::as_str);
    let media_type = call.header("content-type").or(stated);
    let media_type = media_type.ok_or_else(|| invalid("missing media type".to_owned()))?;
    let digest = Digest::of(bytes);
    if let Reference::Digest(given) = reference
        && *given != digest
    {
        return Err(RegistryError::digest_invalid(&given.to_string()));
    }
    let parts = |field: &str| {
        text.get(field)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let needed: Vec<&Value> = text
        .get("config")
        .into_iter()
        .chain(parts("layers"))
        .collect();
    let manifests: Vec<&Value> = parts("manifests").collect();
    let sizes = parts("layers").filter_map(|layer| layer.get("size")?.as_u64());
    let new = Manifest {
        media_type: media_type.to_owned(),
        image_size: sizes.sum(),
        created: world.clock.unix(),
        updated: world.clock.unix(),
    };
    world.images().store(&call.registry, bytes)?;
    world.images().edit(&call.registry, |index| {
        let repository = entry(index.entry(name.to_owned()).or_default(), new.created);
        for one in needed {
            let named = named(one)?;
            if !repository.blobs.contains(&named) {
                return Err(RegistryError::manifest_blob_unknown(&named.to_string()));
            }
        }
        for one in manifests {
            let named = named(one)?;
            if !repository.manifests.contains_key(&named) {
                return Err(RegistryError::manifest_blob_unknown(&named.to_string()));
            }
        }
        let now = new.created;
        let kept = repository.manifests.entry(digest.clone());
        kept.and_modify(|old| old.updated = now).or_insert(new);
        if let Reference::Tag(tag) = reference {
            let tag = repository.tags.entry(tag.clone()).or_insert_with(|| Tag {
                digest: digest.clone(),
                created: now,
                updated: now,
            });
            (tag.digest, tag.updated) = (digest.clone(), now);
        }
        Ok(())
    })?;
    Ok(stored(call, name, "manifests", &digest))
}

/// The digest in a descriptor.
fn named(descriptor: &Value) -> Result<Digest, RegistryError> {
    let text = descriptor.get("digest").and_then(Value::as_str);
    let text = text.unwrap_or_default();
    Digest::parse(text).ok_or_else(|| RegistryError::digest_invalid(text))
}

/// Deletes a manifest with its tags, or a tag.
pub(super) fn delete_manifest(
    world: &World,
    call: &Call,
    name: &str,
    reference: &Reference,
) -> Result<Answer, RegistryError> {
    edit_repository(world, call, name, |repository| {
        let (digest, _) = find(repository, name, reference)?;
        repository.manifests.remove(&digest);
        repository.tags.retain(|_, tag| tag.digest != digest);
        Ok(())
    })?;
    Ok(Answer::new(StatusCode::ACCEPTED))
}

/// Deletes a tag. The manifest stays.
pub(super) fn delete_tag(
    world: &World,
    call: &Call,
    name: &str,
    tag: &str,
) -> Result<Answer, RegistryError> {
    edit_repository(world, call, name, |repository| {
        let gone = repository.tags.remove(tag);
        gone.map(drop)
            .ok_or_else(|| RegistryError::tag_unknown(tag))
    })?;
    Ok(Answer::new(StatusCode::ACCEPTED))
}

/// Takes a blob out of a repository. The content stays, as other repositories can have it.
pub(super) fn delete_blob(
    world: &World,
    call: &Call,
    name: &str,
    digest: &Digest,
) -> Result<Answer, RegistryError> {
    edit_repository(world, call, name, |repository| {
        match repository.blobs.remove(digest) {
            true => Ok(()),
            false => Err(RegistryError::blob_unknown(&digest.to_string())),
        }
    })?;
    Ok(Answer::new(StatusCode::ACCEPTED))
}

/// Deletes a repository.
pub(super) fn delete_repository(
    world: &World,
    call: &Call,
    name: &str,
) -> Result<Answer, RegistryError> {
    let gone = world.images().edit(&call.registry, |index| {
        index
            .remove(name)
            .ok_or_else(|| RegistryError::repository_unknown(name))
    })?;
    let manifests: Vec<String> = gone.manifests.keys().map(Digest::to_string).collect();
    let tags: Vec<&String> = gone.tags.keys().collect();
    let body = json!({"manifestsDeleted": manifests, "tagsDeleted": tags});
    Ok(Answer::json(StatusCode::ACCEPTED, &body))
}

fn edit_repository(
    world: &World,
    call: &Call,
    name: &str,
    change: impl FnOnce(&mut Repository) -> Result<(), RegistryError>,
) -> Result<(), RegistryError> {
    let now = world.clock.unix();
    world
        .images()
        .edit(&call.registry, |index| match index.get_mut(name) {
            Some(repository) => change(entry(repository, now)),
            None => Err(RegistryError::repository_unknown(name)),
        })
}

/// A repository that changes now.
fn entry(repository: &mut Repository, now: i64) -> &mut Repository {
    if repository.created == 0 {
        repository.created = now;
    }
    repository.updated = now;
    repository
}

fn uploaded(world: &World, call: &Call, name: &str, id: Uuid) -> Result<u64, RegistryError> {
    let size = world.images().uploaded(&call.registry, name, id)?;
    size.ok_or_else(RegistryError::upload_unknown)
}

/// The state of an upload. Its address has a query, as in Azure: a client must keep it.
fn accepted(status: StatusCode, call: &Call, name: &str, id: Uuid, size: u64) -> Answer {
    let last = size.saturating_sub(1);
    let place = format!(
        "{}/v2/{name}/blobs/uploads/{id}?_nouploadcache=false&_state={}",
        call.prefix,
        id.simple()
    );
    Answer::new(status)
        .with("docker-upload-uuid", &id.to_string())
        .with("location", &place)
        .with("range", &format!("0-{last}"))
}

/// Where something is that was stored.
fn stored(call: &Call, name: &str, kind: &str, digest: &Digest) -> Answer {
    Answer::new(StatusCode::CREATED)
        .with("docker-content-digest", &digest.to_string())
        .with(
            "location",
            &format!("{}/v2/{name}/{kind}/{digest}", call.prefix),
        )
}

/// Writes a body to the end of an upload.
async fn receive(
    world: &Arc<World>,
    call: &Call,
    id: Uuid,
    mut size: u64,
    body: &mut Body,
) -> Result<(), RegistryError> {
    let mut waiting: Vec<u8> = Vec::new();
    loop {
        let chunk = next(body).await?;
        let is_last = chunk.is_none();
        waiting.extend_from_slice(&chunk.unwrap_or_default());
        if waiting.len() < CHUNK && !is_last {
            continue;
        }
        size += waiting.len() as u64;
        if size > MOST {
            return Err(RegistryError::too_large());
        }
        if !waiting.is_empty() {
            let (world, registry) = (world.clone(), call.registry.clone());
            let bytes = std::mem::take(&mut waiting);
            blocking(move || world.images().append(&registry, id, &bytes)).await?;
        }
        if is_last {
            return Ok(());
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, RegistryError> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()));
    Ok(done?)
}

/// The next piece of a request's body.
async fn next(body: &mut Body) -> Result<Option<Bytes>, RegistryError> {
    let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
    match tokio::time::timeout(PAUSE, frame).await {
        Ok(None) => Ok(None),
        // Trailers are no content.
        Ok(Some(Ok(frame))) => Ok(Some(frame.into_data().unwrap_or_default())),
        // The client has gone, or waits.
        Ok(Some(Err(_))) | Err(_) => Err(RegistryError::too_large()),
    }
}

/// Reads what is left of a body.
pub(super) async fn drain(body: &mut Body) {
    let mut read = 0;
    while let Ok(Some(chunk)) = next(body).await {
        read += chunk.len();
        if read > MOST_DRAINED {
            return;
        }
    }
}
