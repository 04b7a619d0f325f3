//! Authentication and authorization: which caller a token belongs to, and whether the caller may do
//! what the request needs.

use super::{call::Call, error::ArmError, operations::Need, route::Target};
use crate::{
    replication::View,
    resources::{Action, Decision, Principals, Resources, STORAGE_ACCOUNT_TYPE, Scope},
    service::{Cloud, Service},
    tokens::{
        BearerError, Claims, accepted_audiences, evaluate, name_in_messages, principals,
        verify_bearer,
    },
    world::World,
};
use http::{Method, StatusCode};
use uuid::Uuid;

/// The caller of a request.
#[derive(Debug)]
pub(super) struct Caller {
    /// The tenant of the token.
    pub(super) tenant: Uuid,
    /// The principal and its groups.
    pub(super) who: Principals,
    /// The name that ARM uses in messages: an application's client id, or a user's sign-in name.
    pub(super) name: String,
    /// Whether the caller is a user who has proved only one factor.
    without_mfa: bool,
    /// `Application` or `User`, as in `systemData`.
    pub(super) kind: &'static str,
}

/// Checks the token, and that its tenant is the tenant of the subscription.
///
/// An unknown subscription is reported first. For a known subscription, the challenge names its
/// tenant even if the request has no token: clients find the tenant of a subscription that way.
///
/// # Errors
/// 404 for an unknown subscription, otherwise 401 with a challenge that names the authority. For a
/// revoked token, the challenge also has the claims to request.
pub(super) fn authenticate(
    world: &World,
    call: &Call,
    subscription: Option<Uuid>,
) -> Result<Caller, ArmError> {
    let tenant = match subscription {
        Some(id) => Some(
            world
                .resources()
                .subscription(id)
                .ok_or_else(|| ArmError::subscription_not_found(id))?
                .tenant,
        ),
        None => None,
    };
    let authority = authority(world, call, tenant);
    let accepted = accepted_audiences(world, Service::Arm);
    let claims = verify_bearer(world, call.authorization.0.as_deref(), &accepted)
        .map_err(|error| refuse(error, world, call, &authority))?;
    if let Some(tenant) = tenant.filter(|tenant| *tenant != claims.tenant) {
        let issuer = claims
            .all
            .get("iss")
            .and_then(|iss| iss.as_str())
            .unwrap_or_default();
        let right = format!("https://{}/{tenant}/", call.entrance.cloud.sts_host());
        return Err(ArmError::wrong_tenant(&authority, issuer, &right));
    }
    evaluate(&world.directory(), &claims, world.clock.now())
        .map_err(|revoked| ArmError::revoked(&authorize_url(world, call), &revoked))?;
    if world.replication.misses(View::Tokens, claims.object_id) {
        return Err(ArmError::invalid_token(&authority));
    }
    Ok(caller(world, &claims))
}

fn caller(world: &World, claims: &Claims) -> Caller {
    let methods = claims.all.get("amr").and_then(|value| value.as_array());
    let has_mfa = methods.is_some_and(|all| all.iter().any(|method| method == "mfa"));
    Caller {
        tenant: claims.tenant,
        who: principals(world, claims),
        name: name_in_messages(claims),
        without_mfa: !claims.is_app && !has_mfa,
        kind: if claims.is_app { "Application" } else { "User" },
    }
}

/// The authority that issues tokens for this call.
fn authority(world: &World, call: &Call, tenant: Option<Uuid>) -> String {
    let tenant = tenant.map_or_else(|| "common".to_owned(), |tenant| tenant.to_string());
    match (&call.entrance.real_name, call.entrance.cloud) {
        // The public cloud's ARM still names its authority by this older host.
        (Some(_), Cloud::Public) => format!("https://login.windows.net/{tenant}"),
        _ => {
            let login = world.urls().for_client(Service::Login, &call.entrance);
            format!("{login}/{tenant}")
        }
    }
}

