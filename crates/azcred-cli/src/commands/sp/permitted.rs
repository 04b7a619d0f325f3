//! Whether the account may do what `azcred sp create` does, read before anything is made.

use super::{
    make::{Granted, Identity},
    request::{Request, RequestDocument, Subject, WantedRole},
};
use crate::{
    commands::reader::Reader,
    failure::{Failure, Kind},
    output::Output,
};
use azcred::{Principal, Untrusted};
use azcred_azure::{Application, Error, ErrorKind, May, Obstacle, ServicePrincipal};
use serde::Serialize;
use uuid::Uuid;

/// What is going to be made.
pub(super) struct Planned<'a> {
    pub(super) name: &'a str,
    /// The application, if it is there.
    pub(super) application: Option<&'a Application>,
    /// The roles that it is to have.
    pub(super) roles: &'a [Granted],
}

/// What the account may not do, and the request for it.
pub(super) struct Denied {
    failure: Failure,
    request: Option<Request>,
}

/// The output of `--output json`. The failure is on standard error.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeniedDocument {
    /// Always false: nothing was made.
    is_permitted: bool,
    /// The request to an administrator; `null` if there is something that the account can do.
    request: Option<RequestDocument>,
}

/// The right to assign roles.
const ASSIGN: &str = "Microsoft.Authorization/roleAssignments/write";

impl Denied {
    /// Shows the failure, and then the request. Returns the exit code.
    pub(super) fn show(self, output: &mut Output) -> u8 {
        output.failure(&self.failure);
        if output.is_json() {
            output.json(&DeniedDocument {
                is_permitted: false,
                request: self.request.as_ref().map(Request::document),
            });
        }
        if let Some(request) = self.request.filter(|_| !output.is_json()) {
            for line in request.lines() {
                output.line(line);
            }
        }
        self.failure.kind.exit_code()
    }
}

/// Reads what the account may do. `None`: all of it, as far as it can be read.
///
/// # Errors
/// If a service can't be reached.
pub(super) async fn denied(
    reader: &Reader,
    planned: &Planned<'_>,
) -> Result<Option<Denied>, Failure> {
    let roles = async {
        let roles = unassignable(reader, planned.roles).await?;
        let principal = match planned.application.filter(|_| !roles.is_empty()) {
            Some(application) => {
                reader
                    .graph
                    .service_principal_of(application.app_id)
                    .await?
            }
            None => None,
        };
        let roles = missing(reader, principal.as_ref(), roles).await?;
        Ok::<_, Failure>((roles, principal))
    };
    let (obstacle, roles) = tokio::join!(obstacle(reader, planned), roles);
    let (obstacle, (roles, principal)) = (obstacle?, roles?);
    let name = planned.name;
    let request = |subject| request(reader, name, subject, roles.iter().copied());
    let denied = match (obstacle, &roles[..], planned.application, &principal) {
        (None, [], ..) => return Ok(None),
        (Some(obstacle), ..) => Denied {
            failure: no_application(obstacle, planned, reader.principal.as_ref()),
            request: new_subject(obstacle, planned, reader.principal.as_ref()).map(request),
        },
        (None, _, Some(application), Some(principal)) => Denied {
            failure: no_role(name, &roles)
                .fix("send the request below to an administrator of the scope"),
            request: Some(request(there(application, principal))),
        },
        (None, ..) => Denied {
            failure: no_role(name, &roles).fix(
                "add `--no-role`: it is then created without the role, and the request to an administrator of the scope is printed",
            ),
            request: None,
        },
    };
    Ok(Some(denied))
}

/// The request for the roles of a service principal that is there.
pub(super) fn for_roles(reader: &Reader, identity: &Identity, roles: &[Granted]) -> Request {
    let subject = there(&identity.application, &identity.principal);
    request(reader, &identity.application.name, subject, roles.iter())
}

fn request<'a>(
    reader: &Reader,
    name: &str,
    subject: Subject,
    roles: impl Iterator<Item = &'a Granted>,
) -> Request {
    Request {
        name: name.to_owned(),
        tenant: reader.tenant_id().map(str::to_owned),
        subject,
        roles: roles.map(wanted).collect(),
    }
}

fn there(application: &Application, principal: &ServicePrincipal) -> Subject {
    Subject::There {
        client_id: application.app_id.to_string(),
        object_id: principal.id.to_string(),
    }
}

fn wanted(granted: &Granted) -> WantedRole {
    WantedRole {
        name: granted.role.name.to_string(),
        id: granted.role.id.to_string(),
        scope: granted.scope.as_str().to_owned(),
    }
}

