//! Makes an application, its service principal and its role assignments. What is there already
//! stays as it is, so that a second run completes a first one.

use super::{
    found::find,
    replication::{Patience, is_early},
    unfinished::Unfinished,
};
use crate::{
    commands::{reader::Reader, role::people::Person},
    failure::Failure,
};
use azcred_azure::{
    Application, Error, ErrorKind, Graph, Made, Marks, NewApplication, NewRoleAssignment,
    ObjectKind, Patience as OfRole, RoleDefinition, RoleScope, ServicePrincipal,
};
use std::time::Duration;
use uuid::Uuid;

/// An application with its service principal.
pub(super) struct Identity {
    pub(super) application: Application,
    pub(super) principal: ServicePrincipal,
    /// Whether this run made the application.
    pub(super) is_new: bool,
}

/// A role at a scope.
pub(super) struct Granted {
    pub(super) role: RoleDefinition,
    pub(super) scope: RoleScope,
}

/// Makes the application of a name, unless it was found, and its service principal.
pub(super) async fn identity(
    reader: &Reader,
    name: &str,
    found: Option<Application>,
    patience: Patience<'_>,
    unfinished: &mut Unfinished,
) -> Result<Identity, Failure> {
    let graph = &reader.graph;
    let is_new = found.is_none();
    let application = match found {
        Some(found) => {
            patience.say(format!(
                "Found the application {name} (client id {})",
                found.app_id
            ));
            found
        }
        None => {
            patience.say(format!("Creating the application {name}"));
            application(graph, name).await?
        }
    };
    unfinished.made(&application);
    let principal = match is_new {
        true => None,
        false => graph.service_principal_of(application.app_id).await?,
    };
    let principal = match principal {
        Some(principal) => principal,
        None => {
            patience.say("Creating its service principal".to_owned());
            principal_of(graph, application.app_id, patience).await?
        }
    };
    Ok(Identity {
        application,
        principal,
        is_new,
    })
}

/// Creates an application. If the response was lost, the directory shows whether it was created.
async fn application(graph: &Graph, name: &str) -> Result<Application, Failure> {
    let marks = Marks::own();
    let new = NewApplication {
        name,
        marks: &marks,
    };
    match graph.create_application(&new).await {
        Ok(made) => Ok(made.value),
        Err(error) if error.kind() == ErrorKind::Unreachable => {
            match find(graph, Some(name), None).await {
                Ok(Some(made)) => Ok(made),
                _ => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

async fn principal_of(
    graph: &Graph,
    client_id: Uuid,
    patience: Patience<'_>,
) -> Result<ServicePrincipal, Failure> {
    // The directory that makes the principal may not know the application yet.
    let is_early = |result: &Result<_, Error>| {
        let status = result.as_ref().err().and_then(Error::status);
        status == Some(400) || is_early(result)
    };
    let make = async || graph.create_service_principal(client_id).await;
    let made = patience.until("the application", is_early, make).await;
    match made {
        Err(error) if error.status() == Some(409) => {
            // A request whose response was lost made it.
            let found = graph.service_principal_of(client_id).await?;
            found.ok_or_else(|| error.into())
        }
        made => Ok(made?),
    }
}

/// Assigns a role, unless the principal has it there. Returns whether it is new.
pub(super) async fn grant(
    reader: &Reader,
    principal: &ServicePrincipal,
    granted: &Granted,
    patience: Patience<'_>,
) -> Result<bool, Failure> {
    let Granted { role, scope } = granted;
    patience.say(format!("Assigning {} at {}", role.name, scope.describe()));
    let new = NewRoleAssignment {
        role: role.id,
        principal: principal.id,
        principal_type: Some(ObjectKind::ServicePrincipal.principal_type()),
    };
    let of_role = OfRole {
        limit: patience.limit,
        pause: Duration::from_secs(2),
    };
    let made = reader
        .manager
        .assign_role(scope, &new, of_role, || {
            patience.tell("the service principal");
        })
        .await?;
    Ok(matches!(made, Made::New(_)))
}

/// Makes these accounts owners of the application, unless they are.
pub(super) async fn add_owners(
    graph: &Graph,
    identity: &Identity,
    owners: &[Person],
    patience: Patience<'_>,
) -> Result<(), Failure> {
    if owners.is_empty() {
        return Ok(());
    }
    let id = identity.application.id;
    let what = "the application";
    let read = async || graph.owners_of_application(id).await;
    let is_unknown = |read: &Result<_, Error>| identity.is_new && is_early(read);
    let there = patience.until(what, is_unknown, read).await?;
    for owner in owners {
        if there.iter().all(|one| one.id != owner.id) {
            patience.say(format!("Making {} an owner", owner.described()));
            let add = async || graph.add_owner_of_application(id, owner.id).await;
            let is_unknown = |added: &Result<_, Error>| identity.is_new && is_early(added);
            patience.until(what, is_unknown, add).await?;
        }
    }
    Ok(())
}
