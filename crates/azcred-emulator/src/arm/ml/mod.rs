//! What an Azure Machine Learning workspace contains: datastores, computes, assets and jobs.
//!
//! Token and right were checked before, as for every other request. Shapes and refusals follow
//! recorded conversations: `interop/recorded/ml.jsonl`.

mod assets;
mod codes;
mod components;
mod computes;
mod data;
mod datastores;
mod environments;
mod error;
mod job_body;
mod job_references;
mod job_steps;
mod job_view;
mod jobs;
mod registries;
mod since;
mod uploads;
mod view;

pub(super) use self::registries::serve as serve_registry;
pub(crate) use self::registries::{AZUREML, not_there as registry_not_there};

use self::error::MlError;
use super::{
    access::{self, Caller},
    call::Call,
    error::ArmError,
    response::ArmResponse,
    route::Target,
};
use crate::{
    resources::{Resource, Resources, Scope, WORKSPACE_TYPE},
    service::Service,
    world::World,
};
use http::{
    StatusCode,
    header::{self, HeaderName},
};
use serde_json::Value;
use time::OffsetDateTime;

/// The region of a workspace that has none.
const REGION: &str = "westeurope";

/// A request for something in a workspace.
struct Ml<'a> {
    world: &'a World,
    call: &'a Call,
    caller: &'a Caller,
    version: &'a str,
    /// The workspace, as it is stored, or a registry.
    workspace: Resource,
    /// What the registry contains. A workspace's content is in the world.
    registry: Option<Resources>,
    now: OffsetDateTime,
}

/// What of a workspace a request is for.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    /// Or the registry.
    workspace: Scope,
    /// The type below the workspace, in lower case: `environments/versions`.
    kind: String,
    /// The names on the path. For a list, without the last one.
    names: Vec<String>,
    /// A POST to this action.
    action: Option<String>,
    is_list: bool,
}

impl Part {
    /// The part of a workspace that a target is, or of a resource of another type.
    fn of(target: &Target, whole: &str) -> Option<Self> {
        let (id, kind, action, is_list) = match target {
            Target::Item(id) => (id, id.resource_type()?, None, false),
            Target::ItemAction(id, action) => {
                (id, id.resource_type()?, Some(action.to_lowercase()), false)
            }
            Target::Collection {
                parent,
                resource_type,
            } => (parent, resource_type.clone(), None, true),
            _ => return None,
        };
        let kind = kind.to_lowercase();
        let kind = kind.strip_prefix(&whole.to_lowercase())?;
        let kind = kind.strip_prefix('/')?.to_owned();
        let way = id.path_ancestry();
        let at = way.iter().position(|step| {
            let found = step.resource_type();
            found.is_some_and(|found| found.eq_ignore_ascii_case(whole))
        })?;
        let names = way[..at].iter().rev().map(|step| step.name().to_owned());
        Some(Self {
            workspace: way[at].clone(),
            kind,
            names: names.collect(),
            action,
            is_list,
        })
    }
}

/// Serves what a workspace contains. `None`: the target is something else.
pub(super) fn serve(
    world: &World,
    call: &Call,
    caller: &Caller,
    target: &Target,
    version: &str,
) -> Option<Result<ArmResponse, ArmError>> {
    let part = Part::of(target, WORKSPACE_TYPE)?;
    let answer: fn(&Ml<'_>, &Part) -> Result<ArmResponse, MlError> = match part.kind.as_str() {
        "jobs" => jobs::serve,
        "computes" => computes::serve,
        "datastores" => datastores::serve,
        kind if assets::kind(kind).is_some() => assets::serve,
        _ => return None,
    };
    let workspace = {
        let resources = world.resources();
        if let Err(error) = access::exists(&resources, &part.workspace) {
            let is_parent = part.is_list && error.code == "ResourceNotFound";
            return Some(Err(if is_parent {
                let kind = format!("workspaces/{}", part.kind);
                ArmError::parent_not_found("read", &kind, &part.workspace.to_string())
            } else {
                error
            }));
        }
        resources.resource(&part.workspace)?.clone()
    };
    let ml = Ml {
        world,
        call,
        caller,
        version,
        workspace,
        registry: None,
        now: world.clock.now(),
    };
    Some(ml.sign(answer(&ml, &part)))
}

