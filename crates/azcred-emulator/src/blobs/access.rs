//! Who a request is from, and whether they may do what it wants.
//!
//! The order: the credential is checked, then the account's switches, then the firewall, then the
//! right.

use super::{
    call::Call,
    error::BlobError,
    operation::{ADD, Need, Operation, Right, WRITE},
    shared_key, signature,
};
use crate::{
    resources::{Action, Principals, Resources, Scope, StorageAccount},
    service::Service,
    storage::Sas,
    tokens::{BearerError, accepted_audiences, as_seen, principals, verify_bearer},
    world::World,
};
use http::StatusCode;
use uuid::Uuid;

/// The address of every client: the emulator is on loopback only.
pub(super) const CLIENT: &str = "127.0.0.1";
/// The first version with bearer tokens.
const FIRST_WITH_TOKENS: &str = "2017-11-09";
/// The first version in which a request without a credential gets a challenge.
const FIRST_WITH_CHALLENGE: &str = "2019-12-12";

/// What a request may do.
#[derive(Debug, Default)]
pub(super) struct Access {
    /// Whether it may make blobs and not replace them.
    pub(super) is_only_new: bool,
    /// The shared access signature, whose headers replace those of a blob.
    pub(super) sas: Option<Sas>,
    /// The principal of a token, with its tenant.
    pub(super) principal: Option<(Uuid, Uuid)>,
}

/// Checks a request.
///
/// # Errors
/// Azure's, if it may not.
pub(super) fn check(world: &World, call: &Call, operation: Operation) -> Result<Access, BlobError> {
    let need = operation.need();
    let authorization = call.header("authorization");
    let scheme = authorization.and_then(|value| value.split(' ').next());
    match scheme.map(str::to_ascii_lowercase).as_deref() {
        Some("sharedkey" | "sharedkeylite") => {
            shared_key::check(world, call, authorization.unwrap_or_default())?;
            admit(world, call, Needs::Key)?;
            match operation {
                Operation::GetUserDelegationKey => Err(BlobError::not_authenticated(
                    "Only authentication scheme Bearer is supported",
                )),
                _ => Ok(Access::default()),
            }
        }
        Some(_) => bearer(world, call, &need),
        None => match signature::check(world, call, &need)? {
            Some(access) => Ok(access),
            None => anonymous(world, call, operation),
        },
    }
}

/// What a credential is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// It is a key of the account, or signed with one.
    Key,
    /// Anything else.
    NoKey,
}

/// Checks the account's switch for keys and its firewall.
pub(super) fn admit(world: &World, call: &Call, needs: Needs) -> Result<(), BlobError> {
    let resources = world.resources();
    let account = account(&resources, call)?;
    if needs == Needs::Key && !account.allows_shared_key() {
        return Err(BlobError::forbidden(
            "KeyBasedAuthenticationNotPermitted",
            "Key based authentication is not permitted on this storage account.",
        ));
    }
    match account.admits(CLIENT) {
        true => Ok(()),
        false => Err(BlobError::authorization_failure()),
    }
}

/// The account of a request.
pub(super) fn account<'a>(
    resources: &'a Resources,
    call: &Call,
) -> Result<StorageAccount<'a>, BlobError> {
    resources.storage_account(&call.account).ok_or_else(|| {
        let message = format!(
            "This emulator has no storage account '{}'. In Azure, its name would not be found.",
            crate::text::clip(&call.account)
        );
        BlobError::new(StatusCode::NOT_FOUND, "ResourceNotFound", message).in_front()
    })
}

fn bearer(world: &World, call: &Call, need: &Need) -> Result<Access, BlobError> {
    let version = call.header("x-ms-version").unwrap_or_default();
    if version < FIRST_WITH_TOKENS {
        return Err(BlobError::not_authenticated(
            "Authentication scheme Bearer is not supported in this version.",
        ));
    }
    let claims = verify_bearer(world, call.header("authorization"), &audiences(world, call))
        .map_err(|error| refuse(world, call, &error))?;
    admit(world, call, Needs::NoKey)?;
    let who = principals(world, &claims);
    let resources = world.resources();
    let account = account(&resources, call)?;
    let tenant = resources
        .subscription_of(account.id())
        .map(|found| found.tenant);
    if tenant.is_some_and(|tenant| tenant != claims.tenant) {
        return Err(invalid_token(
            world,
            call,
            "Issuer validation failed. Issuer did not match.",
        ));
    }
    let is_only_new = authorize(world, &resources, &who, call, need)?;
    Ok(Access {
        is_only_new,
        sas: None,
        principal: Some((claims.object_id, claims.tenant)),
    })
}

