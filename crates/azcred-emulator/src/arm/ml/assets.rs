//! Assets with versions: codes, environments, data, components and models.
//!
//! A version is a resource. A container, such as `environments/NAME`, is nothing but its versions.

use super::{
    Ml, Part, codes, components, data, environments,
    error::MlError,
    uploads,
    view::{self, text},
};
use crate::{
    arm::{response::ArmResponse, wire},
    resources::{Resource, Scope},
};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use std::cmp::Reverse;

/// A kind of asset.
pub(super) struct Kind {
    /// The segment of the path.
    pub(super) path: &'static str,
    /// The members that a version has, from what was sent.
    pub(super) complete: Complete,
    /// The refusal of a name, or of a version of a name, that does not exist.
    pub(super) missing: fn(&str, Option<&str>) -> MlError,
    /// Whether a version is final: a second PUT returns the first one.
    pub(super) is_final: bool,
    /// The members of `systemData`.
    pub(super) system_data: &'static [&'static str],
}

type Complete = fn(&Ml<'_>, &Map<String, Value>) -> Result<Map<String, Value>, MlError>;

const ALL_DATA: &[&str] = &[
    "createdAt",
    "createdBy",
    "createdByType",
    "lastModifiedAt",
    "lastModifiedBy",
    "lastModifiedByType",
];

const KINDS: [Kind; 5] = [
    Kind {
        path: "codes",
        complete: codes::complete,
        missing: codes::missing,
        is_final: false,
        system_data: ALL_DATA,
    },
    Kind {
        path: "environments",
        complete: environments::complete,
        missing: environments::missing,
        is_final: false,
        system_data: ALL_DATA,
    },
    Kind {
        path: "data",
        complete: data::complete,
        missing: data::missing,
        is_final: false,
        system_data: &["createdAt", "createdBy", "createdByType", "lastModifiedAt"],
    },
    Kind {
        path: "components",
        complete: components::complete,
        missing: components::missing,
        is_final: true,
        system_data: ALL_DATA,
    },
    Kind {
        path: "models",
        complete: data::complete_model,
        missing: data::missing_model,
        is_final: false,
        system_data: ALL_DATA,
    },
];

/// The kind of a type below a workspace: `codes`, `codes/versions`.
pub(super) fn kind(path: &str) -> Option<&'static Kind> {
    let name = path.strip_suffix("/versions").unwrap_or(path);
    KINDS.iter().find(|kind| kind.path == name)
}

pub(super) fn serve(ml: &Ml<'_>, part: &Part) -> Result<ArmResponse, MlError> {
    let kind = kind(&part.kind).ok_or_else(|| ml.not_served())?;
    let names: Vec<&str> = part.names.iter().map(String::as_str).collect();
    match (names.as_slice(), &ml.call.method, part.action.as_deref()) {
        ([], &Method::GET, None) => containers(ml, kind),
        ([name], &Method::GET, None) if part.is_list => versions(ml, kind, name),
        ([name], &Method::GET, None) => container(ml, kind, name),
        ([name, version], &Method::GET, None) => {
            let found = find(ml, kind, name, version)?;
            Ok(ArmResponse::ok(view_of(ml, kind, &found)))
        }
        ([name, version], &Method::PUT, None) => put(ml, kind, name, version),
        ([name, version], &Method::DELETE, None) => {
            let id = ml.child(&format!("{}/{name}/versions/{version}", kind.path))?;
            let gone = ml.world.resources_mut().remove_resource(&id);
            Ok(ArmResponse::empty(match gone {
                Some(_) => StatusCode::OK,
                None => StatusCode::NO_CONTENT,
            }))
        }
        ([name, version], &Method::POST, Some("startpendingupload")) => {
            uploads::start(ml, kind, name, version)
        }
        _ => Err(ml.not_served()),
    }
}

/// A version of an asset.
pub(super) fn find(
    ml: &Ml<'_>,
    kind: &Kind,
    name: &str,
    version: &str,
) -> Result<Resource, MlError> {
    let id = ml.child(&format!("{}/{name}/versions/{version}", kind.path))?;
    let found = ml.content(|all| all.resource(&id).cloned());
    found.ok_or_else(|| (kind.missing)(name, Some(version)))
}