impl Ml<'_> {
    fn region(&self) -> &str {
        self.workspace.location.as_deref().unwrap_or(REGION)
    }

    /// The workspace's GUID.
    fn workspace_id(&self) -> &str {
        let id = self.workspace.properties.get("workspaceId");
        id.and_then(Value::as_str).unwrap_or_default()
    }

    /// The storage account of the workspace, by its name.
    fn account(&self) -> Option<&str> {
        let id = self.workspace.properties.get("storageAccount")?.as_str()?;
        id.rsplit('/').next()
    }

    /// The address of the blobs of a storage account.
    fn blob_address(&self, account: &str) -> String {
        let entrance = &self.call.entrance;
        match entrance.real_name {
            Some(_) => format!("https://{account}.blob.{}", entrance.cloud.storage_domain()),
            None => format!("{}/{account}", self.world.urls().blob),
        }
    }

    /// The id of something in the workspace, in the workspace's own spelling.
    fn child(&self, path: &str) -> Result<Scope, MlError> {
        self.workspace
            .id
            .child(path)
            .map_err(|error| ArmError::bad_request("InvalidResourceId", error.to_string()).into())
    }

    /// Reads what there is: in the world, or in the registry.
    fn content<T>(&self, read: impl FnOnce(&Resources) -> T) -> T {
        match &self.registry {
            Some(content) => read(content),
            None => read(&self.world.resources()),
        }
    }

    /// The id of something, as clients see it. What is in a registry has an address of its own.
    fn shown_id(&self, id: &Scope) -> String {
        let id = id.to_string();
        let within = id.strip_prefix(&format!("{}/", self.workspace.id));
        match within.filter(|_| self.registry.is_some()) {
            Some(path) => format!("azureml://registries/{}/{path}", self.workspace.id.name()),
            None => id,
        }
    }

    /// A type below the workspace, or below the registry.
    fn type_of(&self, path: &str) -> String {
        let whole = match self.registry {
            Some(_) => "registries",
            None => "workspaces",
        };
        format!("Microsoft.MachineLearningServices/{whole}/{path}")
    }

    fn not_served(&self) -> MlError {
        ArmError::not_served(&self.call.method, &self.call.scope_text()).into()
    }

    /// 201 with the address of what was made.
    fn created(&self, id: &Scope, body: Value) -> ArmResponse {
        let base = self
            .world
            .urls()
            .for_client(Service::Arm, &self.call.entrance);
        let address = format!("{base}{id}?{}", self.call.query_text());
        ArmResponse::with(StatusCode::CREATED, body).header(header::LOCATION, address)
    }

    /// Adds the headers of the service to its answer.
    fn sign(&self, answer: Result<ArmResponse, MlError>) -> Result<ArmResponse, ArmError> {
        match answer {
            Ok(mut done) => {
                if let Some(body) = &mut done.body {
                    since::leave_out(body, self.version);
                }
                done.headers.extend(self.headers("standard"));
                Ok(done)
            }
            Err(error) => {
                let kind = match &error {
                    MlError::Problem(_) => "error",
                    MlError::Nothing => "standard",
                    MlError::Arm(_) => return Err(error.in_region(self.region(), self.now)),
                };
                let mut error = error.in_region(self.region(), self.now);
                error
                    .own
                    .get_or_insert_default()
                    .headers
                    .extend(self.headers(kind));
                Err(error)
            }
        }
    }

    fn headers(&self, response_type: &str) -> [(HeaderName, String); 4] {
        headers(&self.workspace, response_type)
    }
}

/// The headers of the service's answers about a workspace, and about what it contains.
fn headers(workspace: &Resource, response_type: &str) -> [(HeaderName, String); 4] {
    let region = workspace.location.as_deref().unwrap_or(REGION);
    let id = workspace.properties.get("workspaceId");
    let id = id.and_then(Value::as_str).unwrap_or_default();
    [
        ("x-ms-response-type", response_type.to_owned()),
        ("x-request-time", "0.021".to_owned()),
        ("azureml-served-by-cluster", format!("vienna-{region}-01")),
        ("request-context", format!("appId=cid-v1:{id}")),
    ]
    .map(|(name, value)| (HeaderName::from_static(name), value))
}

/// Adds the headers of the service to an answer about a workspace itself.
pub(super) fn sign_workspace(world: &World, target: &Target, done: &mut ArmResponse) {
    if let Target::Item(id) = target
        && let Some(workspace) = world.resources().resource(id)
        && workspace.is_a(WORKSPACE_TYPE)
    {
        done.headers.extend(headers(workspace, "standard"));
    }
}
