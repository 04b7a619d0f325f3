//! The registry's own tokens: a refresh token for a token of Entra ID, and access tokens for it.
//!
//! 'Azure Container Registry integration with Azure Active Directory', and recorded responses.

use super::{call::Call, error::RegistryError, scope::Scope};
use crate::{
    replication::View,
    resources::{Action, ContainerRegistry, Network},
    service::Service,
    signing::{Algorithm, Jws},
    tokens::{Claims, accepted_audiences, as_seen, evaluate, principals, verify_bearer},
    world::World,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

const ISSUER: &str = "Azure Container Registry";

/// The user's name in a login whose password is a refresh token ('az acr login --expose-token').
const TOKEN_USER: &str = "00000000-0000-0000-0000-000000000000";

/// How long a refresh token is valid, in seconds.
const REFRESH_SECONDS: i64 = 3 * 60 * 60;
/// How long an access token is valid, in seconds.
const ACCESS_SECONDS: i64 = 75 * 60;

/// The rights that tokens name, with the action at the registry and, in registries with repository
/// permissions, the data action at the repository ('Azure permissions for Containers').
const RIGHTS: &[(&str, &str, &str)] = &[
    ("read", "pull/read", "repositories/content/read"),
    ("write", "push/write", "repositories/content/write"),
    ("delete", "artifacts/delete", "repositories/content/delete"),
    ("deleted/read", "deleted/read", ""),
    ("deleted/restore/action", "deleted/restore/action", ""),
];

/// The right that an action of a scope needs.
fn right_of(scope: &Scope, action: &str) -> Option<&'static str> {
    match (scope.kind.as_str(), action) {
        ("repository", "pull" | "metadata_read") | ("registry", "*") => Some("read"),
        ("repository", "push" | "metadata_write") => Some("write"),
        ("repository", "delete") => Some("delete"),
        _ => None,
    }
}

/// The parameters of a form.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let found = self.0.iter().filter(move |(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Checks the registry's network settings. They come before everything else.
///
/// # Errors
/// 403.
pub(super) fn admit(world: &World, call: &Call) -> Result<(), RegistryError> {
    let resources = world.resources();
    let registry = resources.container_registry(&call.registry);
    match registry.map(ContainerRegistry::network) {
        Some(Network::Open) => Ok(()),
        Some(Network::Private | Network::NotListed) => Err(RegistryError::firewall()),
        None => Err(RegistryError::no_registry(&call.registry)),
    }
}

/// `POST /oauth2/exchange`: a refresh token for a token of Entra ID.
///
/// # Errors
/// 401 for a token that the registry does not accept, and for a principal without any right.
pub(super) fn exchange(world: &World, call: &Call, form: &Form) -> Result<Value, RegistryError> {
    match form.get("grant_type") {
        Some("access_token") => {}
        Some("access_token_refresh_token" | "refresh_token") => {
            return Err(RegistryError::not_served(
                &call.method,
                "/oauth2/exchange with a refresh token of Entra ID",
            ));
        }
        _ => return Err(RegistryError::invalid("grant_type is missing or unknown")),
    }
    check_service(call, form.get("service"))?;
    let token = form
        .get("access_token")
        .ok_or_else(|| RegistryError::invalid("access_token is missing"))?;
    let refused = || RegistryError::unauthorized(None, false);
    let claims = verify(world, call, token).ok_or_else(refused)?;
    let rights = rights(world, call, &claims);
    if rights.is_empty() {
        return Err(refused());
    }
    let now = world.clock.unix();
    let mut own = common(call, now, REFRESH_SECONDS, "refresh_token");
    let subject = claims.all.get("sub").cloned();
    own.insert("sub".into(), subject.unwrap_or(json!(claims.object_id)));
    own.insert("oid".into(), json!(claims.object_id));
    own.insert("tenant".into(), json!(claims.tenant));
    own.insert("appid".into(), json!(claims.app_id));
    own.insert(
        "permissions".into(),
        json!({"Actions": rights, "NotActions": null}),
    );
    let token = sign(world, &own)?;
    Ok(json!({"refresh_token": token}))
}

/// `POST /oauth2/token`: an access token for a refresh token, or for everyone if the registry
/// allows it. The token has of the scopes what the principal may do.
///
/// # Errors
/// 401 for a token that is not valid.
pub(super) fn token(world: &World, call: &Call, form: &Form) -> Result<Value, RegistryError> {
    check_service(call, form.get("service"))?;
    let scopes: Vec<&str> = form.all("scope").collect();
    let refresh = match form.get("grant_type") {
        Some("refresh_token") => Some(form.get("refresh_token").unwrap_or_default()),
        Some("password") => match form.get("username") {
            None => None,
            Some(TOKEN_USER) => Some(form.get("password").unwrap_or_default()),
            Some(_) => Some(""),
        },
        _ => return Err(RegistryError::invalid("grant_type is missing or unknown")),
    };
    access_token(world, call, refresh, &scopes)
}

