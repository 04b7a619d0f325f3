//! People who sign in: by password, and from then on by refresh tokens.
//!
//! A request is checked in the order in which Entra ID gives its reasons: the client, what it asks
//! for, the account, and last whether this client may have this resource for this account.

mod answer;
mod authorization_code;
mod claims;
mod host;
mod lockout;
mod password;
mod realm;
mod refresh;
mod scope;
mod sealed;
mod spent;

use super::{
    assertion::Addressee,
    authority::Authority,
    claims_request::ClaimsRequest,
    client::{self, Credentials, Presented},
    conditional_access,
    discovery::Version,
    exchange::Exchange,
    form::Form,
    refusal::Refusal,
    resource::{self, Resource},
    sign_in::Proofs,
};
use crate::{
    directory::{Application, Directory, Tenant, User},
    world::World,
};
use http::StatusCode;

pub(super) use answer::body as granted;
pub(super) use authorization_code::grant as by_authorization_code;
pub(super) use claims::client_info;
pub(super) use password::{check_password, count_attempt, grant as by_password};
pub(super) use realm::user_realm;
pub(super) use refresh::grant as by_refresh_token;

pub(crate) use answer::signed_in;
pub(crate) use host::issue_for_user;
pub(crate) use lockout::Lockout;
pub(crate) use spent::Spent;

pub(in crate::entra) use scope::Asked;

/// A token request of a person, read but not judged.
pub(super) struct Ask<'a> {
    pub(super) world: &'a World,
    pub(super) directory: &'a Directory,
    pub(super) exchange: &'a Exchange,
    pub(super) authority: Authority<'a>,
    pub(super) version: Version,
    pub(super) form: &'a Form,
    pub(super) credentials: &'a Credentials,
}

/// Who signed in, to what, and since when.
pub(crate) struct Session<'a> {
    /// The account, in its home tenant.
    pub(crate) account: &'a User,
    /// The tenant that the tokens are for.
    pub(crate) tenant: &'a Tenant,
    /// What the account is in that tenant: itself or a guest.
    pub(crate) user: &'a User,
    /// The program that acts for the account.
    pub(crate) application: &'a Application,
    /// `sid`: one for all tokens that come from one sign-in.
    pub(crate) id: uuid::Uuid,
    /// What the account has proved, and when.
    pub(crate) proofs: Proofs,
    /// `nonce` of the request for a code, for the `id_token` to repeat (OpenID Connect Core section
    /// 3.1.2.1).
    pub(crate) nonce: Option<&'a str>,
    /// The sign-in was by device code, which stays with the session ('protocol tracking').
    pub(crate) by_device_code: bool,
}

impl<'a> Ask<'a> {
    /// The tenant that is asked, or for `organizations` the account's own.
    pub(super) fn tenant(&self, account: &User) -> Result<&'a Tenant, Refusal> {
        match self.authority {
            Authority::Tenant(tenant) => Ok(tenant),
            Authority::Any(_) => self.directory.tenants.get(&account.tenant).ok_or_else(|| {
                Refusal::invalid_request(90002, "The account's tenant was not found.")
            }),
        }
    }

    /// The client, which has proved itself if it can.
    ///
    /// # Errors
    /// 700016 where it is unknown, 7000218 where it should have proved itself, 700025 where it
    /// can't, and whatever is wrong with what it shows.
    pub(super) fn client(&self, tenant: &Tenant) -> Result<&'a Application, Refusal> {
        let application = client::find(self.directory, tenant, &self.credentials.client_id)?;
        match (application.public_client, &self.credentials.presented) {
            (true, Presented::Nothing) => {}
            (false, Presented::Nothing) => return Err(no_secret()),
            (_, presented) => {
                let to = Addressee {
                    world: self.world,
                    directory: self.directory,
                    tenant,
                    now: self.exchange.now,
                };
                client::prove(presented, application, &to)?;
            }
        }
        Ok(application)
    }

    /// What `claims` asks for.
    ///
    /// # Errors
    /// 90023 for what is no JSON object.
    fn claims(&self) -> Result<ClaimsRequest, Refusal> {
        ClaimsRequest::read(self.form.get("claims"))
    }

    /// What is asked for, by `scope` or, of the v1.0 endpoint, by `resource`.
    fn asked(&self, remembered: Option<&str>) -> Result<Asked, Refusal> {
        let scope = self.form.get("scope");
        match self.version {
            Version::V1 => Asked::of_v1(self.form.required("resource")?, scope),
            Version::V2 => match scope.or(remembered) {
                Some(scope) => Asked::of_v2(scope),
                None => Err(Refusal::missing_parameter("scope")),
            },
        }
    }

    /// The resource that is asked for, once the client may have it for this account.
    ///
    /// # Errors
    /// 500011 for a resource that is not in the tenant, 65001 without consent, 650053 for a
    /// permission that the resource does not have, and whatever Conditional Access says of the
    /// session.
    pub(super) fn permitted(
        &self,
        session: &Session<'_>,
        asked: &Asked,
    ) -> Result<Resource, Refusal> {
        let resource = resource::find(self.world, self.directory, session.tenant, &asked.resource)?;
        asked.check_permissions(session.application, &resource)?;
        let now = self.exchange.now.unix_timestamp();
        conditional_access::check(self.directory, session, &resource, &self.claims()?, now)?;
        check_consent(self.directory, session, &resource)?;
        Ok(resource)
    }
}

