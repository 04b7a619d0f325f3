//! Azure Resource Manager: one entry point for every request, then one file for each area.
//!
//! A request passes these steps before any resource is looked up, in Azure's order:
//!
//! 1. The request is parsed ([`call`]), and its path is recognized ([`route`]).
//! 2. The api-version is checked ([`versions`]).
//! 3. The token and the caller's right are checked ([`access`], by the table in [`operations`]).
//!
//! So a caller without a right does not learn what exists.

mod access;
mod addresses;
mod call;
mod deny_assignments;
mod error;
mod federated_credentials;
mod filter;
mod groups;
mod identities;
mod items;
mod long_operations;
mod management_groups;
mod metadata;
mod ml;
mod operations;
mod permissions;
mod providers;
mod regions;
mod response;
mod role_assignments;
mod role_definitions;
mod route;
mod segments;
mod storage_accounts;
mod subscriptions;
mod tags;
mod versions;
mod wire;
mod workspaces;

pub(crate) use self::{
    ml::{AZUREML, registry_not_there},
    regions::names as region_names,
};

use self::{
    access::Caller,
    call::Call,
    error::ArmError,
    response::{ArmResponse, ArmTrace},
    route::Target,
};
use crate::{
    front_door::FrontDoor,
    resources::{FEDERATED_TYPE, STORAGE_ACCOUNT_TYPE, Scope, USER_ASSIGNED_TYPE, WORKSPACE_TYPE},
    tokens::as_seen,
    world::World,
};
use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    response::Response,
};
use http::{Method, StatusCode};
use std::sync::Arc;

/// ARM's front door. Each request carries a [`crate::service::Entrance`] in its extensions. A
/// request without one is treated as if it had come by a port.
pub(crate) fn front_door(world: Arc<World>) -> FrontDoor {
    identities::restore(&world);
    // One handler for all paths: scopes nest, so a list of routes could not name them all.
    Router::new().fallback(serve).with_state(world).into()
}

async fn serve(State(world): State<Arc<World>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let trace = ArmTrace::new(&parts.method, parts.uri.path(), &parts.headers);
    let result = match to_bytes(body, call::MAX_BODY).await {
        Ok(body) => match Call::read(&parts, body).and_then(|call| answer(&world, &call)) {
            Ok(done) if !parts.method.is_safe() => keep(Arc::clone(&world)).await.map(|()| done),
            other => other,
        },
        Err(_) => Err(ArmError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestContentTooLarge",
            format!(
                "The request content could not be read: it is larger than {} bytes, or it broke off.",
                call::MAX_BODY
            ),
        )),
    };
    trace.response(result, world.clock.now())
}

/// Writes the changes to the state folder, if there is one.
async fn keep(world: Arc<World>) -> Result<(), ArmError> {
    world.keep_for_request().await.map_err(|error| {
        ArmError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
            error,
        )
    })
}

