//! Tokens of a user for a host that acts for the user: Cloud Shell, a job in Azure Machine
//! Learning.

use crate::{
    directory::Application,
    entra::{
        claims_request::ClaimsRequest, delegated_scope::RequestedScope, exchange::Exchange,
        issued::Issued, lifetime::usual_lifetime, refusal::Refusal, resource, session::Session,
        user::claims::Facts,
    },
    entra_state::Proofs,
    world::World,
};
use http::StatusCode;
use uuid::Uuid;

/// Issues a token of a user to one of Microsoft's own programs, which need no consent. `program` is
/// the program's client id and name.
///
/// # Errors
/// 50034 for an unknown user, 50057 for a disabled account, 500011 for an unknown resource.
pub(crate) fn issue_for_user(
    world: &World,
    user: Option<Uuid>,
    program: (Uuid, &str),
    resource: &str,
    exchange: &Exchange,
) -> Result<Issued, Refusal> {
    let refuse =
        |code, message: &str| Refusal::new(code, "invalid_grant", StatusCode::BAD_REQUEST, message);
    let directory = world.directory();
    let (user, tenant) = user
        .and_then(|user| directory.users.get(&user))
        .and_then(|user| Some((user, directory.tenants.get(&user.tenant)?)))
        .ok_or_else(|| refuse(50034, "The user account does not exist in the directory."))?;
    if !user.enabled {
        return Err(refuse(50057, "The user account is disabled."));
    }
    let found = resource::find(world, &directory, tenant, resource)?;
    let (client_id, name) = program;
    let now = exchange.now.unix_timestamp();
    let session = Session {
        account: user,
        tenant,
        user,
        application: &Application::new(client_id, tenant.id, name),
        id: Uuid::new_v4(),
        proofs: Proofs::by_password(now),
        nonce: None,
        by_device_code: false,
    };
    let facts = Facts {
        session: &session,
        directory: &directory,
        cloud: exchange.cloud(),
        now: exchange.now,
        client_class: "0",
    };
    let chosen = tenant.access_token_lifetime;
    let lifetime = i64::from(chosen.unwrap_or_else(|| usual_lifetime(exchange)));
    let scp = RequestedScope::of_v1(resource, None)?.scp(&found);
    let claims = facts.access_token(&found, &scp, lifetime, &ClaimsRequest::default());
    let access_token = world
        .keys
        .entra
        .sign(&claims)
        .map_err(|_| Refusal::unavailable())?;
    Ok(Issued {
        access_token,
        resource: resource.to_owned(),
        not_before: now - 300,
        expires_on: now + lifetime,
        expires_in: lifetime,
    })
}
