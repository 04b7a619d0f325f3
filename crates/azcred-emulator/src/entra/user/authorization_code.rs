//! Redeeming an authorization code: the grant `authorization_code` (RFC 6749 section 4.1.3).

use crate::{
    clock::millis,
    entra::{
        account::{check_enabled, member},
        authority::Authority,
        delegated_scope::RequestedScope,
        pkce,
        refusal::Refusal,
        session::Session,
        user::{token_request::UserTokenRequest, token_response},
        version::Version,
    },
    entra_state::{AuthorizationCode, NotRedeemed},
    text::clip,
};
use serde_json::Value;

/// Handles the grant.
///
/// # Errors
/// 70000 for an unknown code or another client's; 54005 for a used one, 70008 for an expired one;
/// 700005 at another tenant, 500112 for another redirect URI, 50148 and 501481 for a wrong
/// verifier; 50173 if the account's sessions have been revoked since; and the errors of client and
/// scope.
pub(in super::super) fn grant(request: &UserTokenRequest<'_>) -> Result<Value, Refusal> {
    // A tenant's endpoint knows the client. Without a tenant, the code's account names it.
    if let Authority::Tenant(tenant) = request.authority {
        request.client(tenant)?;
    }
    let text = request.form.required("code")?;
    let now = request.exchange.now.unix_timestamp();
    let codes = &request.world.entra.codes;
    let code = codes
        .redeem(text, now, |code| check(request, code))
        .map_err(not_redeemed)?;
    let directory = request.directory;
    let account = directory.users.get(&code.account).ok_or_else(|| {
        Refusal::invalid_grant(
            50034,
            "The user account does not exist in the directory. To sign into this application, the account must be \
             added to the directory.",
        )
    })?;
    let tenant = directory.tenants.get(&code.tenant).ok_or_else(|| {
        Refusal::invalid_request(
            90002,
            "The tenant that the code was issued for was not found.",
        )
    })?;
    let application = request.client(tenant)?;
    check_enabled(&[account])?;
    if account
        .sessions_valid_from
        .is_some_and(|from| millis(from) > code.proved_millis)
    {
        return Err(Refusal::by_code(50173));
    }
    let user = member(directory, account, tenant, application, 50020)?;
    check_enabled(&[user])?;
    let session = Session {
        account,
        tenant,
        user,
        application,
        id: code.session,
        proofs: code.proofs,
        nonce: code.nonce.as_deref(),
        by_device_code: false,
    };
    let requested = match (request.version, request.form.get("resource")) {
        (Version::V1, None) => RequestedScope::of_v1(&code.resource, Some(&code.scope))?,
        _ => request.requested(Some(&code.scope))?,
    };
    let resource = request.permitted(&session, &requested)?;
    token_response::body(request, &session, &requested, &resource)
}

fn not_redeemed(why: NotRedeemed<Refusal>) -> Refusal {
    match why {
        NotRedeemed::Unknown => Refusal::invalid_grant(
            70000,
            "Provided grant is invalid or malformed: the code is not one of this service's.",
        ),
        NotRedeemed::Used => Refusal::invalid_grant(
            54005,
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing \
             refresh token.",
        ),
        NotRedeemed::Expired => Refusal::invalid_grant(
            70008,
            "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive \
             authorization request for this user and resource.",
        ),
        NotRedeemed::Refused(refusal) => refusal,
    }
}

/// Checks that the client which redeems a code is the one that got it.
fn check(request: &UserTokenRequest<'_>, code: &AuthorizationCode) -> Result<(), Refusal> {
    if code.client.to_string() != request.credentials.client_id.to_ascii_lowercase() {
        return Err(Refusal::invalid_grant(
            70000,
            format!(
                "Provided grant is invalid or malformed. The code was issued to another client than '{}'.",
                clip(&request.credentials.client_id)
            ),
        ));
    }
    let is_its_tenant = match request.authority {
        Authority::Tenant(tenant) => tenant.id == code.tenant,
        Authority::Any(_) => code.of_any,
    };
    if !is_its_tenant {
        return Err(Refusal::invalid_grant(
            700_005,
            "Provided Authorization Code is intended to use against other tenant, thus rejected.",
        ));
    }
    let address = request.form.required("redirect_uri")?;
    if address != code.redirect_uri {
        return Err(Refusal::invalid_grant(
            500_112,
            format!(
                "The reply address '{}' does not match the reply address '{}' provided when requesting Authorization \
                 code.",
                clip(address),
                clip(&code.redirect_uri)
            ),
        ));
    }
    pkce::check(code.challenge.as_ref(), request.form.get("code_verifier"))
}