/// The URL at which a user signs in again.
fn authorize_url(world: &World, call: &Call) -> String {
    let login = world.urls().for_client(Service::Login, &call.entrance);
    format!("{login}/common/oauth2/authorize")
}

fn refuse(error: BearerError, world: &World, call: &Call, authority: &str) -> ArmError {
    match error {
        BearerError::Missing => ArmError::no_token(authority),
        BearerError::NotBearer => ArmError::wrong_scheme(authority),
        BearerError::WrongAudience { got } => {
            let own = world.urls().arm;
            let mut taken = audiences(call.entrance.cloud).to_vec();
            if call.entrance.real_name.is_none() && !own.is_empty() {
                taken.push(&own);
            }
            ArmError::wrong_audience(authority, &got, &taken)
        }
        BearerError::Expired { expired, now } => ArmError::expired(authority, expired, now),
        BearerError::NotYetValid { not_before } => {
            ArmError::token_not_yet_valid(authority, not_before, world.clock.now())
        }
        BearerError::Malformed(_)
        | BearerError::UnknownKey(_)
        | BearerError::BadSignature
        | BearerError::UnknownIssuer(_)
        | BearerError::UnknownTenant(_) => ArmError::invalid_token(authority),
    }
}

/// The audiences that a cloud's ARM names in its refusals, in ARM's order.
pub(super) fn audiences(cloud: Cloud) -> [&'static str; 4] {
    match cloud {
        Cloud::Public => [
            "https://management.core.windows.net/",
            "https://management.core.windows.net",
            "https://management.azure.com/",
            "https://management.azure.com",
        ],
        Cloud::UsGovernment => [
            "https://management.core.usgovcloudapi.net/",
            "https://management.core.usgovcloudapi.net",
            "https://management.usgovcloudapi.net/",
            "https://management.usgovcloudapi.net",
        ],
        Cloud::China => [
            "https://management.core.chinacloudapi.cn/",
            "https://management.core.chinacloudapi.cn",
            "https://management.chinacloudapi.cn/",
            "https://management.chinacloudapi.cn",
        ],
    }
}

impl Caller {
    /// A resource provider's name for what it does for the caller.
    pub(super) fn operation(&self) -> String {
        let operation = Uuid::new_v4();
        let Self { tenant, who, .. } = self;
        format!(
            "tenantId={tenant},objectId={}/westeurope/{operation}",
            who.principal
        )
    }

    /// The refusal of an action that no role of the caller allows.
    pub(super) fn refused(&self, action: &str, scope: &str) -> ArmError {
        ArmError::authorization_failed(&self.name, self.who.principal, action, scope)
    }

    /// Whether the caller may do `action` at `scope`.
    pub(super) fn may(&self, resources: &Resources, action: &str, scope: &Scope) -> bool {
        resources
            .decide(&self.who, Action::Control(action), scope)
            .is_allowed()
    }
}

/// Checks that the caller has the right that the request needs. It does not check whether the
/// target exists: a caller without the right must not learn that.
///
/// # Errors
/// 403 with ARM's message, or 409 for a write in a disabled subscription.
pub(super) fn authorize(
    resources: &Resources,
    caller: &Caller,
    call: &Call,
    target: &Target,
    need: &Need,
) -> Result<(), ArmError> {
    let scope = checked_scope(target);
    match need {
        Need::Token => {}
        Need::SomeRole(action) => {
            if !resources.is_visible(&caller.who, &scope) {
                return Err(caller.refused(action, &scope_in_message(call, target)));
            }
        }
        Need::Action(action) => {
            match resources.decide(&caller.who, Action::Control(action), &scope) {
                Decision::Allowed(_) => {}
                Decision::NotAllowed => {
                    return Err(caller.refused(action, &scope_in_message(call, target)));
                }
                Decision::Denied(deny) => {
                    return Err(ArmError::denied(
                        &caller.name,
                        caller.who.principal,
                        action,
                        &scope_in_message(call, target),
                        deny,
                    ));
                }
            }
        }
    }
    let writing = matches!(call.method, Method::PUT | Method::PATCH | Method::POST);
    if let Some(subscription) = resources.subscription_of(&scope)
        && writing
        && !subscription.state.is_writable()
    {
        return Err(ArmError::new(
            StatusCode::CONFLICT,
            "ReadOnlyDisabledSubscription",
            format!(
                "The subscription '{}' is disabled and therefore marked as read only. You cannot perform any write \
                 actions on this subscription until it is re-enabled.",
                subscription.id
            ),
        ));
    }
    Ok(())
}