/// Why the account may not make or change the application.
async fn obstacle(reader: &Reader, planned: &Planned<'_>) -> Result<Option<Obstacle>, Failure> {
    let owns = async {
        let Some(application) = planned.application else {
            return Ok::<_, Failure>(None);
        };
        let own = own_id(reader);
        let owners = readable(reader.graph.owners_of_application(application.id).await)?;
        Ok(owners.map(|owners| owners.iter().any(|owner| Some(owner.id) == own)))
    };
    let (rights, owns) = tokio::join!(reader.graph.directory_rights(), owns);
    let (rights, owns) = (rights?, owns?);
    let may = match (planned.application, owns) {
        (None, _) => rights.make_applications(),
        (Some(_), Some(owns)) => rights.change_application(owns),
        (Some(_), None) => May::Unknown,
    };
    Ok(match may {
        May::No(obstacle) => Some(obstacle),
        May::Yes(_) | May::Unknown => None,
    })
}

fn own_id(reader: &Reader) -> Option<Uuid> {
    let id = reader.principal.as_ref()?.object_id.as_ref()?;
    id.raw().parse().ok()
}

/// The roles that the account may not assign.
async fn unassignable<'a>(
    reader: &Reader,
    roles: &'a [Granted],
) -> Result<Vec<&'a Granted>, Failure> {
    let mut unassignable = Vec::new();
    for granted in roles {
        let scope = granted.scope.as_str();
        let permissions = readable(reader.manager.permissions(scope).await)?;
        if permissions.is_some_and(|permissions| !permissions.value.allow(ASSIGN)) {
            unassignable.push(granted);
        }
    }
    Ok(unassignable)
}

/// Those of the roles that the principal does not have yet.
async fn missing<'a>(
    reader: &Reader,
    principal: Option<&ServicePrincipal>,
    roles: Vec<&'a Granted>,
) -> Result<Vec<&'a Granted>, Failure> {
    let Some(principal) = principal else {
        return Ok(roles);
    };
    let mut missing = Vec::new();
    for granted in roles {
        let Granted { role, scope } = granted;
        let manager = &reader.manager;
        let there = manager
            .role_assignment_of(scope, role.id, principal.id)
            .await;
        if readable(there)?.flatten().is_none() {
            missing.push(granted);
        }
    }
    Ok(missing)
}

/// What was read; `None` if the account may not read it: then the attempt shows what it may do.
fn readable<T>(read: Result<T, Error>) -> Result<Option<T>, Failure> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotPermitted => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What is asked for, if an administrator can help.
fn new_subject(
    obstacle: Obstacle,
    planned: &Planned<'_>,
    account: Option<&Principal>,
) -> Option<Subject> {
    let can_help = matches!(
        obstacle,
        Obstacle::AdministratorsOnly | Obstacle::Guest | Obstacle::Permission
    );
    let account = account.filter(|_| can_help && planned.application.is_none())?;
    Some(Subject::New {
        owner_name: match &account.user_name {
            Some(name) => name.to_string(),
            None => account.describe(),
        },
        owner_id: account.object_id.as_ref()?.to_string(),
    })
}

fn no_application(
    obstacle: Obstacle,
    planned: &Planned<'_>,
    account: Option<&Principal>,
) -> Failure {
    let what = match planned.application {
        None => format!(
            "may not create the application {}; nothing was created",
            planned.name
        ),
        Some(_) => format!(
            "may not change the application {}; nothing was changed",
            planned.name
        ),
    };
    let client = account
        .and_then(|account| account.application_id.as_ref())
        .map(Untrusted::to_string)
        .unwrap_or_default();
    let request = "send the request below to an administrator of the tenant";
    let (why, fix) = match obstacle {
        Obstacle::AdministratorsOnly => (
            "this tenant lets only administrators create applications, and this account has no role in the directory that permits it".to_owned(),
            format!("{request}. If a role of your organization's own permits it, add `--no-check`"),
        ),
        Obstacle::Guest => (
            "this account is a guest in the tenant, and guests may not create applications".to_owned(),
            request.to_owned(),
        ),
        Obstacle::NotOwner => (
            "this account does not own the application, and has no role in the directory that permits to change those of others".to_owned(),
            "ask an owner of the application or a Cloud Application Administrator to make this account an owner. If a role of your organization's own permits it, add `--no-check`".to_owned(),
        ),
        Obstacle::SignInApplication => (
            format!("this account signed in through the app registration {client}, which has no permission of Microsoft Graph to change applications (Application.ReadWrite.All)"),
            "sign in without that app registration: `azcred login`".to_owned(),
        ),
        _ => (
            format!("the application {client}, which is signed in here, has no permission of Microsoft Graph for it (Application.ReadWrite.OwnedBy is enough) and no role in the directory"),
            request.to_owned(),
        ),
    };
    Failure::new(Kind::NotPermitted, what, why).fix(fix)
}

fn no_role(name: &str, roles: &[&Granted]) -> Failure {
    let places: Vec<String> = roles
        .iter()
        .map(|granted| format!("{} at {}", granted.role.name, granted.scope.describe()))
        .collect();
    Failure::new(
        Kind::NotPermitted,
        format!("may not assign the role of {name}; nothing was created"),
        format!(
            "this account may not assign roles ({ASSIGN}) for {}",
            places.join(" and ")
        ),
    )
}
