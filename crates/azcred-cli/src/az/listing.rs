//! The subscriptions of an identity by Azure Resource Manager, as `az login` stores them.

use super::{
    identity::Identity,
    value::{Object, Value},
};
use crate::failure::Failure;
use azcred::{PrincipalKind, TenantId, Untrusted, UsedKind, chain::Source};
use azcred_azure::{ManagedByTenant, ResourceManager, Subscription, Tenant};
use std::sync::Arc;

/// Azure CLI's name of a tenant without a subscription.
pub(crate) const TENANT_LEVEL: &str = "N/A(tenant level account)";

/// The subscriptions that Azure Resource Manager lists, as `az login` stores them.
///
/// `cloud` is Azure CLI's name of the cloud, `before` the id of the default subscription until now.
pub(super) async fn listed(
    identity: &Identity,
    cloud: &str,
    before: Option<String>,
) -> Result<Vec<Object>, Failure> {
    let manager = |tenant: Option<&str>| {
        let credential = Arc::new(identity.session.clone());
        let manager = ResourceManager::new(identity.session.options(), credential)?;
        Ok::<_, Failure>(match tenant.map(TenantId::new) {
            Some(tenant) => manager.in_tenant(tenant?),
            None => manager,
        })
    };
    let home = identity.tenant().unwrap_or_default().to_owned();
    let tenants = match is_person(identity) {
        true => manager(None)?.tenants().await.map(|found| found.value),
        false => Ok(Vec::new()),
    };
    let tenants = tenants.unwrap_or_else(|error| {
        tracing::debug!(%error, "the tenants can't be listed");
        Vec::new()
    });
    let mut list: Vec<Object> = Vec::new();
    let own = tenants
        .iter()
        .find(|tenant| tenant.tenant_id.eq_ignore_ascii_case(&home));
    for one in manager(None)?.subscriptions().await?.value {
        list.push(account(identity, cloud, &one, &home, own));
    }
    let is_other = |tenant: &&Tenant| !tenant.tenant_id.eq_ignore_ascii_case(&home);
    for tenant in tenants.iter().filter(is_other) {
        // A guest's tenant may demand another sign-in, which is no reason to fail.
        let id = tenant.tenant_id.as_str();
        let found = match manager(Some(id))?.subscriptions().await {
            Ok(found) => found.value,
            Err(error) => {
                tracing::debug!(%error, tenant = id, "its subscriptions can't be listed");
                continue;
            }
        };
        for one in found {
            let is_new = |own: &Object| own.text("id") != one.subscription_id.as_str();
            if list.iter().all(is_new) {
                list.push(account(identity, cloud, &one, id, Some(tenant)));
            }
        }
    }
    if list.is_empty() {
        list.push(tenant_level(identity, cloud, &home));
    }
    let workspace = identity.session.workspace().ok().flatten();
    let workspace = workspace.map(|found| found.workspace.subscription().to_owned());
    let wanted: Vec<String> = [before, workspace].into_iter().flatten().collect();
    let mut wanted = wanted.iter().filter_map(|id| {
        list.iter()
            .position(|one| one.text("id").eq_ignore_ascii_case(id))
    });
    let enabled = || list.iter().position(|one| one.text("state") == "Enabled");
    let default = wanted.next().or_else(enabled).unwrap_or(0);
    drop(wanted);
    list[default].set("isDefault", Value::Bool(true));
    Ok(list)
}

fn is_person(identity: &Identity) -> bool {
    let principal = identity.principal.as_ref();
    identity.source != Source::ManagedIdentity
        && principal.is_some_and(|principal| principal.kind == PrincipalKind::User)
}

/// A subscription as `az login` stores it, with the members in its order.
fn account(
    identity: &Identity,
    cloud: &str,
    one: &Subscription,
    tenant: &str,
    known: Option<&Tenant>,
) -> Object {
    let home = one.tenant_id.as_ref().map_or(tenant, |id| id.as_str());
    let mut account = Object::of([
        ("id", Value::text(one.subscription_id.as_str())),
        ("name", Value::text(one.display_name.as_str())),
        ("state", Value::text(one.state.as_str())),
        ("user", user(identity).into()),
        ("isDefault", Value::Bool(false)),
        ("tenantId", Value::text(tenant)),
        ("environmentName", Value::text(cloud)),
        ("homeTenantId", Value::text(home)),
    ]);
    // `az login` reads them for people only.
    if let Some(known) = known {
        let text = |text: &Option<Untrusted>| {
            text.as_ref()
                .map_or(Value::Null, |text| Value::text(text.as_str()))
        };
        account.set("tenantDefaultDomain", text(&known.default_domain));
        account.set("tenantDisplayName", text(&known.display_name));
    }
    let managed_by = one.managed_by_tenants.as_ref().map(|tenants| {
        let tenant = |one: &ManagedByTenant| {
            Object::of([("tenantId", Value::text(one.tenant_id.as_str()))]).into()
        };
        Value::List(tenants.iter().map(tenant).collect())
    });
    account.set("managedByTenants", managed_by.unwrap_or(Value::Null));
    account
}

fn tenant_level(identity: &Identity, cloud: &str, tenant: &str) -> Object {
    Object::of([
        ("id", Value::text(tenant)),
        ("name", Value::text(TENANT_LEVEL)),
        ("state", Value::text("Enabled")),
        ("user", user(identity).into()),
        ("isDefault", Value::Bool(false)),
        ("tenantId", Value::text(tenant)),
        ("environmentName", Value::text(cloud)),
    ])
}

/// The member `user`: a person by the sign-in name, an application by its client id, and a managed
/// identity by Azure CLI's two names.
fn user(identity: &Identity) -> Object {
    let service = |name: &str| {
        Object::of([
            ("name", Value::text(name)),
            ("type", Value::text("servicePrincipal")),
        ])
    };
    if identity.source == Source::ManagedIdentity {
        let used = &identity.used;
        let by = match (&used.client_id, &used.kind) {
            (Some(id), _) => Some(format!("MSIClient-{id}")),
            (
                None,
                UsedKind::ManagedIdentity {
                    object_id: Some(id),
                    ..
                },
            ) => Some(format!("MSIObject-{id}")),
            (
                None,
                UsedKind::ManagedIdentity {
                    resource_id: Some(id),
                    ..
                },
            ) => Some(format!("MSIResource-{id}")),
            _ => None,
        };
        let mut user = service(match by {
            Some(_) => "userAssignedIdentity",
            None => "systemAssignedIdentity",
        });
        let info = by.unwrap_or_else(|| "MSI".to_owned());
        user.set("assignedIdentityInfo", Value::text(info));
        return user;
    }
    let principal = identity.principal.as_ref();
    let name = principal.and_then(|one| one.user_name.as_deref());
    let id = principal.and_then(|one| one.application_id.as_deref());
    match name.filter(|_| is_person(identity)) {
        Some(name) => Object::of([("name", Value::text(name)), ("type", Value::text("user"))]),
        None => service(id.unwrap_or_default()),
    }
}
