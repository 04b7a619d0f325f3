//! Operations that take Azure a while: the response says where a client can ask for the result.

use super::{call::Call, error::ArmError, response::ArmResponse};
use crate::{resources::ResourceGroup, service::Service, world::World};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{StatusCode, header};
use serde_json::{Value, json};

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
