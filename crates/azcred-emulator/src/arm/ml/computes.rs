//! Computes: clusters and instances, listed and shown.

use super::{Ml, Part, error::MlError};
use crate::{
    arm::{response::ArmResponse, wire},
    resources::{COMPUTE_TYPE, Resource},
};
use http::Method;
use serde_json::Value;

pub(super) fn serve(ml: &Ml<'_>, part: &Part) -> Result<ArmResponse, MlError> {
    match (part.names.as_slice(), &ml.call.method, &part.action) {
        ([], &Method::GET, None) => {
            let resources = ml.world.resources();
            let own = resources.resources_in(&ml.workspace.id);
            let own = own.filter(|one| one.is_a(COMPUTE_TYPE)).map(view);
            Ok(ArmResponse::list(ml.world, ml.call, own.collect())?)
        }
        ([name], &Method::GET, None) => {
            let id = ml.child(&format!("computes/{name}"))?;
            let resources = ml.world.resources();
            let found = resources.resource(&id).ok_or(MlError::Nothing)?;
            Ok(ArmResponse::ok(view(found)))
        }
        _ => Err(ml.not_served()),
    }
}

/// A compute has no `systemData`.
fn view(compute: &Resource) -> Value {
    let mut view = wire::view(compute);
    view.remove("systemData");
    Value::Object(view)
}