/// Checks that a user has proved a second factor before a change, in a tenant that requires it for
/// changes only.
///
/// # Errors
/// 401 with a challenge for a second factor.
pub(super) fn check_mfa(world: &World, call: &Call, caller: &Caller) -> Result<(), ArmError> {
    let is_change = matches!(call.method, Method::PUT | Method::PATCH | Method::DELETE);
    if !is_change || !caller.without_mfa {
        return Ok(());
    }
    let directory = world.directory();
    match directory.tenants.get(&caller.tenant) {
        Some(tenant) if tenant.mfa_for_changes => {
            let authorize = authorize_url(world, call);
            Err(ArmError::mfa_required(&authorize, &call.scope_text()))
        }
        _ => Ok(()),
    }
}

/// The scope at which the right is checked.
fn checked_scope(target: &Target) -> Scope {
    match target {
        Target::Group(scope)
        | Target::ResourcesIn(scope)
        | Target::Item(scope)
        | Target::ItemAction(scope, _)
        | Target::ManagementGroup(scope)
        | Target::SubscriptionOf(scope, _)
        | Target::Extension { scope, .. }
        | Target::Collection { parent: scope, .. } => scope.clone(),
        other => other
            .subscription()
            .map_or_else(Scope::root, Scope::subscription),
    }
}

/// The scope that a refusal names: the path of the request. For a list, the last segment is left
/// out.
fn scope_in_message(call: &Call, target: &Target) -> String {
    let listing = matches!(
        target,
        Target::Locations(_)
            | Target::Groups(_)
            | Target::ResourcesIn(_)
            | Target::Providers(_)
            | Target::Collection { .. }
            | Target::ItemAction(..)
            | Target::RegisterProvider(..)
            | Target::TagNames(_)
            | Target::Extension { name: None, .. }
    );
    let mut text = call.scope_text();
    if listing && let Some(at) = text.rfind('/').filter(|at| *at > 0) {
        text.truncate(at);
    }
    text
}

/// Checks that a scope exists: its resource group, and every resource on the path to it.
///
/// # Errors
/// 404 for the first part that does not exist.
pub(super) fn exists(resources: &Resources, scope: &Scope) -> Result<(), ArmError> {
    let mut way = resources_on_the_way(scope);
    way.reverse();
    for step in way {
        let Some(kind) = step.resource_type() else {
            if resources.group(&step).is_none() {
                return Err(ArmError::group_not_found(step.name()));
            }
            continue;
        };
        if resources.resource(&step).is_none() {
            let group = step.resource_group().unwrap_or("<null>");
            return Err(ArmError::resource_not_found(&kind, step.name(), group));
        }
        // What is in a storage account is known to Blob Storage only. A role can be assigned at a
        // container before that exists.
        if kind.eq_ignore_ascii_case(STORAGE_ACCOUNT_TYPE) {
            break;
        }
    }
    if let Some(name) = scope.management_group_name()
        && resources.management_group(name).is_none()
    {
        return Err(ArmError::not_found(
            "NotFound",
            format!("The management group '{name}' cannot be found"),
        ));
    }
    Ok(())
}

/// The scope and its parents up to the resource group. Empty for a subscription or a management
/// group.
fn resources_on_the_way(scope: &Scope) -> Vec<Scope> {
    scope
        .path_ancestry()
        .into_iter()
        .filter(|step| {
            step.subscription_id().is_some()
                && (step.resource_group().is_some() || step.resource_type().is_some())
        })
        .collect()
}