fn answer(world: &World, call: &Call) -> Result<ArmResponse, ArmError> {
    let version = call.query("api-version").ok_or_else(|| {
        ArmError::bad_request(
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    })?;
    if let [first, second] = call.path.as_slice()
        && first.eq_ignore_ascii_case("metadata")
        && second.eq_ignore_ascii_case("endpoints")
    {
        return match call.method {
            Method::GET => metadata::get(world, call, version),
            _ => Err(ArmError::not_served(&call.method, &call.scope_text())),
        };
    }
    let target = Target::parse(&call.path, call.method == Method::POST)?;
    if let Some(done) = ml::serve_registry(world, call, &target, version) {
        return done;
    }
    let caller = access::authenticate(world, call, target.subscription())?;
    versions::check(&call.method, &target, version, world.clock.now())?;
    let need = operations::needed(&call.method, &target)
        .ok_or_else(|| ArmError::not_served(&call.method, &call.scope_text()))?;
    {
        let resources = world.resources();
        let resources = as_seen(world, &resources, &caller.who);
        access::authorize(&resources, &caller, call, &target, &need)?;
    }
    access::check_mfa(world, call, &caller)?;
    let done = perform(world, call, &caller, &target, version);
    if target.provider_type().is_none() {
        return done;
    }
    let operation = Some(caller.operation());
    match done {
        Ok(mut done) => {
            ml::sign_workspace(world, &target, &mut done);
            if let (None, Some(body)) = (&call.entrance.real_name, &mut done.body) {
                addresses::to_ports(&world.urls(), body);
            }
            Ok(ArmResponse { operation, ..done })
        }
        Err(error) => Err(error.of_provider(operation)),
    }
}

/// Carries out the request of a caller that has the right to it.
fn perform(
    world: &World,
    call: &Call,
    caller: &Caller,
    target: &Target,
    version: &str,
) -> Result<ArmResponse, ArmError> {
    if let Some(done) = ml::serve(world, call, caller, target, version) {
        return done;
    }
    match target {
        Target::Tenants => subscriptions::tenants(world, call, caller),
        Target::Subscriptions => subscriptions::list(world, call, caller),
        Target::Subscription(id) => subscriptions::get(world, *id),
        Target::Locations(id) => subscriptions::locations(world, call, *id, version),
        Target::TagNames(id) => tags::names(world, call, *id),
        Target::OperationResult(_, job) => long_operations::result(job),
        // What people did in the emulator is in its request log.
        Target::ActivityLog(_) => ArmResponse::list(world, call, Vec::new()),
        Target::Providers(id) => subscriptions::providers(world, call, *id),
        Target::Provider(id, namespace) => subscriptions::provider(world, call, *id, namespace),
        Target::RegisterProvider(id, namespace, registers) => {
            subscriptions::register(world, call, *id, namespace, *registers)
        }
        Target::ManagementGroups => management_groups::list(world, call, caller),
        Target::ManagementGroup(id) if call.method == Method::PUT => {
            management_groups::put(world, call, caller, id, version)
        }
        Target::ManagementGroup(id) => management_groups::get(world, caller, id),
        Target::SubscriptionOf(id, subscription) => {
            management_groups::put_subscription(world, caller, id, *subscription)
        }
        Target::CreatedGroup { id, is_status } => {
            management_groups::created(world, call, caller, id, *is_status)
        }
        Target::Groups(id) => groups::list(world, call, caller, *id),
        Target::Group(id) => match call.method {
            Method::PUT => groups::put(world, call, id),
            Method::PATCH => groups::patch(world, call, id),
            Method::DELETE => groups::delete(world, call, id, version),
            Method::HEAD => Ok(groups::head(world, id)),
            _ => groups::get(world, id),
        },
        Target::ResourcesIn(scope) => items::list(world, call, caller, scope),
        Target::Collection {
            parent,
            resource_type,
        } => items::collection(world, call, caller, parent, resource_type),
        Target::Item(id) if call.method == Method::PUT && !is_registered(world, id) => {
            Err(ArmError::not_registered(id))
        }
        Target::Item(id) if call.method == Method::PUT && is_a(id, WORKSPACE_TYPE) => {
            workspaces::put(world, call, caller, id)
        }
        Target::Item(id) if call.method == Method::PUT && is_a(id, USER_ASSIGNED_TYPE) => {
            identities::put(world, call, caller, id)
        }
        Target::Item(id) if call.method == Method::PUT && is_a(id, FEDERATED_TYPE) => {
            federated_credentials::put(world, call, id)
        }
        Target::Item(id) if call.method == Method::PUT && is_a(id, STORAGE_ACCOUNT_TYPE) => {
            storage_accounts::put(world, call, caller, id, version)
        }
        Target::Item(id) if is_a(id, long_operations::STORAGE_OPERATION_TYPE) => {
            long_operations::created_account(world, caller, id.name())
        }
        Target::Item(id) => items::one(world, call, caller, id),
        Target::ItemAction(id, verb) if is_a(id, STORAGE_ACCOUNT_TYPE) => {
            storage_accounts::act(world, call, id, verb)
        }
        Target::ItemAction(id, verb)
            if is_a(id, USER_ASSIGNED_TYPE)
                && verb.eq_ignore_ascii_case("listAssociatedResources") =>
        {
            identities::associated(world, id)
        }
        Target::ItemAction(..) | Target::Unserved { .. } => {
            Err(ArmError::not_served(&call.method, &call.scope_text()))
        }
        Target::Extension {
            scope,
            resource_type,
            name,
        } => extension(world, call, caller, scope, resource_type, name.as_deref()),
    }
}

/// Whether the subscription may have resources of this provider.
fn is_registered(world: &World, id: &Scope) -> bool {
    let kind = id.resource_type().unwrap_or_default();
    let namespace = kind.split('/').next().unwrap_or_default();
    let resources = world.resources();
    id.subscription_id()
        .is_none_or(|subscription| resources.is_registered(subscription, namespace))
}

fn is_a(id: &Scope, resource_type: &str) -> bool {
    id.resource_type()
        .is_some_and(|kind| kind.eq_ignore_ascii_case(resource_type))
}

/// A type that any scope can have.
fn extension(
    world: &World,
    call: &Call,
    caller: &Caller,
    scope: &Scope,
    resource_type: &str,
    name: Option<&str>,
) -> Result<ArmResponse, ArmError> {
    let kind = resource_type.to_ascii_lowercase();
    let kind = kind.split_once('/').map_or("", |(_, kind)| kind);
    match (kind, name) {
        ("roledefinitions", None) => role_definitions::list(world, call, scope),
        ("roledefinitions", Some(name)) => {
            role_definitions::serve(world, call, caller, scope, name)
        }
        ("roleassignments", name) => role_assignments::serve(world, call, caller, scope, name),
        ("denyassignments", None) => deny_assignments::list(world, call, scope),
        ("denyassignments", Some(name)) => {
            deny_assignments::serve(world, call, caller, scope, name)
        }
        ("permissions", None) => permissions::list(world, call, caller, scope),
        ("tags", Some(name)) if name.eq_ignore_ascii_case("default") => tags::of(world, scope),
        // The emulator has no locks and no deployments.
        ("locks" | "deployments", None) => {
            access::exists(&world.resources(), scope)?;
            ArmResponse::list(world, call, Vec::new())
        }
        ("locks", Some(name)) => Err(ArmError::not_found(
            "LockNotFound",
            format!("The lock '{name}' could not be found."),
        )),
        ("deployments", Some(_)) if call.method == Method::HEAD => {
            Ok(ArmResponse::empty(StatusCode::NOT_FOUND))
        }
        ("deployments", Some(name)) => Err(ArmError::not_found(
            "DeploymentNotFound",
            format!("Deployment '{name}' could not be found."),
        )),
        _ => Err(ArmError::not_served(&call.method, &call.scope_text())),
    }
}

#[cfg(test)]
mod tests;
