//! Accounts in token requests: whether an account exists, in which tenant, and whether it may sign
//! in.

use crate::{
    directory::{Application, Directory, Tenant, User},
    entra::refusal::Refusal,
};

/// The account with this object id, in its home tenant.
///
/// # Errors
/// 50034 if it does not exist.
pub(super) fn account(directory: &Directory, id: uuid::Uuid) -> Result<&User, Refusal> {
    directory.users.get(&id).ok_or_else(|| {
        Refusal::invalid_grant(
            50034,
            format!(
                "The user account with the object id {id} does not exist in the directory. To sign into this \
                 application, the account must be added to the directory."
            ),
        )
    })
}

/// The account's user in a tenant.
///
/// # Errors
/// `code`, 50020 or 90072, if the account is neither a member nor a guest.
pub(super) fn member<'a>(
    directory: &'a Directory,
    account: &User,
    tenant: &Tenant,
    application: &Application,
    code: u32,
) -> Result<&'a User, Refusal> {
    directory.account_in(account, tenant.id).ok_or_else(|| {
        Refusal::invalid_grant(
            code,
            format!(
                "User account '{{EmailHidden}}' from identity provider 'https://sts.windows.net/{}/' does not exist in tenant \
                 '{}' and cannot access the application '{}'({}) in that tenant. The account needs to be added as \
                 an external user in the tenant first. Sign out and sign in again with a different Azure Active \
                 Directory user account.",
                account.tenant,
                tenant.name,
                application.app_id,
                application.name
            ),
        )
    })
}

/// Rejects an account that is disabled, in its home tenant or as a guest.
///
/// # Errors
/// 50057.
pub(super) fn check_enabled(users: &[&User]) -> Result<(), Refusal> {
    match users.iter().all(|user| user.enabled) {
        true => Ok(()),
        false => Err(Refusal::invalid_grant(
            50057,
            "The user account is disabled.",
        )),
    }
}
