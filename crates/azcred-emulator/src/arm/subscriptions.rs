//! Tenants, subscriptions, locations and providers: the top level.

use super::{
    access::Caller,
    call::Call,
    error::ArmError,
    providers::{self, Provider},
    regions::REGIONS,
    response::ArmResponse,
    wire,
};
use crate::{
    resources::{Scope, Subscription},
    world::World,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// `GET /tenants`: the tenants of the caller. An application's token is of one tenant. A user may
/// be a guest in further tenants.
pub(super) fn tenants(
    world: &World,
    call: &Call,
    caller: &Caller,
) -> Result<ArmResponse, ArmError> {
    let directory = world.directory();
    let user = directory.users.get(&caller.who.principal);
    let ids = user.map_or_else(|| vec![caller.tenant], |user| directory.tenants_of(user));
    let found = ids
        .iter()
        .filter_map(|id| directory.tenants.get(id))
        .map(|tenant| {
            json!({
                "id": format!("/tenants/{}", tenant.id),
                "tenantId": tenant.id,
                "countryCode": tenant.country,
                "displayName": tenant.name,
                "domains": tenant.domains,
                "defaultDomain": tenant.default_domain(),
                "tenantCategory": "Home",
                "tenantType": "AAD",
            })
        })
        .collect();
    drop(directory);
    ArmResponse::list(world, call, found)
}

/// `GET /subscriptions`: those of the token's tenant in which the caller has a role.
pub(super) fn list(world: &World, call: &Call, caller: &Caller) -> Result<ArmResponse, ArmError> {
    let resources = world.resources();
    let seen: Vec<Value> = resources
        .subscriptions()
        .filter(|one| one.tenant == caller.tenant)
        .filter(|one| resources.is_visible(&caller.who, &Scope::subscription(one.id)))
        .map(view)
        .collect();
    let count = seen.len();
    let mut answer = ArmResponse::list(world, call, seen)?;
    if let Some(body) = &mut answer.body {
        body["count"] = json!({"type": "Total", "value": count});
    }
    Ok(answer)
}

/// `GET /subscriptions/ID`.
pub(super) fn get(world: &World, id: Uuid) -> Result<ArmResponse, ArmError> {
    world
        .resources()
        .subscription(id)
        .map(|found| ArmResponse::ok(view(found)))
        .ok_or_else(|| ArmError::subscription_not_found(id))
}

fn view(subscription: &Subscription) -> Value {
    let mut view = json!({
        "id": format!("/subscriptions/{}", subscription.id),
        "subscriptionId": subscription.id,
        "tenantId": subscription.tenant,
        "displayName": subscription.name,
        "state": subscription.state.as_str(),
        "authorizationSource": "RoleBased",
        "managedByTenants": subscription.managed_by(),
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    });
    wire::put_tags(&mut view, &subscription.tags);
    view
}

/// `GET /subscriptions/ID/locations`.
pub(super) fn locations(
    world: &World,
    call: &Call,
    id: Uuid,
    version: &str,
) -> Result<ArmResponse, ArmError> {
    let all = REGIONS.iter().map(|region| region.view(id, version));
    ArmResponse::list(world, call, all.collect())
}

/// `GET /providers` and `GET /subscriptions/ID/providers`.
pub(super) fn providers(
    world: &World,
    call: &Call,
    subscription: Option<Uuid>,
) -> Result<ArmResponse, ArmError> {
    let prefix = prefix(subscription);
    let all = providers::all()
        .map(|provider| view_of(world, provider, subscription, &prefix))
        .collect();
    ArmResponse::list(world, call, all)
}

/// `POST …/register` and `…/unregister`, which take effect at once here.
pub(super) fn register(
    world: &World,
    call: &Call,
    subscription: Uuid,
    namespace: &str,
    registers: bool,
) -> Result<ArmResponse, ArmError> {
    let found = providers::provider(&call.method, namespace, &call.scope_text())?;
    world
        .resources_mut()
        .register_provider(subscription, found.namespace, registers);
    provider(world, call, Some(subscription), namespace)
}

/// One provider.
pub(super) fn provider(
    world: &World,
    call: &Call,
    subscription: Option<Uuid>,
    namespace: &str,
) -> Result<ArmResponse, ArmError> {
    let found = providers::provider(&call.method, namespace, &call.scope_text())?;
    let prefix = prefix(subscription);
    Ok(ArmResponse::ok(view_of(
        world,
        found,
        subscription,
        &prefix,
    )))
}

/// A provider, as a subscription sees it.
fn view_of(world: &World, provider: &Provider, subscription: Option<Uuid>, prefix: &str) -> Value {
    let mut view = provider.view(prefix);
    let resources = world.resources();
    let namespace = provider.namespace;
    if subscription.is_some_and(|id| !resources.is_registered(id, namespace)) {
        view["registrationState"] = "NotRegistered".into();
    }
    view
}

fn prefix(subscription: Option<Uuid>) -> String {
    subscription.map_or_else(String::new, |id| format!("/subscriptions/{id}"))
}
