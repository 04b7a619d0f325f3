//! The directory's objects in Graph's form. What the directory does not know has the value of the
//! tables in `shapes`.

use crate::{
    directory::{
        Application, Audience, Deleted, DeletedObject, Directory, Group, ServicePrincipal,
        ServicePrincipalKind, Tenant, User,
    },
    graph::{
        credentials::{federated_credential, key_credential, password_credential, seconds},
        first_party,
        ids::security_identifier,
        key::Key,
        kind::Kind,
        options::no_property,
        response::GraphError,
        roles,
    },
    replication::{Replication, View},
    resources::{Resource, Resources, USER_ASSIGNED_TYPE, identity_of},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use time::OffsetDateTime;
use uuid::Uuid;

/// An object with all its properties.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) kind: Kind,
    pub(super) id: Uuid,
    pub(super) properties: Map<String, Value>,
}

/// When everything in a seed was created: a seed does not say it.
pub(super) const CREATED: &str = "2024-01-01T00:00:00Z";

/// Where an application has its redirect URIs. A seed's are in the first place, and those of a
/// public client in the second.
pub(super) const REDIRECT_PLACES: &[&str] = &["web", "publicClient", "spa"];

/// The objects of one tenant.
pub(super) struct Objects<'a> {
    pub(super) directory: &'a Directory,
    pub(super) resources: &'a Resources,
    pub(super) replication: &'a Replication,
    pub(super) tenant: Uuid,
}

