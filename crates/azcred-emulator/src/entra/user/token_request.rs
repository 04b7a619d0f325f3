//! A token request for a user.
//!
//! The checks have the order of Entra ID's errors: the client, the request, the account, and last
//! whether this client may use this resource for this account.

use crate::{
    directory::{Application, Directory, Tenant, User},
    entra::{
        assertion::Addressee,
        authority::Authority,
        claims_request::ClaimsRequest,
        client::{self, Credentials, Presented, no_secret},
        conditional_access,
        consent::check_consent,
        delegated_scope::RequestedScope,
        exchange::Exchange,
        form::Form,
        refusal::Refusal,
        resource::{self, TokenResource},
        session::Session,
        version::Version,
    },
    world::World,
};

/// A token request for a user, parsed but not yet checked.
pub(in crate::entra) struct UserTokenRequest<'a> {
    pub(in crate::entra) world: &'a World,
    pub(in crate::entra) directory: &'a Directory,
    pub(in crate::entra) exchange: &'a Exchange,
    pub(in crate::entra) authority: Authority<'a>,
    pub(in crate::entra) version: Version,
    pub(in crate::entra) form: &'a Form,
    pub(in crate::entra) credentials: &'a Credentials,
}

impl<'a> UserTokenRequest<'a> {
    /// The tenant of the request, or with `organizations` the account's home tenant.
    pub(in crate::entra) fn tenant(&self, account: &User) -> Result<&'a Tenant, Refusal> {
        match self.authority {
            Authority::Tenant(tenant) => Ok(tenant),
            Authority::Any(_) => self.directory.tenants.get(&account.tenant).ok_or_else(|| {
                Refusal::invalid_request(90002, "The account's tenant was not found.")
            }),
        }
    }

    /// The client, with its credential checked if it is confidential.
    ///
    /// # Errors
    /// 700016 if it is unknown, 7000218 if it sent no credential, 700025 if it is public and sent
    /// one, and the errors of the credential.
    pub(in crate::entra) fn client(&self, tenant: &Tenant) -> Result<&'a Application, Refusal> {
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

    /// The parameter `claims`.
    ///
    /// # Errors
    /// 90023 if it is not a JSON object.
    pub(super) fn claims(&self) -> Result<ClaimsRequest, Refusal> {
        ClaimsRequest::read(self.form.get("claims"))
    }

    /// The requested scope: by `scope`, or at the v1.0 endpoint by `resource`.
    pub(super) fn requested(&self, remembered: Option<&str>) -> Result<RequestedScope, Refusal> {
        let scope = self.form.get("scope");
        match self.version {
            Version::V1 => RequestedScope::of_v1(self.form.required("resource")?, scope),
            Version::V2 => match scope.or(remembered) {
                Some(scope) => RequestedScope::of_v2(scope),
                None => Err(Refusal::missing_parameter("scope")),
            },
        }
    }

    /// The requested resource, if the client may use it for this account.
    ///
    /// # Errors
    /// 500011 if the resource is not in the tenant, 65001 without consent, 650053 for a permission
    /// that the resource does not have, and the errors of Conditional Access.
    pub(in crate::entra) fn permitted(
        &self,
        session: &Session<'_>,
        requested: &RequestedScope,
    ) -> Result<TokenResource, Refusal> {
        let resource = resource::find(
            self.world,
            self.directory,
            session.tenant,
            &requested.resource,
        )?;
        requested.check_permissions(session.application, &resource)?;
        let now = self.exchange.now.unix_timestamp();
        conditional_access::check(self.directory, session, &resource, &self.claims()?, now)?;
        check_consent(self.directory, session, &resource)?;
        Ok(resource)
    }
}
