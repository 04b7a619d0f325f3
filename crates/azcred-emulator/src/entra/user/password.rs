//! Signing in by name and password: the grant `password` (RFC 6749 section 4.3).

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

/// Answers the grant.
///
/// # Errors
/// 9001023 at `common` and `consumers`; 50034, 50057, 50053, 50126, 50055 for what is wrong with
/// the account or its password; 90072 where the account is not in the tenant; and whatever is
/// wrong with client or scope.
pub(in super::super) fn grant(ask: &UserTokenRequest<'_>) -> Result<Value, Refusal> {
    if let Authority::Any(name @ ("common" | "consumers")) = ask.authority {
        return Err(Refusal::invalid_grant(
            9_001_023,
            format!(
                "The grant type is not supported over the /{name} endpoint. Please use the /organizations or \
                 tenant-specific endpoint."
            ),
        ));
    }
    // A tenant knows its own applications; without one, only what every tenant knows can be told
    // from a wrong id.
    let application = match ask.authority {
        Authority::Tenant(tenant) => Some(ask.client(tenant)?),
        Authority::Any(_) => None,
    };
    let name = ask.form.required("username")?;
    let password = ask.form.get("password").ok_or_else(|| {
        Refusal::invalid_request(
            90014,
            "The required field 'password' is missing from the credential. Ensure that you have all the necessary \
             parameters for the login request.",
        )
    })?;
    let asked = ask.asked(None)?;
    let account = ask.directory.account(name).ok_or_else(|| {
        Refusal::invalid_grant(
            50034,
            format!(
                "The user account {} does not exist in the {} directory. To sign into this application, the account \
                 must be added to the directory.",
                clip(name),
                clip(name.rsplit_once('@').map_or(name, |(_, domain)| domain))
            ),
        )
    })?;
    let tenant = ask.tenant(account)?;
    let application = match application {
        Some(application) => application,
        None => ask.client(tenant)?,
    };
    check_password(ask.world, ask.exchange.now, account, password)?;
    let user = member(ask.directory, account, tenant, application, 90072)?;
    check_enabled(&[user])?;
    let session = Session {
        account,
        tenant,
        user,
        application,
        id: Uuid::new_v4(),
        proofs: Proofs::by_password(ask.exchange.now.unix_timestamp()),
        nonce: None,
        by_device_code: false,
    };
    let resource = ask.permitted(&session, &asked)?;
    token_response::body(ask, &session, &asked, &resource)
}

/// Checks the account and its password.
///
/// # Errors
/// 50057 disabled, 50053 locked, 50126 wrong, 50055 right but expired.
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
        true => Err(Refusal::invalid_grant(50055, "The password is expired.")),
        false => Ok(()),
    }
}

/// Counts an attempt to prove something, right or wrong.
///
/// # Errors
/// 50053 where the account is locked, 50126 where it was wrong.
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
