//! Azure Machine Learning's own services in a region: what clients ask while a job runs, and what
//! the SDK v1 asks instead of Resource Manager.
//!
//! A request passes these steps:
//!
//! 1. It is parsed ([`call`]), and what it wants is recognized ([`operation`]).
//! 2. The token is checked, and the right to the operation ([`access`]).
//! 3. The workspace must exist. Then the operation is carried out.
//!
//! The addresses of the services ([`discovery`]) need no token. Where a registry is
//! ([`registries`]) needs a token, and no right.

mod access;
mod artifacts;
mod call;
mod content;
mod datastores;
mod discovery;
mod environments;
mod error;
mod execution;
mod experiments;
mod history;
mod metrics;
mod mlflow;
mod operation;
mod registries;
mod response;
mod run;
mod step;
mod wire;

use self::{access::Caller, call::Call, error::MlError, operation::Operation, response::Trace};
use crate::{
    arm,
    front_door::FrontDoor,
    resources::{Scope, WORKSPACE_TYPE},
    world::World,
};
use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    response::Response,
};
use http::{StatusCode, Uri};
use serde_json::{Value, json};
use std::sync::Arc;

/// What each request needs.
#[derive(Clone)]
struct Services {
    world: Arc<World>,
    /// Resource Manager: the SDK v1 asks its resource provider directly.
    provider: FrontDoor,
}

/// What is before a path of the resource provider: of its workspaces, and of its registries.
const PROVIDERS: [&str; 2] = ["rp/workspaces/", "mferp/managementfrontend/"];

/// An api-version that Resource Manager publishes.
const PUBLISHED: &str = "2024-10-01";

/// The front door of these services.
pub(crate) fn front_door(world: Arc<World>) -> FrontDoor {
    let provider = arm::front_door(world.clone());
    let services = Services { world, provider };
    // One handler for all paths: a workspace's id is in the middle of each.
    Router::new().fallback(serve).with_state(services).into()
}

/// The response for an error status of a fault.
pub(crate) fn failure(status: StatusCode) -> Response {
    Trace::default().response(
        Err(MlError::failure(status)),
        time::OffsetDateTime::now_utc(),
    )
}

async fn serve(State(services): State<Services>, mut request: Request) -> Response {
    if let Some(uri) = of_provider(request.uri()) {
        *request.uri_mut() = uri;
        return services.provider.answer(request).await;
    }
    let world = services.world;
    let (parts, body) = request.into_parts();
    let trace = Trace::new(&parts);
    let result = match to_bytes(body, call::MAX_BODY).await {
        Ok(body) => match Call::read(&parts, body).and_then(|call| answer(&world, &call)) {
            Ok(done) if !parts.method.is_safe() => {
                let kept = Arc::clone(&world).keep_for_request().await;
                kept.map(|()| done).map_err(MlError::internal)
            }
            other => other,
        },
        Err(_) => Err(MlError::too_large(call::MAX_BODY)),
    };
    trace.response(result, world.clock.now())
}

/// The address in Resource Manager of a request for the resource provider. The provider has more
/// api-versions than Resource Manager publishes.
fn of_provider(uri: &Uri) -> Option<Uri> {
    let path = uri.path().trim_start_matches('/');
    let rest = PROVIDERS.iter().find_map(|prefix| {
        let (first, rest) = path.split_at_checked(prefix.len())?;
        first.eq_ignore_ascii_case(prefix).then_some(rest)
    })?;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let given = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    query.extend_pairs(given.filter(|(name, _)| !name.eq_ignore_ascii_case("api-version")));
    query.append_pair("api-version", PUBLISHED);
    format!("/{rest}?{}", query.finish()).parse().ok()
}

