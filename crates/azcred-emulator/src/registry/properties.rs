//! Azure's own lists: the properties of repositories, tags and manifests.
//!
//! The forms are those of recorded responses (azure-sdk-for-go, `azcontainerregistry`).

use super::{
    answer::Answer,
    call::Call,
    error::RegistryError,
    pull::{find, in_repository, page},
};
use crate::{
    images::{Digest, Manifest, Repository, Tag},
    registry::operation::Reference,
    text::iso,
    world::World,
};
use http::StatusCode;
use serde_json::{Value, json};

fn changeable() -> Value {
    json!({"deleteEnabled": true, "writeEnabled": true, "readEnabled": true, "listEnabled": true})
}

/// One repository.
pub(super) fn repository(world: &World, call: &Call, name: &str) -> Result<Answer, RegistryError> {
    in_repository(world, call, name, |found| {
        let body = json!({
            "registry": call.server,
            "imageName": name,
            "createdTime": iso(found.created),
            "lastUpdateTime": iso(found.updated),
            "manifestCount": found.manifests.len(),
            "tagCount": found.tags.len(),
            "changeableAttributes": changeable(),
        });
        Ok(Answer::json(StatusCode::OK, &body))
    })
}

/// All tags of a repository, or those of a manifest, or one.
pub(super) fn tags(
    world: &World,
    call: &Call,
    name: &str,
    tag: Option<&str>,
) -> Result<Answer, RegistryError> {
    in_repository(world, call, name, |found| {
        let mut body = json!({"registry": call.server, "imageName": name});
        if let Some(tag) = tag {
            let known = found.tags.get(tag);
            let known = known.ok_or_else(|| RegistryError::tag_unknown(tag))?;
            body["tag"] = view_tag(tag, known);
            return Ok(Answer::json(StatusCode::OK, &body));
        }
        let digest = call.query("digest");
        let of_manifest = |tag: &Tag| digest.is_none_or(|digest| tag.digest.to_string() == digest);
        let mut all: Vec<(&String, &Tag)> = found.tags.iter().collect();
        all.retain(|(_, tag)| of_manifest(tag));
        if call.query("orderby") == Some("timedesc") {
            all.sort_by_key(|(_, tag)| std::cmp::Reverse(tag.updated));
        }
        let names = all.iter().map(|(name, _)| (*name).clone()).collect();
        let (page, next) = page(call, names)?;
        let view = page
            .iter()
            .filter_map(|name| Some((name, found.tags.get(name)?)));
        body["tags"] = view.map(|(name, tag)| view_tag(name, tag)).collect();
        Ok(next.on(Answer::json(StatusCode::OK, &body)))
    })
}

/// All manifests of a repository, or one.
pub(super) fn manifests(
    world: &World,
    call: &Call,
    name: &str,
    digest: Option<&Digest>,
) -> Result<Answer, RegistryError> {
    in_repository(world, call, name, |found| {
        let mut body = json!({"registry": call.server, "imageName": name});
        if let Some(digest) = digest {
            let reference = Reference::Digest(digest.clone());
            let (_, manifest) = find(found, name, &reference)?;
            body["manifest"] = view_manifest(found, digest, manifest);
            return Ok(Answer::json(StatusCode::OK, &body));
        }
        let names = found.manifests.keys().map(Digest::to_string).collect();
        let (page, next) = page(call, names)?;
        let view = page.iter().filter_map(|name| {
            let digest = Digest::parse(name)?;
            let manifest = found.manifests.get(&digest)?;
            Some(view_manifest(found, &digest, manifest))
        });
        body["manifests"] = view.collect();
        Ok(next.on(Answer::json(StatusCode::OK, &body)))
    })
}

fn view_tag(name: &str, tag: &Tag) -> Value {
    json!({
        "name": name,
        "digest": tag.digest.to_string(),
        "createdTime": iso(tag.created),
        "lastUpdateTime": iso(tag.updated),
        "signed": false,
        "changeableAttributes": changeable(),
    })
}

fn view_manifest(repository: &Repository, digest: &Digest, manifest: &Manifest) -> Value {
    let tags = repository.tags.iter();
    let tags = tags.filter(|(_, tag)| tag.digest == *digest);
    let tags: Vec<&String> = tags.map(|(name, _)| name).collect();
    json!({
        "digest": digest.to_string(),
        "imageSize": manifest.image_size,
        "createdTime": iso(manifest.created),
        "lastUpdateTime": iso(manifest.updated),
        "architecture": "amd64",
        "os": "linux",
        "mediaType": manifest.media_type,
        "tags": tags,
        "changeableAttributes": changeable(),
    })
}
