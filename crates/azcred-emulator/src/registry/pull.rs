//! Reading: lists of repositories and tags, manifests, blobs.

use super::{answer::Answer, call::Call, error::RegistryError, operation::Reference};
use crate::{
    images::{Digest, Manifest, Repository},
    world::World,
};
use axum::body::{Body, Bytes};
use futures_util::stream;
use http::StatusCode;
use serde_json::json;
use std::io;
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
};

/// How much of a blob is read at once.
const CHUNK: u64 = 256 * 1024;
/// The entries of a page, if the request does not say it.
const PAGE: usize = 100;

/// The names of all repositories.
pub(super) fn catalog(world: &World, call: &Call) -> Result<Answer, RegistryError> {
    let names = world.images().read(&call.registry, |index| {
        index.keys().cloned().collect::<Vec<_>>()
    })?;
    let (page, link) = page(call, names)?;
    // An empty list is null, as a nil slice of Go.
    let page = (!page.is_empty()).then_some(page);
    Ok(link.on(Answer::json(StatusCode::OK, &json!({"repositories": page}))))
}

/// The tags of a repository.
pub(super) fn tags(world: &World, call: &Call, name: &str) -> Result<Answer, RegistryError> {
    let tags = in_repository(world, call, name, |repository| {
        Ok(repository.tags.keys().cloned().collect::<Vec<_>>())
    })?;
    let (page, link) = page(call, tags)?;
    let body = json!({"name": name, "tags": page});
    Ok(link.on(Answer::json(StatusCode::OK, &body)))
}

/// A manifest, by a tag or its digest.
pub(super) fn manifest(
    world: &World,
    call: &Call,
    name: &str,
    reference: &Reference,
) -> Result<Answer, RegistryError> {
    let (digest, media_type) = in_repository(world, call, name, |repository| {
        let (digest, manifest) = find(repository, name, reference)?;
        Ok((digest, manifest.media_type.clone()))
    })?;
    let text = std::fs::read(world.images().file(&call.registry, &digest)?)?;
    let digest = digest.to_string();
    Ok(Answer::new(StatusCode::OK)
        .with("content-type", &media_type)
        .with("docker-content-digest", &digest)
        .with("etag", &format!("\"{digest}\""))
        .body(Body::from(text)))
}

/// A blob, or a part of it. Azure sends clients on to its storage, and the emulator does not.
pub(super) async fn blob(
    world: &World,
    call: &Call,
    name: &str,
    digest: &Digest,
) -> Result<Answer, RegistryError> {
    let is_there = in_repository(world, call, name, |repository| {
        Ok(repository.blobs.contains(digest))
    });
    if !is_there.unwrap_or_default() {
        return Err(RegistryError::blob_unknown(&digest.to_string()));
    }
    let mut file = File::open(world.images().file(&call.registry, digest)?).await?;
    let size = file.metadata().await?.len();
    let answer = |status| {
        Answer::new(status)
            .with("accept-ranges", "bytes")
            .with("content-type", "application/octet-stream")
            .with("docker-content-digest", &digest.to_string())
            .with("etag", &format!("\"{digest}\""))
    };
    let (first, length, answer) = match call.header("range").map(|text| range(text, size)) {
        None => (0, size, answer(StatusCode::OK)),
        Some(Some((first, last))) => (
            first,
            last - first + 1,
            answer(StatusCode::PARTIAL_CONTENT)
                .with("content-range", &format!("bytes {first}-{last}/{size}")),
        ),
        Some(None) => {
            let answer = answer(StatusCode::RANGE_NOT_SATISFIABLE);
            return Ok(answer.with("content-range", &format!("bytes */{size}")));
        }
    };
    file.seek(io::SeekFrom::Start(first)).await?;
    let reading = stream::try_unfold((file, length), |(mut file, left)| async move {
        if left == 0 {
            return Ok::<_, io::Error>(None);
        }
        let mut buffer = vec![0; usize::try_from(left.min(CHUNK)).unwrap_or_default()];
        let read = file.read(&mut buffer).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer.truncate(read);
        Ok(Some((Bytes::from(buffer), (file, left - read as u64))))
    });
    Ok(answer
        .with("content-length", &length.to_string())
        .body(Body::from_stream(reading)))
}

/// Looks into a repository.
pub(super) fn in_repository<T>(
    world: &World,
    call: &Call,
    name: &str,
    look: impl FnOnce(&Repository) -> Result<T, RegistryError>,
) -> Result<T, RegistryError> {
    world
        .images()
        .read(&call.registry, |index| match index.get(name) {
            Some(repository) => look(repository),
            None => Err(RegistryError::repository_unknown(name)),
        })?
}

/// The manifest that a reference names.
pub(super) fn find<'a>(
    repository: &'a Repository,
    name: &str,
    reference: &Reference,
) -> Result<(Digest, &'a Manifest), RegistryError> {
    let digest = match reference {
        Reference::Digest(digest) => digest,
        Reference::Tag(tag) => {
            let found = repository.tags.get(tag);
            &found.ok_or_else(|| RegistryError::tag_unknown(tag))?.digest
        }
    };
    let found = repository.manifests.get(digest);
    let found = found.ok_or_else(|| RegistryError::manifest_unknown(name, &digest.to_string()))?;
    Ok((digest.clone(), found))
}

/// The address of the next page.
pub(super) struct Next(Option<String>);

impl Next {
    pub(super) fn on(&self, answer: Answer) -> Answer {
        match &self.0 {
            Some(link) => answer.with("link", &format!("<{link}>; rel=\"next\"")),
            None => answer,
        }
    }
}

/// One page of names, by `n` and `last`.
pub(super) fn page(call: &Call, names: Vec<String>) -> Result<(Vec<String>, Next), RegistryError> {
    let size = match call.query("n") {
        None => PAGE,
        Some(text) => match text.parse::<usize>() {
            Ok(size @ 1..) => size,
            _ => {
                return Err(RegistryError::invalid(
                    "invalid number of results requested",
                ));
            }
        },
    };
    let last = call.query("last").unwrap_or_default();
    let mut left = names.into_iter().filter(|name| name.as_str() > last);
    let page: Vec<String> = left.by_ref().take(size).collect();
    let next = left.next().and(page.last()).map(|last| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("last", last)
            .append_pair("n", &size.to_string())
            .finish();
        format!("{}/{}?{query}", call.prefix, call.path.join("/"))
    });
    Ok((page, Next(next)))
}

/// A range, as the first and the last byte. `None` if it is not in the content.
fn range(text: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = match (first, last) {
        ("", length) => (
            size.checked_sub(length.parse().ok()?)?,
            size.checked_sub(1)?,
        ),
        (first, "") => (first.parse().ok()?, size.checked_sub(1)?),
        (first, last) => (
            first.parse().ok()?,
            last.parse::<u64>().ok()?.min(size.checked_sub(1)?),
        ),
    };
    (first <= last && last < size).then_some((first, last))
}
