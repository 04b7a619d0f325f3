//! A program polls whether the user has signed in: the grant `device_code` (RFC 8628 section 3.4).

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

/// Handles the grant.
///
/// # Errors
/// 70016 until the user has decided, and `slow_down` for a program that polls too soon; 700171 if
/// the user declined, 70020 if the code expired, 70018 for an unknown or used code, or another
/// client's; 50034, 50057, 50020, 50173 if the account has changed since; and the errors of client,
/// scope and policies.
pub(in super::super) fn grant(request: &UserTokenRequest<'_>) -> Result<Value, Refusal> {
    // A tenant's endpoint knows the client. Without a tenant, the account names it.
    if let Authority::Tenant(tenant) = request.authority {
        request.client(tenant)?;
    }
    // The v1.0 endpoint's name for it is `code`.
    let code = match (request.form.get("device_code"), request.version) {
        (None, Version::V1) => request.form.required("code")?,
        _ => request.form.required("device_code")?,
    };
    let client = request.credentials.client_id.parse().unwrap_or_default();
    let now = request.exchange.now;
    match request.world.entra.devices.poll(code, client, millis(now)) {
        Polled::Approved(pending, approval) => answer(request, &pending, &approval),
        Polled::Waiting => Err(Refusal::by_code(70016)),
        // Microsoft does not publish the code for this error.
        Polled::TooSoon => Err(refuse(
            70016,
            "slow_down",
            "OAuth 2.0 device flow error. The request was repeated sooner than the interval allows. Continue polling \
             at a slower rate.",
        )),
        Polled::Declined => Err(Refusal::by_code(700_171)),
        Polled::Expired => Err(Refusal::by_code(70020)),
        Polled::Unknown => Err(refuse(
            70018,
            "bad_verification_code",
            "Invalid verification code: the device code does not exist, or has been used.",
        )),
    }
}

/// The tokens of the account that approved the program.
fn answer(
    request: &UserTokenRequest<'_>,
    pending: &DeviceRequest,
    approval: &Approval,
) -> Result<Value, Refusal> {
    let account = account::account(request.directory, approval.account)?;
    let tenant = request.tenant(account)?;
    let application = request.client(tenant)?;
    // The scope that the page showed, not one of this request.
    let requested = RequestedScope::of_v2(&pending.scope)?;
    account::check_enabled(&[account])?;
    if let Some(from) = account.sessions_valid_from
        && millis(from) > approval.proved_millis
    {
        return Err(Refusal::revoked(approval.proofs.at, from.unix_timestamp()));
    }
    let user = account::member(request.directory, account, tenant, application, 50020)?;
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
    let resource = request.permitted(&session, &requested)?;
    token_response::body(request, &session, &requested, &resource)
}

fn refuse(code: u32, error: &'static str, message: &str) -> Refusal {
    Refusal::new(code, error, StatusCode::BAD_REQUEST, message)
}
