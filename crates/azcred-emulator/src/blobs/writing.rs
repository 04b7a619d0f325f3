//! Put Blob and Delete Blob.

use super::{
    access::Access, answer::Answer, body, call::Call, conditions::Conditions, error::BlobError,
    headers, properties::tags_of_header, tagged,
};
use crate::{
    storage::{Blob, ContentHeaders, Edit, Kind, StorageError},
    world::World,
};
use axum::body::Body;
use http::StatusCode;

/// The largest blob in one request ("Put Blob", 2019-12-12 and later).
const MOST: u64 = 5000 * 1024 * 1024;

/// Writes a blob: the content of a block blob, or an empty append blob.
pub(super) async fn put(
    world: &World,
    call: &Call,
    access: &Access,
    body: &mut Body,
) -> Result<Answer, BlobError> {
    let kind = match call.header("x-ms-blob-type") {
        Some("BlockBlob") => Kind::Block,
        Some("AppendBlob") => Kind::Append,
        Some("PageBlob") => {
            let what = format!("{} (PageBlob)", call.path);
            return Err(BlobError::not_served(call.method.as_str(), &what));
        }
        Some(other) => return Err(BlobError::invalid_header("x-ms-blob-type", other)),
        None => return Err(BlobError::missing_header("x-ms-blob-type")),
    };
    let conditions = Conditions::of(call)?;
    let mut new = Draft::of(call)?;
    headers::fill_from_request(&mut new.headers, call);
    // A request that is refused anyway need not be received.
    let storage = world.storage();
    let current = storage.blob(&call.account, &call.container, &call.blob);
    check(access, &conditions, current.as_ref().ok())?;
    let upload = storage.upload(&call.account, &call.container)?;
    let (segment, sums) = body::receive(call, upload, body, MOST).await?;
    if kind == Kind::Append && segment.size > 0 {
        return Err(BlobError::invalid_header(
            "Content-Length",
            &segment.size.to_string(),
        ));
    }
    let (md5, crc64) = (sums.md5_text(), sums.crc64_text());
    if kind == Kind::Block && new.headers.content_md5.is_none() {
        new.headers.content_md5 = Some(md5.clone());
    }
    storage.edit_blob(&call.account, &call.container, &call.blob, |old, stamp| {
        let old = old.filter(|old| old.is_committed);
        check(access, &conditions, old)?;
        let mut blob = Blob::new(&call.blob, kind, stamp);
        new.apply(&mut blob);
        blob.created = old.map_or(stamp.time, |old| old.created);
        blob.is_committed = true;
        if kind == Kind::Block {
            blob.segments = vec![segment];
        }
        let has_content = kind == Kind::Block;
        let answer = tagged(StatusCode::CREATED, &blob.etag, blob.modified)
            .with_some("content-md5", has_content.then_some(md5))
            .with_some("x-ms-content-crc64", has_content.then_some(crc64))
            .with("x-ms-request-server-encrypted", "true");
        Ok((Edit::Put(blob), answer))
    })
}

/// What a request that makes a blob sets.
pub(super) struct Draft {
    pub(super) headers: ContentHeaders,
    metadata: std::collections::BTreeMap<String, String>,
    tags: std::collections::BTreeMap<String, String>,
    tier: Option<String>,
}

impl Draft {
    pub(super) fn of(call: &Call) -> Result<Self, BlobError> {
        let tier = call.header("x-ms-access-tier").map(str::to_owned);
        Ok(Self {
            headers: headers::of(call),
            metadata: call.metadata()?,
            tags: tags_of_header(call)?,
            tier,
        })
    }

    pub(super) fn apply(self, blob: &mut Blob) {
        blob.headers = self.headers;
        blob.metadata = self.metadata;
        blob.tags = self.tags;
        blob.tier = self.tier;
    }
}

/// Checks that a blob may be written: it may not be replaced by a request that may only make new
/// ones.
pub(super) fn check(
    access: &Access,
    conditions: &Conditions,
    current: Option<&Blob>,
) -> Result<(), BlobError> {
    conditions.check_write(current.map(|blob| (blob.etag.as_str(), blob.modified)))?;
    match access.is_only_new && current.is_some() {
        true => Err(BlobError::forbidden(
            "UnauthorizedBlobOverwrite",
            "This request is not authorized to perform blob overwrites.",
        )),
        false => Ok(()),
    }
}

/// Deletes a blob.
pub(super) fn delete(world: &World, call: &Call) -> Result<Answer, BlobError> {
    if call.header("x-ms-delete-snapshots") == Some("only") {
        let what = format!("{} (only its snapshots)", call.path);
        return Err(BlobError::not_served(call.method.as_str(), &what));
    }
    let conditions = Conditions::of(call)?;
    let storage = world.storage();
    storage.edit_blob(&call.account, &call.container, &call.blob, |old, _| {
        let old = old.filter(|old| old.is_committed);
        let old = old.ok_or(StorageError::BlobNotFound)?;
        conditions.check_write(Some((&old.etag, old.modified)))?;
        Ok::<_, BlobError>((Edit::Remove, ()))
    })?;
    Ok(Answer::new(StatusCode::ACCEPTED).with("x-ms-delete-type-permanent", "true"))
}
