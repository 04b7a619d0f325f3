//! Sign-in by name and password: the grant `password` (RFC 6749 section 4.3).

use crate::{
    directory::User,
    entra::{
        account::{check_enabled, member},
        authority::Authority,
        refusal::Refusal,
        session::Session,
        user::{token_request::UserTokenRequest, token_response},
    },
    entra_state::{Proofs, Verdict},
    text::clip,
    world::World,
};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

/// Handles the grant.
///
/// # Errors
/// 9001023 at `common` and `consumers`; 50034, 50057, 50053, 50126, 50055 if account or password
/// are not valid; 90072 if the account is not in the tenant; and the errors of client and scope.
pub(in super::super) fn grant(request: &UserTokenRequest<'_>) -> Result<Value, Refusal> {
    if let Authority::Any(name @ ("common" | "consumers")) = request.authority {
        return Err(Refusal::invalid_grant(
            9_001_023,
            format!(
                "The grant type is not supported over the /{name} endpoint. Please use the /organizations or \
                 tenant-specific endpoint."
            ),
        ));
    }
    // A tenant's endpoint knows its applications. Without a tenant, only applications that every
    // tenant has are known.
    let application = match request.authority {
        Authority::Tenant(tenant) => Some(request.client(tenant)?),
        Authority::Any(_) => None,
    };
    let name = request.form.required("username")?;
    let password = request.form.get("password").ok_or_else(|| {
        Refusal::invalid_request(
            90014,
            "The required field 'password' is missing from the credential. Ensure that you have all the necessary \
             parameters for the login request.",
        )
    })?;
    let requested = request.requested(None)?;
    let account = request.directory.account(name).ok_or_else(|| {
        Refusal::invalid_grant(
            50034,
            format!(
                "The user account {{EmailHidden}} does not exist in the {} directory. To sign into this application, \
                 the account must be added to the directory.",
                clip(name.rsplit_once('@').map_or(name, |(_, domain)| domain))
            ),
        )
    })?;
    let tenant = request.tenant(account)?;
    let application = match application {
        Some(application) => application,
        None => request.client(tenant)?,
    };
    check_password(request.world, request.exchange.now, account, password)?;
    let user = member(request.directory, account, tenant, application, 90072)?;
    check_enabled(&[user])?;
    let session = Session {
        account,
        tenant,
        user,
        application,
        id: Uuid::new_v4(),
        proofs: Proofs::by_password(request.exchange.now.unix_timestamp()),
        nonce: None,
        by_device_code: false,
    };
    let resource = request.permitted(&session, &requested)?;
    token_response::body(request, &session, &requested, &resource)
}

/// Checks the account and its password.
///
/// # Errors
/// 50057 for a disabled account, 50053 for a locked one, 50126 for a wrong password, 50055 for an
/// expired one.
pub(in super::super) fn check_password(
    world: &World,
    now: OffsetDateTime,
    account: &User,
    password: &str,
) -> Result<(), Refusal> {
    check_enabled(&[account])?;
    let known = account.password.as_ref();
    let is_right = known.is_some_and(|known| known.matches(password));
    count_attempt(world, now, account, password, is_right)?;
    match account.password_expired {
        true => Err(Refusal::invalid_grant(50055, "Password is expired.")),
        false => Ok(()),
    }
}

/// Counts an attempt to prove a factor, right or wrong.
///
/// # Errors
/// 50053 if the account is locked, 50126 if the attempt was wrong.
pub(in super::super) fn count_attempt(
    world: &World,
    now: OffsetDateTime,
    account: &User,
    entered: &str,
    is_right: bool,
) -> Result<(), Refusal> {
    let now = now.unix_timestamp();
    let verdict = match account.locked {
        true => Verdict::Locked,
        false => world
            .entra
            .lockout
            .attempt(account.id, entered, is_right, now),
    };
    match verdict {
        Verdict::Locked => Err(Refusal::invalid_grant(
            50053,
            "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
        )),
        Verdict::Wrong => Err(Refusal::invalid_grant(
            50126,
            "Error validating credentials due to invalid username or password.",
        )),
        Verdict::Right => Ok(()),
    }
}
