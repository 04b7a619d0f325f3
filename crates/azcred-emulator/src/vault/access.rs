//! Who a request is from, from where, and whether they may do what it wants.

use super::{call::Call, error::VaultError, operation::Operation};
use crate::{
    directory::KEY_VAULT,
    replication::View,
    resources::{Action, Decision, Network, Principals},
    service::Service,
    tokens::{
        BearerError, Claims, accepted_audiences, as_seen, evaluate, principals, verify_bearer,
    },
    world::World,
};
use uuid::Uuid;

/// The caller of a request.
pub(super) struct Caller {
    who: Principals,
    app_id: Option<Uuid>,
    /// As messages name the caller: `appid=…;oid=…;iss=…`.
    name: String,
}

/// Checks the token, and that the vault's network settings let the client in.
///
/// # Errors
/// 401 with a challenge; 403 by the network settings.
pub(super) fn admit(world: &World, call: &Call) -> Result<Caller, VaultError> {
    let (tenant, network, place) = {
        let resources = world.resources();
        let vault = resources.key_vault(&call.vault);
        let vault = vault.ok_or_else(|| VaultError::no_vault(&call.vault))?;
        (vault.tenant(), vault.network(), place(vault.0))
    };
    let resource = format!("https://{}", call.entrance.cloud.vault_domain());
    let login = world.urls().for_client(Service::Login, &call.entrance);
    let tenant = tenant.unwrap_or_default();
    let challenge = format!("Bearer authorization=\"{login}/{tenant}\", resource=\"{resource}\"");
    let refuse = |message: String| VaultError::unauthorized(message, challenge.clone());

    // A slash at the end makes another audience, as in Azure.
    let mut accepted = accepted_audiences(world, Service::Vault);
    accepted.retain(|name| !name.ends_with('/'));
    let claims = verify_bearer(world, call.authorization(), &accepted)
        .map_err(|error| refuse(message(&error, &resource, tenant)))?;
    let issuer = issuer(&claims);
    if claims.tenant != tenant {
        let error = BearerError::UnknownIssuer(issuer);
        return Err(refuse(message(&error, &resource, tenant)));
    }
    evaluate(&world.directory(), &claims, world.clock.now()).map_err(|revoked| {
        let claims = revoked.claims();
        let challenge = format!("{challenge}, error=\"insufficient_claims\", claims=\"{claims}\"");
        VaultError::unauthorized(
            "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
            challenge,
        )
    })?;
    if world.replication.misses(View::Tokens, claims.object_id) {
        return Err(refuse(message(
            &BearerError::BadSignature,
            &resource,
            tenant,
        )));
    }

    let who = principals(world, &claims);
    let app_id = claims.app_id;
    let groups = match who.groups.len() {
        0 => String::new(),
        count => format!("numgroups={count};"),
    };
    let app = app_id.map(|id| id.to_string()).unwrap_or_default();
    let name = format!("appid={app};oid={};{groups}iss={issuer}", who.principal);
    let caller = Caller { who, app_id, name };
    match network {
        Network::Open => Ok(caller),
        Network::Private => Err(VaultError::forbidden(
            "ForbiddenByConnection",
            format!(
                "Public network access is disabled and request is not from a trusted service nor via an approved private \
                 link.\r\nCaller: {}\r\nVault: {place}",
                caller.name
            ),
        )),
        Network::NotListed => Err(VaultError::forbidden(
            "ForbiddenByFirewall",
            format!(
                "Client address is not authorized and caller is not a trusted service.\r\nClient address: \
                 127.0.0.1\r\nCaller: {}\r\nVault: {place}",
                caller.name
            ),
        )),
    }
}

/// Checks that a role or an access policy allows the operation. It comes before any look at what
/// exists: a caller without the right must not learn that.
///
/// # Errors
/// 403 that names the caller, the action and the resource.
pub(super) fn authorize(
    world: &World,
    call: &Call,
    caller: &Caller,
    operation: &Operation,
) -> Result<(), VaultError> {
    let resources = world.resources();
    let vault = resources.key_vault(&call.vault);
    let vault = vault.ok_or_else(|| VaultError::no_vault(&call.vault))?;
    let right = operation.right();
    let place = place(vault.0);
    if !vault.uses_roles() {
        return match vault.policies_permit(&caller.who, caller.app_id, right.permission) {
            true => Ok(()),
            false => Err(VaultError::forbidden(
                "AccessDenied",
                format!(
                    "The user, group or application '{}' does not have secrets {} permission on key vault '{place}'. For \
                     help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287",
                    caller.name, right.permission
                ),
            )),
        };
    }
    let id = &vault.0.id;
    let below = operation.secret().map(|name| format!("secrets/{name}"));
    let scope = below.and_then(|below| id.child(&below).ok());
    let scope = scope.as_ref().unwrap_or(id);
    let action = format!("Microsoft.KeyVault/vaults/secrets/{}", right.action);
    let seen = as_seen(world, &resources, &caller.who);
    let (deny, reason) = match seen.decide(&caller.who, Action::Data(&action), scope) {
        Decision::Allowed(_) => return Ok(()),
        Decision::NotAllowed => ("null".to_owned(), "DeniedWithNoValidRBAC"),
        Decision::Denied(deny) => (format!("'{}'", deny.id), "DeniedByDenyAssignment"),
    };
    Err(VaultError::forbidden(
        "ForbiddenByRbac",
        format!(
            "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role \
             definitions were changed recently, please observe propagation time.\r\nCaller: {}\r\nAction: \
             '{action}'\r\nResource: '{}'\r\nAssignment: (not found)\r\nDenyAssignmentId: {deny}\r\nDecisionReason: \
             '{reason}' \r\nVault: {place}\r\n",
            caller.name,
            scope.key()
        ),
    ))
}

/// A vault as messages name it.
fn place(vault: &crate::resources::Resource) -> String {
    let location = vault.location.as_deref().unwrap_or_default();
    format!("{};location={location}", vault.id.name())
}

fn issuer(claims: &Claims) -> String {
    let issuer = claims.all.get("iss").and_then(|issuer| issuer.as_str());
    issuer.unwrap_or_default().to_owned()
}

/// What Key Vault says of a token that it does not accept.
fn message(error: &BearerError, resource: &str, tenant: Uuid) -> String {
    match error {
        BearerError::Missing | BearerError::NotBearer => {
            "AKV10000: Request is missing a Bearer, PoP, or MTLS_POP token.".to_owned()
        }
        BearerError::WrongAudience { got } => {
            format!("AKV10022: Invalid audience. Expected {resource} or {KEY_VAULT}, found: {got}.")
        }
        BearerError::UnknownIssuer(found) => format!(
            "AKV10032: Invalid issuer. Expected one of https://sts.windows.net/{tenant}/, found {found}."
        ),
        BearerError::UnknownTenant(found) => format!(
            "AKV10032: Invalid issuer. Expected one of https://sts.windows.net/{tenant}/, found https://sts.windows.net/{found}/."
        ),
        BearerError::Expired { .. } => {
            "[TokenExpired] Error validating token: 'S2S12086'.".to_owned()
        }
        BearerError::NotYetValid { .. } => {
            "Error validating token: the token is not yet valid.".to_owned()
        }
        BearerError::UnknownKey(_) | BearerError::BadSignature | BearerError::Malformed(_) => {
            "AKV10046: Unable to resolve the key used for signature validation.".to_owned()
        }
    }
}
