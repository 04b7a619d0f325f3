//! Federated credentials of user-assigned identities. The directory trusts what their resources
//! say.

use super::{access, call::Call, error::ArmError, response::ArmResponse, wire};
use crate::{
    directory::{Application, Directory, FederatedCredential},
    resources::{FEDERATED_TYPE, Resource, Resources, Scope, USER_ASSIGNED_TYPE, trusted},
    world::World,
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// Most credentials of an identity ('Important considerations and restrictions for federated
/// identity credentials').
const MOST: usize = 20;

#[derive(Deserialize)]
struct Given {
    properties: Properties,
}

#[derive(Deserialize)]
struct Properties {
    issuer: String,
    subject: String,
    audiences: Vec<String>,
}

/// `PUT …/federatedIdentityCredentials/{name}`: 201 for a new one, else 200.
pub(super) fn put(world: &World, call: &Call, id: &Scope) -> Result<ArmResponse, ArmError> {
    let Given { properties } = call.json()?;
    let [audience] = properties.audiences.as_slice() else {
        return Err(bad_request(
            "A federated identity credential has exactly one audience.",
        ));
    };
    let new = FederatedCredential::new(id.name(), properties.issuer, properties.subject, audience);
    if new.issuer.is_empty() || new.subject.is_empty() || audience.is_empty() {
        return Err(bad_request(
            "The issuer, the subject and the audience can't be empty.",
        ));
    }
    // The directory is locked first.
    let mut directory = world.directory_mut();
    let mut resources = world.resources_mut();
    if let Some(above) = id.path_ancestry().get(1) {
        access::exists(&resources, above)?;
    }
    let identity = identity_of(&resources, id).ok_or_else(ArmError::missing_subscription)?;
    let others =
        || of(&resources, &identity).filter(|one| !one.name.eq_ignore_ascii_case(&new.name));
    if others().any(|other| other.issuer == new.issuer && other.subject == new.subject) {
        return Err(ArmError::new(
            StatusCode::CONFLICT,
            "Conflict",
            "Issuer and subject combination already exists for this Managed Identity.",
        ));
    }
    if others().count() >= MOST {
        return Err(bad_request(
            "The identity has 20 federated identity credentials, which is the maximum.",
        ));
    }
    let is_new = resources.resource(id).is_none();
    let resource = trusted(id.clone(), &new);
    let view = Value::Object(wire::view(&resource));
    resources.put_resource(resource);
    trust(&mut directory, &resources, &identity);
    Ok(match is_new {
        true => ArmResponse::with(StatusCode::CREATED, view),
        false => ArmResponse::ok(view),
    })
}

/// Has the directory trust what an identity's resources say. `id` is the identity's or below it.
pub(super) fn trust(directory: &mut Directory, resources: &Resources, id: &Scope) {
    let Some(identity) = identity_of(resources, id).and_then(|id| resources.resource(&id)) else {
        return;
    };
    let uuid = |name| -> Option<Uuid> { identity.properties.get(name)?.as_str()?.parse().ok() };
    let (Some(client), Some(tenant)) = (uuid("clientId"), uuid("tenantId")) else {
        return;
    };
    let all: Vec<FederatedCredential> = of(resources, &identity.id).collect();
    if all.is_empty() {
        directory.identities.remove(&client);
        return;
    }
    for credential in &all {
        directory.host_issuer(credential.issuer.clone());
    }
    let trusting = Application {
        federated_credentials: all,
        ..Application::new(client, tenant, identity.id.name())
    };
    directory.identities.insert(client, trusting);
}

/// The user-assigned identity that a scope is, or is below.
fn identity_of(resources: &Resources, id: &Scope) -> Option<Scope> {
    let mut above = id.path_ancestry().into_iter();
    above.find(|scope| {
        let found = resources.resource(scope);
        found.is_some_and(|resource| resource.is_a(USER_ASSIGNED_TYPE))
    })
}

/// The credentials of an identity.
fn of<'a>(
    resources: &'a Resources,
    identity: &'a Scope,
) -> impl Iterator<Item = FederatedCredential> + 'a {
    let all = resources.resources_in(identity);
    all.filter(|resource| resource.is_a(FEDERATED_TYPE))
        .filter_map(credential)
}

fn credential(resource: &Resource) -> Option<FederatedCredential> {
    let text = |name: &str| resource.properties.get(name)?.as_str();
    let audience = resource.properties.get("audiences")?.get(0)?.as_str()?;
    let name = resource.id.name();
    Some(FederatedCredential::new(
        name,
        text("issuer")?,
        text("subject")?,
        audience,
    ))
}

fn bad_request(message: &str) -> ArmError {
    ArmError::bad_request("BadRequest", message)
}