/// Checks the right of a principal. Returns whether it may only make new blobs.
pub(super) fn authorize(
    world: &World,
    resources: &Resources,
    who: &Principals,
    call: &Call,
    need: &Need,
) -> Result<bool, BlobError> {
    let scope = scope(resources, call)?;
    let resources = as_seen(world, resources, who);
    let may = |action| resources.decide(who, action, &scope).is_allowed();
    let (is_allowed, is_only_new) = match need.right {
        Right::Nothing => (true, false),
        Right::Control(action) => (may(Action::Control(action)), false),
        Right::Data(action) => (may(Action::Data(action)), false),
        Right::WriteOrAdd => match may(Action::Data(WRITE)) {
            true => (true, false),
            false => (may(Action::Data(ADD)), true),
        },
    };
    match is_allowed {
        true => Ok(is_only_new),
        false => Err(BlobError::permission_mismatch()),
    }
}

/// The scope of a request: its container, or the account.
fn scope(resources: &Resources, call: &Call) -> Result<Scope, BlobError> {
    let account = account(resources, call)?.id();
    let below = format!("blobServices/default/containers/{}", call.container);
    match call.container.as_str() {
        "" => Ok(account.clone()),
        _ => account.child(&below).or_else(|_| Ok(account.clone())),
    }
}

/// The audiences of tokens: Azure Storage's, and that of this account.
fn audiences(world: &World, call: &Call) -> Vec<String> {
    let mut all = accepted_audiences(world, Service::Blob);
    let host = match &call.entrance.real_name {
        Some(name) => name.clone(),
        None => format!("{}.blob.core.windows.net", call.account),
    };
    all.push(format!("https://{host}"));
    all.push(format!("https://{host}/"));
    all
}

fn refuse(world: &World, call: &Call, error: &BearerError) -> BlobError {
    let detail = match error {
        BearerError::Missing | BearerError::NotBearer | BearerError::Malformed(_) => {
            return BlobError::bad(
                "InvalidAuthenticationInfo",
                "Authentication information is not given in the correct format. Check the value of Authorization header.",
            )
            .in_front();
        }
        BearerError::WrongAudience { .. } => "Audience validation failed. Audience did not match.",
        BearerError::UnknownIssuer(_) | BearerError::UnknownTenant(_) => {
            "Issuer validation failed. Issuer did not match."
        }
        BearerError::Expired { .. } => "Lifetime validation failed. The token is expired.",
        BearerError::NotYetValid { .. } => {
            "Lifetime validation failed. The token is not yet valid."
        }
        BearerError::UnknownKey(_) | BearerError::BadSignature => {
            "Signature validation failed. Signature verification failed."
        }
    };
    invalid_token(world, call, detail)
}

fn invalid_token(world: &World, call: &Call, detail: &str) -> BlobError {
    challenge(world, call, "InvalidAuthenticationInfo").detail("AuthenticationErrorDetail", detail)
}

/// 401 with where a token is from.
fn challenge(world: &World, call: &Call, code: &'static str) -> BlobError {
    let tenant = {
        let resources = world.resources();
        let account = resources.storage_account(&call.account);
        let subscription = account.and_then(|account| resources.subscription_of(account.id()));
        subscription.map_or_else(|| "common".to_owned(), |found| found.tenant.to_string())
    };
    let login = world.urls().for_client(Service::Login, &call.entrance);
    BlobError::new(
        StatusCode::UNAUTHORIZED,
        code,
        "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
    )
    .header(
        "www-authenticate",
        format!("Bearer authorization_uri={login}/{tenant}/oauth2/authorize resource_id=https://storage.azure.com"),
    )
}

/// A request without a credential.
fn anonymous(world: &World, call: &Call, operation: Operation) -> Result<Access, BlobError> {
    let is_permitted = {
        let resources = world.resources();
        account(&resources, call)?.allows_public_access()
    };
    admit(world, call, Needs::NoKey)?;
    if is_permitted
        && let Ok(container) = world.storage().container(&call.account, &call.container)
        && let Some(access) = &container.public_access
        && operation.may_be_public(access)
    {
        return Ok(Access::default());
    }
    if call.version().unwrap_or_default() >= FIRST_WITH_CHALLENGE {
        return Err(challenge(world, call, "NoAuthenticationInformation"));
    }
    Err(match operation.is_reading() && !is_permitted {
        true => BlobError::new(
            StatusCode::CONFLICT,
            "PublicAccessNotPermitted",
            "Public access is not permitted on this storage account.",
        ),
        false => BlobError::resource_not_found(),
    })
}

/// Checks that the one who copies within an account may read the source: a key may; a token's
/// principal needs the right. A signature in the query is for the destination only.
pub(super) fn check_source(world: &World, call: &Call, source: &Call) -> Result<(), BlobError> {
    let mut reading = source.clone();
    let authorization = call.headers.get("authorization");
    match authorization.and_then(|value| value.to_str().ok()) {
        Some(value) if value.to_ascii_lowercase().starts_with("sharedkey") => Ok(()),
        Some(_) => {
            let value = authorization.cloned();
            reading
                .headers
                .extend(value.map(|value| (http::header::AUTHORIZATION, value)));
            check(world, &reading, Operation::GetBlob).map(|_| ())
        }
        None => check(world, &reading, Operation::GetBlob).map(|_| ()),
    }
}
