//! Where a client uploads the files of a new version: a new container, and a signature for it.

use super::{Ml, assets::Kind, error::MlError};
use crate::{
    arm::{error::ArmError, response::ArmResponse},
    storage::{Delegate, Sign, StorageError},
};
use http::StatusCode;
use serde_json::json;
use time::Duration;
use uuid::Uuid;

/// How long the signature is valid, and how long before now it begins.
const LIFETIME: Duration = Duration::hours(8);
const EARLIER: Duration = Duration::minutes(10);
/// The characters after the workspace's id in the name of a container.
const SUFFIX: usize = 26;

pub(super) fn start(
    ml: &Ml<'_>,
    _kind: &Kind,
    _name: &str,
    _version: &str,
) -> Result<ArmResponse, MlError> {
    let account = ml.account().ok_or_else(|| {
        MlError::user(
            StatusCode::BAD_REQUEST,
            &["BadArgument"],
            "The workspace has no storage account.",
        )
    })?;
    let suffix = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let container = format!("{}-{}", ml.workspace_id(), &suffix[..SUFFIX]);
    let storage = ml.world.storage();
    storage
        .ensure_container(account, &container)
        .map_err(|error| unusable(&error))?;
    let sign = Sign {
        permissions: "rcwl",
        start: Some(ml.now - EARLIER),
        expiry: ml.now + LIFETIME,
    };
    let signature = match delegate(ml) {
        Some(delegate) => storage.delegated_container_sas(account, &container, delegate, &sign),
        None => storage.container_sas(account, &container, &sign),
    };
    let signature = signature.map_err(|error| unusable(&error))?;
    let base = ml.blob_address(account);
    Ok(ArmResponse::ok(json!({
        "blobReferenceForConsumption": {
            "blobUri": format!("{}/{container}", with_port(&base)),
            "storageAccountArmId": ml.workspace.properties.get("storageAccount"),
            "credential": {
                "credentialType": "SAS",
                "sasUri": format!("{base}/{container}?{signature}"),
            },
        },
        "pendingUploadId": Uuid::new_v4(),
        "pendingUploadType": "None",
    })))
}

/// Storage that can't be used, as an error of the server.
pub(super) fn unusable(error: &StorageError) -> MlError {
    ArmError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalServerError",
        error.to_string(),
    )
    .into()
}

/// The identity of the workspace, which has a role on its storage account. A workspace without one
/// uses the account's key.
fn delegate(ml: &Ml<'_>) -> Option<Delegate> {
    let identity = ml.workspace.identity.as_ref()?;
    Some(Delegate {
        object_id: identity.principal_id?,
        tenant: ml.caller.tenant,
    })
}

/// An address with its port, as Azure writes it for code: `https://HOST:443`.
fn with_port(base: &str) -> String {
    let host = base.strip_prefix("https://").unwrap_or(base);
    if host.contains(':') {
        return base.to_owned();
    }
    format!("{base}:443")
}
