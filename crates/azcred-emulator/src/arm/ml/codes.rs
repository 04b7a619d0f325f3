//! Code: the files of a job, found again by their hash.

use super::{Ml, assets, error::MlError};
use crate::arm::response::ArmResponse;
use serde_json::{Map, Value, json};

pub(super) fn complete(
    _ml: &Ml<'_>,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, MlError> {
    let address = assets::required(given, "codeUri")?;
    let mut properties = assets::base(given);
    // Clients send `true` for the code of a job.
    properties.insert("isAnonymous".to_owned(), json!(false));
    properties.insert("codeUri".to_owned(), json!(address));
    properties.insert("provisioningState".to_owned(), json!("Succeeded"));
    Ok(properties)
}

pub(super) fn missing(name: &str, version: Option<&str>) -> MlError {
    MlError::not_found(match version {
        Some(version) => {
            format!("Code asset with name {name} and version {version} was not found.")
        }
        None => format!("Code asset with name {name} was not found."),
    })
}

/// The versions with a hash, of all names: the name in the path is one that the client has just
/// made up.
pub(super) fn by_hash(
    ml: &Ml<'_>,
    kind: &assets::Kind,
    hash: &str,
) -> Result<ArmResponse, MlError> {
    let wanted = ml.call.query("hashVersion");
    let found = assets::with_hash(ml, kind, |properties| {
        let is = |name: &str, value: &str| properties.get(name) == Some(&json!(value));
        is("hash_sha256", hash) && wanted.is_none_or(|wanted| is("hash_version", wanted))
    })?;
    assets::list(ml, kind, found)
}
