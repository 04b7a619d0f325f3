//! The methods that a path has in Graph, and those of them that are served.

use crate::graph::{
    call::Call,
    kind::Kind,
    response::GraphError,
    target::{Collection, Relation, Source, Target},
};
use http::Method;

const NONE: &[Method] = &[];
const GET: &[Method] = &[Method::GET];
const PATCH: &[Method] = &[Method::PATCH];
const POST: &[Method] = &[Method::POST];
const LIST: &[Method] = &[Method::GET, Method::POST];
const READ_AND_DELETE: &[Method] = &[Method::GET, Method::DELETE];
const ALL: &[Method] = &[Method::GET, Method::PATCH, Method::DELETE];

/// # Errors
/// 405 for a method that Graph does not have on this path. Another error for one that it has and
/// the emulator does not serve.
pub(super) fn check(call: &Call, target: &Target) -> Result<(), GraphError> {
    let (served, others) = of(target);
    if served.contains(&call.method) {
        return Ok(());
    }
    Err(match others.contains(&call.method) {
        true => GraphError::not_served(call),
        false => GraphError::wrong_method(),
    })
}

/// The methods that are served, and others that Graph has.
fn of(target: &Target) -> (&'static [Method], &'static [Method]) {
    use Kind::{
        Application, AuthorizationPolicy, DeletedItem, Group, RoleAssignment, ServicePrincipal,
        User,
    };
    match target {
        Target::Batch | Target::ByIds | Target::Action(..) => (POST, NONE),
        Target::Collection(Collection { source, cast: None }) => match source {
            Source::Set(Application | Group | RoleAssignment | ServicePrincipal | User)
            | Source::Related(_, _, Relation::FederatedCredentials) => (LIST, NONE),
            Source::Set(Kind::DirectoryRole | Kind::RoleDefinition) => (GET, POST),
            Source::Set(_) | Source::Related(..) => (GET, NONE),
        },
        Target::Collection(_) | Target::Count(_) | Target::Property(..) => (GET, NONE),
        Target::Object(Application | Group | ServicePrincipal | User, _)
        | Target::FederatedCredential(..) => (ALL, NONE),
        Target::Object(AuthorizationPolicy, _) => (&[Method::GET, Method::PATCH], NONE),
        Target::Object(RoleAssignment | DeletedItem, _) => (READ_AND_DELETE, NONE),
        Target::Object(Kind::Organization, _) => (GET, PATCH),
        Target::Object(..) => (GET, &[Method::PATCH, Method::DELETE]),
        Target::Reference(_, _, _, None) => (POST, &[Method::GET, Method::PUT]),
        Target::Reference(_, _, _, Some(_)) => (&[Method::DELETE], NONE),
    }
}
