//! Metadata, headers, tiers and tags of a blob.

use super::{
    answer::Answer,
    body,
    call::Call,
    conditions::Conditions,
    error::BlobError,
    headers, tagged,
    xml::{element, leaves},
};
use crate::{
    storage::{Blob, Edit, StorageError},
    world::World,
};
use axum::body::Body;
use http::StatusCode;
use std::collections::BTreeMap;

/// A blob's metadata.
pub(super) fn get_metadata(world: &World, call: &Call) -> Result<Answer, BlobError> {
    let storage = world.storage();
    let blob = storage.blob(&call.account, &call.container, &call.blob)?;
    Conditions::of(call)?.check_read(&blob.etag, blob.modified)?;
    let mut answer = tagged(StatusCode::OK, &blob.etag, blob.modified);
    for (name, value) in &blob.metadata {
        answer = answer.with(&format!("x-ms-meta-{name}"), value);
    }
    Ok(answer)
}

/// Changes a blob if the request's conditions are met.
fn change(world: &World, call: &Call, how: impl FnOnce(&mut Blob)) -> Result<Answer, BlobError> {
    let conditions = Conditions::of(call)?;
    let storage = world.storage();
    storage.edit_blob(&call.account, &call.container, &call.blob, |old, stamp| {
        let old = old.filter(|old| old.is_committed);
        let old = old.ok_or(StorageError::BlobNotFound)?;
        conditions.check_write(Some((&old.etag, old.modified)))?;
        let mut new = old.stamped(stamp);
        how(&mut new);
        let answer = tagged(StatusCode::OK, &new.etag, new.modified);
        Ok((Edit::Put(new), answer))
    })
}

/// Replaces a blob's metadata.
pub(super) fn set_metadata(world: &World, call: &Call) -> Result<Answer, BlobError> {
    let metadata = call.metadata()?;
    let answer = change(world, call, |blob| blob.metadata = metadata)?;
    Ok(answer.with("x-ms-request-server-encrypted", "true"))
}

/// Replaces a blob's headers: those that the request does not have are removed.
pub(super) fn set_headers(world: &World, call: &Call) -> Result<Answer, BlobError> {
    let new = headers::of(call);
    change(world, call, |blob| blob.headers = new)
}

/// Sets a blob's tier. Its tag and its time stay.
pub(super) fn set_tier(world: &World, call: &Call) -> Result<Answer, BlobError> {
    let tier = call.header("x-ms-access-tier");
    let tier = tier.ok_or_else(|| BlobError::missing_header("x-ms-access-tier"))?;
    if !matches!(tier, "Hot" | "Cool" | "Cold" | "Archive") {
        return Err(BlobError::invalid_header("x-ms-access-tier", tier));
    }
    keep_tag(world, call, |blob| blob.tier = Some(tier.to_owned()))?;
    Ok(Answer::new(StatusCode::OK))
}

/// Changes what is beside a blob's content and properties.
fn keep_tag(world: &World, call: &Call, how: impl FnOnce(&mut Blob)) -> Result<(), BlobError> {
    let storage = world.storage();
    storage.edit_blob(&call.account, &call.container, &call.blob, |old, _| {
        let old = old.filter(|old| old.is_committed);
        let mut new = old.ok_or(StorageError::BlobNotFound)?.clone();
        how(&mut new);
        Ok((Edit::Put(new), ()))
    })
}

/// A blob's tags.
pub(super) fn get_tags(world: &World, call: &Call) -> Result<Answer, BlobError> {
    let storage = world.storage();
    let blob = storage.blob(&call.account, &call.container, &call.blob)?;
    Ok(Answer::xml(StatusCode::OK, &tags_xml(&blob.tags)))
}

/// Replaces a blob's tags.
pub(super) async fn set_tags(
    world: &World,
    call: &Call,
    body: &mut Body,
) -> Result<Answer, BlobError> {
    let mut tags = BTreeMap::new();
    let mut key = None;
    for (path, value) in leaves(&body::document(body).await?)? {
        match path.as_str() {
            "Tags/TagSet/Tag/Key" => key = Some(value),
            "Tags/TagSet/Tag/Value" => {
                let key = key.take().ok_or_else(BlobError::invalid_xml)?;
                tags.insert(key, value);
            }
            _ => {}
        }
    }
    check_tags(&tags)?;
    keep_tag(world, call, |blob| blob.tags = tags)?;
    Ok(Answer::new(StatusCode::NO_CONTENT))
}

/// Tags in a request that writes a blob: `a=1&b=2`.
pub(super) fn tags_of_header(call: &Call) -> Result<BTreeMap<String, String>, BlobError> {
    let text = call.header("x-ms-tags").unwrap_or_default();
    let pairs = url::form_urlencoded::parse(text.as_bytes());
    let tags = pairs.into_owned().collect();
    check_tags(&tags)?;
    Ok(tags)
}

/// The rules of "Set Blob Tags" (Microsoft Learn).
fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), BlobError> {
    let is_valid = |text: &str, most: usize| {
        text.chars().count() <= most
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || " +-./:=_".contains(c))
    };
    let are_valid = tags.len() <= 10
        && tags
            .iter()
            .all(|(key, value)| !key.is_empty() && is_valid(key, 128) && is_valid(value, 256));
    match are_valid {
        true => Ok(()),
        false => Err(BlobError::bad(
            "InvalidTag",
            "The tags specified are invalid. It contains characters that are not permitted.",
        )),
    }
}

/// Tags as documents and lists have them.
pub(super) fn tags_xml(tags: &BTreeMap<String, String>) -> String {
    let tags = tags.iter().map(|(key, value)| {
        let (key, value) = (element("Key", key), element("Value", value));
        format!("<Tag>{key}{value}</Tag>")
    });
    format!("<Tags><TagSet>{}</TagSet></Tags>", tags.collect::<String>())
}