/// Whether the client may act for this account at this resource.
///
/// # Errors
/// 65001 where nobody has consented.
pub(super) fn check_consent(
    directory: &Directory,
    session: &Session<'_>,
    resource: &Resource,
) -> Result<(), Refusal> {
    let application = session.application;
    let (client, resource) = (application.app_id, resource.app_id);
    if application.consented
        || client == resource
        || directory.consents.has(session.user.id, client, resource)
    {
        return Ok(());
    }
    Err(Refusal {
        suberror: Some("consent_required"),
        ..invalid_grant(
            65001,
            format!(
                "The user or administrator has not consented to use the application with ID '{}' named '{}'. Send an \
                 interactive authorization request for this user and resource.",
                application.app_id, application.name
            ),
        )
    })
}

/// The account of this object id, in its home tenant.
///
/// # Errors
/// 50034 where it is gone.
pub(super) fn account(directory: &Directory, id: uuid::Uuid) -> Result<&User, Refusal> {
    directory.users.get(&id).ok_or_else(|| {
        invalid_grant(
            50034,
            format!(
                "The user account with the object id {id} does not exist in the directory. To sign into this \
                 application, the account must be added to the directory."
            ),
        )
    })
}

/// What an account is in a tenant.
///
/// # Errors
/// `code`, 50020 or 90072, where it is nobody there.
pub(super) fn member<'a>(
    directory: &'a Directory,
    account: &User,
    tenant: &Tenant,
    application: &Application,
    code: u32,
) -> Result<&'a User, Refusal> {
    directory.account_in(account, tenant.id).ok_or_else(|| {
        invalid_grant(
            code,
            format!(
                "User account '{}' from identity provider 'https://sts.windows.net/{}/' does not exist in tenant \
                 '{}' and cannot access the application '{}'({}) in that tenant. The account needs to be added as \
                 an external user in the tenant first. Sign out and sign in again with a different Azure Active \
                 Directory user account.",
                account.user_principal_name,
                account.tenant,
                tenant.name,
                application.app_id,
                application.name
            ),
        )
    })
}

/// Refuses an account that may not have tokens at all, at home or as the guest it is.
///
/// # Errors
/// 50057.
pub(super) fn check_enabled(users: &[&User]) -> Result<(), Refusal> {
    match users.iter().all(|user| user.enabled) {
        true => Ok(()),
        false => Err(invalid_grant(50057, "The user account is disabled.")),
    }
}

/// A client that can keep a secret did not show one: AADSTS7000218.
pub(super) fn no_secret() -> Refusal {
    Refusal::invalid_client(
        7_000_218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    )
}

pub(super) fn invalid_grant(code: u32, message: impl Into<String>) -> Refusal {
    Refusal::new(code, "invalid_grant", StatusCode::BAD_REQUEST, message)
}
