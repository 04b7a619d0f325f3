//! Whose token a request has, and whether its roles allow what the request needs.

use super::{call::Call, error::MlError};
use crate::{
    jobs::Sender,
    replication::View,
    resources::{Action, Decision, Principals, Scope, SystemData},
    service::Service,
    tokens::{
        BearerError, accepted_audiences, as_seen, evaluate, name_in_messages, principals,
        verify_bearer,
    },
    world::World,
};
use uuid::Uuid;

/// The caller of a request.
pub(super) struct Caller {
    pub(super) who: Principals,
    /// An application's client id, or a user's sign-in name.
    pub(super) name: String,
    tenant: Uuid,
    /// `Application` or `User`.
    kind: &'static str,
}

impl Caller {
    /// The caller as the sender of a job.
    pub(super) fn sender(&self) -> Sender {
        Sender {
            name: self.name.clone(),
            kind: self.kind.to_owned(),
            object_id: self.who.principal,
            tenant: self.tenant,
        }
    }

    /// What a resource has that the caller creates now.
    pub(super) fn system_data(&self, world: &World) -> SystemData {
        let now = world.clock.now();
        SystemData {
            created_by: self.name.clone(),
            created_by_type: self.kind.to_owned(),
            created_at: now,
            last_modified_by: self.name.clone(),
            last_modified_by_type: self.kind.to_owned(),
            last_modified_at: now,
        }
    }
}

/// Checks the token, and that it is of the workspace's tenant.
///
/// # Errors
/// 401 with a challenge.
pub(super) fn authenticate(world: &World, call: &Call) -> Result<Caller, MlError> {
    let accepted = accepted_audiences(world, Service::Ml);
    let refuse = |message: String| {
        let login = world.urls().for_client(Service::Login, &call.entrance);
        let challenge = format!("Bearer authorization_uri=\"{login}/common/oauth2/authorize\"");
        MlError::unauthorized(message, challenge)
    };
    let claims = verify_bearer(world, call.authorization(), &accepted).map_err(|error| {
        refuse(match error {
            BearerError::Missing | BearerError::NotBearer => {
                "Bearer token not provided.".to_owned()
            }
            BearerError::WrongAudience { got } => format!(
                "The bearer token is for the audience '{got}', which Azure Machine Learning does not accept."
            ),
            BearerError::Expired { expired, .. } => {
                format!("The bearer token expired at {expired}.")
            }
            _ => "The bearer token is not valid.".to_owned(),
        })
    })?;
    let workspace = call.workspace.as_ref();
    let tenant = workspace.and_then(|id| {
        let resources = world.resources();
        resources
            .subscription(id.subscription_id()?)
            .map(|known| known.tenant)
    });
    if tenant.is_some_and(|tenant| tenant != claims.tenant) {
        return Err(refuse(format!(
            "The bearer token is of the tenant {}, and the workspace of another one.",
            claims.tenant
        )));
    }
    evaluate(&world.directory(), &claims, world.clock.now()).map_err(|revoked| {
        let login = world.urls().for_client(Service::Login, &call.entrance);
        let challenge = format!(
            "Bearer realm=\"\", authorization_uri=\"{login}/common/oauth2/authorize\", \
             error=\"insufficient_claims\", claims=\"{}\"",
            revoked.claims()
        );
        MlError::unauthorized("The user's session has ended.", challenge)
    })?;
    if world.replication.misses(View::Tokens, claims.object_id) {
        return Err(refuse("The bearer token is not valid.".to_owned()));
    }
    Ok(Caller {
        who: principals(world, &claims),
        name: name_in_messages(&claims),
        tenant: claims.tenant,
        kind: if claims.is_app { "Application" } else { "User" },
    })
}

/// Checks that the caller may do `action` in the workspace. It comes before any look at what
/// exists: a caller without the right must not learn that.
///
/// # Errors
/// 403 that names the action and the workspace.
pub(super) fn authorize(
    world: &World,
    caller: &Caller,
    action: &str,
    workspace: &Scope,
) -> Result<(), MlError> {
    let resources = world.resources();
    let resources = as_seen(world, &resources, &caller.who);
    match resources.decide(&caller.who, Action::Control(action), workspace) {
        Decision::Allowed(_) => Ok(()),
        Decision::NotAllowed | Decision::Denied(_) => Err(MlError::forbidden(format!(
            "The client '{}' with object id '{}' does not have authorization to perform action '{action}' over scope \
             '{workspace}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
            caller.name, caller.who.principal
        ))),
    }
}
