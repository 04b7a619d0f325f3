//! Copy Blob, which ends at once: from a blob of this emulator.

use super::{
    access::{self, Access},
    answer::Answer,
    call::Call,
    conditions::Conditions,
    error::BlobError,
    operation::Operation,
    place_of, tagged,
    writing::{Draft, check},
};
use crate::{
    storage::{Blob, CopyState, Edit, StorageError, Sums, Upload},
    world::World,
};
use http::{HeaderMap, Method, StatusCode};
use std::{io, sync::Arc};
use uuid::Uuid;

/// Copies a blob.
pub(super) async fn copy(
    world: &Arc<World>,
    call: &Call,
    access: &Access,
) -> Result<Answer, BlobError> {
    let source_url = call.header("x-ms-copy-source").unwrap_or_default();
    let source = source_of(world, call, source_url)?;
    let storage = world.storage();
    let from = storage
        .blob(&source.account, &source.container, &source.blob)
        .map_err(BlobError::from)?;
    Conditions::of_source(call)?
        .check_read(&from.etag, from.modified)
        .map_err(|_| BlobError::condition_not_met())?;
    let conditions = Conditions::of(call)?;
    let draft = Draft::of(call)?;
    let mut uploads = Vec::new();
    for segment in &from.segments {
        let upload = storage.upload(&call.account, &call.container)?;
        uploads.push((segment.clone(), upload));
    }
    // All pieces are copied outside of the lock, and off the event loop.
    let copied = tokio::task::spawn_blocking(move || {
        let pieces = uploads.into_iter().map(|(segment, upload)| {
            let (mut copied, _) = copy_piece(segment.content.path(), upload)?;
            copied.id = segment.id;
            Ok(copied)
        });
        pieces.collect::<io::Result<Vec<_>>>()
    });
    let copied = copied
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()));
    let segments = copied.map_err(StorageError::from)?;
    storage.edit_blob(&call.account, &call.container, &call.blob, |old, stamp| {
        let old = old.filter(|old| old.is_committed);
        check(access, &conditions, old)?;
        let mut blob = Blob::new(&call.blob, from.kind, stamp);
        let has_metadata = call
            .headers
            .keys()
            .any(|name| name.as_str().starts_with("x-ms-meta-"));
        draft.apply(&mut blob);
        blob.headers = from.headers.clone();
        if !has_metadata {
            blob.metadata.clone_from(&from.metadata);
        }
        blob.segments = segments;
        (blob.is_committed, blob.is_of_blocks) = (true, from.is_of_blocks);
        let id = Uuid::new_v4().to_string();
        blob.copy = Some(CopyState {
            id: id.clone(),
            source: source_url.split('?').next().unwrap_or_default().to_owned(),
            completed: stamp.time,
        });
        let answer = tagged(StatusCode::ACCEPTED, &blob.etag, blob.modified)
            .with("x-ms-copy-id", id)
            .with("x-ms-copy-status", "success");
        Ok((Edit::Put(blob), answer))
    })
}

fn copy_piece(
    path: &std::path::Path,
    mut upload: Upload,
) -> io::Result<(crate::storage::Segment, Sums)> {
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return upload.finish_now(),
            read => upload.write_now(&buffer[..read])?,
        }
    }
}

/// The request that reads the source: with the signature in its URL, or else, within an account,
/// with the credential of the copy.
fn source_of(world: &World, call: &Call, url: &str) -> Result<Call, BlobError> {
    let (uri, entrance) = place_of(url, &call.entrance).ok_or_else(|| {
        // Its query may have a signature.
        let from = url.split('?').next().unwrap_or_default();
        let what = format!("{} from {from}", call.path);
        BlobError::not_served(call.method.as_str(), &what)
    })?;
    let mut headers = HeaderMap::new();
    if let Some(version) = call.headers.get("x-ms-version") {
        headers.insert("x-ms-version", version.clone());
    }
    let source = Call::new(&Method::GET, &uri, &headers, &entrance, call.now)?;
    let is_in_account = source.account == call.account;
    let cannot_verify = |_| {
        BlobError::new(
            StatusCode::NOT_FOUND,
            "CannotVerifyCopySource",
            "The specified blob does not exist.",
        )
    };
    if source.has("sig") || !is_in_account {
        access::check(world, &source, Operation::GetBlob).map_err(cannot_verify)?;
        return Ok(source);
    }
    access::check_source(world, call, &source)?;
    Ok(source)
}