impl Objects<'_> {
    /// All objects of a kind, in the order of their ids.
    pub(super) fn all(&self, kind: Kind) -> Vec<Object> {
        let directory = self.directory;
        let mut found: Vec<Object> = match kind {
            Kind::Application => {
                let own = directory.applications.values();
                own.filter(|app| app.home_tenant == self.tenant)
                    .map(|app| self.application(app))
                    .collect()
            }
            Kind::ServicePrincipal => {
                let all = directory.service_principals.values();
                let mut all: Vec<Object> = all
                    .filter(|sp| sp.tenant == self.tenant)
                    .map(|sp| self.service_principal(sp))
                    .collect();
                all.extend(first_party::all(directory, self.tenant));
                all
            }
            Kind::User => {
                let all = directory.users.values();
                all.filter(|user| user.tenant == self.tenant)
                    .map(|user| self.user(user))
                    .collect()
            }
            Kind::Group => {
                let all = directory.groups.values();
                all.filter(|group| group.tenant == self.tenant)
                    .map(group)
                    .collect()
            }
            Kind::Organization => {
                let tenant = directory.tenants.get(&self.tenant);
                tenant.into_iter().map(organization).collect()
            }
            Kind::DirectoryObject => {
                let kinds = Kind::OBJECTS.into_iter();
                kinds.flat_map(|kind| self.all(kind)).collect()
            }
            Kind::FederatedCredential => Vec::new(),
            Kind::AuthorizationPolicy => {
                let tenant = directory.tenants.get(&self.tenant);
                tenant.into_iter().map(roles::policy).collect()
            }
            Kind::DirectoryRole => roles::of_tenant(self),
            Kind::RoleAssignment => roles::assignments(self),
            Kind::RoleDefinition => roles::definitions(),
            Kind::DeletedItem => {
                let all = directory.deleted.values();
                let own = all.filter(|deleted| deleted.tenant() == self.tenant);
                own.map(|deleted| self.deleted(deleted)).collect()
            }
        };
        found.sort_by_key(|object| object.id);
        found
    }

    /// The object that a path names.
    pub(super) fn find(&self, kind: Kind, key: &Key, caller: Uuid) -> Result<Object, GraphError> {
        let text = match key {
            Key::Me => caller.to_string(),
            Key::Id(text) | Key::Other(_, text) => text.clone(),
        };
        let id = Uuid::try_parse(&text).ok();
        let property = match (key, kind) {
            (Key::Other(name, _), _) if kind.property(name).is_none() => {
                return Err(GraphError::bad_request(no_property(kind, name)));
            }
            (Key::Other(name, _), _) => Some(*name),
            (Key::Id(_), Kind::User) => Some("userPrincipalName"),
            (Key::Id(_), Kind::AuthorizationPolicy) => Some("id"),
            _ if id.is_none() => return Err(GraphError::invalid_id(&text)),
            _ => None,
        };
        let is_it = |object: &Object| {
            let value = property.and_then(|name| object.properties.get(name)?.as_str());
            let is_id = id == Some(object.id) && !matches!(key, Key::Other(..));
            is_id || value.is_some_and(|value| value.eq_ignore_ascii_case(&text))
        };
        let mut all = self.all(kind).into_iter();
        all.find(is_it)
            .filter(|object| self.sees(object))
            .ok_or_else(|| GraphError::not_found(&text))
    }

    /// Whether Graph sees an object already.
    pub(super) fn sees(&self, object: &Object) -> bool {
        !self.replication.misses(View::Graph, object.id)
    }

    /// The objects with these ids, in the order of their ids.
    pub(super) fn with_ids(&self, ids: &BTreeSet<Uuid>) -> Vec<Object> {
        let directory = self.directory;
        let users = ids.iter().filter_map(|id| directory.users.get(id));
        let groups = ids.iter().filter_map(|id| directory.groups.get(id));
        let principals = ids
            .iter()
            .filter_map(|id| directory.service_principals.get(id));
        let applications = directory.applications.values();
        let mut found: Vec<Object> = users
            .filter(|user| user.tenant == self.tenant)
            .map(|user| self.user(user))
            .collect();
        found.extend(
            groups
                .filter(|group| group.tenant == self.tenant)
                .map(group),
        );
        found.extend(
            principals
                .filter(|sp| sp.tenant == self.tenant)
                .map(|sp| self.service_principal(sp)),
        );
        found.extend(
            applications
                .filter(|app| app.home_tenant == self.tenant && ids.contains(&app.object_id))
                .map(|app| self.application(app)),
        );
        if found.len() < ids.len() {
            let roles = roles::of_tenant(self).into_iter();
            found.extend(roles.filter(|role| ids.contains(&role.id)));
            let made = first_party::all(directory, self.tenant);
            found.extend(made.filter(|principal| ids.contains(&principal.id)));
        }
        found.sort_by_key(|object| object.id);
        found
    }

    /// The federated credentials of an application.
    pub(super) fn federated_credentials(&self, application: Uuid) -> Vec<Object> {
        let mut all = self.directory.applications.values();
        let application = all.find(|app| app.object_id == application);
        application
            .into_iter()
            .flat_map(|app| {
                let all = app.federated_credentials.iter();
                all.map(federated_credential)
            })
            .collect()
    }

    pub(super) fn application(&self, app: &Application) -> Object {
        let tenant = self.directory.tenants.get(&app.home_tenant);
        let known = json!({
            "appId": app.app_id,
            "createdDateTime": created(app.created),
            "displayName": app.name,
            "identifierUris": app.identifier_uris,
            "isFallbackPublicClient": app.public_client.then_some(true),
            "keyCredentials": app.certificates.iter().map(key_credential).collect::<Vec<_>>(),
            "passwordCredentials": app.secrets.iter().map(password_credential).collect::<Vec<_>>(),
            "publisherDomain": tenant.map(Tenant::default_domain),
            "signInAudience": sign_in_audience(app),
        });
        let mut object = object(Kind::Application, app.object_id, known);
        // Version 1 is what an application has that names none.
        if app.access_token_version == 2 {
            object.properties["api"]["requestedAccessTokenVersion"] = 2.into();
        }
        let is_placed = |place: &&str| app.properties.contains_key(*place);
        if !REDIRECT_PLACES.iter().any(is_placed) {
            let place = REDIRECT_PLACES[usize::from(app.public_client)];
            object.properties[place]["redirectUris"] = json!(app.redirect_uris);
        }
        object.overlay(&app.properties)
    }

    pub(super) fn service_principal(&self, sp: &ServicePrincipal) -> Object {
        let app = self.directory.applications.get(&sp.app_id);
        let mut names: Vec<String> = app.map_or_else(Vec::new, |app| app.identifier_uris.clone());
        names.push(sp.app_id.to_string());
        // A principal's secrets have no hint.
        let own_secrets: Vec<Value> = sp
            .secrets
            .iter()
            .map(|secret| {
                let mut credential = password_credential(secret);
                credential["hint"] = Value::Null;
                credential
            })
            .collect();
        let kind = match sp.kind {
            ServicePrincipalKind::Application => "Application",
            ServicePrincipalKind::ManagedIdentity => "ManagedIdentity",
        };
        let known = json!({
            "accountEnabled": sp.enabled,
            "alternativeNames": self.alternative_names(sp),
            "appDisplayName": app.map(|app| app.name.as_str()),
            "appId": sp.app_id,
            "appOwnerOrganizationId": app.map(|app| app.home_tenant),
            "createdDateTime": created(sp.created),
            "displayName": sp.name,
            "keyCredentials": sp.certificates.iter().map(key_credential).collect::<Vec<_>>(),
            "passwordCredentials": own_secrets,
            "replyUrls": app.map_or(&[][..], |app| &app.redirect_uris),
            "servicePrincipalNames": names,
            "servicePrincipalType": kind,
            "signInAudience": app.map(sign_in_audience),
        });
        let mut object = object(Kind::ServicePrincipal, sp.id, known).overlay(&sp.properties);
        // Those of the application count for its principal too ('servicePrincipal resource type').
        let of_app = app.and_then(|app| app.properties.get("tags")?.as_array());
        if let Some(tags) = object.properties["tags"].as_array_mut() {
            let more = of_app.into_iter().flatten();
            let more: Vec<Value> = more.filter(|tag| !tags.contains(tag)).cloned().collect();
            tags.extend(more);
        }
        object
    }

    /// An object that was deleted, with the time.
    fn deleted(&self, deleted: &Deleted) -> Object {
        let mut object = match &deleted.object {
            DeletedObject::Application(app) => self.application(app),
            DeletedObject::ServicePrincipal(sp) => self.service_principal(sp),
            DeletedObject::Group(deleted) => group(deleted),
            DeletedObject::User(user) => self.user(user),
        };
        let name = "deletedDateTime".to_owned();
        object.properties.insert(name, seconds(deleted.on).into());
        object
    }

    /// A managed identity names the resource that it is, or that has it.
    fn alternative_names(&self, sp: &ServicePrincipal) -> Vec<String> {
        let mut all = self.resources.resources();
        let is_its =
            |resource: &&Resource| identity_of(resource).is_some_and(|(id, _)| id == sp.id);
        let Some(resource) = all.find(is_its) else {
            return Vec::new();
        };
        let explicit = match resource.is_a(USER_ASSIGNED_TYPE) {
            true => "isExplicit=True",
            false => "isExplicit=False",
        };
        vec![explicit.to_owned(), resource.id.to_string()]
    }

    pub(super) fn user(&self, user: &User) -> Object {
        let home = user
            .guest_of
            .and_then(|home| self.directory.users.get(&home));
        let name = &user.user_principal_name;
        let tenant = self.directory.tenants.get(&user.tenant);
        let created = created(user.created);
        let valid_from = user.sessions_valid_from.map(seconds);
        let known = json!({
            "accountEnabled": user.enabled,
            "createdDateTime": created,
            "creationType": home.map(|_| "Invitation"),
            "displayName": user.name,
            "externalUserState": home.map(|_| "Accepted"),
            "identities": [{
                "signInType": "userPrincipalName",
                "issuer": tenant.map(Tenant::default_domain),
                "issuerAssignedId": name,
            }],
            "mail": home.map(|home| home.user_principal_name.as_str()),
            "mailNickname": name.split('@').next(),
            "securityIdentifier": security_identifier(user.id),
            "signInSessionsValidFromDateTime": valid_from.unwrap_or(created),
            "userPrincipalName": name,
            "userType": if home.is_some() { "Guest" } else { "Member" },
        });
        object(Kind::User, user.id, known).overlay(&user.properties)
    }
}

