//! Operations that take Azure a while: the response says where a client can ask for the result.

use super::{access::Caller, call::Call, error::ArmError, response::ArmResponse, wire};
use crate::{
    resources::{Resource, ResourceGroup, STORAGE_ACCOUNT_TYPE, Scope},
    service::Service,
    world::World,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

/// What Resource Manager calls the deletion of a group.
const GROUP_DELETION: &str = "RESOURCEGROUPDELETIONJOB-";

/// 202 for the deletion of a group.
pub(super) fn group_deletion(
    world: &World,
    call: &Call,
    group: &ResourceGroup,
    version: &str,
) -> ArmResponse {
    // In a job's id, a hyphen of a name is escaped.
    let escaped = |text: &str| text.to_uppercase().replace('-', ":2D");
    let name = escaped(&group.name);
    let job = format!("{GROUP_DELETION}{name}-{}", escaped(&group.location));
    let job = json!({"jobId": job, "jobLocation": group.location}).to_string();
    let base = world.urls().for_client(Service::Arm, &call.entrance);
    let location = format!(
        "{base}/subscriptions/{}/operationresults/{}?api-version={version}",
        group.subscription,
        URL_SAFE_NO_PAD.encode(job)
    );
    ArmResponse::empty(StatusCode::ACCEPTED)
        .header(header::LOCATION, location)
        // Several SDKs take 0 for no answer, and wait for half a minute.
        .header(header::RETRY_AFTER, "1")
}

/// The type of an operation of Azure Storage.
pub(super) const STORAGE_OPERATION_TYPE: &str = "Microsoft.Storage/locations/asyncoperations";

/// 202 for the creation of a storage account. The account's id is in the operation's name.
pub(super) fn account_creation(
    world: &World,
    call: &Call,
    account: &Resource,
    version: &str,
) -> ArmResponse {
    let base = world.urls().for_client(Service::Arm, &call.entrance);
    let now = world.clock.unix();
    let signed = Uuid::new_v4().simple();
    let location = format!(
        "{base}/subscriptions/{}/providers/Microsoft.Storage/locations/{}/asyncoperations/{}?monitor=true\
         &api-version={version}&t={now}&c={signed}&s={signed}&h={signed}",
        account.id.subscription_id().unwrap_or_default(),
        account.location.as_deref().unwrap_or_default(),
        URL_SAFE_NO_PAD.encode(account.id.to_string())
    );
    ArmResponse::empty(StatusCode::ACCEPTED)
        .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
        .header(header::LOCATION, location)
        .header(header::RETRY_AFTER, "1")
}

/// The result of such an operation: the account, for a caller that may read it.
pub(super) fn created_account(
    world: &World,
    caller: &Caller,
    operation: &str,
) -> Result<ArmResponse, ArmError> {
    let id = URL_SAFE_NO_PAD
        .decode(operation)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|id| id.parse::<Scope>().ok());
    let resources = world.resources();
    let found = id.and_then(|id| resources.resource(&id));
    let found = found.filter(|found| {
        let read = format!("{STORAGE_ACCOUNT_TYPE}/read");
        found.is_a(STORAGE_ACCOUNT_TYPE) && caller.may(&resources, &read, &found.id)
    });
    let found = found
        .ok_or_else(|| ArmError::not_found("NotFound", "The operation could not be found."))?;
    Ok(ArmResponse::ok(Value::Object(wire::view(found))))
}

/// The result of a job: nothing, with 200. The emulator has done it before it named the job.
pub(super) fn result(job: &str) -> Result<ArmResponse, ArmError> {
    let name = URL_SAFE_NO_PAD
        .decode(job)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        .and_then(|job| Some(job.get("jobId")?.as_str()?.to_owned()));
    match name {
        Some(name) if name.starts_with(GROUP_DELETION) => Ok(ArmResponse::empty(StatusCode::OK)),
        _ => Err(ArmError::not_found(
            "JobNotFound",
            "The job of this operation could not be found.",
        )),
    }
}
