//! Redeeming a refresh token: the grant `refresh_token` (RFC 6749 section 6).
//!
//! 'Refresh tokens in the Microsoft identity platform': they are bound to a user and a client (or
//! its family), not to a tenant or resource. Every use returns a new one. The old one stays valid
//! unless the seed says otherwise.

use crate::{
    directory::{Application, Tenant, User},
    entra::{
        account::{account, check_enabled, member},
        authority::Authority,
        refusal::Refusal,
        session::Session,
        user::{
            sealed::{InvalidToken, RefreshToken},
            token_request::UserTokenRequest,
            token_response,
        },
    },
    text::iso,
    tokens,
};
use serde_json::Value;
use time::OffsetDateTime;

/// Seconds after which an unused refresh token expires, if the tenant sets nothing else: 90 days.
const INACTIVITY: u32 = 90 * 24 * 3600;

/// Handles the grant.
///
/// # Errors
/// 9002313 and 70000 for a refresh token that is malformed, of another service or client, or used
/// before in a tenant where each has one use; 50173, 700082 and 70008 for one that is revoked or
/// too old; 50057 for a disabled account; 50020 if the account is not in the tenant; and the errors
/// of client and scope.
pub(in super::super) fn grant(request: &UserTokenRequest<'_>) -> Result<Value, Refusal> {
    // A tenant's endpoint knows the client. Without a tenant, the token's account names it.
    if let Authority::Tenant(tenant) = request.authority {
        request.client(tenant)?;
    }
    let text = request.form.required("refresh_token")?;
    let token = RefreshToken::open(text, request.directory).map_err(|why| match why {
        InvalidToken::Malformed => Refusal::invalid_grant(
            9_002_313,
            "Invalid request. Request is malformed or invalid.",
        ),
        InvalidToken::Foreign => {
            Refusal::invalid_grant(70000, "Provided grant is invalid or malformed.")
        }
    })?;
    let account = account(request.directory, token.account)?;
    let tenant = request.tenant(account)?;
    let application = request.client(tenant)?;
    check_client(&token, application)?;
    let requested = request.requested(Some(&token.scope))?;
    check_enabled(&[account])?;
    check_age(&token, account, tenant, request.exchange.now)?;
    let user = member(request.directory, account, tenant, application, 50020)?;
    check_enabled(&[user])?;
    check_revoked(&token, user)?;
    let session = Session {
        account,
        tenant,
        user,
        application,
        id: token.session,
        proofs: token.proofs,
        nonce: None,
        by_device_code: token.by_device_code,
    };
    let resource = request.permitted(&session, &requested)?;
    // A token is used up only if the response has a new one.
    if tenant.refresh_tokens_once && requested.offline && !request.world.entra.spent.spend(token.id)
    {
        return Err(Refusal::invalid_grant(
            70000,
            "Provided grant is invalid or malformed. The refresh token was used already.",
        ));
    }
    token_response::body(request, &session, &requested, &resource)
}

/// Only the client of a token, or a client of its family, can use it.
fn check_client(token: &RefreshToken, application: &Application) -> Result<(), Refusal> {
    let is_its = token.client == application.app_id;
    let is_of_family = token.family.is_some() && token.family == application.family;
    if is_its || is_of_family {
        return Ok(());
    }
    Err(Refusal {
        // MSAL then knows that the client is not in the family, and does not try again.
        suberror: Some("client_mismatch"),
        ..Refusal::invalid_grant(
            70000,
            format!(
                "Provided grant is invalid or malformed. The refresh token was issued to another client than '{}'.",
                application.app_id
            ),
        )
    })
}

/// Whether the token is not revoked, not unused for too long, and its session not too old.
fn check_age(
    token: &RefreshToken,
    account: &User,
    tenant: &Tenant,
    now: OffsetDateTime,
) -> Result<(), Refusal> {
    check_revoked(token, account)?;
    let issued = token.issued / 1_000_000;
    let now = now.unix_timestamp();
    let limit = tenant.refresh_token_inactivity.unwrap_or(INACTIVITY);
    if now.saturating_sub(issued) >= i64::from(limit) {
        return Err(Refusal::invalid_grant(
            700_082,
            format!(
                "The refresh token has expired due to inactivity. The token was issued on {} and was inactive for {}.",
                iso(issued),
                span(limit)
            ),
        ));
    }
    if let Some(limit) = tenant.session_lifetime
        && now.saturating_sub(token.proofs.at) >= i64::from(limit)
    {
        return Err(Refusal::invalid_grant(
            70008,
            format!(
                "The provided authorization code or refresh token has expired due to inactivity. Send a new \
                 interactive authorization request for this user and resource. The session began on {}.",
                iso(token.proofs.at)
            ),
        ));
    }
    Ok(())
}

/// The account's sessions were ended by an administrator, by the user, or by a new password.
fn check_revoked(token: &RefreshToken, account: &User) -> Result<(), Refusal> {
    let valid_from = account.sessions_valid_from;
    match valid_from.filter(|_| tokens::is_revoked(account, token.issued)) {
        None => Ok(()),
        Some(valid_from) => {
            let issued = token.proofs.at;
            Err(Refusal::revoked(issued, valid_from.unix_timestamp()))
        }
    }
}

/// `90.00:00:00`, as the service writes a duration.
fn span(seconds: u32) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    format!(
        "{days}.{:02}:{:02}:{:02}",
        rest / 3600,
        rest % 3600 / 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_as_days_and_a_time() {
        assert_eq!(span(INACTIVITY), "90.00:00:00");
        assert_eq!(span(86_400 + 3600 + 2 * 60 + 3), "1.01:02:03");
    }
}
