//! The directory objects that Graph returns: applications, service principals, users, groups, the
//! organization.

use crate::{
    directory::{Application, Directory, Group, ServicePrincipal, ServicePrincipalKind, User},
    front_door::Routes,
    graph::{
        access::authorize,
        response::{GraphError, GraphTrace},
    },
    world::World,
};
use axum::{
    body::Bytes,
    extract::{Path, Query, State},
    response::Response,
};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// A kind of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    Applications,
    ServicePrincipals,
    Users,
    Groups,
}

impl Set {
    pub(super) const ALL: [Self; 4] = [
        Self::Applications,
        Self::ServicePrincipals,
        Self::Users,
        Self::Groups,
    ];

    /// The segment in the path.
    fn segment(self) -> &'static str {
        match self {
            Self::Applications => "applications",
            Self::ServicePrincipals => "servicePrincipals",
            Self::Users => "users",
            Self::Groups => "groups",
        }
    }

    /// The application permissions that allow reading, the least one first ('Microsoft Graph
    /// permissions reference').
    fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::Applications | Self::ServicePrincipals => &[
                "Application.Read.All",
                "Application.ReadWrite.All",
                "Directory.Read.All",
            ],
            Self::Users => &["User.Read.All", "Directory.Read.All"],
            Self::Groups => &["Group.Read.All", "Directory.Read.All"],
        }
    }

    /// The objects of this kind in a tenant.
    fn objects(self, directory: &Directory, tenant: Uuid) -> Vec<Value> {
        match self {
            Self::Applications => {
                let all = directory.applications.values();
                all.filter(|app| app.home_tenant == tenant)
                    .map(application)
                    .collect()
            }
            Self::ServicePrincipals => {
                let all = directory.service_principals.values();
                all.filter(|sp| sp.tenant == tenant)
                    .map(service_principal)
                    .collect()
            }
            Self::Users => directory
                .users
                .values()
                .filter(|u| u.tenant == tenant)
                .map(user)
                .collect(),
            Self::Groups => directory
                .groups
                .values()
                .filter(|g| g.tenant == tenant)
                .map(group)
                .collect(),
        }
    }
}

#[derive(Deserialize)]
struct ListQuery {
    #[serde(rename = "$filter")]
    filter: Option<String>,
    #[serde(rename = "$top")]
    top: Option<usize>,
}

/// `GET /v1.0/SET`: the objects of the caller's tenant that match a filter.
fn list(set: Set, world: &World, headers: &HeaderMap, query: &ListQuery) -> Response {
    let trace = GraphTrace::new(world, headers);
    let found = authorize(world, headers, set.permissions()).and_then(|caller| {
        let filter = query
            .filter
            .as_deref()
            .map(GraphFilter::parse)
            .transpose()?;
        let mut objects = set.objects(&world.directory(), caller.tenant);
        objects.retain(|object| {
            filter
                .as_ref()
                .is_none_or(|filter| filter.lets_through(object))
        });
        objects.truncate(query.top.unwrap_or(usize::MAX));
        Ok(objects)
    });
    match found {
        Ok(objects) => trace.answer(json!({
            "@odata.context": format!("https://graph.microsoft.com/v1.0/$metadata#{}", set.segment()),
            "value": objects,
        })),
        Err(error) => error.into_response(&trace),
    }
}

/// `GET /v1.0/SET/ID`: one object by its object id; a user also by the sign-in name.
fn one(set: Set, world: &World, headers: &HeaderMap, id: &str) -> Response {
    let trace = GraphTrace::new(world, headers);
    let found = authorize(world, headers, set.permissions()).and_then(|caller| {
        let is_it = |object: &Value, name: &str| {
            object[name]
                .as_str()
                .is_some_and(|value| value.eq_ignore_ascii_case(id))
        };
        set.objects(&world.directory(), caller.tenant)
            .into_iter()
            .find(|object| is_it(object, "id") || is_it(object, "userPrincipalName"))
            .ok_or_else(|| GraphError::not_found(id))
    });
    match found {
        Ok(object) => trace.answer(object),
        Err(error) => error.into_response(&trace),
    }
}

/// `GET /v1.0/organization`: the caller's tenant.
pub(super) async fn organization(State(world): State<Arc<World>>, headers: HeaderMap) -> Response {
    let trace = GraphTrace::new(&world, &headers);
    let needed = ["Organization.Read.All", "Directory.Read.All"];
    let caller = match authorize(&world, &headers, &needed) {
        Ok(caller) => caller,
        Err(error) => return error.into_response(&trace),
    };
    let directory = world.directory();
    let tenants: Vec<Value> = directory
        .tenants
        .get(&caller.tenant)
        .into_iter()
        .map(|tenant| {
            let domains: Vec<Value> = tenant
                .domains
                .iter()
                .enumerate()
                .map(|(at, name)| {
                    json!({
                        "name": name,
                        "isDefault": at == 0,
                        "isInitial": name.ends_with(".onmicrosoft.com"),
                        "type": "Managed",
                    })
                })
                .collect();
            json!({
                "id": tenant.id,
                "displayName": tenant.name,
                "countryLetterCode": tenant.country,
                "verifiedDomains": domains,
            })
        })
        .collect();
    trace.answer(json!({ "value": tenants }))
}

#[derive(Deserialize)]
struct ByIds {
    ids: Vec<String>,
}

