//! Containers.

use super::{
    answer::Answer, body, call::Call, conditions::Conditions, error::BlobError, tagged, xml::leaves,
};
use crate::{
    storage::{Container, Edit},
    world::World,
};
use axum::body::Body;
use http::StatusCode;

/// Creates a container.
pub(super) fn create(world: &World, call: &Call) -> Result<Answer, BlobError> {
    let public_access = public_access(world, call)?;
    let new = Container {
        metadata: call.metadata()?,
        public_access,
        ..Container::new(&call.container)
    };
    let made = world.storage().create_container(&call.account, &new)?;
    Ok(tagged(StatusCode::CREATED, &made.etag, made.modified))
}

/// What the header says about reading without a credential.
fn public_access(world: &World, call: &Call) -> Result<Option<String>, BlobError> {
    let Some(wanted) = call.header("x-ms-blob-public-access") else {
        return Ok(None);
    };
    if !matches!(wanted, "blob" | "container") {
        return Err(BlobError::invalid_header("x-ms-blob-public-access", wanted));
    }
    let resources = world.resources();
    match super::access::account(&resources, call)?.allows_public_access() {
        true => Ok(Some(wanted.to_owned())),
        false => Err(BlobError::new(
            StatusCode::CONFLICT,
            "PublicAccessNotPermitted",
            "Public access is not permitted on this storage account.",
        )),
    }
}

/// A container's properties and metadata.
pub(super) fn get(world: &World, call: &Call) -> Result<Answer, BlobError> {
    let found = world.storage().container(&call.account, &call.container)?;
    Conditions::of(call)?.check_read(&found.etag, found.modified)?;
    let mut answer = tagged(StatusCode::OK, &found.etag, found.modified)
        .with("x-ms-lease-status", "unlocked")
        .with("x-ms-lease-state", "available")
        .with("x-ms-has-immutability-policy", "false")
        .with("x-ms-has-legal-hold", "false")
        .with("x-ms-immutable-storage-with-versioning-enabled", "false")
        .with("x-ms-default-encryption-scope", "$account-encryption-key")
        .with("x-ms-deny-encryption-scope-override", "false")
        .with_some("x-ms-blob-public-access", found.public_access.as_ref());
    for (name, value) in &found.metadata {
        answer = answer.with(&format!("x-ms-meta-{name}"), value);
    }
    Ok(answer)
}

/// Changes a container if the request's conditions are met.
fn change(
    world: &World,
    call: &Call,
    status: StatusCode,
    how: impl FnOnce(&mut Container),
) -> Result<Answer, BlobError> {
    let conditions = Conditions::of(call)?;
    let edit = |old: &Container, stamp: &crate::storage::Stamp| {
        conditions.check_write(Some((&old.etag, old.modified)))?;
        let mut new = old.stamped(stamp);
        how(&mut new);
        let answer = tagged(status, &new.etag, new.modified);
        Ok((Edit::Put(new), answer))
    };
    world
        .storage()
        .edit_container(&call.account, &call.container, edit)
}

/// Replaces a container's metadata.
pub(super) fn set_metadata(world: &World, call: &Call) -> Result<Answer, BlobError> {
    let metadata = call.metadata()?;
    change(world, call, StatusCode::OK, |container| {
        container.metadata = metadata;
    })
}

/// What is open to all. Stored access policies are not served, so the list is empty.
pub(super) fn get_acl(world: &World, call: &Call) -> Result<Answer, BlobError> {
    let found = world.storage().container(&call.account, &call.container)?;
    Ok(Answer::xml(StatusCode::OK, "<SignedIdentifiers />")
        .with("etag", format!("\"{}\"", found.etag))
        .with("last-modified", super::signature::http_date(found.modified))
        .with_some("x-ms-blob-public-access", found.public_access))
}

/// Sets what is open to all.
pub(super) async fn set_acl(
    world: &World,
    call: &Call,
    body: &mut Body,
) -> Result<Answer, BlobError> {
    let document = body::document(body).await?;
    let has_policies = match document.is_empty() {
        true => false,
        false => leaves(&document)?
            .iter()
            .any(|(path, _)| path.contains("SignedIdentifier/")),
    };
    if has_policies {
        let what = format!("{}?restype=container&comp=acl with policies", call.path);
        return Err(BlobError::not_served(call.method.as_str(), &what));
    }
    let public_access = public_access(world, call)?;
    change(world, call, StatusCode::OK, |container| {
        container.public_access = public_access;
    })
}

/// Deletes a container with its blobs.
pub(super) fn delete(world: &World, call: &Call) -> Result<Answer, BlobError> {
    let conditions = Conditions::of(call)?;
    world
        .storage()
        .edit_container(&call.account, &call.container, |old, _| {
            conditions.check_write(Some((&old.etag, old.modified)))?;
            Ok::<_, BlobError>((Edit::Remove, ()))
        })?;
    Ok(Answer::new(StatusCode::ACCEPTED))
}