/// `GET /oauth2/token`: the same, with the refresh token as a password.
///
/// # Errors
/// As [`token`].
pub(super) fn token_by_basic(world: &World, call: &Call) -> Result<Value, RegistryError> {
    check_service(call, call.query("service"))?;
    let scopes: Vec<&str> = call.queries("scope").collect();
    let password = match call.authorization() {
        None => None,
        Some(header) => {
            let given = header.split_once(' ');
            let decoded = given.and_then(|(_, text)| STANDARD.decode(text.trim()).ok());
            let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
            let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
            let password = pair.filter(|(user, _)| *user == TOKEN_USER);
            Some(password.map_or_else(String::new, |(_, password)| password.to_owned()))
        }
    };
    access_token(world, call, password.as_deref(), &scopes)
}

/// Checks that a request has a token that allows what it needs.
///
/// # Errors
/// 401 with a challenge.
pub(super) fn authorize(
    world: &World,
    call: &Call,
    needed: Option<&Scope>,
) -> Result<(), RegistryError> {
    let refused = |has_token| Err(RegistryError::unauthorized(needed.cloned(), has_token));
    let bearer = call.authorization().and_then(|header| {
        let (scheme, token) = header.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let Some(claims) = bearer.and_then(|token| own(world, call, token, "access_token")) else {
        return refused(false);
    };
    let entries = claims.get("access").and_then(Value::as_array);
    let is_allowed = |scope: &Scope| {
        let mut entries = entries.into_iter().flatten();
        entries.any(|entry| scope.is_in(entry))
    };
    match needed.is_none_or(is_allowed) {
        true => Ok(()),
        false => refused(true),
    }
}

fn access_token(
    world: &World,
    call: &Call,
    refresh: Option<&str>,
    scopes: &[&str],
) -> Result<Value, RegistryError> {
    let mut wanted = Vec::new();
    for scope in scopes {
        let parsed = Scope::parse_all(scope);
        wanted.extend(parsed.ok_or_else(|| RegistryError::invalid("the scope is not valid"))?);
    }
    let refused = || RegistryError::unauthorized(None, false);
    let now = world.clock.unix();
    let mut own_claims = common(call, now, ACCESS_SECONDS, "access_token");
    let granted: Vec<Value> = match refresh {
        Some(refresh) => {
            let claims = own(world, call, refresh, "refresh_token").ok_or_else(refused)?;
            for name in ["sub", "oid", "tenant", "appid"] {
                let value = claims.get(name).cloned().unwrap_or_default();
                own_claims.insert(name.into(), value);
            }
            let limited = wanted.into_iter().map(|mut scope| {
                let all = std::mem::take(&mut scope.actions);
                let allowed = all.into_iter();
                let allowed = allowed.filter(|action| may(world, call, &claims, &scope, action));
                scope.actions = allowed.collect();
                scope
            });
            let limited = limited.filter(|scope| !scope.actions.is_empty());
            limited.map(|scope| scope.claim()).collect()
        }
        None => {
            let resources = world.resources();
            let registry = resources.container_registry(&call.registry);
            if !registry.is_some_and(ContainerRegistry::allows_anonymous_pull) {
                return Err(refused());
            }
            own_claims.insert("sub".into(), json!("acr_anon_pull"));
            let granted = wanted.iter().map(|scope| match scope.kind.as_str() {
                "repository" => Scope::repository("*", &["pull"]),
                _ => Scope::catalog(),
            });
            granted.map(|scope| scope.claim()).collect()
        }
    };
    own_claims.insert("access".into(), granted.into());
    let token = sign(world, &own_claims)?;
    Ok(json!({"access_token": token}))
}

/// Whether a refresh token's principal may do an action at a scope.
fn may(
    world: &World,
    call: &Call,
    refresh: &Map<String, Value>,
    scope: &Scope,
    action: &str,
) -> bool {
    let Some(right) = right_of(scope, action) else {
        return false;
    };
    let resources = world.resources();
    let registry = resources.container_registry(&call.registry);
    if registry.is_some_and(ContainerRegistry::has_repository_permissions) {
        drop(resources);
        return may_at_repository(world, call, refresh, scope, action);
    }
    let permissions = refresh.get("permissions");
    let actions = permissions.and_then(|all| all.get("Actions")?.as_array());
    let mut actions = actions.into_iter().flatten();
    actions.any(|one| one.as_str() == Some(right))
}

/// The same, in a registry with repository permissions. They are looked up for each token.
fn may_at_repository(
    world: &World,
    call: &Call,
    refresh: &Map<String, Value>,
    scope: &Scope,
    action: &str,
) -> bool {
    let data_action = match (scope.kind.as_str(), action) {
        ("registry", _) => "catalog/read",
        (_, "pull") => "repositories/content/read",
        (_, "metadata_read") => "repositories/metadata/read",
        (_, "push") => "repositories/content/write",
        (_, "metadata_write") => "repositories/metadata/write",
        _ => "repositories/content/delete",
    };
    let id = refresh.get("oid").and_then(Value::as_str);
    let Some(id) = id.and_then(|id| id.parse::<Uuid>().ok()) else {
        return false;
    };
    let groups = world.directory().groups_of(id);
    let who = crate::resources::Principals {
        principal: id,
        groups,
    };
    let resources = world.resources();
    let Some(registry) = resources.container_registry(&call.registry) else {
        return false;
    };
    let seen = as_seen(world, &resources, &who);
    let name = format!("Microsoft.ContainerRegistry/registries/{data_action}");
    seen.decide(&who, Action::Data(&name), &registry.0.id)
        .is_allowed()
}

/// The rights of a principal at the registry.
fn rights(world: &World, call: &Call, claims: &Claims) -> Vec<&'static str> {
    let who = principals(world, claims);
    let resources = world.resources();
    let Some(registry) = resources.container_registry(&call.registry) else {
        return Vec::new();
    };
    let seen = as_seen(world, &resources, &who);
    let by_repository = registry.has_repository_permissions();
    let all = RIGHTS.iter().filter(|(_, control, data)| {
        let name = match by_repository {
            true => data,
            false => control,
        };
        let name = format!("Microsoft.ContainerRegistry/registries/{name}");
        let action = match by_repository {
            true => Action::Data(&name),
            false => Action::Control(&name),
        };
        seen.decide(&who, action, &registry.0.id).is_allowed()
    });
    all.map(|(right, ..)| *right).collect()
}

/// The claims of a token of Entra ID that the registry accepts.
fn verify(world: &World, call: &Call, token: &str) -> Option<Claims> {
    let accepts_arm = {
        let resources = world.resources();
        let registry = resources.container_registry(&call.registry)?;
        registry.accepts_arm_tokens()
    };
    let mut accepted = accepted_audiences(world, Service::Registry);
    if accepts_arm {
        accepted.extend(accepted_audiences(world, Service::Arm));
    }
    let claims = verify_bearer(world, Some(&format!("Bearer {token}")), &accepted).ok()?;
    let is_revoked = evaluate(&world.directory(), &claims, world.clock.now()).is_err();
    let is_seen = !world.replication.misses(View::Tokens, claims.object_id);
    (claims.tenant == call.tenant && !is_revoked && is_seen).then_some(claims)
}

fn check_service(call: &Call, service: Option<&str>) -> Result<(), RegistryError> {
    let service = service.ok_or_else(|| RegistryError::invalid("service is missing"))?;
    match service.eq_ignore_ascii_case(&call.server) {
        true => Ok(()),
        false => Err(RegistryError::unauthorized(None, false)),
    }
}

/// The claims that all tokens of the registry have.
fn common(call: &Call, now: i64, seconds: i64, grant_type: &str) -> Map<String, Value> {
    let claims = json!({
        "jti": Uuid::new_v4(),
        "nbf": now - 15 * 60,
        "exp": now + seconds,
        "iat": now - 15 * 60,
        "iss": ISSUER,
        "aud": call.server,
        "version": "1.0",
        "rid": Uuid::nil().simple().to_string(),
        "grant_type": grant_type,
        "roles": [],
    });
    match claims {
        Value::Object(claims) => claims,
        _ => Map::new(),
    }
}

fn sign(world: &World, claims: &Map<String, Value>) -> Result<String, RegistryError> {
    let signed = world.keys.entra.sign(claims);
    signed.map_err(|_| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        RegistryError::new(status, "UNKNOWN", "the system returns no random bytes")
    })
}

/// The claims of one of this registry's tokens. `None` if it is not valid.
fn own(world: &World, call: &Call, token: &str, grant_type: &str) -> Option<Map<String, Value>> {
    let jws = Jws::parse(token).ok()?;
    let key = world.keys.entra_by_kid(jws.header_str("kid")?)?;
    let is = |name: &str, wanted: &str| jws.claim_str(name) == Some(wanted);
    let is_valid = jws.header_str("alg") == Some("RS256")
        && jws.is_signed_by(Algorithm::Rs256, &key.public_key())
        && is("iss", ISSUER)
        && is("aud", &call.server)
        && is("grant_type", grant_type)
        && jws.claim_time("exp")? > world.clock.unix();
    is_valid.then(|| jws.claims.clone())
}
