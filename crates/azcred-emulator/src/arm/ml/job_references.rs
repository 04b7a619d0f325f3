//! What a job refers to must exist: its compute, environment, code, data and components.

use super::{Ml, assets, datastores, error::MlError, view::text};
use crate::resources::Scope;
use http::StatusCode;
use serde_json::{Map, Value};

/// Checks what a job or a step refers to.
///
/// # Errors
/// For the first reference to something that does not exist.
pub(super) fn check(ml: &Ml<'_>, given: &Map<String, Value>) -> Result<(), MlError> {
    if let Some(id) = text(given, "computeId") {
        compute(ml, id)?;
    }
    if let Some(id) = text(given, "environmentId") {
        environment(ml, id)?;
    }
    if let Some(id) = text(given, "codeId") {
        asset(ml, "codes", id)?;
    }
    if let Some(id) = text(given, "componentId") {
        component(ml, id)?;
    }
    for member in ["inputs", "outputs"] {
        let all = given.get(member).and_then(Value::as_object);
        for value in all.into_iter().flat_map(Map::values) {
            if let Some(uri) = value.get("uri").and_then(Value::as_str) {
                data(ml, uri)?;
            }
        }
    }
    Ok(())
}

/// The compute of an id. Serverless compute is not a resource.
fn compute(ml: &Ml<'_>, id: &str) -> Result<(), MlError> {
    let name = id.rsplit('/').next().unwrap_or_default();
    let exists = |id: &Scope| ml.world.resources().resource(id).is_some();
    let is_there = match id.parse::<Scope>() {
        Ok(id) => exists(&id),
        // A short name.
        Err(_) => exists(&ml.child(&format!("computes/{name}"))?),
    };
    if is_there || name.eq_ignore_ascii_case("serverless") {
        return Ok(());
    }
    Err(MlError::user(
        StatusCode::BAD_REQUEST,
        &["BadArgument"],
        format!("Unknown compute target '{name}'."),
    ))
}

/// An environment of the workspace. Those of registries, and Microsoft's own ones by their short
/// name, are taken as they are.
fn environment(ml: &Ml<'_>, id: &str) -> Result<(), MlError> {
    let short = id.strip_prefix("azureml:").unwrap_or(id);
    if id.starts_with("azureml://") || short.starts_with("AzureML-") {
        return Ok(());
    }
    if short.starts_with('/') {
        return asset(ml, "environments", short);
    }
    let (name, version) = short.split_once(':').unwrap_or((short, ""));
    let kind = assets::kind("environments").ok_or_else(|| ml.not_served())?;
    assets::find(ml, kind, name, version).map(|_| ())
}

/// A version of an asset, by its id.
fn asset(ml: &Ml<'_>, kind: &str, id: &str) -> Result<(), MlError> {
    let id = id.strip_prefix("azureml:").unwrap_or(id);
    // A registry has assets of its own.
    if id.starts_with("azureml://") {
        return Ok(());
    }
    let (name, version) = names(id);
    let kind = assets::kind(kind).ok_or_else(|| ml.not_served())?;
    let found = id.parse::<Scope>().ok();
    let found = found.and_then(|id| ml.world.resources().resource(&id).cloned());
    found
        .map(|_| ())
        .ok_or_else(|| (kind.missing)(name, Some(version)))
}

/// A component that a job names is refused in another form than one that a client requests.
fn component(ml: &Ml<'_>, id: &str) -> Result<(), MlError> {
    let (name, version) = names(id);
    asset(ml, "components", id).map_err(|_| {
        MlError::problem(
            StatusCode::NOT_FOUND,
            "NotFound",
            &[],
            format!("key: {id}, Message: Not found component {name} (version: {version})."),
        )
    })
}

/// Name and version of an asset, by its id.
fn names(id: &str) -> (&str, &str) {
    let mut segments = id.rsplit('/');
    let version = segments.next().unwrap_or_default();
    (segments.nth(1).unwrap_or_default(), version)
}

/// Where data is: in a datastore of the workspace, in a data asset, or somewhere else. Only a job
/// that runs would find out about the files.
fn data(ml: &Ml<'_>, uri: &str) -> Result<(), MlError> {
    if uri.starts_with('/') || uri.starts_with("azureml:/subscriptions/") {
        let is_model = uri.to_lowercase().contains("/models/");
        return asset(ml, if is_model { "models" } else { "data" }, uri);
    }
    let Some(name) = datastore_of(ml, uri) else {
        return Ok(());
    };
    datastores::find(ml, name).map(|_| ()).map_err(|_| {
        MlError::user(
            StatusCode::BAD_REQUEST,
            &["BadArgument", "DatastoreNotFound"],
            format!("Could not find datastore: {name}"),
        )
    })
}

/// The datastore of an address, if it is one of this workspace.
fn datastore_of<'a>(ml: &Ml<'_>, uri: &'a str) -> Option<&'a str> {
    let rest = uri.strip_prefix("azureml://")?;
    let mut segments = rest.split('/').peekable();
    if segments.peek()?.eq_ignore_ascii_case("subscriptions") {
        let own = format!(
            "subscriptions/{}/resourcegroups/{}/workspaces/{}/",
            ml.workspace.id.subscription_id()?,
            ml.workspace.id.resource_group()?,
            ml.workspace.id.name()
        );
        let is_own = rest.to_lowercase().starts_with(&own.to_lowercase());
        if !is_own {
            return None;
        }
        segments.nth(5);
    }
    let kind = segments.next()?;
    let name = segments.next()?;
    // The service fills in what a job's output is called.
    let is_fixed = !name.contains("${{");
    (kind.eq_ignore_ascii_case("datastores") && is_fixed).then_some(name)
}