impl Object {
    /// The object with what was written to it and means nothing here.
    fn overlay(mut self, properties: &Map<String, Value>) -> Self {
        for (name, value) in properties {
            merge(self.properties.entry(name).or_insert(Value::Null), value);
        }
        self
    }
}

/// Writes a value over another one: of an object, its members only.
pub(super) fn merge(into: &mut Value, value: &Value) {
    match (into, value) {
        (Value::Object(into), Value::Object(members)) => {
            for (name, value) in members {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, value) => *into = value.clone(),
    }
}

/// When something was created.
fn created(time: Option<OffsetDateTime>) -> String {
    time.map_or_else(|| CREATED.to_owned(), seconds)
}

/// An object of which these properties are known.
pub(super) fn object(kind: Kind, id: Uuid, known: Value) -> Object {
    let mut known = match known {
        Value::Object(known) => known,
        _ => Map::new(),
    };
    known.entry("id").or_insert_with(|| json!(id));
    Object {
        kind,
        id,
        properties: kind.fill(known),
    }
}

pub(super) fn group(group: &Group) -> Object {
    let nickname: String = group
        .name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let created = created(group.created);
    let known = json!({
        "createdDateTime": created,
        "displayName": group.name,
        "mailNickname": nickname,
        "renewedDateTime": created,
        "securityIdentifier": security_identifier(group.id),
    });
    object(Kind::Group, group.id, known).overlay(&group.properties)
}

fn organization(tenant: &Tenant) -> Object {
    let domains: Vec<Value> = tenant
        .domains
        .iter()
        .enumerate()
        .map(|(at, name)| {
            json!({
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": at == 0,
                "isInitial": name.ends_with(".onmicrosoft.com"),
                "name": name,
                "type": "Managed",
            })
        })
        .collect();
    let known = json!({
        "countryLetterCode": tenant.country,
        "createdDateTime": CREATED,
        "displayName": tenant.name,
        "verifiedDomains": domains,
    });
    object(Kind::Organization, tenant.id, known)
}

fn sign_in_audience(app: &Application) -> &'static str {
    match app.audience {
        Audience::SingleTenant => "AzureADMyOrg",
        Audience::MultipleTenants => "AzureADMultipleOrgs",
    }
}
