//! A program polls whether the person has signed in: the grant `device_code` (RFC 8628 section
//! 3.4).

use crate::{
    clock::millis,
    entra::{
        account,
        authority::Authority,
        delegated_scope::RequestedScope,
        refusal::Refusal,
        session::Session,
        user::{token_request::UserTokenRequest, token_response},
        version::Version,
    },
    entra_state::{Approval, DeviceRequest, Polled},
};
use http::StatusCode;
use serde_json::Value;

/// Answers the grant.
///
/// # Errors
/// 70016 until the person has decided, and `slow_down` for a program that polls too soon; 700171
/// when they declined, 70020 when they took too long, 70018 for a code that is not known or was
/// used, or of another client; 50034, 50057, 50020, 50173 where the account has changed meanwhile;
/// and whatever is wrong with client, scope or policies.
pub(in super::super) fn grant(ask: &UserTokenRequest<'_>) -> Result<Value, Refusal> {
    // A tenant knows its own applications; without one, the account says whose tenant it is.
    if let Authority::Tenant(tenant) = ask.authority {
        ask.client(tenant)?;
    }
    // The v1.0 endpoint calls it `code`.
    let code = match (ask.form.get("device_code"), ask.version) {
        (None, Version::V1) => ask.form.required("code")?,
        _ => ask.form.required("device_code")?,
    };
    let client = ask.credentials.client_id.parse().unwrap_or_default();
    let now = ask.exchange.now;
    match ask.world.entra.devices.poll(code, client, millis(now)) {
        Polled::Approved(pending, approval) => answer(ask, &pending, &approval),
        Polled::Waiting => Err(Refusal::by_code(70016)),
        // Which number goes with it is not published.
        Polled::TooSoon => Err(refuse(
            70016,
            "slow_down",
            "OAuth 2.0 device flow error. The request was repeated sooner than the interval allows. Continue polling \
             at a slower rate.",
        )),
        Polled::Declined => Err(Refusal::by_code(700_171)),
        Polled::Expired => Err(Refusal {
            error: match ask.version {
                Version::V1 => "code_expired",
                Version::V2 => "expired_token",
            },
            ..Refusal::by_code(70020)
        }),
        Polled::Unknown => Err(refuse(
            70018,
            "bad_verification_code",
            "Invalid verification code: the device code does not exist, or has been used.",
        )),
    }
}

/// The tokens of the account that let the program in.
fn answer(
    ask: &UserTokenRequest<'_>,
    pending: &DeviceRequest,
    approval: &Approval,
) -> Result<Value, Refusal> {
    let account = account::account(ask.directory, approval.account)?;
    let tenant = ask.tenant(account)?;
    let application = ask.client(tenant)?;
    // What the person saw is what counts.
    let asked = RequestedScope::of_v2(&pending.scope)?;
    account::check_enabled(&[account])?;
    if let Some(from) = account.sessions_valid_from
        && millis(from) > approval.proved_millis
    {
        return Err(Refusal::revoked(approval.proofs.at, from.unix_timestamp()));
    }
    let user = account::member(ask.directory, account, tenant, application, 50020)?;
    account::check_enabled(&[user])?;
    let session = Session {
        account,
        tenant,
        user,
        application,
        id: approval.session,
        proofs: approval.proofs,
        nonce: None,
        by_device_code: true,
    };
    let resource = ask.permitted(&session, &asked)?;
    token_response::body(ask, &session, &asked, &resource)
}

fn refuse(code: u32, error: &'static str, message: &str) -> Refusal {
    Refusal::new(code, error, StatusCode::BAD_REQUEST, message)
}