/// The versions of one name, or of all names, newest first.
fn all_versions(ml: &Ml<'_>, kind: &Kind, name: Option<&str>) -> Result<Vec<Resource>, MlError> {
    let within = match name {
        Some(name) => ml.child(&format!("{}/{name}", kind.path))?,
        None => ml.workspace.id.clone(),
    };
    let resource_type = ml.type_of(&format!("{}/versions", kind.path));
    let mut found: Vec<Resource> = ml.content(|all| {
        let found = all.resources_in(&within);
        let found = found.filter(|one| one.is_a(&resource_type));
        found.cloned().collect()
    });
    found.sort_by_key(|one| {
        let data = one.system_data.as_ref();
        let number: Option<u64> = one.id.name().parse().ok();
        Reverse((data.map(|data| data.created_at), number))
    });
    Ok(found)
}

fn name_of(version: &Resource) -> &str {
    let mut segments = version.id.segments().collect::<Vec<_>>();
    segments.truncate(segments.len().saturating_sub(2));
    segments.pop().unwrap_or_default()
}

/// Whether a query wants this one: `listViewType` leaves out what is archived, or all else.
fn is_wanted(ml: &Ml<'_>, version: &Resource) -> bool {
    let archived = version.properties.get("isArchived") == Some(&Value::Bool(true));
    match ml.call.query("listViewType") {
        Some(kind) if kind.eq_ignore_ascii_case("All") => true,
        Some(kind) if kind.eq_ignore_ascii_case("ArchivedOnly") => archived,
        _ => !archived,
    }
}

fn versions(ml: &Ml<'_>, kind: &Kind, name: &str) -> Result<ArmResponse, MlError> {
    if let (Some(hash), "codes") = (ml.call.query("hash"), kind.path) {
        return codes::by_hash(ml, kind, hash);
    }
    let mut found = all_versions(ml, kind, Some(name))?;
    if found.is_empty() {
        return Err((kind.missing)(name, None));
    }
    found.retain(|one| is_wanted(ml, one));
    if let Some(order) = ml.call.query("$orderBy")
        && !order.to_lowercase().ends_with("desc")
    {
        found.reverse();
    }
    list(ml, kind, found)
}

/// A list. `$top` cuts it, and nothing says that there is more, as in Azure.
pub(super) fn list(
    ml: &Ml<'_>,
    kind: &Kind,
    mut found: Vec<Resource>,
) -> Result<ArmResponse, MlError> {
    if let Some(top) = ml.call.query("$top") {
        let top = top.parse().map_err(|_| {
            let message = format!("The value '{top}' is not valid for $top.");
            MlError::user(StatusCode::BAD_REQUEST, &["BadArgument"], message)
        })?;
        found.truncate(top);
    }
    let found = found.iter().map(|one| view_of(ml, kind, one));
    Ok(ArmResponse::ok(json!({"value": found.collect::<Vec<_>>()})))
}

/// All versions of all names that have this hash, newest first.
pub(super) fn with_hash(
    ml: &Ml<'_>,
    kind: &Kind,
    is_it: impl Fn(&Map<String, Value>) -> bool,
) -> Result<Vec<Resource>, MlError> {
    let mut found = all_versions(ml, kind, None)?;
    found.retain(|one| {
        let properties = one.properties.get("properties");
        properties.and_then(Value::as_object).is_some_and(&is_it)
    });
    Ok(found)
}

fn containers(ml: &Ml<'_>, kind: &Kind) -> Result<ArmResponse, MlError> {
    let all = all_versions(ml, kind, None)?;
    let mut names: Vec<String> = Vec::new();
    for version in all.iter().filter(|one| is_wanted(ml, one)) {
        let name = name_of(version);
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name.to_owned());
        }
    }
    let views = names.iter().map(|name| {
        let own = all
            .iter()
            .filter(|one| name_of(one).eq_ignore_ascii_case(name));
        container_view(ml, kind, &own.collect::<Vec<_>>())
    });
    Ok(ArmResponse::list(
        ml.world,
        ml.call,
        views.collect::<Result<_, _>>()?,
    )?)
}

