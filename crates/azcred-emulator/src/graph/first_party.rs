//! The service principals of Microsoft's own applications, which every tenant has.

use crate::{
    directory::{Audience, Directory, GRAPH, MICROSOFT_SERVICES, first_party_resources},
    graph::{
        ids::derived_id,
        kind::Kind,
        objects::{Object, object},
    },
};
use serde_json::{Value, json};
use uuid::Uuid;

/// Permissions of Graph: name, id as an application's role, id as a delegated scope.
const PERMISSIONS: &str = include_str!("permissions.txt");

/// Those of the applications whose principal the directory does not have itself.
pub(super) fn all(directory: &Directory, tenant: Uuid) -> impl Iterator<Item = Object> {
    let programs = directory.applications.values();
    let programs = programs
        .filter(|app| {
            app.home_tenant == MICROSOFT_SERVICES && app.audience == Audience::MultipleTenants
        })
        .map(|app| (app.app_id, app.name.as_str(), Vec::new()));
    let resources = first_party_resources().map(|resource| {
        let names: Vec<String> = resource.written_names().collect();
        (resource.app_id, resource.title, names)
    });
    let own = move |app_id| directory.service_principal_of(tenant, app_id).is_some();
    programs
        .chain(resources)
        .filter(move |(app_id, _, _)| !own(*app_id))
        .map(move |(app_id, name, names)| principal(tenant, app_id, name, names))
}

fn principal(tenant: Uuid, app_id: Uuid, name: &str, mut names: Vec<String>) -> Object {
    names.push(app_id.to_string());
    let known = json!({
        "appDisplayName": name,
        "appId": app_id,
        "appOwnerOrganizationId": MICROSOFT_SERVICES,
        "appRoles": if app_id == GRAPH { roles() } else { Vec::new() },
        "displayName": name,
        "oauth2PermissionScopes": if app_id == GRAPH { scopes() } else { Vec::new() },
        "servicePrincipalNames": names,
        "servicePrincipalType": "Application",
        "signInAudience": "AzureADMultipleOrgs",
    });
    let id = derived_id(&[tenant.as_bytes(), app_id.as_bytes()]);
    object(Kind::ServicePrincipal, id, known)
}

/// The permissions with an id in a column.
fn permissions(column: usize) -> impl Iterator<Item = (&'static str, &'static str)> {
    PERMISSIONS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(move |line| {
            let mut columns = line.split('|').map(str::trim);
            let name = columns.next()?;
            columns
                .nth(column)
                .filter(|id| *id != "-")
                .map(|id| (name, id))
        })
}

fn roles() -> Vec<Value> {
    permissions(0)
        .map(|(name, id)| {
            json!({
                "allowedMemberTypes": ["Application"],
                "description": name,
                "displayName": name,
                "id": id,
                "isEnabled": true,
                "origin": "Application",
                "value": name,
            })
        })
        .collect()
}

fn scopes() -> Vec<Value> {
    permissions(1)
        .map(|(name, id)| {
            json!({
                "adminConsentDescription": name,
                "adminConsentDisplayName": name,
                "id": id,
                "isEnabled": true,
                "type": "Admin",
                "userConsentDescription": null,
                "userConsentDisplayName": null,
                "value": name,
            })
        })
        .collect()
}