/// `POST /v1.0/directoryObjects/getByIds`: those of the objects that exist, of any kind.
pub(super) async fn by_ids(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let trace = GraphTrace::new(&world, &headers);
    let caller = match authorize(&world, &headers, &["Directory.Read.All"]) {
        Ok(caller) => caller,
        Err(error) => return error.into_response(&trace),
    };
    let Ok(requested) = serde_json::from_slice::<ByIds>(&body) else {
        return GraphError::unreadable().into_response(&trace);
    };
    let directory = world.directory();
    let found: Vec<Value> = Set::ALL
        .into_iter()
        .flat_map(|set| set.objects(&directory, caller.tenant))
        .filter(|object| {
            requested.ids.iter().any(|id| {
                object["id"]
                    .as_str()
                    .is_some_and(|value| value.eq_ignore_ascii_case(id))
            })
        })
        .collect();
    trace.answer(json!({ "value": found }))
}

/// `PROPERTY eq 'VALUE'` or `PROPERTY/any(x:x eq 'VALUE')`, with which tools find one object. Other
/// filters are rejected, as Graph rejects unknown ones.
struct GraphFilter {
    property: &'static str,
    value: String,
}

/// The properties that a filter can use.
const FILTERABLE: &[&str] = &[
    "appId",
    "displayName",
    "id",
    "identifierUris",
    "servicePrincipalNames",
    "userPrincipalName",
];

impl GraphFilter {
    fn parse(text: &str) -> Result<Self, GraphError> {
        Self::read(text.trim()).ok_or_else(GraphError::bad_filter)
    }

    fn read(text: &str) -> Option<Self> {
        let (property, value) = match text.split_once("/any(") {
            Some((property, lambda)) => {
                let (variable, test) = lambda.strip_suffix(')')?.split_once(':')?;
                let (tested, value) = test.split_once(" eq ")?;
                (variable.trim() == tested.trim()).then_some((property, value))?
            }
            None => text.split_once(" eq ")?,
        };
        let property = FILTERABLE.iter().find(|name| **name == property.trim())?;
        let value = value.trim();
        let quoted = value.strip_prefix('\'').and_then(|v| v.strip_suffix('\''));
        let value = match quoted {
            // In a string, a quote is doubled ('OData system query options').
            Some(value) => value.replace("''", "'"),
            None => Uuid::try_parse(value).ok()?.to_string(),
        };
        Some(Self { property, value })
    }

    fn lets_through(&self, object: &Value) -> bool {
        let is_it = |value: &Value| {
            value
                .as_str()
                .is_some_and(|v| v.eq_ignore_ascii_case(&self.value))
        };
        match &object[self.property] {
            Value::Array(values) => values.iter().any(is_it),
            value => is_it(value),
        }
    }
}

fn application(app: &Application) -> Value {
    let audience = match app.audience {
        crate::directory::Audience::SingleTenant => "AzureADMyOrg",
        crate::directory::Audience::MultipleTenants => "AzureADMultipleOrgs",
    };
    let passwords: Vec<Value> = app
        .secrets
        .iter()
        .map(|secret| {
            json!({
                "keyId": secret.id,
                "displayName": secret.name,
                "hint": secret.hint(),
                "endDateTime": secret.expires.format(&Rfc3339).unwrap_or_default(),
                "secretText": null,
            })
        })
        .collect();
    let keys: Vec<Value> = app
        .certificates
        .iter()
        .map(|certificate| {
            json!({
                "keyId": certificate.id,
                "type": "AsymmetricX509Cert",
                "usage": "Verify",
            })
        })
        .collect();
    json!({
        "@odata.type": "#microsoft.graph.application",
        "id": app.object_id,
        "appId": app.app_id,
        "displayName": app.name,
        "signInAudience": audience,
        "identifierUris": app.identifier_uris,
        "isFallbackPublicClient": app.public_client,
        "api": { "requestedAccessTokenVersion": app.access_token_version },
        "passwordCredentials": passwords,
        "keyCredentials": keys,
    })
}

fn service_principal(sp: &ServicePrincipal) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.servicePrincipal",
        "id": sp.id,
        "appId": sp.app_id,
        "displayName": sp.name,
        "appDisplayName": sp.name,
        "accountEnabled": sp.enabled,
        "servicePrincipalType": match sp.kind {
            ServicePrincipalKind::Application => "Application",
            ServicePrincipalKind::ManagedIdentity => "ManagedIdentity",
        },
        "servicePrincipalNames": [sp.app_id],
    })
}

pub(super) fn user(user: &User) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.user",
        "id": user.id,
        "displayName": user.name,
        "userPrincipalName": user.user_principal_name,
        "accountEnabled": user.enabled,
    })
}

fn group(group: &Group) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.group",
        "id": group.id,
        "displayName": group.name,
        "securityEnabled": true,
        "mailEnabled": false,
    })
}

/// The routes of a kind: its list and its objects.
pub(super) fn routes(set: Set, routes: Routes<Arc<World>>) -> Routes<Arc<World>> {
    use axum::routing::get;
    let all =
        move |State(world): State<Arc<World>>,
              headers: HeaderMap,
              Query(query): Query<ListQuery>| async move { list(set, &world, &headers, &query) };
    let by_id = move |State(world): State<Arc<World>>,
                      headers: HeaderMap,
                      Path(id): Path<String>| async move {
        one(set, &world, &headers, &id)
    };
    routes
        .route(&format!("/v1.0/{}", set.segment()), get(all))
        .route(&format!("/v1.0/{}/{{id}}", set.segment()), get(by_id))
}