fn answer(world: &World, call: &Call) -> Result<Value, MlError> {
    let not_served = || MlError::not_served(&call.method, &call.path);
    let operation = Operation::of(call).ok_or_else(not_served)?;
    let Some(action) = operation.action() else {
        let Operation::Registry(name) = operation else {
            return Ok(discovery::addresses(world, call));
        };
        access::authenticate(world, call)?;
        return registries::addresses(world, call, name);
    };
    let caller = access::authenticate(world, call)?;
    let workspace = call.workspace.as_ref().ok_or_else(not_served)?;
    access::authorize(world, &caller, action, workspace)?;
    let is_there = world
        .resources()
        .resource(workspace)
        .is_some_and(|found| found.is_a(WORKSPACE_TYPE));
    if !is_there {
        return Err(MlError::not_found(format!(
            "Workspace not found: '{workspace}'."
        )));
    }
    perform(world, call, &caller, workspace, operation)
}

/// Carries out the request of a caller that has the right to it.
fn perform(
    world: &World,
    call: &Call,
    caller: &Caller,
    workspace: &Scope,
    operation: Operation<'_>,
) -> Result<Value, MlError> {
    match operation {
        Operation::Discovery => Ok(discovery::addresses(world, call)),
        Operation::Registry(name) => registries::addresses(world, call, name),
        Operation::Run(name) => history::one(world, call, workspace, name),
        Operation::Runs(experiment) => history::runs(world, call, workspace, experiment),
        Operation::Details(name) => history::details_of(world, call, workspace, name),
        Operation::Children(name) => history::children(world, call, workspace, name),
        Operation::RunData => history::data(world, call, workspace),
        Operation::Event(name) => history::event(world, call, workspace, name),
        Operation::ChangeRun { run, experiment } => {
            history::change(world, call, caller, workspace, run, experiment)
        }
        Operation::ServiceInstances(name) => {
            history::find(world, workspace, name)?;
            // A node of a run that nothing executes has no services.
            Ok(json!({"instances": {}}))
        }
        Operation::MetricsStored(name) => {
            history::find(world, workspace, name)?;
            Ok(json!({}))
        }
        Operation::Experiment(wanted) | Operation::ExperimentById(wanted) => {
            Ok(experiments::find(world, workspace, wanted)?.view(workspace))
        }
        Operation::CreateExperiment(name) => {
            Ok(experiments::create(world, workspace, name, caller)?.view(workspace))
        }
        Operation::Experiments => Ok(experiments::list(world, workspace)),
        Operation::Submit(experiment) => {
            execution::submit(world, call, caller, workspace, experiment)
        }
        Operation::LatestSnapshot => Ok(content::latest(world)),
        Operation::UploadFiles => content::upload(world, call, workspace),
        Operation::CreateSnapshot(id) => content::create(world, call, workspace, id),
        Operation::Environment(name, version) => environments::get(world, workspace, name, version),
        Operation::RegisterEnvironment(name, version) => {
            environments::register(world, call, caller, workspace, name, version)
        }
        Operation::Artifacts { origin, container } => {
            artifacts::list(world, call, workspace, origin, container)
        }
        Operation::Artifact { origin, container } => {
            artifacts::one(world, call, workspace, origin, container)
        }
        Operation::CreateArtifacts { origin, container } => {
            artifacts::create(world, call, workspace, origin, container)
        }
        Operation::RunFiles(run) => artifacts::list(
            world,
            call,
            workspace,
            artifacts::RUNS,
            &format!("dcid.{run}"),
        ),
        Operation::RunFile(run) => artifacts::one(
            world,
            call,
            workspace,
            artifacts::RUNS,
            &format!("dcid.{run}"),
        ),
        Operation::CreateRunFiles(run) => artifacts::create(
            world,
            call,
            workspace,
            artifacts::RUNS,
            &format!("dcid.{run}"),
        ),
        Operation::LogMetrics(run) => metrics::log(world, call, workspace, run),
        Operation::MetricNames(run) => metrics::names(world, workspace, run),
        Operation::MetricValues(run) => metrics::values(world, call, workspace, run),
        Operation::Track(wish) => mlflow::Tracking {
            world,
            call,
            caller,
            workspace,
        }
        .serve(wish),
        Operation::Datastore(name) => datastores::one(world, caller, workspace, name),
        Operation::Datastores => Ok(datastores::list(world, caller, workspace)),
    }
}