fn container(ml: &Ml<'_>, kind: &Kind, name: &str) -> Result<ArmResponse, MlError> {
    let own = all_versions(ml, kind, Some(name))?;
    if own.is_empty() {
        return Err((kind.missing)(name, None));
    }
    let own: Vec<&Resource> = own.iter().collect();
    Ok(ArmResponse::ok(container_view(ml, kind, &own)?))
}

/// A container, by its versions, newest first.
fn container_view(ml: &Ml<'_>, kind: &Kind, own: &[&Resource]) -> Result<Value, MlError> {
    let newest = own.first().ok_or_else(|| ml.not_served())?;
    let name = name_of(newest);
    let numbers = own
        .iter()
        .filter_map(|one| one.id.name().parse::<u64>().ok());
    let next = numbers.max().unwrap_or(0).saturating_add(1);
    let mut properties = json!({
        "description": null,
        "tags": {},
        "properties": {},
        "isArchived": false,
        "latestVersion": newest.id.name(),
        "nextVersion": next.to_string(),
    });
    if let Some(data_type) = newest.properties.get("dataType") {
        properties["dataType"] = data_type.clone();
    }
    let data = own.last().and_then(|first| first.system_data.as_ref());
    Ok(json!({
        "id": ml.shown_id(&ml.child(&format!("{}/{name}", kind.path))?),
        "name": name,
        "type": ml.type_of(kind.path),
        "properties": properties,
        "systemData": data.map(|data| view::system_data_with(data, kind.system_data)),
    }))
}

/// A version as its clients see it.
pub(super) fn view_of(ml: &Ml<'_>, kind: &Kind, version: &Resource) -> Value {
    let mut properties = version.properties.clone();
    if kind.path == "environments" && is_newest(ml, kind, version) {
        environments::label(&mut properties);
    }
    let data = version.system_data.as_ref();
    json!({
        "id": ml.shown_id(&version.id),
        "name": version.id.name(),
        "type": ml.type_of(&format!("{}/versions", kind.path)),
        "properties": properties,
        "systemData": data.map(|data| view::system_data_with(data, kind.system_data)),
    })
}

fn is_newest(ml: &Ml<'_>, kind: &Kind, version: &Resource) -> bool {
    let own = all_versions(ml, kind, Some(name_of(version)));
    own.is_ok_and(|own| own.first().is_some_and(|newest| newest.id == version.id))
}

fn put(ml: &Ml<'_>, kind: &Kind, name: &str, version: &str) -> Result<ArmResponse, MlError> {
    let given = view::properties(&ml.call.object()?);
    let id: Scope = ml.child(&format!("{}/{name}/versions/{version}", kind.path))?;
    let old = ml.world.resources().resource(&id).cloned();
    if let Some(old) = old.as_ref().filter(|_| kind.is_final) {
        return Ok(ml.created(&old.id, view_of(ml, kind, old)));
    }
    let properties = (kind.complete)(ml, &given)?;
    let mut made = old.clone().unwrap_or_else(|| Resource::new(id));
    made.properties = properties;
    wire::touch(&mut made, ml.caller, ml.now);
    ml.world.resources_mut().put_resource(made.clone());
    let body = view_of(ml, kind, &made);
    Ok(match old {
        Some(_) => ArmResponse::ok(body),
        None => ml.created(&made.id, body),
    })
}

/// The members that every version has. Tags and properties are texts: some clients send numbers.
pub(super) fn base(given: &Map<String, Value>) -> Map<String, Value> {
    let defaults = json!({
        "description": null,
        "tags": {},
        "properties": {},
        "isArchived": false,
        "isAnonymous": false,
    });
    let mut all = view::filled(given, defaults);
    for name in ["tags", "properties"] {
        if let Some(texts) = view::texts(given, name) {
            all.insert(name.to_owned(), json!(texts));
        }
    }
    all
}

/// What a version must have.
pub(super) fn required<'a>(given: &'a Map<String, Value>, name: &str) -> Result<&'a str, MlError> {
    text(given, name).ok_or_else(|| {
        MlError::invalid(&[format!(
            "Required property '{name}' not found in JSON. Path 'properties'."
        )])
    })
}
